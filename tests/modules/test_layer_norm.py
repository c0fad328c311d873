from __future__ import annotations

from pathlib import Path

import torch
from sentence_transformers.sentence_transformer.modules import LayerNorm as PeerLayerNorm

from sensorium.modules.layer_norm import LayerNorm
from tests.modules.interchange import assert_interchangeable


def test_folders_are_interchangeable(tmp_path: Path) -> None:
    theirs = PeerLayerNorm(6)
    torch.nn.init.normal_(theirs.norm.weight)
    torch.nn.init.normal_(theirs.norm.bias)
    assert_interchangeable(LayerNorm(6), theirs, {"sentence_embedding": torch.randn(3, 6)}, tmp_path)
    assert LayerNorm(6).get_embedding_dimension() == 6
