from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from sentence_transformers.sentence_transformer.modules import LSTM as PeerLSTM  # noqa: N811

from sensorium.modules.lstm import LSTM
from tests.modules.interchange import TOLERANCE, assert_interchangeable, run, token_features


@pytest.mark.parametrize(
    "arguments",
    [{}, {"num_layers": 2, "dropout": 0.1}, {"bidirectional": False}, {"num_layers": 2, "bidirectional": False}],
)
def test_folders_are_interchangeable(arguments: dict[str, Any], tmp_path: Path) -> None:
    ours, theirs = LSTM(8, 5, **arguments), PeerLSTM(8, 5, **arguments)
    assert_interchangeable(ours, theirs, token_features(), tmp_path)
    assert ours.get_embedding_dimension() == theirs.get_embedding_dimension()


def test_lengths_come_from_the_mask_where_they_are_not_given() -> None:
    module, features = LSTM(8, 5), token_features()
    expected = run(module, features)["token_embeddings"]
    del features["sentence_lengths"]
    assert torch.equal(run(module, features)["token_embeddings"], expected)


def test_empty_sequence_gives_zeros_and_changes_no_other() -> None:
    module, features = LSTM(8, 5), token_features()
    expected = run(module, features)["token_embeddings"]
    features["sentence_lengths"][1] = 0
    found = run(module, features)["token_embeddings"]
    assert not found[1].any()
    torch.testing.assert_close(found[[0, 2, 3]], expected[[0, 2, 3]], **TOLERANCE)


def test_older_name_of_the_width_loads(tmp_path: Path) -> None:
    LSTM(8, 3).save(str(tmp_path))
    path = tmp_path / "lstm_config.json"
    config = json.loads(path.read_text())
    config["word_embedding_dimension"] = config.pop("embedding_dimension")
    path.write_text(json.dumps(config))
    assert LSTM.load(str(tmp_path)).embedding_dimension == 8
