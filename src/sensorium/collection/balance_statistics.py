"""Means and spreads of a collection's cosines, estimated so that a modality of one row gives no nonsense either.

Must not know what becomes of them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

#: Rows of a modality that stand in for queries; more change the spreads in the third digit.
_QUERIES = 200
#: How many rows what is known of the other modalities counts for.
_PRIOR = 1.0
#: Two vectors of a modality nearer than this are one content twice, and say nothing about different ones.
_SAME = 1 - 1e-6
#: The least spread, as a share of the typical one: where nearly all rows are alike, as in hours of silence, a row that
#: is not would otherwise stand countless deviations above them, whatever is asked.
_LEAST_SHARE = 0.25


def to_units(vectors: np.ndarray, *, drop: bool = False) -> np.ndarray:
    """Bring vectors to length 1.

    Args:
        vectors: `[rows, dim]`, any float type.
        drop: Leave out rows that have no direction: zero or not finite. Otherwise a zero stays zero.

    Returns:
        Float32 `[rows, dim]`.
    """
    wide = np.asarray(vectors, np.float64)
    if drop:
        wide = wide[np.isfinite(wide).all(axis=1)]
    largest = np.abs(wide).max(axis=1, keepdims=True, initial=0.0)
    if drop:
        wide, largest = wide[largest[:, 0] > 0], largest[largest[:, 0] > 0]
    wide = wide / np.where(largest > 0, largest, 1.0)  # else the squares of very short vectors are zero
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    return (wide / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)


def estimate_levels(means: Mapping[str, np.ndarray], rows: Mapping[str, int]) -> dict[str, dict[str, float]]:
    """Give the mean cosine of rows of one modality with those of another, no row with itself.

    Args:
        means: Modality -> mean of its unit vectors `[dim]`; two modalities or more.
        rows: Modality -> of how many.

    Returns:
        Modality of the query -> modality of the records -> mean cosine, to six significant digits. One row has no other
        of its own modality; what is usual elsewhere stands for that.
    """
    levels: dict[tuple[str, str], float] = {}
    for one, mean in means.items():
        count = rows[one]
        levels |= {(one, two): float(mean @ other) for two, other in means.items() if two != one}
        if count > 1:
            levels[one, one] = (count * float(mean @ mean) - 1) / (count - 1)
    within = [level for (one, two), level in levels.items() if one == two]
    usual = float(np.mean(within or list(levels.values())))
    return {one: {two: _round(levels.get((one, two), usual)) for two in means} for one in means}


def estimate_spreads(units: Mapping[str, np.ndarray], seed: int) -> dict[str, dict[str, float]]:
    """Give the typical standard deviation of one query's cosines with the records of a modality.

    Some rows of each modality stand in for queries. Only what differs between records for one query counts, not what
    differs between queries, since a query's own mean is known. With few records, what is typical of the collection
    weighs in.

    Args:
        units: Modality -> unit vectors `[rows, dim]`, at least one row each and two modalities.
        seed: Of which rows stand in.

    Returns:
        Modality of the query -> modality of the records -> deviation, above 0, to six significant digits.
    """
    random = np.random.default_rng(seed)
    asked = {name: unit[random.permutation(len(unit))[:_QUERIES]] for name, unit in units.items()}
    variances = {(one, two): _find_variance(asked[one], units[two], one == two) for one in units for two in units}
    freedom = {name: len(unit) - 1 for name, unit in units.items()}
    within, across = (_find_typical(variances, freedom, is_same) for is_same in (True, False))
    typical = {True: within or across or 1.0, False: across or within or 1.0}
    spreads: dict[str, dict[str, float]] = {name: {} for name in units}
    for (one, two), variance in variances.items():
        usual = typical[one == two]
        known = 0 if variance is None else freedom[two]
        value = (known * (variance or 0.0) + _PRIOR * usual) / (known + _PRIOR)
        spreads[one][two] = _round(max(value, _LEAST_SHARE**2 * usual) ** 0.5)
    return spreads


def _round(value: float) -> float:
    return float(f"{value:.6g}")


def _find_variance(queries: np.ndarray, records: np.ndarray, is_same: bool) -> float | None:
    """Give the variance of cosines within a query, pooled over queries; None if no query has two cosines."""
    cosines = (queries @ records.T).astype(np.float64)
    counted = cosines < _SAME if is_same else np.ones_like(cosines, bool)
    counts = counted.sum(axis=1, keepdims=True)
    means = np.where(counted, cosines, 0.0).sum(axis=1, keepdims=True) / np.maximum(counts, 1)
    freedom = int(np.maximum(counts - 1, 0).sum())
    squares = np.where(counted, (cosines - means) ** 2, 0.0).sum()
    return float(squares / freedom) if freedom else None


def _find_typical(
    variances: Mapping[tuple[str, str], float | None], freedom: Mapping[str, int], is_same: bool
) -> float | None:
    """Give the usual variance within one modality, or between two; modalities of many records count more."""
    known = [(value, freedom[two]) for (one, two), value in variances.items() if value and (one == two) is is_same]
    weight = sum(count for _, count in known)
    return sum(value * count for value, count in known) / weight if weight else None
