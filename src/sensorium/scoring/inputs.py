"""Vectors as callers hold them (lists, numpy arrays, tensors, dense or sparse) brought to one tensor form.

The form is a float32 or float64 tensor, dense or sparse COO. It shares memory with what the caller gave wherever torch
can view that, so nothing in this room may write into it. Must not know what is computed from the tensors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from sensorium.errors import InputError

#: One vector, or a batch of them, in any form that this room takes.
VectorsLike: TypeAlias = "list[Any] | tuple[Any, ...] | np.ndarray | Tensor"


def as_tensor(values: VectorsLike) -> Tensor:
    """Return `values` as a floating-point tensor of their own shape.

    Args:
        values: A tensor, an array, a list of either, or nested lists of numbers. An empty list becomes `[0, 0]`.

    Returns:
        A dense or sparse COO tensor; float64 if the values are a float64 array or tensor, otherwise float32. Writable
        numpy arrays and tensors of those dtypes are viewed, anything else is copied.

    Raises:
        InputError: The values are not numbers, are ragged, or are complex.
    """
    if isinstance(values, Tensor):
        tensor = values
    elif isinstance(values, np.ndarray):
        tensor = _view_array(values)
    elif isinstance(values, (list, tuple)):
        tensor = _stack_list(values)
    elif hasattr(values, "__array__"):
        tensor = _view_array(np.asarray(values))
    else:
        raise InputError(f"Vectors must be a list, a numpy array or a torch tensor, not {type(values).__name__}.")
    if tensor.is_complex():
        raise InputError(f"Vectors must be real numbers, got {tensor.dtype}.")
    if tensor.layout in (torch.sparse_csr, torch.sparse_csc):
        tensor = tensor.to_sparse_coo()
    return upcast(tensor)


def as_matrix(values: VectorsLike) -> Tensor:
    """Return `values` as a `[count, dim]` tensor: a single vector becomes a batch of one, no numbers at all no rows.

    Raises:
        InputError: As `as_tensor`, or the values have no dimension or more than two.
    """
    tensor = as_tensor(values)
    if tensor.ndim == 1:
        return tensor.unsqueeze(0) if tensor.shape[0] else tensor.new_zeros((0, 0))
    if tensor.ndim != 2:
        raise InputError(
            f"Vectors must have the shape [dim] or [count, dim], got {list(tensor.shape)}. "
            "Score matrices of token vectors one at a time."
        )
    return tensor


def as_matrix_pair(a: VectorsLike, b: VectorsLike) -> tuple[Tensor, Tensor]:
    """Return both as `[count, dim]` tensors of one dtype on one device.

    A list or array goes to the device of the tensor beside it. A batch without rows fits any dimension.

    Raises:
        InputError: As `as_matrix`, or the dimensions differ, or two tensors are on different devices.
    """
    first, second = as_matrix(a), as_matrix(b)
    if first.device != second.device:
        if isinstance(a, Tensor) and isinstance(b, Tensor):
            raise InputError(
                f"The two batches are on different devices, {first.device} and {second.device}. "
                "Move one of them with .to(device)."
            )
        first, second = (first.to(second.device), second) if isinstance(b, Tensor) else (first, second.to(first.device))
    first, second = _give_dim_to_empty(first, second), _give_dim_to_empty(second, first)
    if first.shape[1] != second.shape[1]:
        raise InputError(
            f"The two batches have vectors of different dimensions, {first.shape[1]} and {second.shape[1]}. "
            "Compare vectors of one model, truncated alike."
        )
    dtype = torch.promote_types(first.dtype, second.dtype)
    return first.to(dtype), second.to(dtype)


def is_one_vector(values: VectorsLike) -> bool:
    """Tell whether `values`, which can be read as a matrix, is a single vector rather than a batch."""
    if isinstance(values, (list, tuple)):
        return len(values) > 0 and np.ndim(values[0]) == 0
    return np.ndim(values) == 1 and len(values) > 0


def upcast(tensor: Tensor) -> Tensor:
    """Return `tensor` in float32 unless it is float32 or float64 already."""
    return tensor if tensor.dtype in (torch.float32, torch.float64) else tensor.to(torch.float32)


def take_rows(matrix: Tensor, start: int, stop: int) -> Tensor:
    """Return the rows `start` to `stop` (exclusive, cut at the end) of a dense or sparse matrix."""
    if not matrix.is_sparse:
        return matrix[start:stop]
    rows = torch.arange(start, min(stop, matrix.shape[0]), device=matrix.device)
    return matrix.index_select(0, rows)


def find_nan_rows(matrix: Tensor) -> Tensor:
    """Return a bool tensor `[count]`: which rows of a dense or sparse matrix hold a NaN."""
    if not matrix.is_sparse:
        return torch.isnan(matrix).any(dim=1)
    coalesced = matrix.coalesce()
    is_nan_row = torch.zeros(matrix.shape[0], dtype=torch.bool, device=matrix.device)
    is_nan_row[coalesced.indices()[0][torch.isnan(coalesced.values())]] = True
    return is_nan_row


def check_at_least(name: str, value: int, smallest: int) -> None:
    """Raise `InputError` if the argument called `name` is below `smallest`."""
    if value < smallest:
        raise InputError(f"{name} must be at least {smallest}, got {value!r}.")


def _give_dim_to_empty(matrix: Tensor, other: Tensor) -> Tensor:
    return matrix if matrix.shape[0] else matrix.new_zeros((0, other.shape[1]))


def _view_array(array: np.ndarray) -> Tensor:
    if array.dtype not in (np.float16, np.float32, np.float64):
        try:
            array = array.astype(np.float32)
        except (TypeError, ValueError) as exc:
            raise InputError(f"Vectors must hold numbers, got an array of dtype {array.dtype}.") from exc
    is_viewable = array.flags.writeable and array.dtype.isnative and all(stride >= 0 for stride in array.strides)
    if not is_viewable:  # torch warns about the first and refuses the other two
        array = np.array(array, dtype=array.dtype.newbyteorder("="), order="C")
    return torch.from_numpy(array)


def _stack_list(values: Sequence[Any]) -> Tensor:
    if not len(values):
        return torch.zeros((0, 0))
    try:
        if isinstance(values[0], Tensor):
            return torch.stack([upcast(value) for value in values])
        if isinstance(values[0], np.ndarray):
            return _view_array(np.stack(values))
        return _view_array(np.asarray(values, dtype=np.float32))
    except (TypeError, ValueError, RuntimeError, AttributeError) as exc:
        raise InputError(
            "A list of vectors must hold numbers, or arrays or tensors of one kind, length and device, "
            f"and these do not stack: {exc}"
        ) from exc
