"""Rows and stores for this room's tests, made from seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sensorium.store import LanceStore, Manifest, Row

DIM = 8


def make_manifest(**fields: Any) -> Manifest:
    return Manifest(**{"model_id": "tiny", "dim": DIM, **fields})


def make_vector(seed: int, dim: int = DIM) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=dim).astype(np.float32)


def make_row(number: int, **fields: Any) -> Row:
    given = {
        "id": f"row-{number}",
        "key": f"file-{number % 3}.txt",
        "path": f"/files/file-{number % 3}.txt",
        "modality": "text" if number % 2 else "image",
        "digest": f"digest-{number}",
        "vector": make_vector(number),
        "text": f"the quick red fox number{number}",
    }
    return Row(**{**given, **fields})


def make_store(path: Path, count: int = 0, **options: Any) -> LanceStore:
    store = LanceStore.create(path / "collection", make_manifest(), **options)
    if count:
        store.write([make_row(number) for number in range(count)])
    return store


def ids_of(store: LanceStore, where: Any = None) -> list[str]:
    return sorted(entry.id for entry in store.entries(where))
