"""Arithmetic on the rows of sparse COO matrices: sums, normalising, products and distances.

Learned sparse vectors have tens of thousands of dimensions and a few hundred values, so a dense copy is made only of a
block at a time. Must not know lists, numpy arrays or single vectors: `inputs` has dealt with those.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from sensorium.scoring.inputs import take_rows

#: Elements in one dense block: 64 MiB of float32.
BLOCK_ELEMENTS = 1 << 24
#: The length below which a vector counts as zero, the default of `torch.nn.functional.normalize`.
SMALLEST_NORM = 1e-12


def sum_rows(matrix: Tensor, values: Tensor) -> Tensor:
    """Return `[rows]`: for each row of a coalesced sparse matrix, the sum of `values`, one for each stored entry."""
    sums = torch.zeros(matrix.shape[0], dtype=values.dtype, device=values.device)
    return sums.index_add(0, matrix.indices()[0], values)


def sum_squares(matrix: Tensor) -> Tensor:
    """Return `[rows]`: the sum of squares of each row, dense or sparse."""
    if not matrix.is_sparse:
        return matrix.square().sum(dim=1)
    matrix = matrix.coalesce()
    return sum_rows(matrix, matrix.values().square())


def normalize_rows(tensor: Tensor) -> Tensor:
    """Return a sparse vector or matrix with rows of length one. Rows without values stay empty."""
    if tensor.ndim == 1:
        row = normalize_rows(tensor.unsqueeze(0))
        return _make(row.indices()[1:], row.values(), tensor.shape)
    matrix = tensor.coalesce()
    norms = sum_squares(matrix).sqrt().clamp_min(SMALLEST_NORM)
    return _make(matrix.indices(), matrix.values() / norms[matrix.indices()[0]], matrix.shape)


def truncate_columns(tensor: Tensor, dim: int) -> Tensor:
    """Return a sparse tensor of which only the first `dim` places of the last dimension are kept."""
    tensor = tensor.coalesce()
    is_kept = tensor.indices()[-1] < dim
    shape = (*tensor.shape[:-1], min(dim, tensor.shape[-1]))
    return _make(tensor.indices()[:, is_kept], tensor.values()[is_kept], shape)


def multiply(a: Tensor, b: Tensor) -> Tensor:
    """Return the dense `[n, m]` dot products of the rows of `a` and `b`, of which at least one is sparse.

    Two sparse sides make torch warn, once a process, that its CSR layout is in beta; going through dense blocks would
    avoid that and takes four to five times as long (400 by 5,000 rows of 150 values in 30,000 dimensions).
    """
    if a.is_sparse and b.is_sparse:
        return torch.sparse.mm(a, b.t()).to_dense()
    if a.is_sparse:
        return torch.sparse.mm(a, b.t())
    return torch.sparse.mm(b, a.t()).t()


def euclidean_distances(a: Tensor, b: Tensor) -> Tensor:
    """Return the dense `[n, m]` Euclidean distances of the rows, from |a|² + |b|² - 2ab: at least one is sparse."""
    squares = sum_squares(a)[:, None] + sum_squares(b)[None, :] - 2 * multiply(a, b)
    return squares.clamp_min(0).sqrt()


def manhattan_distances(a: Tensor, b: Tensor) -> Tensor:
    """Return the dense `[n, m]` Manhattan distances of the rows, of which at least one side is sparse.

    Where a row of `a` is zero, its distance to `b` is `|b|`, so only the few places with a value are looked at:
    the work is `m` times the stored values of `a`, and the memory `[n, m]` and one dense block of `b`.
    """
    if not a.is_sparse:
        return manhattan_distances(b, a).t()
    a = a.coalesce()
    bounds = torch.searchsorted(a.indices()[0].contiguous(), torch.arange(a.shape[0] + 1, device=a.device)).tolist()
    block = max(1, BLOCK_ELEMENTS // max(1, b.shape[1]))
    distances = torch.empty((a.shape[0], b.shape[0]), dtype=a.dtype, device=a.device)
    for start in range(0, b.shape[0], block):
        columns = to_dense(take_rows(b, start, start + block)).t().contiguous()  # [dim, block]
        lengths = columns.abs().sum(dim=0)
        for row, (first, last) in enumerate(pairwise(bounds)):
            theirs = columns[a.indices()[1, first:last]]  # [values of the row, block]
            ours = a.values()[first:last, None]
            change = ((ours - theirs).abs() - theirs.abs()).sum(dim=0)
            distances[row, start : start + block] = (lengths + change).clamp_min(0)
    return distances


def to_dense(matrix: Tensor) -> Tensor:
    """Return a dense matrix, the same object if it is one already."""
    return matrix.to_dense() if matrix.is_sparse else matrix


def _make(indices: Tensor, values: Tensor, shape: Sequence[int]) -> Tensor:
    """Return a sparse tensor from indices that are sorted, distinct and in range, so that torch need not check them."""
    return torch.sparse_coo_tensor(indices, values, tuple(shape), is_coalesced=True, check_invariants=False)
