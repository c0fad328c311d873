from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from sentence_transformers.sentence_transformer.modules import WeightedLayerPooling as PeerWeightedLayerPooling

from sensorium.modules.weighted_layer_pooling import WeightedLayerPooling
from tests.modules.interchange import assert_interchangeable, run


def _features(dtype: torch.dtype = torch.float32) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(0)
    layers = tuple(torch.randn(2, 3, 4, generator=generator).to(dtype) for _ in range(6))
    return {"all_layer_embeddings": layers, "token_embeddings": layers[-1]}


@pytest.mark.parametrize("layer_start", [0, 2, 5])
def test_folders_are_interchangeable(layer_start: int, tmp_path: Path) -> None:
    theirs = PeerWeightedLayerPooling(4, 5, layer_start)
    torch.nn.init.uniform_(theirs.layer_weights, 0.1, 1.0)
    features = _features()
    ours = WeightedLayerPooling(4, 5, layer_start, theirs.layer_weights)
    expected = run(theirs, features)["token_embeddings"]
    torch.testing.assert_close(run(ours, features)["token_embeddings"], expected, rtol=0, atol=1e-6)
    assert_interchangeable(ours, theirs, features, tmp_path)


def test_weights_given_are_copied_and_learnt() -> None:
    module = WeightedLayerPooling(4, 2, 1, [1.0, 3.0])
    assert module.layer_weights.tolist() == [1.0, 3.0]
    assert module.layer_weights.requires_grad


def test_half_precision_comes_back_in_its_type() -> None:
    module = WeightedLayerPooling(4, 5, 1)
    found = run(module, _features(torch.bfloat16))["token_embeddings"]
    assert found.dtype is torch.bfloat16
    wide = {"all_layer_embeddings": [layer.float() for layer in _features(torch.bfloat16)["all_layer_embeddings"]]}
    assert torch.equal(found, run(module, wide)["token_embeddings"].bfloat16())


def test_missing_layers_change_nothing_and_say_how_to_get_them(caplog: Any) -> None:
    features = {"token_embeddings": torch.ones(1, 1, 4)}
    with caplog.at_level(logging.WARNING, logger="sensorium.modules"):
        assert run(WeightedLayerPooling(4), features).keys() == features.keys()
    assert "output_hidden_states" in caplog.text


def test_older_name_of_the_width_works(tmp_path: Path) -> None:
    assert WeightedLayerPooling(word_embedding_dimension=4).embedding_dimension == 4  # type: ignore[call-arg]
    WeightedLayerPooling(4, 2, 1).save(str(tmp_path))
    (tmp_path / "config.json").write_text('{"word_embedding_dimension": 4, "layer_start": 1, "num_hidden_layers": 2}')
    assert WeightedLayerPooling.load(str(tmp_path)).embedding_dimension == 4
