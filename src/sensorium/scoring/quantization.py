"""Vectors in fewer bits: one byte per dimension (int8, uint8), or one bit (binary, ubinary).

Must not know search or models.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from torch import Tensor

from sensorium.errors import InputError
from sensorium.scoring.inputs import VectorsLike, as_tensor

logger = logging.getLogger(__name__)

Precision: TypeAlias = Literal["float32", "int8", "uint8", "binary", "ubinary"]
PRECISIONS: tuple[str, ...] = get_args(Precision)

#: Below this many vectors the smallest and largest values are a poor guess at those of later ones.
FEW_EMBEDDINGS = 100
#: Values converted at a time: 1 MiB of float32.
BLOCK_ELEMENTS = 1 << 18


def quantize_embeddings(
    embeddings: VectorsLike | list[np.ndarray] | list[Tensor],
    precision: Precision,
    ranges: np.ndarray | None = None,
    calibration_embeddings: np.ndarray | None = None,
) -> np.ndarray | list[np.ndarray]:
    """Return the vectors in the given precision.

    For `"int8"` and `"uint8"` the range of each dimension, from its least to its greatest value, is cut into 255
    steps, and a value becomes the number of its step: 0 to 255, or -128 to 127; values outside become the first or the
    last. For `"binary"` and `"ubinary"` a value becomes one bit, whether it is above zero, eight to a byte, the first
    dimension highest; `"binary"` bytes are those of `"ubinary"` less 128.

    Args:
        embeddings: `[count, dim]` or `[dim]`; or a list of `[count, dim]` matrices, which share their ranges.
        precision: `"float32"`, `"int8"`, `"uint8"`, `"binary"` or `"ubinary"`.
        ranges: `[2, dim]`, the least and the greatest value of each dimension. For int8 and uint8 only.
        calibration_embeddings: `[count, dim]`, vectors to take the ranges from if `ranges` is None. Without either
            they come from `embeddings`; fewer than 100 of them log a warning.

    Returns:
        A new array of the same shape, but the last dimension is `ceil(dim / 8)` for binary and ubinary; a list of
        arrays for a list of matrices, `[]` for an empty one. A dimension with one value everywhere has steps of 1.
        Vectors with a NaN or an infinite value are left out of the ranges; a vector with a NaN becomes all zeros
        (bytes of zero), but stays as it is in float32.

    Raises:
        InputError: Unknown precision; vectors that are quantised already, or of different dimensions; ranges of
            another shape, not finite or upside down; nothing to take ranges from, or a single vector.

    Example:
        >>> quantize_embeddings(np.array([[0.3, -0.2], [-0.5, 0.1]], dtype=np.float32), "ubinary")
        array([[128],
               [ 64]], dtype=uint8)

    Source: Shakir, Aarsen and Lee 2024, "Binary and Scalar Embedding Quantization" (Hugging Face blog).
    """
    if precision not in PRECISIONS:
        raise InputError(f"Precision {precision!r} is not supported. Use one of {list(PRECISIONS)}.")
    is_list = isinstance(embeddings, (list, tuple))
    if is_list and not len(embeddings):
        return []
    if is_list and np.ndim(embeddings[0]) == 2:
        matrices = [_as_array(matrix) for matrix in embeddings]
    else:
        is_list, matrices = False, [_as_array(embeddings)]
    if precision in ("int8", "uint8"):
        bounds = _find_ranges(matrices, precision, ranges, calibration_embeddings)
        results = [_in_blocks(matrix, lambda block: _to_steps(block, bounds, precision)) for matrix in matrices]
    elif precision == "float32":
        results = [matrix.astype(np.float32) for matrix in matrices]
    else:
        results = [_in_blocks(matrix, lambda block: _to_bits(block, precision)) for matrix in matrices]
    return results if is_list else results[0]


def _as_array(vectors: Any) -> np.ndarray:
    """Return float32 or float64 vectors, not copied where that can be avoided."""
    if str(getattr(vectors, "dtype", "")).removeprefix("torch.") in ("int8", "uint8"):
        raise InputError(
            f"Embeddings to quantize must be float, got {vectors.dtype}: these are quantised already. "
            'Encode with precision="float32" and quantise the result.'
        )
    if isinstance(vectors, (list, tuple)) and len(vectors) and not hasattr(vectors[0], "dtype"):
        vectors = _parse_numbers(vectors)
    tensor = as_tensor(vectors).detach()
    if not tensor.ndim:
        raise InputError("Embeddings to quantize must be vectors, got a single number.")
    return (tensor.to_dense() if tensor.is_sparse else tensor).cpu().numpy()


def _parse_numbers(values: Any) -> np.ndarray:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as exc:
        raise InputError(f"Embeddings to quantize must be numbers, in lists of one length: {exc}") from exc


def _find_ranges(matrices: list[np.ndarray], precision: str, ranges: Any, calibration: Any) -> np.ndarray:
    """Return float32 `[2, dim]`: the least and the greatest value of each dimension."""
    dims = {matrix.shape[-1] for matrix in matrices}
    if len(dims) > 1 or any(matrix.ndim not in (1, 2) for matrix in matrices):
        shapes = [list(matrix.shape) for matrix in matrices]
        raise InputError(
            f"{precision} needs vectors of one dimension, as [count, dim], [dim] or a list of [count, dim]; "
            f"got {shapes[:5]}."
        )
    dim = dims.pop()
    if ranges is not None:
        return _check_ranges(_as_array(ranges), dim, precision)
    if calibration is not None:
        rows = _take_finite_rows(_calibration_matrices(calibration), dim, "calibration_embeddings")
        if not rows:
            raise InputError(
                "calibration_embeddings hold no finite vector to compute ranges from. Pass some, or ranges."
            )
        return _span(rows)
    rows = _take_finite_rows(matrices, dim, "embeddings")
    count = sum(matrix.shape[0] for matrix in rows)
    if count == 1:
        raise InputError(
            f"Ranges for {precision} cannot be computed from a single embedding, as its least values are its greatest. "
            "Pass ranges or calibration_embeddings made from many typical vectors."
        )
    if not count:  # nothing but vectors that become zeros anyway
        return np.zeros((2, dim), dtype=np.float32)
    if count < FEW_EMBEDDINGS:
        logger.warning(
            "Computing the ranges for %s from %d embeddings. They fit later vectors better if computed from at least "
            "%d: pass ranges or calibration_embeddings.",
            precision,
            count,
            FEW_EMBEDDINGS,
        )
    return _span(rows)


def _check_ranges(ranges: np.ndarray, dim: int, precision: str) -> np.ndarray:
    if ranges.shape != (2, dim):
        raise InputError(f"ranges for {precision} must have the shape {[2, dim]}, got {list(ranges.shape)}.")
    if not np.isfinite(ranges).all() or (ranges[1] < ranges[0]).any():
        raise InputError("ranges must be finite, with the least value of each dimension first and the greatest second.")
    return ranges.astype(np.float32, copy=False)


def _calibration_matrices(calibration: Any) -> list[np.ndarray]:
    is_list_of_matrices = isinstance(calibration, (list, tuple)) and len(calibration) and np.ndim(calibration[0]) == 2
    return [_as_array(matrix) for matrix in calibration] if is_list_of_matrices else [_as_array(calibration)]


def _take_finite_rows(matrices: list[np.ndarray], dim: int, name: str) -> list[np.ndarray]:
    """Return the matrices without rows that hold a NaN or an infinity, and without those left with no rows."""
    kept = []
    for matrix in matrices:
        rows = np.atleast_2d(matrix)
        if not rows.shape[0] or matrix.shape == (0,):
            continue
        if rows.shape[-1] != dim:
            raise InputError(f"{name} must have the dimension of the embeddings, {dim}, got {rows.shape[-1]}.")
        if not (np.isfinite(rows.min(initial=0)) and np.isfinite(rows.max(initial=0))):
            rows = rows[np.isfinite(rows).all(axis=1)]
        if rows.shape[0]:
            kept.append(rows)
    return kept


def _span(matrices: list[np.ndarray]) -> np.ndarray:
    least = np.min([matrix.min(axis=0) for matrix in matrices], axis=0)
    greatest = np.max([matrix.max(axis=0) for matrix in matrices], axis=0)
    return np.stack([least, greatest]).astype(np.float32)


def _in_blocks(matrix: np.ndarray, convert: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Convert a few rows at a time, so that what is made on the way stays small enough for the processor's cache."""
    rows = max(1, BLOCK_ELEMENTS // max(1, matrix.shape[-1]))
    if matrix.ndim != 2 or matrix.shape[0] <= rows:
        return convert(matrix)
    return np.concatenate([convert(matrix[start : start + rows]) for start in range(0, matrix.shape[0], rows)])


def _to_steps(matrix: np.ndarray, ranges: np.ndarray, precision: str) -> np.ndarray:
    steps = (ranges[1] - ranges[0]) / 255
    steps[steps == 0] = 1
    values = matrix - ranges[0]
    values /= steps
    np.floor(values, out=values)
    is_nan = _find_nan_vectors(values)
    if is_nan is not None:
        values[is_nan] = 0
    np.clip(values, 0, 255, out=values)
    if precision == "int8":
        values -= 128
    result = values.astype(np.int8 if precision == "int8" else np.uint8)
    if is_nan is not None:
        result[is_nan] = 0
    return result


def _to_bits(matrix: np.ndarray, precision: str) -> np.ndarray:
    packed = np.packbits(matrix > 0, axis=-1)
    if precision == "binary":
        packed = (packed ^ 0x80).view(np.int8)  # less 128, without leaving one byte
    is_nan = _find_nan_vectors(matrix)
    if is_nan is not None:
        packed[is_nan] = 0
    return packed


def _find_nan_vectors(matrix: np.ndarray) -> Any:
    """Return which vectors hold a NaN, bool over all but the last dimension, or None if none does."""
    return np.isnan(matrix).any(axis=-1) if np.isnan(matrix.min(initial=0)) else None
