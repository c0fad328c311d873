"""When the statistics that balance modalities are made anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sensorium.collection import balancing
from sensorium.collection.balancing import read_balance, refresh_balance
from sensorium.store import LanceStore, Row
from tests.collection.fakes import DIM, make_manifest


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LanceStore]:
    with LanceStore.create(tmp_path / "store", make_manifest()) as made:
        yield made


def put(store: LanceStore, modality: str, count: int, start: int = 0) -> None:
    lot = np.random.default_rng(start)
    store.write(
        Row(
            id=f"{modality}-{number}",
            key="k",
            modality=modality,
            digest="d",
            vector=lot.normal(size=DIM).astype(np.float32),
        )
        for number in range(start, start + count)
    )


def rows_of(store: LanceStore) -> dict[str, int] | None:
    """Give how many rows the statistics in the manifest were made from, as a second reader sees them."""
    balance = read_balance(store.refresh_manifest())
    return None if balance is None else dict(balance.rows)


def test_one_modality_needs_none(store: LanceStore) -> None:
    refresh_balance(store)
    assert rows_of(store) is None
    put(store, "text", 5)
    refresh_balance(store)
    assert rows_of(store) is None


def test_they_are_made_with_the_second_one(store: LanceStore) -> None:
    put(store, "text", 10)
    put(store, "image", 4)
    refresh_balance(store)
    assert rows_of(store) == {"text": 10, "image": 4}
    vectors = np.stack([row.vector for row in store.scan({"modality": "image"}, with_vectors=True)])  # type: ignore[misc]
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    balance = read_balance(store.manifest)
    assert balance is not None
    assert balance.means["image"] == pytest.approx(units.mean(axis=0), abs=1e-3)


def test_they_stay_while_little_changes(store: LanceStore) -> None:
    put(store, "text", 10)
    put(store, "image", 4)
    refresh_balance(store)
    put(store, "text", 5, start=10)
    refresh_balance(store)
    assert rows_of(store) == {"text": 10, "image": 4}  # grown by half, and no more
    put(store, "text", 1, start=15)
    refresh_balance(store)
    assert rows_of(store) == {"text": 16, "image": 4}


def test_they_are_made_anew_where_much_was_removed(store: LanceStore) -> None:
    put(store, "text", 10)
    put(store, "image", 4)
    refresh_balance(store)
    store.delete(ids=[f"text-{number}" for number in range(4)])
    refresh_balance(store)
    assert rows_of(store) == {"text": 6, "image": 4}


def test_a_new_modality_and_one_that_is_gone(store: LanceStore) -> None:
    put(store, "text", 10)
    put(store, "image", 4)
    refresh_balance(store)
    put(store, "audio", 1)
    refresh_balance(store)
    assert rows_of(store) == {"text": 10, "image": 4, "audio": 1}
    store.delete(where={"modality": ["audio", "image"]})
    refresh_balance(store)
    assert rows_of(store) is None


def test_of_many_rows_some_are_looked_at_evenly_and_the_same_each_time(
    store: LanceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(balancing, "_SAMPLE", 8)
    put(store, "text", 100)
    put(store, "image", 3)
    refresh_balance(store)
    assert rows_of(store) == {"text": 8, "image": 3}
    first = read_balance(store.manifest)
    store.update_manifest(balance={})
    refresh_balance(store)
    again = read_balance(store.manifest)
    assert first is not None
    assert again is not None
    assert np.array_equal(first.means["text"], again.means["text"])
    rows = list(store.scan({"modality": "text"}, with_vectors=True))
    assert not np.allclose(first.means["text"], np.stack([row.vector for row in rows[:8]]).mean(axis=0), atol=1e-2)  # type: ignore[misc]
