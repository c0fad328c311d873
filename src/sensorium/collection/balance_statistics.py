"""Means and spreads of a collection's vectors, estimated so that a modality of one row gives no nonsense either.

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
#: The least spread, as a share of the typical one: where nearly all rows are alike, as in hours of silence, a row that is
#: not would otherwise stand countless deviations above them, whatever is asked.
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


def estimate_means(units: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Give each modality's mean, with one row's weight for the mean of the others.

    Args:
        units: Modality -> unit vectors `[rows, dim]`, at least one row each and two modalities.

    Returns:
        Modality -> float64 `[dim]`.
    """
    own = {name: unit.mean(axis=0, dtype=np.float64) for name, unit in units.items()}
    means = {}
    for name, unit in units.items():
        others = np.mean([mean for other, mean in own.items() if other != name], axis=0)
        means[name] = (len(unit) * own[name] + _PRIOR * others) / (len(unit) + _PRIOR)
    return means


def estimate_spreads(units: Mapping[str, np.ndarray], seed: int) -> dict[str, dict[str, float]]:
    """Give the typical standard deviation of one query's cosines with the records of a modality.

    Some rows of each modality stand in for queries. Only what differs between records for one query counts, not what
    differs between queries, since a query's own mean is known. With few records, what is typical of the collection
    weighs in.

    Args:
        units: As in `estimate_means`.
        seed: Of which rows stand in.

    Returns:
        Modality of the query -> modality of the records -> deviation, above 0, to six significant digits.
    """
    random = np.random.default_rng(seed)
    asked = {name: unit[random.permutation(len(unit))[:_QUERIES]] for name, unit in units.items()}
    variances = {(one, two): _find_variance(asked[one], units[two], one == two) for one in units for two in units}
    freedom = {name: len(unit) - 1 for name, unit in units.items()}
    typical = {is_same: _find_typical(variances, freedom, is_same) for is_same in (True, False)}
    typical = {is_same: value or typical[not is_same] or 1.0 for is_same, value in typical.items()}
    spreads: dict[str, dict[str, float]] = {name: {} for name in units}
    for (one, two), variance in variances.items():
        usual = typical[one == two]
        known = 0 if variance is None else freedom[two]
        value = (known * (variance or 0.0) + _PRIOR * usual) / (known + _PRIOR)
        spreads[one][two] = float(f"{max(value, _LEAST_SHARE**2 * usual) ** 0.5:.6g}")
    return spreads


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
    """Give the usual variance within a modality, or between two, those of many records counting more; None if unknown."""
    known = [(value, freedom[two]) for (one, two), value in variances.items() if value and (one == two) is is_same]
    weight = sum(count for _, count in known)
    return sum(value * count for value, count in known) / weight if weight else None
