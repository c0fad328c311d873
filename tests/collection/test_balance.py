"""Scores compare across modalities, keep the order within one, survive the manifest, and are never nonsense."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorium.collection.balance import Balance
from sensorium.errors import StoreError

DIM = 32


def make_cones(seed: int, rows: int = 200, gap: float = 2.0) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Two modalities that show the same things, each around a centre of its own; row i of both shows thing i.

    The centres stand at right angles to what tells things apart, as those of trained models do (Zhang et al., ICLR
    2023).
    """
    random = np.random.default_rng(seed)
    things, centres = random.normal(size=(rows, DIM)), random.normal(size=(2, DIM)) * gap
    things[:, DIM // 2 :] = 0
    centres[:, : DIM // 2] = 0
    made = {}
    for name, centre, noise in zip(("text", "image"), centres, (0.2, 0.4), strict=True):
        seen = random.normal(size=things.shape) * noise
        seen[:, DIM // 2 :] *= 0.1
        made[name] = things + centre + seen
    return made, things


def estimate(vectors: dict[str, np.ndarray], seed: int = 0) -> Balance:
    balance = Balance.estimate(vectors, seed=seed)
    assert balance is not None
    return balance


def find_cosines(query: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    return vectors @ query / np.linalg.norm(vectors, axis=1) / np.linalg.norm(query)


def find_first(
    balance: Balance, query: np.ndarray, modality: str | None, vectors: dict[str, np.ndarray]
) -> list[tuple[str, int]]:
    """Give modality and row of everything, best first."""
    scored = [
        (-score, name, row)
        for name, one in vectors.items()
        for row, score in enumerate(balance.scores(query, modality, name, one))
    ]
    return [(name, row) for _, name, row in sorted(scored)]


# What it is for


def test_one_modality_needs_none() -> None:
    vectors = make_cones(0)[0]
    assert Balance.estimate({"text": vectors["text"]}) is None
    assert Balance.estimate({"text": vectors["text"], "image": np.empty((0, DIM))}) is None
    assert Balance.estimate({"text": vectors["text"], "image": np.zeros((3, DIM))}) is None
    assert Balance.estimate({}) is None


@pytest.mark.parametrize("seed", range(5))
def test_two_cones_are_searched_as_one(seed: int) -> None:
    """For each text, its picture must be among the first three of everything but itself."""
    vectors, _ = make_cones(seed)
    balance = estimate(vectors)

    def recall(is_balanced: bool) -> float:
        found = 0
        for row, query in enumerate(vectors["text"]):
            scores = {
                name: balance.scores(query, "text", name, one) if is_balanced else find_cosines(query, one)
                for name, one in vectors.items()
            }
            scores["text"][row] = -np.inf
            everything = np.concatenate([scores["text"], scores["image"]])
            found += len(vectors["text"]) + row in np.argsort(-everything)[:3]
        return found / len(vectors["text"])

    assert recall(is_balanced=False) < 0.3
    assert recall(is_balanced=True) > 0.8


def test_a_modality_without_an_answer_is_not_lifted_over_the_answer() -> None:
    """A hundred records of a third modality that show nothing: the best of them must not come before what is right."""
    vectors, _ = make_cones(6)
    vectors["audio"] = np.random.default_rng(6).normal(size=(100, DIM))
    balance = estimate(vectors)
    firsts = [find_first(balance, query, "text", vectors)[:2] for query in vectors["text"]]
    assert np.mean([set(first) == {("text", row), ("image", row)} for row, first in enumerate(firsts)]) > 0.8


def test_words_find_pictures_where_there_are_no_texts() -> None:
    """The mean of a query's cosines needs no other texts: it is that of the pictures themselves."""
    vectors, _ = make_cones(7)
    texts = vectors.pop("text")
    vectors["video"] = vectors["image"][:60] + np.linspace(1, 2, DIM) * np.array([0.0, 3.0] * (DIM // 2))
    balance = estimate(vectors)
    firsts = [{name for name, _ in find_first(balance, text, "text", vectors)[:10]} for text in texts[:50]]
    assert np.mean([first == {"image", "video"} for first in firsts]) > 0.8


def test_the_only_picture_is_found_among_texts() -> None:
    """It is the whole of its modality's mean, and must not be held against itself."""
    vectors, things = make_cones(8)
    found = []
    for row in range(20):
        held = {"text": vectors["text"], "image": vectors["image"][[row]]}
        found.append(("image", 0) in find_first(estimate(held), things[row], "text", held)[:5])
    assert np.mean(found) > 0.8


def test_the_one_sound_in_much_silence_is_not_everywhere() -> None:
    """Where nearly all records of a modality are alike, the one that is not must not be the first for everything."""
    vectors, _ = make_cones(9)
    random = np.random.default_rng(9)
    silence = random.normal(size=DIM) + 1e-4 * random.normal(size=(100, DIM))
    vectors["audio"] = np.concatenate([silence, silence[:1] + 0.3 * random.normal(size=(1, DIM))])
    balance = estimate(vectors)
    firsts = [find_first(balance, query, "text", vectors)[0] for query in vectors["text"]]
    assert firsts.count(("audio", 100)) < len(firsts) / 20


# What it keeps

MODALITIES = st.sampled_from(["text", "image", "audio", "image+text", "audio+video", None])


@settings(max_examples=50)
@given(st.integers(0, 2**16), MODALITIES, st.sampled_from(["text", "image", "video", "image+text"]), st.integers(1, 40))
def test_the_order_within_a_modality_is_that_of_the_cosine(
    seed: int, asked: str | None, modality: str, rows: int
) -> None:
    vectors, things = make_cones(seed, rows=40)
    balance = estimate({"text": vectors["text"], "image": vectors["image"][:rows]}, seed)
    scores = balance.scores(things[0], asked, modality, vectors["image"])
    assert np.isfinite(scores).all()
    np.testing.assert_array_equal(np.argsort(scores), np.argsort(find_cosines(things[0], vectors["image"])))


@given(st.floats(1e-30, 1e30), st.floats(1e-30, 1e30))
@settings(max_examples=20)
def test_lengths_do_not_count(of_query: float, of_records: float) -> None:
    vectors, things = make_cones(1, rows=30)
    plain = estimate(vectors).scores(things[3], "text", "image", vectors["image"])
    scaled = estimate({name: one * of_records for name, one in vectors.items()})
    again = scaled.scores(things[3] * of_query, "text", "image", vectors["image"] * of_records)
    np.testing.assert_allclose(again, plain, rtol=1e-4, atol=1e-4)


@settings(max_examples=30)
@given(
    st.integers(0, 2**16),
    st.dictionaries(st.text(max_size=8), st.integers(1, 12), min_size=2, max_size=4),
    st.sampled_from([np.float16, np.float32, np.float64]),
)
def test_the_manifest_changes_no_score(seed: int, counts: dict[str, int], dtype: Any) -> None:
    random = np.random.default_rng(seed)
    vectors = {name: random.normal(size=(count, DIM)).astype(dtype) for name, count in counts.items()}
    balance = estimate(vectors, seed)
    again = Balance.from_dict(json.loads(json.dumps(balance.as_dict(), allow_nan=False)))
    assert again.as_dict() == balance.as_dict()
    assert dict(again.rows) == counts
    for asked in (*vectors, None):
        for name, one in vectors.items():
            scores = balance.scores(one[0], asked, name, one)
            assert np.isfinite(scores).all()
            np.testing.assert_array_equal(again.scores(one[0], asked, name, one), scores)


def test_it_is_the_same_for_one_seed_and_nearly_for_another() -> None:
    vectors, _ = make_cones(2, rows=600)
    assert estimate(vectors, 3).as_dict() == estimate(vectors, 3).as_dict()
    one, other = (estimate(vectors, seed).spreads["text"]["image"] for seed in (3, 4))
    assert one != other
    assert one == pytest.approx(other, rel=0.1)


def test_it_is_small_enough_for_the_manifest() -> None:
    random = np.random.default_rng(0)
    balance = estimate({name: random.normal(size=(50, 2048)) for name in ("text", "image", "audio", "video")})
    assert len(json.dumps(balance.as_dict())) < 23_000


# What it is made of


def test_scores_are_deviations_above_the_mean_of_the_query() -> None:
    """Held against the plain way: for each of the rows that stand in for queries, mean and deviation of its cosines."""
    vectors, _ = make_cones(4, rows=150)  # fewer than stand in for queries, so that none is drawn
    balance = estimate(vectors)
    deviations = [find_cosines(text, vectors["image"]).std(ddof=1) for text in vectors["text"]]
    spread = np.sqrt(np.mean(np.square(deviations)))
    query = vectors["text"][5]
    cosines = find_cosines(query, vectors["image"])
    scores = balance.scores(query, "text", "image", vectors["image"])
    np.testing.assert_allclose(scores, (cosines - cosines.mean()) / spread, atol=0.05)


def test_a_mixture_is_taken_for_its_parts_until_it_is_known() -> None:
    vectors, things = make_cones(5)
    vectors["audio"] = np.random.default_rng(5).normal(size=(50, DIM))
    balance = estimate(vectors)
    scores = {
        asked: balance.scores(things[0], asked, "image", vectors["image"])
        for asked in ("text", "image", "audio", "image+text", "audio+video", None)
    }
    top = {asked: float(values.max()) for asked, values in scores.items()}
    assert min(top["text"], top["image"]) < top["image+text"] < max(top["text"], top["image"])
    assert top["audio+video"] == top["audio"] != top["image+text"]
    assert min(top["text"], top["image"], top["audio"]) < top[None] < max(top["text"], top["image"], top["audio"])


def test_records_of_a_new_modality_are_taken_for_average_ones_of_the_others() -> None:
    vectors, _ = make_cones(5)
    vectors["audio"] = np.random.default_rng(5).normal(size=(50, DIM))
    balance = estimate(vectors)
    new = balance.scores(vectors["text"][0], "text", "video", vectors["image"])
    known = balance.scores(vectors["text"][0], "text", "image", vectors["image"])
    assert 0 < np.corrcoef(new, known)[0, 1] <= 1 + 1e-9
    assert np.abs(new).max() < 30


def test_content_that_is_there_twice_says_nothing_about_the_spread() -> None:
    vectors, _ = make_cones(6, rows=60)
    once, twice = estimate(vectors), estimate({name: np.repeat(one, 2, axis=0) for name, one in vectors.items()})
    for asked, row in once.spreads.items():
        assert dict(twice.spreads[asked]) == pytest.approx(dict(row), rel=0.05)


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_a_few_rows_give_no_nonsense(rows: int) -> None:
    vectors, things = make_cones(3)
    balance = estimate({"text": vectors["text"], "image": vectors["image"][:rows]})
    scores = balance.scores(things[0], "text", "image", vectors["image"][:rows])
    assert np.isfinite(scores).all()
    assert np.abs(scores).max() < 30


def test_one_row_of_each_is_ranked_by_cosine() -> None:
    vectors, things = make_cones(3)
    held = {name: one[row : row + 1] for row, (name, one) in enumerate(vectors.items())}
    balance = estimate(held)
    for query in things[:20]:
        by_cosine = max(held, key=lambda name: find_cosines(query, held[name])[0])
        assert find_first(balance, query, "text", held)[0][0] == by_cosine


def test_equal_vectors_have_no_spread_and_finite_scores() -> None:
    vectors = {"text": np.ones((20, DIM)), "image": np.ones((20, DIM)), "audio": np.ones((1, DIM))}
    balance = estimate(vectors)
    assert all(spread > 0 for row in balance.spreads.values() for spread in row.values())
    for name, one in vectors.items():
        np.testing.assert_allclose(balance.scores(np.ones(DIM), "text", name, one), 0, atol=0.1)


def test_vectors_without_direction_do_not_count() -> None:
    vectors, things = make_cones(3, rows=30)
    bad = np.concatenate([vectors["image"], np.zeros((1, DIM)), np.full((1, DIM), np.nan), np.full((1, DIM), np.inf)])
    balance = estimate({"text": vectors["text"], "image": bad})
    assert balance.as_dict() == estimate(vectors).as_dict()
    assert np.isfinite(balance.scores(np.zeros(DIM), "text", "image", vectors["image"])).all()
    assert np.isfinite(balance.scores(things[0], "text", "image", np.zeros((2, DIM)))).all()
    assert balance.scores(things[0], "text", "image", np.empty((0, DIM))).shape == (0,)


# A manifest that somebody edited


@pytest.mark.parametrize(
    "change",
    [
        {"means": None},
        {"means": {}},
        {"means": {"text": "AAAA", "image": "AA=="}},
        {"means": {"text": "not base64", "image": "not base64"}},
        {"means": {"text": "AH4=", "image": "AH4="}},  # NaN in half precision
        {"means": {"text": "AADA", "image": 3}},
        {"spreads": {}},
        {"spreads": {"text": {"text": 1, "image": 0}, "image": {"text": 1, "image": 1}}},
        {"spreads": {"text": {"text": 1, "image": "wide"}, "image": {"text": 1, "image": 1}}},
        {"spreads": {"text": {"text": 1, "image": float("nan")}, "image": {"text": 1, "image": 1}}},
        {"levels": {"text": {"text": 1}}},
        {"levels": {"text": {"text": 1, "image": float("inf")}, "image": {"text": 1, "image": 1}}},
        {"rows": {"text": 5}},
        {"rows": {"text": 5, "image": 0}},
        {"rows": {"text": 5, "image": float("inf")}},
    ],
)
def test_damaged_statistics_are_an_error_that_says_what_to_do(change: dict[str, Any]) -> None:
    values = estimate(make_cones(0, rows=5)[0]).as_dict() | change
    with pytest.raises(StoreError, match="balance='off'"):
        Balance.from_dict(values)
