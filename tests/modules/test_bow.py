from __future__ import annotations

from pathlib import Path

import pytest
import torch
from sentence_transformers.sentence_transformer.modules import BoW as PeerBoW

from sensorium.errors import InputError
from sensorium.modules.bow import BoW

VOCAB = ["apple", "Pie", "the", "zoo"]
WEIGHTS = {"apple": 0.5, "pie": 2.0, "The": 9.0}
TEXTS = ["apple Pie, the the (zoo) apple", "", "nothing known", "THE ZOO!"]


@pytest.mark.parametrize("is_cumulative", [True, False])
@pytest.mark.parametrize("prompt", [None, "zoo "])
def test_folders_are_interchangeable(is_cumulative: bool, prompt: str | None, tmp_path: Path) -> None:
    theirs = PeerBoW(VOCAB, WEIGHTS, 0.25, is_cumulative)
    ours = BoW(VOCAB, WEIGHTS, 0.25, is_cumulative)
    expected = theirs(theirs.preprocess(TEXTS, prompt=prompt))["sentence_embedding"]
    for name, module, loader in (("a", theirs, BoW), ("b", ours, PeerBoW), ("c", ours, BoW)):
        folder = tmp_path / name
        folder.mkdir()
        module.save(str(folder))
        loaded = loader.load(str(folder))
        assert loaded.get_config_dict() == theirs.get_config_dict()
        found = loaded(loaded.preprocess(TEXTS, prompt=prompt))["sentence_embedding"]
        assert torch.equal(found, expected)
    assert ours.get_embedding_dimension() == 4


def test_word_ids_become_vectors() -> None:
    assert BoW(["a", "b"]).get_sentence_features([[0, 0, 1], []])["sentence_embedding"].tolist() == [[2, 1], [0, 0]]


def test_words_that_occur_twice_have_one_component() -> None:
    assert BoW(["a", "a", "b"]).get_embedding_dimension() == PeerBoW(["a", "a", "b"]).get_embedding_dimension()


def test_pairs_are_joined_and_other_inputs_refused() -> None:
    module = BoW(["a", "b"])
    assert module.preprocess([("a", "b")])["sentence_embedding"].tolist() == [[1, 1]]
    assert module.preprocess([])["sentence_embedding"].shape == (0, 2)
    with pytest.raises(InputError, match="BoW takes only text"):
        module.preprocess([3])
