"""A reranker orders what was found; what it cannot read keeps its order behind."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sensorium.collection.reranking import rerank
from sensorium.collection.results import ScoreParts
from sensorium.collection.searching import Ranked
from sensorium.errors import InputError, MediaError, MissingExtraError
from sensorium.media.samples import Part, Sample
from sensorium.store import Row

QUERY = Sample("text", (Part("text", "a question", True),))


class FakeReranker:
    """Gives texts the scores that stand in them, and notes what it was given."""

    def __init__(self, modalities: Sequence[str] = ("text", "image")) -> None:
        self.modalities = list(modalities)
        self.given: list[Any] = []

    def rank(self, query: Any, documents: list[Any], *, on_error: str, return_report: bool) -> SimpleNamespace:
        assert (query, on_error, return_report) == (QUERY, "skip", True)
        self.given = [document.parts[0].value for document in documents]
        scores = [float(value.split()[-1]) for value in self.given]
        ranking = [{"corpus_id": place, "score": score} for place, score in enumerate(scores)]
        return SimpleNamespace(ranking=sorted(ranking, key=lambda entry: -entry["score"]))


def make_ranked(number: int, text: str | None = None, modality: str = "text") -> Ranked:
    vector = np.ones(2, np.float32)
    row = Row(id=f"{number}", key=f"{number}", path=None, modality=modality, digest="d", vector=vector, text=text)
    return Ranked(row, ScoreParts(cosine=1 - number / 10))


def read(row: Row) -> Sample:
    return Sample("text", (Part("text", row.text, True),))


def ids(ranked: Sequence[Ranked]) -> str:
    return "".join(one.row.id for one in ranked)


def test_the_rerankers_order_and_its_score() -> None:
    found = [make_ranked(number, f"word {score}") for number, score in enumerate((0.1, 0.9, 0.5))]
    ranked = rerank(QUERY, found, FakeReranker(), read)
    assert ids(ranked) == "120"
    assert [one.score for one in ranked] == [one.parts.rerank for one in ranked] == [0.9, 0.5, 0.1]
    assert [one.parts.cosine for one in ranked] == [0.9, 0.8, 1.0]  # what was known stays known


def test_equal_scores_keep_the_order() -> None:
    found = [make_ranked(number, "same 0.5") for number in range(4)]
    assert ids(rerank(QUERY, found, FakeReranker(), read)) == "0123"


@pytest.mark.parametrize("error", [MediaError("broken"), MissingExtraError("no package")])
def test_what_cannot_be_read_comes_last_in_its_order(error: Exception) -> None:
    found = [make_ranked(number, f"word {number}") for number in range(5)]

    def read_some(row: Row) -> Sample | None:
        if row.id == "1":
            raise error
        return None if row.id == "3" else read(row)

    ranked = rerank(QUERY, found, FakeReranker(), read_some)
    assert ids(ranked) == "42013"
    assert [one.parts.rerank for one in ranked[3:]] == [None, None]
    assert ranked[3].score == pytest.approx(0.9)


def test_what_the_reranker_gives_no_number_for_comes_last() -> None:
    found = [make_ranked(number, f"word {value}") for number, value in enumerate((0.2, math.nan, 0.7))]
    assert ids(rerank(QUERY, found, FakeReranker(), read)) == "201"


def test_nothing_to_read_leaves_the_order() -> None:
    found = [make_ranked(number, modality="audio") for number in range(3)]
    reranker = FakeReranker()
    assert ids(rerank(QUERY, found, reranker, read)) == "012"
    assert reranker.given == []
    assert rerank(QUERY, [], reranker, read) == []


def test_a_page_is_read_by_its_words_where_pictures_are_not_taken() -> None:
    found = [make_ranked(0, "page 0.3", "image"), make_ranked(1, None, "image"), make_ranked(2, "text 0.4")]
    reranker = FakeReranker(["text"])
    assert ids(rerank(QUERY, found, reranker, read)) == "201"
    assert reranker.given == ["page 0.3", "text 0.4"]


def test_parts_of_a_mixture_must_all_be_taken() -> None:
    found = [make_ranked(0, "mixture 0.3", "image+text"), make_ranked(1, "heard 0.9", "audio+text")]
    reranker = FakeReranker(["image"])
    assert ids(rerank(QUERY, found, reranker, read)) == "01"
    assert reranker.given == []


def test_a_bare_vector_cannot_be_asked_with() -> None:
    with pytest.raises(InputError, match="vector"):
        rerank(None, [make_ranked(0, "word 1")], FakeReranker(), read)
