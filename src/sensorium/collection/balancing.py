"""When the statistics that balance modalities are estimated anew, and from which rows. Must not know what they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sensorium.collection.balance import Balance

if TYPE_CHECKING:
    from sensorium.store import LanceStore, Manifest

#: Rows of a modality that are looked at.
_SAMPLE = 2000
#: How much a modality grows, or shrinks, before its statistics are made anew.
_GROWTH = 1.5


def read_balance(manifest: Manifest) -> Balance | None:
    """Give the statistics of a collection; None if there is nothing to balance."""
    values = manifest.balance.get("statistics")
    return None if values is None else Balance.from_dict(values)


def refresh_balance(store: LanceStore) -> None:
    """Estimate the statistics anew if the collection is no longer what they were made from.

    Raises:
        StoreError: It cannot be read or written.
    """
    counts = store.modalities()
    if not _is_outdated(counts, store.manifest.balance.get("rows", {})):
        return
    balance = None
    if len(counts) > 1:
        balance = Balance.estimate({name: _sample_vectors(store, name, count) for name, count in counts.items()})
    values: dict[str, Any] = {"rows": counts, "statistics": None if balance is None else balance.as_dict()}
    store.update_manifest(balance=values)


def _is_outdated(counts: Mapping[str, int], before: Mapping[str, int]) -> bool:
    return set(counts) != set(before) or any(
        not before[name] / _GROWTH <= count <= before[name] * _GROWTH for name, count in counts.items()
    )


def _sample_vectors(store: LanceStore, modality: str, count: int) -> np.ndarray:
    """Give vectors of a modality `[rows, dim]`: all, or as many as suffice, drawn evenly and the same each time."""
    wanted = np.arange(count)
    if count > _SAMPLE:
        wanted = np.sort(np.random.default_rng(count).choice(count, _SAMPLE, replace=False))
    chosen = set(wanted.tolist())
    rows = store.scan({"modality": modality}, with_vectors=True)
    vectors = [row.vector for place, row in enumerate(rows) if place in chosen and row.vector is not None]
    return np.stack(vectors) if vectors else np.empty((0, store.manifest.dim), np.float32)
