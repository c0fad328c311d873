from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sentence_transformers.sentence_transformer.modules import CNN as PeerCNN  # noqa: N811

from sensorium.modules.cnn import CNN
from tests.modules.interchange import assert_interchangeable, token_features


@pytest.mark.parametrize(
    "arguments", [{}, {"out_channels": 5}, {"kernel_sizes": [2, 4]}, {"kernel_sizes": [1, 3], "stride_sizes": [2, 2]}]
)
def test_folders_are_interchangeable(arguments: dict[str, Any], tmp_path: Path) -> None:
    ours, theirs = CNN(8, **arguments), PeerCNN(8, **arguments)
    assert_interchangeable(ours, theirs, token_features(), tmp_path)
    assert ours.get_embedding_dimension() == theirs.get_embedding_dimension()


def test_older_name_of_the_width_loads(tmp_path: Path) -> None:
    CNN(8, 3).save(str(tmp_path))
    path = tmp_path / "cnn_config.json"
    config = json.loads(path.read_text())
    config["in_word_embedding_dimension"] = config.pop("in_embedding_dimension")
    path.write_text(json.dumps(config))
    assert CNN.load(str(tmp_path)).in_embedding_dimension == 8


def test_default_kernel_sizes_are_not_shared() -> None:
    CNN(8).kernel_sizes.append(7)
    assert CNN(8).kernel_sizes == [1, 3, 5]
