"""Scores compare across modalities, keep the order within one, and survive the manifest."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorium.collection.balance import Balance

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


def find_cosines(query: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    return vectors @ query / np.linalg.norm(vectors, axis=1) / np.linalg.norm(query)


def test_one_modality_needs_none() -> None:
    vectors = make_cones(0)[0]
    assert Balance.estimate({"text": vectors["text"]}) is None
    assert Balance.estimate({"text": vectors["text"], "image": np.empty((0, DIM))}) is None
    assert Balance.estimate({}) is None


@pytest.mark.parametrize("seed", range(5))
def test_two_cones_are_searched_as_one(seed: int) -> None:
    """For each text, its picture must be among the first three of everything but itself."""
    vectors, _ = make_cones(seed)
    balance = Balance.estimate(vectors)
    assert balance is not None

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


@settings(max_examples=30)
@given(
    st.integers(0, 2**16),
    st.sampled_from(["text", "image", "audio", None]),
    st.sampled_from(["text", "image", "video"]),
)
def test_the_order_within_a_modality_is_that_of_the_cosine(seed: int, asked: str | None, modality: str) -> None:
    vectors, things = make_cones(seed, rows=40)
    balance = Balance.estimate(vectors)
    assert balance is not None
    scores = balance.scores(things[0], asked, modality, vectors["image"])
    assert np.isfinite(scores).all()
    np.testing.assert_array_equal(np.argsort(scores), np.argsort(find_cosines(things[0], vectors["image"])))


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
@settings(max_examples=20)
def test_lengths_do_not_count(of_query: float, of_records: float) -> None:
    vectors, things = make_cones(1, rows=30)
    balance = Balance.estimate(vectors)
    scaled = Balance.estimate({name: one * of_records for name, one in vectors.items()})
    assert balance is not None
    assert scaled is not None
    plain = balance.scores(things[3], "text", "image", vectors["image"])
    np.testing.assert_allclose(
        scaled.scores(things[3] * of_query, "text", "image", vectors["image"] * of_records), plain, rtol=1e-6, atol=1e-9
    )


def test_it_survives_the_manifest() -> None:
    vectors, things = make_cones(2)
    balance = Balance.estimate(vectors)
    assert balance is not None
    again = Balance.from_dict(json.loads(json.dumps(balance.as_dict())))
    for name, one in vectors.items():
        np.testing.assert_allclose(
            again.scores(things[5], "text", name, one), balance.scores(things[5], "text", name, one), atol=0.02
        )


def test_it_is_small_enough_for_the_manifest() -> None:
    random = np.random.default_rng(0)
    balance = Balance.estimate({name: random.normal(size=(50, 2048)) for name in ("text", "image", "audio", "video")})
    assert balance is not None
    assert len(json.dumps(balance.as_dict())) < 30_000


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_a_few_rows_give_no_nonsense(rows: int) -> None:
    vectors, things = make_cones(3)
    balance = Balance.estimate({"text": vectors["text"], "image": vectors["image"][:rows]})
    assert balance is not None
    scores = balance.scores(things[0], "text", "image", vectors["image"][:rows])
    assert np.isfinite(scores).all()
    assert np.abs(scores).max() < 30


def test_equal_vectors_have_no_spread_and_finite_scores() -> None:
    vectors = {"text": np.ones((20, DIM)), "image": np.ones((20, DIM)), "audio": np.ones((1, DIM))}
    balance = Balance.estimate(vectors)
    assert balance is not None
    assert np.isfinite(balance.scores(np.ones(DIM), "text", "audio", vectors["audio"])).all()
