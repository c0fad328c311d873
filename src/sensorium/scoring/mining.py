"""The pairs of highest score within one set of vectors or sentences.

Must not know models beyond their `encode`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from sensorium.scoring.inputs import VectorsLike, as_matrix, check_at_least, find_nan_rows, take_rows
from sensorium.scoring.similarity import cos_sim
from sensorium.scoring.top_k import search_top_k


class Encoder(Protocol):
    """What `paraphrase_mining` asks of a model."""

    def encode(
        self,
        sentences: list[str],
        *,
        show_progress_bar: bool,
        batch_size: int,
        convert_to_tensor: bool,
        truncate_dim: int | None,
        prompt_name: str | None,
        prompt: str | None,
    ) -> Tensor:
        """Return `[count, dim]`."""


def paraphrase_mining(
    model: Encoder,
    sentences: list[str],
    show_progress_bar: bool = False,
    batch_size: int = 32,
    query_chunk_size: int = 5000,
    corpus_chunk_size: int = 100000,
    max_pairs: int = 500000,
    top_k: int = 100,
    score_function: Callable[[Tensor, Tensor], Tensor] = cos_sim,
    truncate_dim: int | None = None,
    prompt_name: str | None = None,
    prompt: str | None = None,
) -> list[list[float | int]]:
    """Encode sentences, or any other inputs of the model, and return the pairs of highest score.

    Args:
        model: Anything with the `encode` of a `SentenceTransformer`.
        sentences: The inputs.
        show_progress_bar: Passed to `encode`.
        batch_size: Passed to `encode`.
        query_chunk_size: As in `paraphrase_mining_embeddings`.
        corpus_chunk_size: As in `paraphrase_mining_embeddings`.
        max_pairs: As in `paraphrase_mining_embeddings`.
        top_k: As in `paraphrase_mining_embeddings`.
        score_function: As in `paraphrase_mining_embeddings`.
        truncate_dim: Passed to `encode`.
        prompt_name: Passed to `encode`.
        prompt: Passed to `encode`.

    Returns:
        As `paraphrase_mining_embeddings`.
    """
    embeddings = model.encode(
        sentences,
        show_progress_bar=show_progress_bar,
        batch_size=batch_size,
        convert_to_tensor=True,
        truncate_dim=truncate_dim,
        prompt_name=prompt_name,
        prompt=prompt,
    )
    return paraphrase_mining_embeddings(
        embeddings,
        query_chunk_size=query_chunk_size,
        corpus_chunk_size=corpus_chunk_size,
        max_pairs=max_pairs,
        top_k=top_k,
        score_function=score_function,
    )


def paraphrase_mining_embeddings(
    embeddings: VectorsLike,
    query_chunk_size: int = 5000,
    corpus_chunk_size: int = 100000,
    max_pairs: int = 500000,
    top_k: int = 100,
    score_function: Callable[[Tensor, Tensor], Tensor] = cos_sim,
) -> list[list[float | int]]:
    """Return the pairs of vectors of highest score.

    Args:
        embeddings: `[n, dim]`.
        query_chunk_size: Vectors whose partners are looked for at a time, at least 1.
        corpus_chunk_size: Vectors they are compared with at a time, at least 1.
        max_pairs: Pairs to return at most, at least 0.
        top_k: Partners considered for each vector, at least 0. A pair is found if either has the other among its own.
        score_function: Gives `[a, b]` scores for `[a, dim]` and `[b, dim]`, symmetric; higher is better.

    Returns:
        `[score, i, j]` with `i < j`, each pair once, from the highest score down; of equal scores the lower `i`, then
        the lower `j` first. Vectors with a NaN are in no pair. Fewer than two vectors give `[]`.

    Raises:
        InputError: The values are no vectors, or a number is out of its range.

    Example:
        >>> paraphrase_mining_embeddings([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0]], max_pairs=1)
        [[1.0, 0, 2]]
    """
    check_at_least("query_chunk_size", query_chunk_size, 1)
    check_at_least("max_pairs", max_pairs, 0)
    check_at_least("top_k", top_k, 0)
    with torch.no_grad():
        vectors = as_matrix(embeddings)
        positions = torch.nonzero(~find_nan_rows(vectors)).squeeze(1)
        if positions.shape[0] < vectors.shape[0]:
            vectors = vectors.index_select(0, positions)
        count, neighbours = vectors.shape[0], min(top_k, vectors.shape[0] - 1)
        pairs = _Pairs(count, vectors.device)
        for start in range(0, count if neighbours > 0 else 0, query_chunk_size):
            queries = take_rows(vectors, start, start + query_chunk_size)
            [(scores, found)] = search_top_k(
                queries, vectors, neighbours + 1, score_function, query_chunk_size, corpus_chunk_size
            )
            pairs.add(start, scores, found, neighbours)
            pairs.keep_best(max_pairs)
        scores, first, second = (
            pairs.scores,
            positions[pairs.keys // max(1, count)],
            positions[pairs.keys % max(1, count)],
        )
    return [list(pair) for pair in zip(scores.tolist(), first.tolist(), second.tolist(), strict=True)]


class _Pairs:
    """The best pairs so far. The key of the pair `i < j` is `i * count + j`."""

    def __init__(self, count: int, device: torch.device) -> None:
        self.count = count
        self.scores = torch.zeros(0, device=device)
        self.keys = torch.zeros(0, dtype=torch.int64, device=device)

    def add(self, start: int, scores: Tensor, found: Tensor, neighbours: int) -> None:
        """Take in the results `[rows, neighbours + 1]` of the vectors from `start` on, themselves left out."""
        own = torch.arange(start, start + found.shape[0], device=found.device)[:, None]
        is_other = found != own
        # Among many equal vectors a vector may miss itself; then it has one partner too many.
        is_kept = is_other & (is_other.cumsum(dim=1) <= neighbours) & ~torch.isnan(scores)
        keys = torch.minimum(own, found) * self.count + torch.maximum(own, found)
        dtype = torch.promote_types(self.scores.dtype, scores.dtype)
        self.scores = torch.cat([self.scores.to(dtype), scores[is_kept].to(dtype)])
        self.keys = torch.cat([self.keys, keys[is_kept]])

    def keep_best(self, max_pairs: int) -> None:
        """Drop the lower score of pairs found from both sides, then all but the best `max_pairs`; sort them."""
        by_score = torch.sort(self.scores, descending=True, stable=True).indices
        keys, order = torch.sort(self.keys[by_score], stable=True)
        is_first = torch.ones_like(keys, dtype=torch.bool)
        is_first[1:] = keys[1:] != keys[:-1]
        keys, scores = keys[is_first], self.scores[by_score[order[is_first]]]
        self.scores, order = torch.sort(scores, descending=True, stable=True)
        self.scores, self.keys = self.scores[:max_pairs], keys[order[:max_pairs]]
