"""Scores that compare across modalities, from a few statistics of the collection itself.

In a shared space each modality lies in a region of its own, so a text is nearer to most texts than to the picture it
describes, and plain cosines rank by modality before they rank by meaning. Here a cosine becomes the number of standard
deviations by which it stands above what this query has with that modality in general: its mean is exact for the query
(the mean of cosines is the cosine with the mean), its spread is that of pairs of such modalities. Within a modality the
order stays that of the cosine. Must not know rows, or how candidates are found.

Source: the gap is Liang et al., "Mind the Gap", NeurIPS 2022; removing each modality's mean from mixed results is Li et
al., "Closing the Modality Gap for Mixed Modality Search", 2025; means and deviations of scores as calibration are the
z-norm of speaker verification (Auckenthaler et al., Digital Signal Processing 10, 2000). That the gap stands at right
angles to what tells contents apart, so that the query's own mean need not be removed, is Zhang et al., "Diagnosing and
Rectifying Vision Models using Language", ICLR 2023. What measured best is in `bench/balance.py`.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

#: Rows that stand in for queries of their modality.
_QUERIES = 200
#: A modality of so many rows counts half by its own statistics and half by those of all.
_FEW = 8
#: Below it, a spread is no spread: all vectors of the modality are one.
_LEAST_SPREAD = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Balance:
    """The statistics of one collection.

    Attributes:
        means: Modality -> mean of its unit vectors, float32 `[dim]`.
        spreads: Modality of a query -> modality of records -> standard deviation of cosines between the two.
    """

    means: Mapping[str, np.ndarray]
    spreads: Mapping[str, Mapping[str, float]]
    _pooled: Mapping[str, float] = field(init=False)

    def __post_init__(self) -> None:
        pooled = {}
        for name in self.means:
            others = [spreads[name] for asked, spreads in self.spreads.items() if asked != name]
            pooled[name] = float(np.mean(others or [self.spreads[name][name]]))
        object.__setattr__(self, "_pooled", pooled)

    @classmethod
    def estimate(cls, vectors: Mapping[str, np.ndarray], *, seed: int = 0) -> Balance | None:
        """Estimate the statistics from vectors of a collection.

        Args:
            vectors: Modality -> float32 `[rows, dim]`: all its vectors, or some drawn evenly. Lengths do not count.
            seed: Of what is drawn from them.

        Returns:
            The statistics; None if there are fewer than two modalities, which need no balance.
        """
        units = {name: _to_units(array) for name, array in vectors.items() if len(array)}
        if len(units) < 2:
            return None
        random = np.random.default_rng(seed)
        asked = {name: random.permutation(len(unit))[:_QUERIES] for name, unit in units.items()}
        overall = np.mean([unit.mean(axis=0) for unit in units.values()], axis=0)
        means = {name: _shrink(unit.mean(axis=0), overall, len(unit)) for name, unit in units.items()}
        raw = {
            one: {other: _find_spread(units[one], asked[one], units[other], one == other) for other in units}
            for one in units
        }
        known = [value for row in raw.values() for value in row.values() if value is not None]
        typical = float(np.mean(known)) if known else 1.0
        spreads = {
            one: {other: _fill(raw[one][other], typical, min(len(units[one]), len(units[other]))) for other in units}
            for one in units
        }
        return cls(means, spreads)

    def scores(self, query: np.ndarray, query_modality: str | None, modality: str, vectors: np.ndarray) -> np.ndarray:
        """Compute how far records stand above what a query has with their modality in general.

        Args:
            query: `[dim]`, of any length but zero.
            query_modality: What the query is; where the collection holds no such records, or None, the spread of other
                modalities' queries stands in.
            modality: What the records are. One that was not there when the statistics were made is taken for an average
                of the others.
            vectors: `[rows, dim]`.

        Returns:
            Float64 `[rows]`, in standard deviations; higher is better.
        """
        unit = _to_units(query[None])[0]
        cosines = _to_units(vectors) @ unit
        if modality not in self.means:
            general = float(np.mean([mean @ unit for mean in self.means.values()]))
            return (cosines - general) / float(np.mean(list(self._pooled.values())))
        row = self.spreads.get(query_modality or "", self._pooled)
        return (cosines - self.means[modality] @ unit) / row[modality]

    def as_dict(self) -> dict[str, Any]:
        """Give the statistics as plain values for JSON; means as base64 of little-endian half precision."""
        return {
            "means": {
                name: base64.b64encode(mean.astype("<f2").tobytes()).decode("ascii")
                for name, mean in self.means.items()
            },
            "spreads": {
                one: {other: round(value, 6) for other, value in row.items()} for one, row in self.spreads.items()
            },
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Balance:
        """Build the statistics from `as_dict`."""
        means = {
            name: np.frombuffer(base64.b64decode(text), "<f2").astype(np.float64)
            for name, text in values["means"].items()
        }
        return cls(means, {one: dict(row) for one, row in values["spreads"].items()})


def _to_units(vectors: np.ndarray) -> np.ndarray:
    wide = np.asarray(vectors, np.float64)
    return wide / np.maximum(np.linalg.norm(wide, axis=-1, keepdims=True), 1e-30)


def _shrink(mean: np.ndarray, overall: np.ndarray, count: int) -> np.ndarray:
    own = count / (count + _FEW)
    return own * mean + (1 - own) * overall


def _find_spread(queries: np.ndarray, asked: np.ndarray, records: np.ndarray, is_same: bool) -> float | None:
    """Give the standard deviation of cosines between some queries and all records, no row with itself."""
    cosines = queries[asked] @ records.T
    if is_same:
        cosines[np.arange(len(asked)), asked] = np.nan
    kept = cosines[np.isfinite(cosines)]
    return float(kept.std()) if len(kept) > 1 else None


def _fill(spread: float | None, typical: float, count: int) -> float:
    own = 0.0 if spread is None else count / (count + _FEW)
    return max(own * (spread or 0.0) + (1 - own) * typical, _LEAST_SPREAD)
