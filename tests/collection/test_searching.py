"""Finding rows in a real store, with vectors whose nearness is known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sensorium.collection.balance import Balance
from sensorium.collection.querying import Query
from sensorium.collection.results import ScoreParts
from sensorium.collection.searching import Ranked, Scope, find, to_results
from sensorium.store import LanceStore, Row
from tests.collection.fakes import make_manifest

DIM = 16
EVERYTHING = Scope()


def make_row(name: str, vector: np.ndarray, modality: str = "text", **fields: Any) -> Row:
    return Row(id=name, key=f"{name}.x", path=f"/f/{name}", modality=modality, digest=name, vector=vector, **fields)


def at_angle(cosine: float, axis: int = 1) -> np.ndarray:
    """Give a vector with this cosine to the first axis."""
    vector = np.zeros(DIM, np.float32)
    vector[0], vector[axis] = cosine, np.sqrt(1 - cosine**2)
    return vector


QUERY = Query(at_angle(1.0), "text")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LanceStore]:
    with LanceStore.create(tmp_path / "store", make_manifest(dim=DIM)) as made:
        yield made


def ids(ranked: list[Ranked]) -> list[str]:
    return [one.row.id for one in ranked]


@pytest.fixture
def gapped(store: LanceStore) -> LanceStore:
    """Texts with cosines about 0.8 and pictures about 0.2, as a gap makes them; one picture stands out."""
    lot = np.random.default_rng(0)
    rows = []
    for modality, usual in (("text", 0.8), ("image", 0.2)):
        for number in range(30):
            cosine = usual + lot.normal(0, 0.02)
            rows.append(make_row(f"{modality}-{number:02d}", at_angle(cosine, 2 + number % 14), modality))
    rows.append(make_row("right", at_angle(0.5), "image"))
    store.write(rows)
    return store


def test_by_cosine(gapped: LanceStore) -> None:
    found = find(gapped, QUERY, 5, EVERYTHING, None, is_hybrid=True)
    assert {one.row.modality for one in found} == {"text"}
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    for one in found:
        assert one.row.vector is not None
        assert one.parts == ScoreParts(cosine=pytest.approx(float(one.row.vector[0]), abs=1e-6))


def test_balanced(gapped: LanceStore) -> None:
    rows = list(gapped.scan(with_vectors=True))
    vectors = {
        name: np.stack([row.vector for row in rows if row.modality == name and row.vector is not None])
        for name in ("text", "image")
    }
    found = find(gapped, QUERY, 10, EVERYTHING, Balance.estimate(vectors), is_hybrid=True)
    assert ids(found)[0] == "right"
    assert {one.row.modality for one in found} == {"text", "image"}
    assert all(one.score == one.parts.balanced for one in found)
    assert [one.parts.cosine for one in found] != sorted((one.parts.cosine or 0 for one in found), reverse=True)


def test_a_scope_narrows_it(gapped: LanceStore) -> None:
    found = find(gapped, QUERY, 100, Scope(modality=("image",)), None, is_hybrid=True)
    assert len(found) == 31
    found = find(gapped, QUERY, 100, Scope(where={"key": ["right.x", "text-03.x"]}), None, is_hybrid=True)
    assert ids(found) == ["text-03", "right"]


def test_a_record_is_not_found_by_itself(gapped: LanceStore) -> None:
    row = gapped.get(["right"])["right"]
    assert row.vector is not None
    found = find(gapped, Query(row.vector, "image", record_id="right"), 100, EVERYTHING, None, is_hybrid=True)
    assert len(found) == 60
    assert "right" not in ids(found)


def test_equal_scores_are_in_the_order_of_ids(store: LanceStore) -> None:
    store.write([make_row(name, at_angle(0.5)) for name in "dacb"])
    assert ids(find(store, QUERY, 4, EVERYTHING, None, is_hybrid=False)) == list("abcd")


class TestWords:
    @pytest.fixture
    def worded(self, store: LanceStore) -> LanceStore:
        """Passages by nearness a, b, c; only c, the farthest, says `zeppelin`. A picture lies between."""
        store.write(
            [
                make_row("a", at_angle(0.9), text="an airship of the navy"),
                make_row("P", at_angle(0.8), "image"),
                make_row("b", at_angle(0.7), text="the airship in its hall"),
                make_row("c", at_angle(0.1), text="the zeppelin landed"),
            ]
        )
        return store

    def test_a_word_brings_a_passage_up(self, worded: LanceStore) -> None:
        query = Query(at_angle(1.0), "text", "where is the zeppelin")
        found = find(worded, query, 4, EVERYTHING, None, is_hybrid=True)
        assert ids(found) == ["c", "P", "a", "b"]
        first = found[0].parts
        assert first.text is not None
        assert first.text > 0
        assert first.fused == found[0].score == pytest.approx(1 / 61)
        assert first.cosine == pytest.approx(0.1, abs=1e-6)
        assert found[1].parts.text is None

    def test_not_where_nobody_asks_for_it(self, worded: LanceStore) -> None:
        query = Query(at_angle(1.0), "text", "zeppelin")
        assert ids(find(worded, query, 4, EVERYTHING, None, is_hybrid=False)) == ["a", "P", "b", "c"]
        without = Query(at_angle(1.0), "text", None)
        assert ids(find(worded, without, 4, EVERYTHING, None, is_hybrid=True)) == ["a", "P", "b", "c"]

    def test_words_that_nothing_has_leave_the_order(self, worded: LanceStore) -> None:
        found = find(worded, Query(at_angle(1.0), "text", "submarine"), 4, EVERYTHING, None, is_hybrid=True)
        assert ids(found) == ["a", "P", "b", "c"]
        assert found[0].parts.fused is None

    def test_the_scope_holds_for_words_too(self, worded: LanceStore) -> None:
        query = Query(at_angle(1.0), "text", "zeppelin")
        assert ids(find(worded, query, 4, Scope(where={"key": "a.x"}), None, is_hybrid=True)) == ["a"]
        assert ids(find(worded, query, 4, Scope(modality=("image",)), None, is_hybrid=True)) == ["P"]

    def test_a_passage_far_from_the_question_is_found_by_its_word(self, store: LanceStore) -> None:
        """Farther than any candidate that is fetched by its vector."""
        lot = np.random.default_rng(0)
        store.write(
            [make_row(f"{number:03d}", at_angle(lot.uniform(0.5, 0.9)), text=f"note {number}") for number in range(200)]
        )
        store.write([make_row("far", at_angle(-0.9), text="the zeppelin landed")])
        found = find(store, Query(at_angle(1.0), "text", "zeppelin"), 3, EVERYTHING, None, is_hybrid=True)
        assert "far" in ids(found)[:2]


class TestResults:
    def test_they_have_what_a_caller_needs(self, store: LanceStore) -> None:
        store.write(
            [
                make_row(
                    "a",
                    at_angle(0.9),
                    text="nothing " * 60 + "the zeppelin",
                    metadata={"year": 1931},
                    thumbnail=b"picture",
                )
            ]
        )
        ranked = find(store, QUERY, 1, EVERYTHING, None, is_hybrid=False)
        (result,) = to_results(store, ranked, "where is the zeppelin?")
        assert (result.id, result.key, result.path, result.modality) == ("a", "a.x", "/f/a", "text")
        assert result.score == result.parts.cosine
        assert result.snippet is not None
        assert "the zeppelin" in result.snippet
        assert (result.metadata, result.thumbnail) == ({"year": 1931}, b"picture")

    def test_a_record_that_was_removed_meanwhile_is_left_out(self, store: LanceStore) -> None:
        store.write([make_row(name, at_angle(0.5)) for name in "ab"])
        ranked = find(store, QUERY, 2, EVERYTHING, None, is_hybrid=False)
        store.delete(ids=["a"])
        assert [one.id for one in to_results(store, ranked, None)] == ["b"]


@pytest.mark.parametrize(
    ("parts", "score"),
    [
        ({}, 0.0),
        ({"cosine": 0.5}, 0.5),
        ({"cosine": 0.5, "balanced": -2.0}, -2.0),
        ({"cosine": 0.5, "balanced": 2.0, "fused": 0.01}, 0.01),
        ({"cosine": 0.5, "fused": 0.01, "rerank": 0.0}, 0.0),
    ],
)
def test_the_score_is_the_last_thing_known(parts: dict[str, float], score: float) -> None:
    assert Ranked(make_row("a", at_angle(1.0)), ScoreParts(**parts)).score == score
