from __future__ import annotations

from pathlib import Path

import pytest
import torch
from sentence_transformers.base.modules import Normalize as PeerNormalize

from sensorium.modules.normalize import Normalize
from tests.modules.interchange import assert_interchangeable, run


def test_equals_the_peer_to_the_bit() -> None:
    features = {"sentence_embedding": torch.randn(5, 9), "token_embeddings": torch.randn(2, 3, 9)}
    features["sentence_embedding"][2] = 0
    for arguments in ((), ("token_embeddings",), ("token_embeddings", "other")):
        ours, theirs = run(Normalize(*arguments), features), run(PeerNormalize(*arguments), features)
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_zeros_stay_zeros_and_absent_features_pass() -> None:
    assert not run(Normalize(), {"sentence_embedding": torch.zeros(1, 3)})["sentence_embedding"].any()
    assert run(Normalize(), {"x": 1}) == {"x": 1}


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32(dtype: torch.dtype) -> None:
    vectors = (torch.randn(4, 300) * 100).to(dtype)  # the squared length overflows float16
    found = run(Normalize(), {"sentence_embedding": vectors})["sentence_embedding"]
    assert found.dtype is dtype
    assert torch.equal(found, torch.nn.functional.normalize(vectors.float(), dim=-1).to(dtype))
    assert found.isfinite().all()


def test_folders_are_interchangeable(tmp_path: Path) -> None:
    features = {"a": torch.randn(2, 3)}
    assert_interchangeable(Normalize("a", "b"), PeerNormalize("a", "b"), features, tmp_path)


def test_loads_without_a_file(tmp_path: Path) -> None:
    assert Normalize.load().module_input_name == "sentence_embedding"
    assert Normalize.load(str(tmp_path)).module_output_name == "sentence_embedding"
    (tmp_path / "config.json").write_text('{"module_input_name": "a"}')
    assert Normalize.load(str(tmp_path)).module_output_name == "a"
