"""What one `encode` call asks for, checked once, and what becomes of the rows it computes.

Plain values and plain functions, so that the same rules hold for a call, a stream and a worker process. Must not know
how
rows are computed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch

from sensorium.errors import InputError, UnknownArgumentError
from sensorium.scoring.quantization import PRECISIONS, Precision, quantize_embeddings

OnError = Literal["raise", "skip"]
_OUTPUT_VALUES = ("sentence_embedding", "token_embeddings", None)


@dataclass(frozen=True, slots=True)
class EncodeCall:
    """The arguments of a call, resolved.

    Attributes:
        prompt: Text put before inputs, or None.
        batch_size: Most inputs in one pass.
        output_value: Which feature to return; None for all.
        precision: Type of the returned numbers.
        as_tensor: Return one torch tensor.
        as_numpy: Return one numpy array; neither: a list of tensors.
        normalize: Whether rows are scaled to length 1.
        truncate_dim: Leading dimensions kept, or None for all.
        on_error: What to do with an input that cannot be used.
        kwargs: Arguments for modules: `task`, `processing_kwargs`, ...
    """

    prompt: str | None = None
    batch_size: int = 32
    output_value: str | None = "sentence_embedding"
    precision: Precision = "float32"
    as_tensor: bool = False
    as_numpy: bool = True
    normalize: bool = False
    truncate_dim: int | None = None
    on_error: OnError = "raise"
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_batch_size(self.batch_size)
        check_on_error(self.on_error)
        if self.precision not in PRECISIONS:
            raise InputError(f"Precision {self.precision!r} is not supported. Known: {', '.join(PRECISIONS)}.")
        if self.output_value not in _OUTPUT_VALUES:
            raise _bad("output_value", self.output_value, f"one of {_OUTPUT_VALUES}")
        if self.truncate_dim is not None and self.truncate_dim < 1:
            raise _bad("truncate_dim", self.truncate_dim, "None or a whole number above 0")

    @property
    def is_embedding(self) -> bool:
        """Whether the call returns one vector an input."""
        return self.output_value == "sentence_embedding"


def check_batch_size(value: int) -> None:
    """Raise InputError unless a batch can have this size."""
    if not hasattr(value, "__index__") or value < 1:
        raise _bad("batch_size", value, "a whole number above 0")


def check_on_error(value: str) -> None:
    """Raise InputError unless there is such a policy."""
    if value not in ("raise", "skip"):
        raise _bad("on_error", value, '"raise" or "skip"')


def _bad(name: str, value: Any, rule: str) -> InputError:
    return InputError(f"{name}={value!r} is not usable: it must be {rule}.")


def check_arguments(owner: str, given: Mapping[str, Any], known: Sequence[str], method: Callable[..., Any]) -> None:
    """Raise UnknownArgumentError if a call has a keyword that nothing reads; `method` is what was called."""
    unknown = set(given) - set(known)
    if unknown:
        declared = set(inspect.signature(method).parameters) - {"self", "kwargs"}
        raise UnknownArgumentError.from_names(owner, unknown, known, sorted(declared))


def assemble(rows: Sequence[Any], call: EncodeCall, dim: int | None, device: torch.device) -> Any:
    """Join the rows of a call into what it returns.

    Args:
        rows: A vector `[dim]`, or, for other outputs, whatever a sample has; None for an input that failed.
        call: What was asked.
        dim: Width of a vector, for a call of which every row failed.
        device: Where an empty tensor belongs.

    Returns:
        `[inputs, dim]` as numpy or tensor, or a list. Failed rows are NaN, zeros in an integer precision, None among
        lists of other outputs.
    """
    if not call.is_embedding:
        return [dict(row) if isinstance(row, dict) else row for row in rows]  # duplicates share one row
    if not len(rows):
        return _assemble_empty(call, device)
    rows = _fill_failed(rows, call, dim)
    if call.precision != "float32":
        matrix = quantize_embeddings(np.stack([_to_numpy(row) for row in rows]), precision=call.precision)
        if call.as_tensor:
            return torch.from_numpy(matrix)
        return matrix if call.as_numpy else [torch.from_numpy(row) for row in matrix]
    if call.as_tensor:
        return torch.stack(list(rows))
    return np.stack([_to_numpy(row) for row in rows]) if call.as_numpy else list(rows)


def _assemble_empty(call: EncodeCall, device: torch.device) -> Any:
    if call.as_tensor:
        return torch.tensor([], device=device)
    return np.asarray([]) if call.as_numpy else []


def _fill_failed(rows: Sequence[Any], call: EncodeCall, dim: int | None) -> list[Any]:
    """Put NaN vectors where inputs failed."""
    if not any(row is None for row in rows):
        return list(rows)
    example = next((row for row in rows if row is not None), None)
    if example is None:
        width = min(call.truncate_dim or dim or 0, dim or 0)
        example = torch.zeros(width)
    if isinstance(example, np.ndarray):
        failed: Any = np.full_like(example, np.nan)
    else:
        failed = torch.full_like(example, torch.nan)
    return [failed if row is None else row for row in rows]


def _to_numpy(row: Any) -> np.ndarray:
    if isinstance(row, np.ndarray):
        return row
    row = row.detach().cpu()
    return (row.float() if row.dtype == torch.bfloat16 else row).numpy()
