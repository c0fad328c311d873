"""Scores of the first vector with the first, the second with the second, and so on.

Inputs, dtypes and NaN are as in `similarity`. Two single vectors give a score without a dimension, a single vector
beside a batch is compared with each of the batch, and two empty batches give no scores. Must not know search or
ranking.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from sensorium.errors import InputError
from sensorium.scoring import sparse
from sensorium.scoring.inputs import VectorsLike, as_matrix_pair, is_one_vector
from sensorium.scoring.vectors import normalize_rows


def pairwise_cos_sim(a: VectorsLike, b: VectorsLike) -> Tensor:
    """Return the cosine of the angle between each vector of `a` and its partner in `b`.

    Args:
        a: `[n, dim]`, `[1, dim]` or `[dim]`.
        b: `[n, dim]`, `[1, dim]` or `[dim]`.

    Returns:
        `[n]` in [-1, 1] but for rounding; 0 for a zero vector; no dimension for two single vectors.

    Raises:
        InputError: The values are no vectors, or `a` and `b` differ in dimension, device or number of vectors.

    Example:
        >>> pairwise_cos_sim([[1.0, 0.0], [0.0, 1.0]], [[2.0, 0.0], [1.0, 0.0]])
        tensor([1., 0.])
    """
    return _score_pairs(a, b, lambda x, y: _dot(normalize_rows(x), normalize_rows(y)))


def pairwise_dot_score(a: VectorsLike, b: VectorsLike) -> Tensor:
    """Return the dot product of each vector of `a` with its partner in `b`: `[n]`. Arguments as `pairwise_cos_sim`."""
    return _score_pairs(a, b, _dot)


def pairwise_euclidean_sim(a: VectorsLike, b: VectorsLike) -> Tensor:
    """Return the negative Euclidean distance of each vector of `a` from its partner in `b`: `[n]`, at most 0.

    Arguments as `pairwise_cos_sim`.
    """
    return _score_pairs(a, b, lambda x, y: -_measure_difference(x, y, 2))


def pairwise_manhattan_sim(a: VectorsLike, b: VectorsLike) -> Tensor:
    """Return the negative Manhattan distance of each vector of `a` from its partner in `b`: `[n]`, at most 0.

    Arguments as `pairwise_cos_sim`.
    """
    return _score_pairs(a, b, lambda x, y: -_measure_difference(x, y, 1))


def pairwise_angle_sim(x: VectorsLike, y: VectorsLike) -> Tensor:
    """Return the AnglE score of each vector of `x` with its partner in `y`.

    The first half of a vector is read as real parts, the second as imaginary ones. The score is the absolute sum over
    the components of `x / y`, taken after `x` and `y` are scaled to one length.

    Args:
        x: `[n, dim]`, `[1, dim]` or `[dim]`, `dim` even.
        y: `[n, dim]`, `[1, dim]` or `[dim]`.

    Returns:
        `[n]`, at least 0; 0 where either vector is zero.

    Raises:
        InputError: As `pairwise_cos_sim`, or `dim` is odd.

    Example:
        >>> pairwise_angle_sim([[1.0, 0.0]], [[0.0, 2.0]])
        tensor([1.])

    Source: Li and Li 2023, "AnglE-optimized Text Embeddings" (arXiv 2309.12871), the angle objective.
    """
    return _score_pairs(x, y, _angle)


def _score_pairs(a: VectorsLike, b: VectorsLike, score: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    left, right = as_matrix_pair(a, b)
    rows = {left.shape[0], right.shape[0]}
    if len(rows) > 1 and (1 not in rows or 0 in rows):
        raise InputError(
            f"Scores of pairs need as many vectors on either side, got {left.shape[0]} and {right.shape[0]}. "
            "For every vector with every other use the function without 'pairwise' in its name."
        )
    if len(rows) > 1 or left.is_sparse != right.is_sparse:
        left, right = sparse.to_dense(left), sparse.to_dense(right)
    scores = score(left, right)
    return scores.squeeze(0) if is_one_vector(a) and is_one_vector(b) else scores


def _dot(a: Tensor, b: Tensor) -> Tensor:
    if a.is_sparse:
        product = (a.coalesce() * b.coalesce()).coalesce()
        return sparse.sum_rows(product, product.values())
    return (a * b).sum(dim=-1)


def _measure_difference(a: Tensor, b: Tensor, order: int) -> Tensor:
    """Return `[n]`: the Manhattan (`order` 1) or Euclidean (2) length of each `a - b`."""
    if not a.is_sparse:
        return torch.linalg.vector_norm(a - b, ord=order, dim=-1)
    difference = (a - b).coalesce()
    sums = sparse.sum_rows(difference, difference.values().abs() ** order)
    return sums.sqrt() if order == 2 else sums


def _angle(x: Tensor, y: Tensor) -> Tensor:
    if x.shape[-1] % 2:
        raise InputError(
            f"The angle score reads vectors as complex numbers and needs an even dimension, got {x.shape[-1]}."
        )
    x_real, x_imaginary = normalize_rows(sparse.to_dense(x)).chunk(2, dim=-1)
    y_real, y_imaginary = normalize_rows(sparse.to_dense(y)).chunk(2, dim=-1)
    real = x_real * y_real + x_imaginary * y_imaginary
    imaginary = x_imaginary * y_real - x_real * y_imaginary
    return (real + imaginary).sum(dim=-1).abs()
