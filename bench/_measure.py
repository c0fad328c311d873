"""Times two sides alternately, and compares what they computed.

Alternation is what makes a ratio worth printing on a shared machine: both sides of a pair meet the same neighbours, and
the side that goes first changes from pair to pair. Must not know what is measured, nor how results are shown.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Pairs:
    """Measurements of two sides, one of each a run.

    Attributes:
        ours: In order of the runs.
        peer: Likewise.
    """

    ours: Sequence[float]
    peer: Sequence[float]

    @property
    def speed_up(self) -> float:
        """How many times as fast ours is: the median over runs of the peer's time divided by ours."""
        return statistics.median(peer / ours for ours, peer in zip(self.ours, self.peer, strict=True))

    @property
    def share(self) -> float:
        """Ours as a share of the peer's: the median over runs of our time divided by the peer's."""
        return statistics.median(ours / peer for ours, peer in zip(self.ours, self.peer, strict=True))


def alternate(sides: Mapping[str, Callable[[], float]], runs: int) -> dict[str, list[float]]:
    """Measure every side once a run; the order turns round from run to run.

    Args:
        sides: By name, a function that does the work and returns its measurement.
        runs: How often, at least 1.

    Returns:
        By name, one measurement a run.
    """
    names = list(sides)
    measured: dict[str, list[float]] = {name: [] for name in names}
    for run in range(runs):
        for name in names if run % 2 == 0 else reversed(names):
            measured[name].append(sides[name]())
    return measured


def timed(work: Callable[[], Any]) -> Callable[[], float]:
    """Make of `work` a function that does it and returns how long it took, in seconds."""

    def measure() -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return measure


def largest_difference(ours: np.ndarray, peer: np.ndarray) -> float:
    """Return the largest absolute difference between two arrays of vectors `[inputs, dim]`.

    Raises:
        ValueError: Their shapes differ, or they hold NaN: then something broke, and no figure means anything.
    """
    _check_comparable(ours, peer)
    return float(np.abs(ours.astype(np.float64) - peer.astype(np.float64)).max())


def smallest_cosine(ours: np.ndarray, peer: np.ndarray) -> float:
    """Return the smallest cosine between a row `[dim]` of one array and the same row of the other.

    Raises:
        ValueError: As in `largest_difference`.
    """
    _check_comparable(ours, peer)
    return float((_unit(ours) * _unit(peer)).sum(axis=1).min())


def typical_cosine(vectors: np.ndarray) -> float:
    """Return the median cosine between different rows: what "close" has to be held against.

    Args:
        vectors: `[inputs, dim]`, two inputs or more.
    """
    cosines = _unit(vectors) @ _unit(vectors).T
    return float(np.median(cosines[np.triu_indices(len(vectors), k=1)]))


def _check_comparable(ours: np.ndarray, peer: np.ndarray) -> None:
    if ours.shape != peer.shape or not len(ours):
        raise ValueError(f"the vectors cannot be compared: ours have the shape {ours.shape}, the peer's {peer.shape}.")
    if not (np.isfinite(ours).all() and np.isfinite(peer).all()):
        raise ValueError("the vectors cannot be compared: some are not finite.")


def _unit(vectors: np.ndarray) -> np.ndarray:
    vectors = vectors.astype(np.float64)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
