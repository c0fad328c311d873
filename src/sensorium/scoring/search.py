"""Search of a corpus of vectors that is held in memory, by comparing each query with each of them.

Must not know models, files or approximate indexes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

import torch
from torch import Tensor

from sensorium.errors import NotBuiltError
from sensorium.scoring.inputs import VectorsLike, as_matrix, as_matrix_pair
from sensorium.scoring.similarity import cos_sim
from sensorium.scoring.top_k import search_top_k

if TYPE_CHECKING:
    import numpy as np


def semantic_search(
    query_embeddings: VectorsLike,
    corpus_embeddings: VectorsLike,
    query_chunk_size: int = 100,
    corpus_chunk_size: int = 500000,
    top_k: int = 10,
    score_function: Callable[[Tensor, Tensor], Tensor] = cos_sim,
) -> list[list[dict[str, int | float]]]:
    """Return the corpus vectors that score highest for each query.

    Args:
        query_embeddings: `[n, dim]` or `[dim]`; moved to the device of the corpus.
        corpus_embeddings: `[m, dim]` or `[dim]`.
        query_chunk_size: Queries scored at a time, at least 1.
        corpus_chunk_size: Corpus vectors scored at a time, at least 1. Memory is that of one score block,
            `query_chunk_size` × `corpus_chunk_size` × 4 bytes, and one float32 copy of such a piece of the corpus.
        top_k: Results per query, at least 0.
        score_function: Gives `[a, b]` scores for `[a, dim]` and `[b, dim]`; higher is better.

    Returns:
        For each query, `{"corpus_id": int, "score": float}` from the highest score down, `min(top_k, m)` of them. Of
        equal scores the lower `corpus_id` comes first, whatever the chunk sizes. A vector with a NaN scores NaN and
        comes after every number; a query with a NaN gets the first `corpus_id`s, all with NaN. No queries give `[]`,
        an empty corpus an empty list for each query.

    Raises:
        InputError: The values are no vectors, differ in dimension, or a number is out of its range.

    Example:
        >>> semantic_search([[1.0, 0.0]], [[0.0, 1.0], [2.0, 0.0]], top_k=1)
        [[{'corpus_id': 1, 'score': 1.0}]]
    """
    with torch.no_grad():
        corpus = as_matrix(corpus_embeddings)
        queries, corpus = as_matrix_pair(as_matrix(query_embeddings).to(corpus.device), corpus)
        best = search_top_k(queries, corpus, top_k, score_function, query_chunk_size, corpus_chunk_size)
    return [
        [{"corpus_id": index, "score": score} for score, index in zip(scores, indices, strict=True)]
        for chunk_scores, chunk_indices in best
        for scores, indices in zip(chunk_scores.tolist(), chunk_indices.tolist(), strict=True)
    ]


def semantic_search_faiss(
    query_embeddings: np.ndarray,
    corpus_embeddings: np.ndarray | None = None,
    corpus_index: Any = None,
    corpus_precision: str = "float32",
    top_k: int = 10,
    ranges: np.ndarray | None = None,
    calibration_embeddings: np.ndarray | None = None,
    rescore: bool = True,
    rescore_multiplier: int = 2,
    exact: bool = True,
    output_index: bool = False,
) -> Any:
    """Raise `NotBuiltError`: search through a FAISS index is not part of this release."""
    _refuse("semantic_search_faiss", "FAISS")


def semantic_search_usearch(
    query_embeddings: np.ndarray,
    corpus_embeddings: np.ndarray | None = None,
    corpus_index: Any = None,
    corpus_precision: str = "float32",
    top_k: int = 10,
    ranges: np.ndarray | None = None,
    calibration_embeddings: np.ndarray | None = None,
    rescore: bool = True,
    rescore_multiplier: int = 2,
    exact: bool = True,
    output_index: bool = False,
) -> Any:
    """Raise `NotBuiltError`: search through a USearch index is not part of this release."""
    _refuse("semantic_search_usearch", "USearch")


def _refuse(name: str, library: str) -> NoReturn:
    raise NotBuiltError(
        f"{name} searches a {library} index, which this release does not include. "
        "Use semantic_search, which compares with every vector of the corpus."
    )
