from __future__ import annotations

from pathlib import Path

from sentence_transformers.sentence_transformer.modules import WordWeights as PeerWordWeights

from sensorium.modules.word_weights import WordWeights
from tests.modules.interchange import assert_interchangeable, token_features

VOCAB = ["apple", "Pie", "PIE", "the", "zoo"]
WEIGHTS = {"apple": 0.5, "pie": 2.0, "Pie": 3, "The": 9.0}


def test_folders_are_interchangeable(tmp_path: Path) -> None:
    ours, theirs = WordWeights(VOCAB, WEIGHTS, 0.25), PeerWordWeights(VOCAB, WEIGHTS, 0.25)
    assert ours.emb_layer.weight.flatten().tolist() == [0.5, 3.0, 2.0, 0.25, 0.25]
    assert_interchangeable(ours, theirs, token_features(), tmp_path)
