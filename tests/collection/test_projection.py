"""Two dimensions: the same each time, within bounds, and near things near."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorium.collection import projection
from sensorium.collection.projection import choose_method, project
from sensorium.errors import InputError


def draw_vectors(points: int, dim: int = 8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(points, dim)).astype(np.float32)


@given(st.integers(0, 40), st.integers(1, 12), st.integers(1, 3), st.integers(0, 5))
def test_points_are_within_the_square(points: int, dim: int, groups: int, seed: int) -> None:
    flat = project(draw_vectors(points, dim, seed), [f"{number % groups}" for number in range(points)], "pca")
    assert (flat.shape, flat.dtype) == ((points, 2), np.float32)
    assert np.isfinite(flat).all()
    assert np.abs(flat).max(initial=0) <= 1.0


def test_the_larger_axis_fills_it() -> None:
    flat = project(draw_vectors(50), ["text"] * 50, "pca")
    assert np.abs(flat).max() == pytest.approx(1.0)
    assert flat.max(axis=0) == pytest.approx(-flat.min(axis=0), abs=1e-6)
    assert np.ptp(flat[:, 0]) >= np.ptp(flat[:, 1]) * 0.5


def test_it_is_the_same_each_time_and_for_vectors_of_any_length() -> None:
    vectors, groups = draw_vectors(30), ["a", "b"] * 15
    first = project(vectors, groups, "pca")
    assert np.array_equal(first, project(vectors, groups, "pca"))
    scaled = vectors * np.random.default_rng(1).uniform(0.5, 2, (30, 1)).astype(np.float32)
    assert project(scaled, groups, "pca") == pytest.approx(first, abs=1e-4)


def test_what_is_alike_lies_together() -> None:
    centres = np.eye(3, 8) * 3
    labels = np.repeat([0, 1, 2], 20)
    flat = project(centres[labels] + draw_vectors(60) * 0.1, ["text"] * 60, "pca")
    means = np.stack([flat[labels == label].mean(axis=0) for label in range(3)])
    assert np.array_equal(np.argmin(((flat[:, None] - means) ** 2).sum(axis=2), axis=1), labels)


def test_modalities_do_not_lie_apart() -> None:
    """Though their vectors do, by far more than what tells things apart."""
    vectors = draw_vectors(60)
    vectors[30:] += 20
    flat = project(vectors, ["text"] * 30 + ["image"] * 30, "pca")
    assert flat[:30].mean(axis=0) == pytest.approx(flat[30:].mean(axis=0), abs=0.05)


@pytest.mark.parametrize("points", [1, 2, 5])
def test_vectors_that_are_all_one(points: int) -> None:
    assert not project(np.ones((points, 4), np.float32), ["text"] * points, "pca").any()


@pytest.fixture
def umap(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A package of that name, which keeps the first two numbers and notes how it was asked."""
    note = SimpleNamespace(options=None)

    class Umap:
        def __init__(self, **options: Any) -> None:
            note.options = options

        def fit_transform(self, vectors: np.ndarray) -> np.ndarray:
            return vectors[:, :2].astype(np.float32)

    module = ModuleType("umap")
    module.UMAP = Umap  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "umap", module)
    monkeypatch.setattr(projection, "is_installed", lambda name: True)
    return note


def test_umap_where_it_is_installed(umap: SimpleNamespace) -> None:
    assert (choose_method("auto", 100), choose_method("umap", 100), choose_method("pca", 100)) == (
        "umap",
        "umap",
        "pca",
    )
    assert choose_method("auto", 5) == choose_method("umap", 5) == "pca"  # too few to have neighbours
    flat = project(draw_vectors(20), ["text"] * 20, "umap", seed=7)
    assert np.abs(flat).max() == pytest.approx(1.0)
    assert (umap.options["random_state"], umap.options["n_components"]) == (7, 2)


def test_umap_where_it_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projection, "is_installed", lambda name: False)
    assert choose_method("auto", 100) == "pca"
    with pytest.raises(InputError, match="pip install umap-learn"):
        choose_method("umap", 100)


def test_another_method() -> None:
    with pytest.raises(InputError, match="'tsne'"):
        choose_method("tsne", 100)
