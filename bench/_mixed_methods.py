"""Ways to make scores of several modalities comparable: what was chosen, and what it was held against.

Each knows only the collection's vectors. Must not know which answers are right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from sensorium.collection.balance import Balance

#: (query [dim], its modality, modality of the records, their vectors [rows, dim]) -> scores [rows]. All of length 1.
Scorer = Callable[[np.ndarray, str, str, np.ndarray], np.ndarray]

CHOSEN, PLAIN, CENTRED = "auto", "off", "means removed"


def make_scorers(vectors: Mapping[str, np.ndarray], seed: int = 0) -> dict[str, Scorer]:
    """Give the ways by name.

    Args:
        vectors: Modality -> the collection's vectors, of length 1.
        seed: Of which rows stand in for queries, and for all records.
    """
    balance = Balance.estimate(vectors, seed=seed)
    if balance is None:
        raise ValueError("one modality needs no balance.")
    means = {name: rows.mean(axis=0) for name, rows in vectors.items()}
    moments = _find_moments(vectors, seed)
    random = np.random.default_rng(seed)
    background = {name: rows[random.permutation(len(rows))[:128]] for name, rows in vectors.items()}

    def remove_means(query: np.ndarray, asked: str, modality: str, records: np.ndarray) -> np.ndarray:
        """Li et al. 2025: every vector without its modality's mean, at length 1 again."""
        centred = _to_units(query - means[asked]) if asked in means else query
        return _to_units(records - means[modality]) @ centred

    def fix_moments(query: np.ndarray, asked: str, modality: str, records: np.ndarray) -> np.ndarray:
        """Mean and deviation of all cosines between two modalities, the same for every query."""
        mean, deviation = moments[asked, modality] if asked in means else moments[modality, modality]
        return (records @ query - mean) / deviation

    def ask_background(query: np.ndarray, asked: str, modality: str, records: np.ndarray) -> np.ndarray:
        """Mean and deviation of this query's cosines with 128 records of the modality (z-norm)."""
        cosines = background[modality] @ query
        return (records @ query - cosines.mean()) / max(float(cosines.std()), 1e-3)

    def remove_and_ask(query: np.ndarray, asked: str, modality: str, records: np.ndarray) -> np.ndarray:
        """Both: means removed, then mean and deviation of this query's cosines."""
        scores = remove_means(query, asked, modality, records)
        cosines = remove_means(query, asked, modality, background[modality])
        return (scores - cosines.mean()) / max(float(cosines.std()), 1e-3)

    return {
        PLAIN: lambda query, asked, modality, records: records @ query,
        CENTRED: remove_means,
        "fixed moments": fix_moments,
        "each query's": ask_background,
        "removed, each's": remove_and_ask,
        CHOSEN: balance.scores,
    }


def _find_moments(vectors: Mapping[str, np.ndarray], seed: int) -> dict[tuple[str, str], tuple[float, float]]:
    random = np.random.default_rng(seed)
    moments = {}
    for one, rows in vectors.items():
        asked = random.permutation(len(rows))[:200]
        for other, records in vectors.items():
            cosines = rows[asked] @ records.T
            if one == other:
                cosines[np.arange(len(asked)), asked] = np.nan
            moments[one, other] = float(np.nanmean(cosines)), float(np.nanstd(cosines))
    return moments


def _to_units(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def make_cones(
    seed: int, noises: Mapping[str, float], rows: int = 400, *, is_upright: bool
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Make a gap without a model: things of 20 kinds, seen in modalities that each lie around a centre of their own.

    Args:
        seed: Of everything.
        noises: Modality -> how much it blurs what it shows; 1 is as much as there is to see.
        rows: Records of each.
        is_upright: Things and blur fill 224 dimensions, centres the other 32; or else all share all 256.

    Returns:
        Modality -> vectors of length 1, float32 `[rows, 256]`; and which of 200 things each row is, `[rows]`.
    """
    random = np.random.default_rng(seed)
    content = np.r_[np.ones(224), np.zeros(32)] if is_upright else np.ones(256)
    kinds = random.normal(size=(20, 256))
    things = 0.6 * kinds[random.integers(0, 20, 200)] + 0.8 * random.normal(size=(200, 256))
    shown = np.arange(rows) % 200
    vectors = {}
    for name, noise in noises.items():
        centre = random.normal(size=256) * (1 - content if is_upright else 1)
        centre *= 24 / np.linalg.norm(centre)
        seen = (things[shown] + noise * random.normal(size=(rows, 256))) * content + centre
        vectors[name] = _to_units(seen).astype(np.float32)
    return vectors, shown
