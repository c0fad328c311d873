from __future__ import annotations

from pathlib import Path

import torch
from sentence_transformers.sentence_transformer.modules import Dropout as PeerDropout

from sensorium.modules.dropout import Dropout
from tests.modules.interchange import assert_interchangeable


def test_folders_are_interchangeable(tmp_path: Path) -> None:
    features = {"sentence_embedding": torch.randn(3, 6)}
    assert_interchangeable(Dropout(0.3), PeerDropout(0.3), features, tmp_path)


def test_acts_only_in_training() -> None:
    features = {"sentence_embedding": torch.ones(10, 100)}
    assert Dropout(0.5).eval()(dict(features))["sentence_embedding"].eq(1).all()
    dropped = Dropout(0.5).train()(dict(features))["sentence_embedding"]
    assert 0.3 < dropped.eq(0).float().mean() < 0.7
