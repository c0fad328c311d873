"""One vector at a time: normalise it, cut it short, move a batch of them to a device.

Must not know scores or models.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from sensorium.scoring import sparse
from sensorium.scoring.inputs import VectorsLike, as_tensor, check_at_least

Vectors = TypeVar("Vectors", np.ndarray, Tensor)


def normalize_embeddings(embeddings: Vectors) -> Vectors:
    """Return the vectors with length one.

    Args:
        embeddings: `[..., dim]`, a tensor or an array; or a sparse COO tensor `[dim]` or `[count, dim]`.

    Returns:
        New vectors of the same kind, shape and dtype (integers give float32), computed in float32 or better. A zero
        vector stays zero, a vector with a NaN becomes NaN throughout, an empty batch stays empty.

    Raises:
        InputError: The values are not real numbers.

    Example:
        >>> normalize_embeddings(torch.tensor([[3.0, 4.0]]))
        tensor([[0.6000, 0.8000]])
    """
    vectors = as_tensor(embeddings)
    normalized = sparse.normalize_rows(vectors) if vectors.is_sparse else normalize_rows(vectors)
    if isinstance(embeddings, np.ndarray):
        dtype = embeddings.dtype if embeddings.dtype.kind == "f" else np.dtype(np.float32)
        return normalized.numpy().astype(dtype, copy=False)
    if isinstance(embeddings, Tensor) and embeddings.is_floating_point():
        return normalized.to(embeddings.dtype)
    return normalized


def normalize_rows(vectors: Tensor) -> Tensor:
    """Return float32 or float64 vectors, dense or sparse, with length one in the last dimension."""
    if vectors.is_sparse:
        return sparse.normalize_rows(vectors)
    return torch.nn.functional.normalize(vectors, p=2, dim=-1)


def measure_rows(matrix: Tensor) -> Tensor:
    """Return `[count]`: the length of each row of a float32 or float64 matrix, dense or sparse."""
    if matrix.is_sparse:
        return sparse.sum_squares(matrix).sqrt()
    return torch.linalg.vector_norm(matrix, dim=1)


def truncate_embeddings(embeddings: VectorsLike, truncate_dim: int | None) -> Any:
    """Return the first `truncate_dim` dimensions of each vector.

    Args:
        embeddings: `[..., dim]`, a tensor (dense or sparse COO), an array, or a list of vectors.
        truncate_dim: Dimensions to keep, at least 1; a number beyond `dim` keeps all. None returns `embeddings` itself.

    Returns:
        A view for a dense tensor or an array, which keeps the whole vectors in memory until it is copied; a new sparse
        tensor for a sparse one; for a list, a tensor.

    Raises:
        InputError: `truncate_dim` is below 1, or a list does not hold vectors of one length.

    Example:
        >>> truncate_embeddings(torch.tensor([[3.0, 4.0, 5.0]]), 2)
        tensor([[3., 4.]])

    Source: Kusupati et al. 2022, "Matryoshka Representation Learning", section 3, for vectors meant to be cut.
    """
    if truncate_dim is None:
        return embeddings
    check_at_least("truncate_dim", truncate_dim, 1)
    vectors = embeddings if isinstance(embeddings, (np.ndarray, Tensor)) else as_tensor(embeddings)
    if isinstance(vectors, Tensor) and vectors.is_sparse:
        return sparse.truncate_columns(vectors, truncate_dim)
    return vectors[..., :truncate_dim]


def batch_to_device(batch: dict[str, Any], target_device: torch.device) -> dict[str, Any]:
    """Move the tensors of a batch of features to a device.

    Args:
        batch: Features by name. Changed in place; values that are not tensors stay as they are.
        target_device: Where the tensors shall be.

    Returns:
        `batch` itself.
    """
    for name, value in batch.items():
        if isinstance(value, Tensor):
            batch[name] = value.to(target_device)
    return batch
