"""Part (b) of `collection.py`: searches by vector among many, their time and what they find of what there is to find.

Vectors are drawn around random centres, as those of real collections lie in groups; those of one modality are shifted
together, as models shift them, so that balancing has something to correct. Rows have no words and no thumbnails.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from _report import Report

_DIM = 384
_BLOCK = 10_000
_CENTRES = 1000
#: Standard deviation around a centre by that of the centres: a cosine of about 0.7 within a group.
_SPREAD = 0.65
#: Shift of the second modality by the standard deviation of the centres.
_GAP = 0.8
_TOP = 10
_LEAST_RECALL = 0.95


def measure_search(report: Report, folder: Path, options: argparse.Namespace) -> None:
    """Measure every count.

    Args:
        report: Where to print.
        folder: An empty one.
        options: `small`, `full`.
    """
    counts = [2000] if options.small else [10_000, 100_000, *([500_000] if options.full else [])]
    for count in counts:
        _measure_count(report, folder / str(count), count, 20 if options.small else 300)
    if not options.full and not options.small:
        report.say("(b) left out: 500,000 vectors; --full measures them")


def _measure_count(report: Report, path: Path, count: int, queries: int) -> None:
    from sensorium import Collection

    title = f"(b) {count} vectors"
    start = time.perf_counter()
    _fill(path, count)
    report.figure(f"{title}: written, indexed and ready after", time.perf_counter() - start, "s")
    asked = [vector for vector, _ in _draw(queries, seed=-1)]
    with Collection.open(path) as collection:
        store = collection.store
        report.say(f"{title}: index on vectors: {_name_index(collection) or 'none, every vector is compared'}")
        ways: dict[str, Callable[[np.ndarray, bool], list[Any]]] = {
            "the store alone": lambda vector, is_exact: store.search(vector, _TOP, is_exact=is_exact),
            "balance off": lambda vector, is_exact: collection.search(vector, _TOP, balance="off", is_exact=is_exact),
            "balance on": lambda vector, is_exact: collection.search(vector, _TOP, is_exact=is_exact),
        }
        for name, search in ways.items():
            times, recall = _ask(search, asked)
            report.figure(f"{title}, {name}: p50", 1000 * float(np.percentile(times, 50)), "ms")
            report.figure(f"{title}, {name}: p99", 1000 * float(np.percentile(times, 99)), "ms")
            report.claim(f"{title}, {name}: recall@10 against exact", recall, at_least=_LEAST_RECALL)


def _ask(search: Callable[[np.ndarray, bool], list[Any]], asked: list[np.ndarray]) -> tuple[list[float], float]:
    """Give the seconds of each search, and the share of what an exact one finds; for that, every third is asked."""
    for vector in asked[:5]:
        search(vector, False)  # warms up
    times, found = [], []
    for vector in asked:
        start = time.perf_counter()
        hits = search(vector, False)
        times.append(time.perf_counter() - start)
        found.append({hit.id for hit in hits})
    shares = [
        len(found[place] & {hit.id for hit in search(asked[place], True)}) / _TOP for place in range(0, len(asked), 3)
    ]
    return times, float(np.mean(shares))


def _fill(path: Path, count: int) -> None:
    from sensorium.collection.balancing import refresh_balance
    from sensorium.store import LanceStore, Manifest, Row

    with LanceStore.create(path, Manifest(model_id="none", dim=_DIM, modalities=("image", "text"))) as store:
        for begin in range(0, count, _BLOCK):
            drawn = enumerate(_draw(min(_BLOCK, count - begin), seed=begin), begin)
            store.write(
                Row(id=f"{number:032d}", key=f"{number}", modality=modality, digest=f"{number:032d}", vector=vector)
                for number, (vector, modality) in drawn
            )
        store.optimize()
        refresh_balance(store)


def _draw(count: int, seed: int) -> Iterator[tuple[np.ndarray, str]]:
    """Draw vectors `[dim]` of length 1, and the modality of each."""
    common = np.random.default_rng(0)
    centres = common.normal(size=(_CENTRES, _DIM)).astype(np.float32)
    gap = _GAP * common.normal(size=_DIM).astype(np.float32)
    own = np.random.default_rng((seed + 2, 1))
    vectors = centres[own.integers(0, _CENTRES, count)]
    vectors += _SPREAD * own.normal(size=vectors.shape).astype(np.float32)
    for number, vector in enumerate(vectors):
        is_image = number % 2 == 0
        shifted = vector if is_image else vector + gap
        yield shifted / np.linalg.norm(shifted), "image" if is_image else "text"


def _name_index(collection: Any) -> str | None:
    names = [one.name for one in collection.store._table.lance.list_indices() if one.name.startswith("vector_")]
    return names[0] if names else None
