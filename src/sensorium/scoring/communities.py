"""Groups of vectors that lie close to a common centre.

The whole similarity matrix is never held: one pass counts the neighbours of each vector, a second looks again at the
vectors that can still found a community, against those not yet in one. The second product is the price; it shrinks as
communities are found. Must not know models.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from sensorium.scoring.inputs import VectorsLike, as_matrix, check_at_least, take_rows
from sensorium.scoring.similarity import dot_rows
from sensorium.scoring.vectors import normalize_rows

#: Elements in one block of similarities: 128 MiB of float32.
BLOCK_ELEMENTS = 1 << 25
#: The share of vectors that must be taken since the last copy before the free ones are copied together again.
COMPACTION_SHARE = 0.25


def community_detection(
    embeddings: VectorsLike,
    threshold: float = 0.75,
    min_community_size: int = 10,
    batch_size: int = 1024,
    show_progress_bar: bool = False,
) -> list[list[int]]:
    """Return groups of vectors whose cosine similarity with a common centre reaches a threshold.

    Centres are tried from the one with most neighbours down (of equal numbers, the lower index first). A centre that
    is in a community already is passed over; otherwise its neighbours that are in none form one, if enough are left.

    Args:
        embeddings: `[n, dim]`.
        threshold: The least cosine similarity with the centre.
        min_community_size: The least number of members, the centre included; at least 1.
        batch_size: Centres compared at a time, at least 1; fewer if the block would pass 128 MiB.
        show_progress_bar: Show how many vectors have been compared.

    Returns:
        The indices of each community's members, the centre first and then from the most similar down (of equal
        similarities, the lower index first). Larger communities come first; no index is in two. Vectors with a NaN
        and zero vectors are in none. No vectors give `[]`.

    Raises:
        InputError: The values are no vectors, or a number is out of its range.

    Example:
        >>> community_detection([[1.0, 0.0], [0.0, 1.0], [2.0, 0.1]], min_community_size=2)
        [[0, 2]]
    """
    check_at_least("min_community_size", min_community_size, 1)
    check_at_least("batch_size", batch_size, 1)
    with torch.no_grad():
        vectors = normalize_rows(as_matrix(embeddings))
        count = vectors.shape[0]
        if count < min_community_size:
            return []
        rows = max(1, min(batch_size, BLOCK_ELEMENTS // count))
        neighbours = _count_neighbours(vectors, threshold, rows, show_progress_bar)
        order = np.argsort(-neighbours, kind="stable")
        centres = order[neighbours[order] >= min_community_size]
        communities = _collect(vectors, centres, threshold, min_community_size, rows)
    return sorted(communities, key=len, reverse=True)


def _count_neighbours(vectors: Tensor, threshold: float, rows: int, show_progress_bar: bool) -> np.ndarray:
    """Return `[count]` (int64): for each vector, how many reach the threshold with it, itself included."""
    counts = torch.zeros(vectors.shape[0], dtype=torch.int64, device=vectors.device)
    for start in tqdm(range(0, vectors.shape[0], rows), desc="Finding communities", disable=not show_progress_bar):
        later = take_rows(vectors, start, vectors.shape[0])  # similarity is symmetric: half of it is enough
        similarities = dot_rows(take_rows(later, 0, rows), later)
        is_near = similarities >= threshold
        counts[start : start + rows] += is_near.sum(dim=1)
        counts[start + rows :] += is_near[:, rows:].sum(dim=0)
    return counts.cpu().numpy()


def _collect(vectors: Tensor, centres: np.ndarray, threshold: float, min_size: int, rows: int) -> list[list[int]]:
    """Walk the centres in order and return the communities they found among the vectors still free."""
    communities: list[list[int]] = []
    is_free = np.ones(vectors.shape[0], dtype=bool)
    columns, candidates = np.arange(vectors.shape[0]), vectors  # the free vectors, and a few taken since the last copy
    while True:
        centres = centres[is_free[centres]]
        if not centres.shape[0]:
            return communities
        if is_free[columns].mean() < 1 - COMPACTION_SHARE:
            columns = columns[is_free[columns]]
            candidates = _select(vectors, columns)
        batch, centres = centres[:rows], centres[rows:]
        similarities = dot_rows(_select(vectors, batch), candidates)
        found = _split_batch(similarities.cpu().numpy(), batch, columns, is_free, threshold, min_size)
        communities.extend(found)


def _split_batch(
    similarities: np.ndarray,
    centres: np.ndarray,
    columns: np.ndarray,
    is_free: np.ndarray,
    threshold: float,
    min_size: int,
) -> list[list[int]]:
    """Return the communities of one batch of centres, and mark their members as taken in `is_free`.

    Args:
        similarities: `[centres, columns]`.
        centres: The index of each row.
        columns: The index of each column.
        is_free: `[count]`; changed.
        threshold: The least similarity.
        min_size: The least number of members.
    """
    is_near = (similarities >= threshold) & is_free[columns]
    sizes = is_near.sum(axis=1)
    communities: list[list[int]] = []
    row = -1
    while True:
        is_next = (sizes[row + 1 :] >= min_size) & is_free[centres[row + 1 :]]
        if not is_next.any():
            return communities
        row += 1 + int(is_next.argmax())
        places = np.flatnonzero(is_near[row])
        scores = np.where(columns[places] == centres[row], np.inf, similarities[row, places])
        places = places[np.argsort(-scores, kind="stable")]
        members = columns[places]
        communities.append(members.tolist())
        is_free[members] = False
        sizes[row + 1 :] -= is_near[row + 1 :, places].sum(axis=1)
        is_near[row + 1 :, places] = False


def _select(vectors: Tensor, rows: np.ndarray) -> Tensor:
    return vectors.index_select(0, torch.from_numpy(rows).to(vectors.device))
