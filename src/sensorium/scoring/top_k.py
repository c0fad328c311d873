"""The highest scores of each row, with ties and NaN settled: the core of search and of paraphrase mining.

The order is total, so that a result does not depend on chunk sizes or on the device: higher score first, of equal
scores the lower index first, NaN after every number. Must not know dictionaries, sentences or what the scores mean.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from sensorium.errors import InputError
from sensorium.scoring.inputs import check_at_least, take_rows, upcast
from sensorium.scoring.similarity import cos_sim, dot_rows, pytorch_cos_sim
from sensorium.scoring.sparse import SMALLEST_NORM
from sensorium.scoring.vectors import measure_rows, normalize_rows

#: Elements of the index array made while ties are settled: 64 MiB of int32.
TIE_ELEMENTS = 1 << 24


def search_top_k(
    queries: Tensor,
    corpus: Tensor,
    top_k: int,
    score_function: Callable[[Tensor, Tensor], Tensor],
    query_chunk_size: int,
    corpus_chunk_size: int,
) -> list[tuple[Tensor, Tensor]]:
    """Return the best rows of `corpus` for each row of `queries`.

    Args:
        queries: `[n, dim]`, dense or sparse, on the device of `corpus`.
        corpus: `[m, dim]`, dense or sparse.
        top_k: Results per query, at least 0; cut at `m`.
        score_function: Gives `[a, b]` scores for `[a, dim]` and `[b, dim]`. With `cos_sim` no normalised copy of the
            corpus is made: dot products are divided by its lengths, which for few queries is several times faster.
        query_chunk_size: Queries scored at a time, at least 1.
        corpus_chunk_size: Corpus rows scored at a time, at least 1.

    Returns:
        For each chunk of queries, the scores `[chunk, k]` and the corpus rows `[chunk, k]` (int64), best first.

    Raises:
        InputError: A number is out of its range, or the score function gives another shape.
    """
    check_at_least("query_chunk_size", query_chunk_size, 1)
    check_at_least("corpus_chunk_size", corpus_chunk_size, 1)
    check_at_least("top_k", top_k, 0)
    is_cosine = score_function in (cos_sim, pytorch_cos_sim)
    if is_cosine:
        queries = normalize_rows(queries)
    starts = range(0, queries.shape[0], query_chunk_size)
    chunks = [take_rows(queries, start, start + query_chunk_size) for start in starts]
    best = [_no_results(chunk) for chunk in chunks]
    for start in range(0, corpus.shape[0] if top_k else 0, corpus_chunk_size):
        block = take_rows(corpus, start, start + corpus_chunk_size)
        score = _cosine_with(block) if is_cosine else score_function
        for position, chunk in enumerate(chunks):
            scores = _check_scores(score(chunk, block), chunk, block)
            values, indices = take_top_k(scores, min(top_k, block.shape[0]))
            best[position] = _merge(best[position], (values, indices + start), top_k)
    return best


def take_top_k(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the `k` highest scores of each row and their columns, in the total order of this file.

    Args:
        scores: `[rows, columns]`, float32 or float64. Not changed.
        k: At most `columns`.

    Returns:
        Scores `[rows, k]` and columns `[rows, k]` (int64).
    """
    if not k or not scores.shape[0]:
        return scores[:, :k], torch.zeros((scores.shape[0], k), dtype=torch.int64, device=scores.device)
    width = min(k + 1, scores.shape[1])  # one more, to see whether the last place is contested
    values, indices = torch.topk(scores, width, dim=1)
    has_nan = bool(torch.isnan(values[:, 0]).any())  # topk takes NaN for the highest
    keys = scores
    if has_nan:
        keys = _rank_nan_last(scores)
        values, indices = torch.topk(keys, width, dim=1)
    if width > k:
        contested = torch.nonzero(values[:, k - 1] == values[:, k]).squeeze(1)
        values, indices = values[:, :k], indices[:, :k]
        if contested.shape[0]:
            indices = _settle_last_places(keys, values, indices, contested)
    values, indices = _order_ties(values, indices)
    return (scores.gather(1, indices) if has_nan else values), indices


def _cosine_with(block: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    """Return a score of vectors of length one with `block`, whose lengths are computed here, once."""
    lengths = measure_rows(block).clamp_min(SMALLEST_NORM)
    return lambda queries, corpus: dot_rows(queries, corpus).div_(lengths)


def _settle_last_places(keys: Tensor, values: Tensor, indices: Tensor, rows: Tensor) -> Tensor:
    """Give the places that share the lowest score, in `rows`, to the lowest columns that have this score."""
    k, columns = indices.shape[1], keys.shape[1]
    indices = indices.clone()
    places = torch.arange(k, device=keys.device)
    column_ids = torch.arange(columns, dtype=torch.int32, device=keys.device)
    for chunk in rows.split(max(1, TIE_ELEMENTS // columns)):
        lowest = values[chunk, -1:]
        candidates = torch.where(keys[chunk] == lowest, column_ids, columns)
        first = torch.topk(candidates, k, dim=1, largest=False, sorted=True).values.to(torch.int64)
        rank = places - (values[chunk] > lowest).sum(dim=1, keepdim=True)  # place among the equal ones
        indices[chunk] = torch.where(rank >= 0, first.gather(1, rank.clamp_min(0)), indices[chunk])
    return indices


def _order_ties(values: Tensor, indices: Tensor) -> tuple[Tensor, Tensor]:
    """Put the lower index first where values, sorted from the highest, are equal."""
    if not bool((values[:, 1:] == values[:, :-1]).any()):
        return values, indices
    indices, order = torch.sort(indices, dim=1)
    values, order = torch.sort(values.gather(1, order), dim=1, descending=True, stable=True)
    return values, indices.gather(1, order)


def _merge(best: tuple[Tensor, Tensor], new: tuple[Tensor, Tensor], k: int) -> tuple[Tensor, Tensor]:
    """Join two lists of results, the first of which has the lower indices, and keep the best `k`."""
    if not best[0].shape[1]:
        return new
    values, indices = torch.cat([best[0], new[0]], dim=1), torch.cat([best[1], new[1]], dim=1)
    order = torch.sort(_rank_nan_last(values), dim=1, descending=True, stable=True).indices[:, :k]
    return values.gather(1, order), indices.gather(1, order)


def _rank_nan_last(scores: Tensor) -> Tensor:
    return torch.nan_to_num(scores, nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf)


def _no_results(chunk: Tensor) -> tuple[Tensor, Tensor]:
    shape = (chunk.shape[0], 0)
    return torch.zeros(shape, device=chunk.device), torch.zeros(shape, dtype=torch.int64, device=chunk.device)


def _check_scores(scores: Tensor, queries: Tensor, corpus: Tensor) -> Tensor:
    wanted = (queries.shape[0], corpus.shape[0])
    if not isinstance(scores, Tensor) or tuple(scores.shape) != wanted:
        got = list(scores.shape) if isinstance(scores, Tensor) else type(scores).__name__
        raise InputError(f"The score function must return a tensor of the shape {list(wanted)}, got {got}.")
    return upcast(scores)
