"""Counting what a collection holds. Must not know how it came there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from sensorium.collection.results import CollectionStats
from sensorium.ingest.listing import show_path
from sensorium.store.columns import BASE_COLUMNS

if TYPE_CHECKING:
    from sensorium.collection.roots import Roots
    from sensorium.store import LanceStore


def count_all(store: LanceStore, roots: Roots) -> CollectionStats:
    """Count records, files and bytes.

    Raises:
        StoreError: The collection cannot be read.
    """
    manifest = store.manifest
    modalities = store.modalities()
    unreadable = store.sources.count(only_unreadable=True)
    return CollectionStats(
        path=store.path,
        model_id=manifest.model_id,
        revision=manifest.revision,
        dim=manifest.dim,
        dtype=manifest.dtype,
        records=sum(modalities.values()),
        modalities=modalities,
        files=store.sources.count() - unreadable,
        unreadable=unreadable,
        roots=tuple(show_path(root.path) for root in roots.folders),
        metadata_columns=tuple(sorted(set(store.columns()) - set(BASE_COLUMNS))),
        bytes_on_disk=_measure(store.path),
        library_version=manifest.library_version,
    )


def _measure(folder: Path) -> int:
    total = 0
    for inside, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.lstat(os.path.join(inside, name)).st_size
            except OSError:  # another process has just joined files, or is about to remove one
                continue
    return total
