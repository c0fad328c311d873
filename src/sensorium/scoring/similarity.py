"""Scores of every vector of one batch with every vector of another.

All take lists, numpy arrays and tensors (dense, or sparse COO, CSR and CSC), treat a single vector as a batch of one,
compute in float32 (float64 if either side is a float64 tensor or array), leave their inputs unchanged and return a
dense tensor. An empty batch gives a score matrix with no rows or no columns; a vector with a NaN has NaN for each of
its scores. Must not know search or ranking.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sensorium.scoring import sparse
from sensorium.scoring.inputs import VectorsLike, as_matrix_pair
from sensorium.scoring.vectors import normalize_rows


def cos_sim(a: VectorsLike, b: VectorsLike) -> Tensor:
    """Return the cosine of the angle between each vector of `a` and each of `b`.

    Args:
        a: `[n, dim]` or `[dim]`.
        b: `[m, dim]` or `[dim]`.

    Returns:
        `[n, m]` in [-1, 1] but for rounding; 0 for a zero vector.

    Raises:
        InputError: The values are no vectors, or those of `a` and `b` differ in dimension or device.

    Example:
        >>> cos_sim([[1.0, 0.0]], [[2.0, 0.0], [0.0, 3.0]])
        tensor([[1., 0.]])
    """
    a, b = as_matrix_pair(a, b)
    return dot_rows(normalize_rows(a), normalize_rows(b))


def pytorch_cos_sim(a: VectorsLike, b: VectorsLike) -> Tensor:
    """Return `cos_sim(a, b)`, under the name that older code uses."""
    return cos_sim(a, b)


def dot_score(a: VectorsLike, b: VectorsLike) -> Tensor:
    """Return the dot product of each vector of `a` with each of `b`.

    Args:
        a: `[n, dim]` or `[dim]`. Integers, such as int8 vectors, are multiplied as float32 and do not overflow.
        b: `[m, dim]` or `[dim]`.

    Returns:
        `[n, m]`.

    Raises:
        InputError: As `cos_sim`.

    Example:
        >>> dot_score([1.0, 2.0], [3.0, 4.0])
        tensor([[11.]])
    """
    return dot_rows(*as_matrix_pair(a, b))


def euclidean_sim(a: VectorsLike, b: VectorsLike) -> Tensor:
    """Return the negative Euclidean distance between each vector of `a` and each of `b`.

    Args:
        a: `[n, dim]` or `[dim]`.
        b: `[m, dim]` or `[dim]`.

    Returns:
        `[n, m]`, at most 0. Beyond 25 vectors on a side the distance comes from a matrix product, which leaves an error
        of up to about 1e-3 times their length where two vectors all but coincide.

    Raises:
        InputError: As `cos_sim`.

    Example:
        >>> euclidean_sim([0.0, 0.0], [3.0, 4.0])
        tensor([[-5.]])
    """
    a, b = as_matrix_pair(a, b)
    if a.is_sparse or b.is_sparse:
        return -sparse.euclidean_distances(a, b)
    return -torch.cdist(a, b, p=2.0)


def manhattan_sim(a: VectorsLike, b: VectorsLike) -> Tensor:
    """Return the negative Manhattan distance (sum of absolute differences) of each vector of `a` from each of `b`.

    Args:
        a: `[n, dim]` or `[dim]`.
        b: `[m, dim]` or `[dim]`.

    Returns:
        `[n, m]`, at most 0. Differences are summed as they are made: no `[n, m, dim]` array ever exists.

    Raises:
        InputError: As `cos_sim`.

    Example:
        >>> manhattan_sim([0.0, 0.0], [3.0, 4.0])
        tensor([[-7.]])
    """
    a, b = as_matrix_pair(a, b)
    if a.is_sparse or b.is_sparse:
        return -sparse.manhattan_distances(a, b)
    return -torch.cdist(a, b, p=1.0)


def dot_rows(a: Tensor, b: Tensor) -> Tensor:
    """Return the `[n, m]` dot products of two `[count, dim]` tensors of one dtype, dense or sparse."""
    if a.is_sparse or b.is_sparse:
        return sparse.multiply(a, b)
    return torch.mm(a, b.transpose(0, 1))
