"""Scores that compare across modalities, from a few statistics of the collection itself.

In a shared space each modality lies in a region of its own, so a text is nearer to most texts than to the picture it
describes, and plain cosines rank by modality before they rank by meaning. Here a cosine becomes the number of standard
deviations by which it stands above what this query has with that modality in general. That mean is exact for every
query, since the mean of cosines is the product with the mean vector, and so needs no texts to be asked in words; the
deviation is that of the cosines of one query, typical of the two modalities. Within a modality the order stays that of
the cosine. Must not know rows, or how candidates are found.

Source: the gap is Liang et al., "Mind the Gap", NeurIPS 2022 (arXiv:2203.02053); taking each modality's mean away in
mixed search is Li et al., "Closing the Modality Gap for Mixed Modality Search", 2025 (arXiv:2507.19054); means and
deviations of the scores that a query has with what does not suit it are the normalisation of speaker verification
(Auckenthaler et al., Digital Signal Processing 10, 2000) and of metasearch (Montague and Aslam, CIKM 2001). Which of
their forms is best was measured: `bench/balance.py`, docs/how-to/mixed-results.md.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sensorium.collection.balance_statistics import estimate_levels, estimate_spreads, to_units
from sensorium.errors import StoreError


@dataclass(frozen=True, slots=True, eq=False)
class Balance:
    """The statistics of one collection.

    Attributes:
        means: Modality -> mean of its unit vectors, float32 `[dim]`.
        levels: Modality of a query -> modality of records -> usual mean of one query's cosines.
        spreads: Modality of a query -> modality of records -> typical standard deviation of one query's cosines.
        rows: Modality -> how many vectors its statistics were made from, at least 1.
    """

    means: Mapping[str, np.ndarray]
    levels: Mapping[str, Mapping[str, float]]
    spreads: Mapping[str, Mapping[str, float]]
    rows: Mapping[str, int]

    @classmethod
    def estimate(cls, vectors: Mapping[str, np.ndarray], *, seed: int = 0) -> Balance | None:
        """Estimate the statistics from vectors of a collection.

        Args:
            vectors: Modality -> `[rows, dim]`, float: all its vectors, or about 2,000 of them drawn evenly. Lengths do
                not count; vectors of length zero and such that are not finite are left out.
            seed: Of which rows stand in for queries.

        Returns:
            The statistics, rounded to what `as_dict` keeps; None if there are fewer than two modalities, which need no
            balance.
        """
        units = {name: unit for name, rows in vectors.items() if len(unit := to_units(rows, drop=True))}
        if len(units) < 2:
            return None
        means = {name: unit.mean(axis=0, dtype=np.float64) for name, unit in units.items()}
        rows = {name: len(unit) for name, unit in units.items()}
        rounded = {name: mean.astype("<f2").astype(np.float32) for name, mean in means.items()}
        return cls(rounded, estimate_levels(means, rows), estimate_spreads(units, seed), rows)

    def scores(self, query: np.ndarray, query_modality: str | None, modality: str, vectors: np.ndarray) -> np.ndarray:
        """Compute how far records stand above what a query has with their modality in general.

        Args:
            query: `[dim]`, of any length.
            query_modality: What the query is. Of one that the collection holds no records of, such as words asked of
                pictures and sounds, the parts stand in (`"image+text"`), or else all modalities.
            modality: What the records are; likewise if there were none when the statistics were made.
            vectors: `[rows, dim]`, of any lengths; rows may be 0.

        Returns:
            Float64 `[rows]`, in standard deviations, higher is better, ordered as the cosines are. A vector of length
            zero has the cosine 0.
        """
        unit = to_units(query[None])[0].astype(np.float64)
        cosines = to_units(vectors).astype(np.float64) @ unit
        asked, found = self._find_known(query_modality), self._find_known(modality)
        if modality in self.means:
            count = self.rows[modality]
            usual = _average(self.levels[one][modality] for one in asked)
            mean = (count * float(self.means[modality] @ unit) + usual) / (count + 1)
            # A record is part of the mean that it is held against, which hides 1 / (count + 1) of what it stands above.
            own = 1 + 1 / count
        else:
            found = tuple(name for name in found if name != query_modality) or found
            mean, own = _average(float(self.means[name] @ unit) for name in found), 1.0
        spread = math.sqrt(_average(self.spreads[one][other] ** 2 for one in asked for other in found))
        scores: np.ndarray = (cosines - mean) * (own / spread)
        return scores

    def _find_known(self, modality: str | None) -> tuple[str, ...]:
        """Name what is known and stands for `modality`: itself, its parts, or everything."""
        name = modality or ""
        if name in self.means:
            return (name,)
        parts = tuple(part for part in name.split("+") if part in self.means)
        return parts or tuple(self.means)

    def as_dict(self) -> dict[str, Any]:
        """Give the statistics as plain values for JSON, about 2.7 bytes a dimension and modality.

        Means are base64 of little-endian half precision.
        """
        return {
            "means": {
                name: base64.b64encode(mean.astype("<f2").tobytes()).decode() for name, mean in self.means.items()
            },
            "levels": {one: dict(row) for one, row in self.levels.items()},
            "spreads": {one: dict(row) for one, row in self.spreads.items()},
            "rows": dict(self.rows),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Balance:
        """Build the statistics from `as_dict`; they give the same scores to the last bit.

        Raises:
            StoreError: The values are not those of `as_dict`.
        """
        try:
            means = {name: _read_mean(text) for name, text in values["means"].items()}
            levels = _read_table(values["levels"], means)
            spreads = _read_table(values["spreads"], means)
            rows = {name: int(values["rows"][name]) for name in means}
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError, binascii.Error) as exc:
            raise _damaged(f"{type(exc).__name__}: {exc}") from exc
        _check(means, levels, spreads, rows)
        return cls(means, levels, spreads, rows)


def _average(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def _read_table(values: Mapping[str, Mapping[str, float]], names: Iterable[str]) -> dict[str, dict[str, float]]:
    return {one: {two: float(values[one][two]) for two in names} for one in names}


def _read_mean(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text, validate=True), "<f2").astype(np.float32)


def _check(
    means: Mapping[str, np.ndarray],
    levels: Mapping[str, Mapping[str, float]],
    spreads: Mapping[str, Mapping[str, float]],
    rows: Mapping[str, int],
) -> None:
    if len({len(mean) for mean in means.values()}) != 1:
        raise _damaged("the means must all have one length, and be there")
    if not all(np.isfinite(mean).all() for mean in means.values()):
        raise _damaged("a mean is not finite")
    if not all(math.isfinite(level) for row in levels.values() for level in row.values()):
        raise _damaged("every level must be a number")
    if not all(0 < spread < math.inf for row in spreads.values() for spread in row.values()):
        raise _damaged("every spread must be a number above 0")
    if min(rows.values()) < 1:
        raise _damaged("every modality must have a row")


def _damaged(what: str) -> StoreError:
    return StoreError(
        f"the statistics that balance modalities cannot be read ({what}). Search with balance='off', or take "
        "'balance' out of the collection's manifest, and the next add() makes them anew."
    )
