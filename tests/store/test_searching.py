"""Exact search is NumPy's; an index finds nearly the same; words find what has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sensorium.errors import InputError
from sensorium.store import IndexPolicy, LanceStore, UpkeepPolicy
from tests.store.rows import DIM, make_manifest, make_row, make_store, make_vector


def _cosines(query: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return rows @ query / np.linalg.norm(rows, axis=1) / np.linalg.norm(query)


def test_scores_are_cosines_best_first(store: LanceStore) -> None:
    query = make_vector(1000) * 37
    expected = _cosines(query, np.stack([make_vector(number) for number in range(20)]))
    hits = store.search(query, 20)
    assert [hit.id for hit in hits] == [f"row-{number}" for number in np.argsort(-expected)]
    np.testing.assert_allclose([hit.score for hit in hits], np.sort(expected)[::-1], atol=1e-6)
    assert all(hit.text_score is None for hit in hits)


def test_fewer_rows_than_asked_for(store: LanceStore) -> None:
    assert len(store.search(make_vector(0), 1000)) == 20
    assert store.search(make_vector(0), 5, where="false") == []


def test_an_empty_store_finds_nothing(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        assert store.search(make_vector(0), 5) == []
        assert store.search_text("fox", 5) == []
        assert store.get(["a"]) == {}
        assert list(store.scan()) == []
        assert store.count() == 0
        store.optimize()


def test_rows_of_one_score_are_ordered_by_id(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.write([make_row(number, vector=make_vector(5), text="same words") for number in (3, 1, 2)])
        assert [hit.id for hit in store.search(make_vector(5), 3)] == ["row-1", "row-2", "row-3"]
        assert [hit.id for hit in store.search_text("words", 3)] == ["row-1", "row-2", "row-3"]


def test_a_condition_costs_no_hits(store: LanceStore) -> None:
    query = make_vector(7)
    hits = store.search(query, 3, where={"key": "file-0.txt"}, modality=["image", "video"])
    assert len(hits) == 3
    assert all(hit.key == "file-0.txt" and hit.modality == "image" for hit in hits)
    assert [hit.id for hit in store.search(query, 20, modality="audio")] == []


def test_what_comes_along_is_chosen(store: LanceStore) -> None:
    store.write([make_row(0, thumbnail=b"png")])
    for search in (lambda **o: store.search(make_vector(0), 1, **o), lambda **o: store.search_text("number0", 1, **o)):
        (hit,) = search()
        assert (hit.vector, hit.thumbnail) == (None, b"png")
        (hit,) = search(with_vectors=True, with_thumbnails=False)
        np.testing.assert_array_equal(hit.vector, make_vector(0))
        assert hit.thumbnail is None


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        (np.ones(DIM - 1), "shape"),
        (np.ones((1, DIM)), "shape"),
        (np.full(DIM, np.inf), "not finite"),
        (np.zeros(DIM), "no direction"),
        ("words", "not an array"),
    ],
)
def test_queries_that_cannot_be_compared_are_refused(store: LanceStore, vector: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        store.search(vector, 3)


@pytest.mark.parametrize("top_k", [0, -1, 2.5, True, None])
def test_top_k_is_a_number_of_rows(store: LanceStore, top_k: object) -> None:
    with pytest.raises(InputError, match="top_k"):
        store.search(make_vector(0), top_k)
    with pytest.raises(InputError, match="top_k"):
        store.search_text("fox", top_k)


@pytest.mark.parametrize("words", ["", "  ", "\n", "''\"", "( AND ) *~^:"])
def test_signs_have_no_meaning(store: LanceStore, words: str) -> None:
    assert store.search_text(words, 5) == []
    found = store.search_text(f"{words} number7", 5)
    assert found[0].id == "row-7"


def test_words_are_found_in_any_script_case_and_form(tmp_path: Path) -> None:
    texts = {
        "quote": "O'Brien's file_name-2.jpg",
        "chinese": "今天天气很好我们去公园",
        "german": "Über die Straße läuft ein Fuchs",
        "english": "Foxes were running to be or not to be",
        "none": None,
    }
    with make_store(tmp_path) as store:
        store.write([make_row(number, id=one, text=text) for number, (one, text) in enumerate(texts.items())])
        for is_indexed in (False, True):
            if is_indexed:
                store.optimize()
            for words, expected in [
                ("o'brien", "quote"),
                ("file_name", "quote"),
                ("天气", "chinese"),
                ("uber", "german"),
                ("LÄUFT", "german"),
                ("run fox", "english"),
                ("to be", "english"),
            ]:
                assert [hit.id for hit in store.search_text(words, 1)] == [expected], (words, is_indexed)
        hit = store.search_text("fox", 1, where={"id": "english"})[0]
        assert hit.text_score > 0
        assert hit.score is None
        with pytest.raises(InputError, match="needs text"):
            store.search_text(b"fox", 1)
        with pytest.raises(InputError, match="UTF-8"):
            store.search_text("\ud800", 1)


@pytest.fixture(scope="module")
def clusters() -> np.ndarray:
    """Give 3,000 vectors `[3000, 32]` around 30 centres."""
    generator = np.random.default_rng(0)
    centres = generator.normal(size=(30, 32))
    return (centres[generator.integers(0, 30, 3000)] + 0.5 * generator.normal(size=(3000, 32))).astype(np.float32)


@pytest.fixture(scope="module", params=["ivf_rq", "hnsw_sq"])
def indexed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, clusters: np.ndarray):
    """Give a store of `clusters` with an index that a search uses whenever it may."""
    path = tmp_path_factory.mktemp("indexed") / "collection"
    policy = IndexPolicy(kind=request.param, exact_below=1000, filtered_exact_below=100)
    with LanceStore.create(path, make_manifest(dim=32), index=policy) as store:
        store.write([make_row(n, vector=vector, metadata={"tenth": n % 10}) for n, vector in enumerate(clusters)])
        store.optimize()
        yield store


def test_an_index_finds_nearly_what_is_nearest(indexed: LanceStore, clusters: np.ndarray) -> None:
    found = wanted = 0
    for number in range(20):
        query = clusters[number * 100] + 0.1
        expected = _cosines(query, clusters)
        hits = indexed.search(query, 10)
        np.testing.assert_allclose([hit.score for hit in hits], [expected[int(hit.id[4:])] for hit in hits], atol=1e-5)
        found += len({hit.id for hit in hits} & {f"row-{n}" for n in np.argsort(-expected)[:10]})
        wanted += 10
    assert found / wanted > 0.9


def test_the_nearest_alone_is_found_too(indexed: LanceStore, clusters: np.ndarray) -> None:
    """The index estimates; enough rows are compared exactly for one answer as for many."""
    assert [indexed.search(clusters[n], 1)[0].id for n in range(0, 3000, 100)] == [
        f"row-{n}" for n in range(0, 3000, 100)
    ]


def test_an_index_can_be_passed_over(indexed: LanceStore, clusters: np.ndarray) -> None:
    for number in range(5):
        expected = np.argsort(-_cosines(clusters[number], clusters))[:10]
        hits = indexed.search(clusters[number], 10, is_exact=True)
        assert [hit.id for hit in hits] == [f"row-{n}" for n in expected]


def test_conditions_hold_with_an_index(indexed: LanceStore, clusters: np.ndarray) -> None:
    for where, numbers in (({"tenth": 3}, range(3, 3000, 10)), ("tenth = 3 AND id LIKE 'row-1%'", None)):
        chosen = [n for n in range(3, 3000, 10) if numbers is not None or str(n).startswith("1")]
        query = clusters[42]
        hits = indexed.search(query, 10, where=where)
        scores = _cosines(query, clusters[chosen])
        best = {f"row-{chosen[n]}" for n in np.argsort(-scores)[:10]}
        assert {int(hit.id[4:]) for hit in hits} <= set(chosen)
        assert len({hit.id for hit in hits} & best) >= 8


def test_rows_that_no_index_holds_yet_are_found(indexed: LanceStore) -> None:
    vector = np.random.default_rng(9).normal(size=32)
    indexed.write([make_row(90_000, vector=vector)])
    assert indexed.search(vector, 1)[0].id == "row-90000"
    indexed.delete(ids=["row-90000"])
    assert indexed.search(vector, 1)[0].id != "row-90000"


def test_an_index_that_misses_rows_is_not_trusted(indexed: LanceStore) -> None:
    """More rows asked for than the lists that are looked through hold: every row is compared instead."""
    total = indexed.count()
    assert len(indexed.search(make_vector(0, 32), total + 5)) == total


def test_a_condition_finds_what_lies_in_lists_far_from_the_query(tmp_path: Path) -> None:
    """As the pictures of a collection do, which all lie on their own side of the gap, when it is asked with words."""
    generator = np.random.default_rng(0)
    centres = generator.normal(size=(200, 32))
    gap = 3.0 * generator.normal(size=32)
    kinds = ("image", "text")
    vectors = centres[generator.integers(0, 200, 40_000)] + 0.5 * generator.normal(size=(40_000, 32))
    vectors[1::2] += gap
    index = IndexPolicy(exact_below=1000, filtered_exact_below=100, probes=1, refine=200)
    with LanceStore.create(tmp_path / "c", make_manifest(dim=32), index=index) as store:
        store.write(make_row(n, vector=vector, modality=kinds[n % 2]) for n, vector in enumerate(vectors))
        store.optimize()
        found = 0
        for number in range(40):
            query = centres[number] + 0.5 * generator.normal(size=32) + gap * (number % 2)
            across = kinds[1 - number % 2]
            hits = store.search(query, 10, modality=across)
            expected = store.search(query, 10, modality=across, is_exact=True)
            found += len({hit.id for hit in hits} & {hit.id for hit in expected})
    assert found / 400 > 0.9


def test_few_rows_left_by_a_condition_are_compared_exactly(tmp_path: Path, clusters: np.ndarray) -> None:
    index = IndexPolicy(exact_below=500, filtered_exact_below=400, probes=1, refine=1, least_candidates=1)
    with LanceStore.create(tmp_path / "c", make_manifest(dim=32), index=index, upkeep=UpkeepPolicy()) as store:
        store.write([make_row(n, vector=vector, metadata={"tenth": n % 10}) for n, vector in enumerate(clusters)])
        store.optimize()
        chosen = np.arange(3, 3000, 10)
        for number in range(5):
            expected = chosen[np.argsort(-_cosines(clusters[number], clusters[chosen]))[:10]]
            hits = store.search(clusters[number], 10, where={"tenth": 3})
            assert [hit.id for hit in hits] == [f"row-{n}" for n in expected]
