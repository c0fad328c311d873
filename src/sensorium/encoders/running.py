"""Send a checked call through the engine: here, as a stream, or in worker processes; and hand the result over.

Must not know the arguments of the public methods, nor how the engine orders, overlaps or retries.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import warnings
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from sensorium.encoders.call import EncodeCall, assemble
from sensorium.encoders.steps import EncodeSteps
from sensorium.engine import pool as engine_pool
from sensorium.engine.options import RunOptions
from sensorium.engine.pool import run_in_pool
from sensorium.engine.report import EncodeResult, ItemError, RunResult
from sensorium.engine.run import run
from sensorium.engine.stream import stream
from sensorium.engine.threads import plan_threads
from sensorium.errors import InputError
from sensorium.media.modality import is_plain_text

if TYPE_CHECKING:
    from sensorium.encoders.model import BaseModel
    from sensorium.encoders.sentence_transformer import SentenceTransformer

logger = logging.getLogger("sensorium")

SIMILARITY_NAMES = ("cosine", "dot", "euclidean", "manhattan")

#: Workers of a pool on a machine without accelerators, where nobody says how many.
_CPU_WORKERS = 4

#: Most tokens, padding included, in one pass. On a device a guard against passes that do not fit. On the CPU, where a
#: small
#: pass uses the cores as well as a large one, what stays in its caches is faster: figures in `docs/log.md`.
CPU_TOKEN_BUDGET = 1_024
DEVICE_TOKEN_BUDGET = 32_768


@dataclass(frozen=True, slots=True)
class StreamRow:
    """One row of a stream.

    Attributes:
        index: Position of the input, from 0.
        embedding: The vector `[dim]`; NaN (zeros in a binary precision) if the input failed.
        error: Why it failed, or None.
    """

    index: int
    embedding: Any
    error: InputError | None


def as_list(inputs: Any) -> Sequence[Any]:
    """Return a batch as something that can be indexed, without copying what already is."""
    if isinstance(inputs, (list, tuple)):
        return inputs
    return inputs.tolist() if isinstance(inputs, np.ndarray) else list(inputs)


def run_here(
    model: SentenceTransformer,
    values: Sequence[Any],
    call: EncodeCall,
    device: str | torch.device | None,
    show_progress: bool | None,
) -> EncodeResult:
    """Compute a call in this process."""
    with model._on_device(device) as place:
        result = compute_rows(model, values, call, place, wants_progress(show_progress))
        return EncodeResult(assemble(result.rows, call, _width(model), place), result.errors)


def compute_rows(
    model: SentenceTransformer, values: Sequence[Any], call: EncodeCall, place: torch.device, has_progress: bool
) -> RunResult:
    """Compute the rows of a call on the device where the model is."""
    end_training_mode(model)
    options = make_options(
        place,
        has_media=not all(map(is_plain_text, values)),
        batch_size=call.batch_size,
        on_error=call.on_error,
        show_progress=has_progress,
    )
    return run(values, EncodeSteps(model, call, place), options)


def token_budget(place: torch.device) -> int:
    """Return the most tokens, padding included, of one pass on a device."""
    return CPU_TOKEN_BUDGET if place.type == "cpu" else DEVICE_TOKEN_BUDGET


def make_options(place: torch.device, has_media: bool, **options: Any) -> RunOptions:
    """Say how the engine shall run a call on a device: threads and passes by the device, the rest as given."""
    plan = plan_threads(is_cpu_model=place.type == "cpu", has_media=has_media)
    return RunOptions(
        token_budget=token_budget(place),
        workers=plan.workers,
        shares_cores=plan.shares_cores,
        torch_threads=plan.torch_threads,
        **options,
    )


def run_in_processes(
    model: SentenceTransformer,
    values: Sequence[Any],
    call: EncodeCall,
    pool: Any,
    devices: Any,
    chunk_size: int | None,
    show_progress: bool | None,
) -> EncodeResult:
    """Compute a call in a pool's worker processes, or in those of a pool that lives for this call.

    Workers send back float32 rows; precision is reduced once, here, over all rows.
    """
    is_own = pool is None
    pool = start_pool(model, devices) if is_own else pool
    sent = replace(call, precision="float32", as_tensor=False, as_numpy=call.is_embedding)
    try:
        chunks = run_in_pool(pool, values, chunk_size, {"call": sent}, show_progress=wants_progress(show_progress))
    finally:
        if is_own:
            stop_pool(pool)
    rows = [row for chunk in chunks for row in chunk.embeddings]
    if call.is_embedding and not call.as_numpy:
        rows = [None if row is None else torch.from_numpy(row) for row in rows]
    errors = tuple(error for chunk in chunks for error in chunk.errors)
    return EncodeResult(assemble(rows, call, _width(model), torch.device("cpu")), errors)


def start_pool(model: BaseModel, devices: Sequence[str] | None) -> Any:
    """Start a pool of workers that each hold a copy of the model, and call its method `_compute_chunk`."""
    if devices is None:
        devices = [f"cuda:{rank}" for rank in range(torch.cuda.device_count())] or ["cpu"] * _CPU_WORKERS
    sent = model if model.device.type == "cpu" else copy.deepcopy(model).to("cpu")
    return engine_pool.start_pool(sent, [str(device) for device in devices], method="_compute_chunk")


def stop_pool(pool: Any) -> None:
    """End a pool's processes."""
    engine_pool.stop_pool(pool)


def run_stream(
    model: SentenceTransformer, values: Iterable[Any], call: EncodeCall, window: int | None, has_report: bool
) -> Generator[Any, None, None]:
    """Compute a call over a sliding window of its inputs. What is wrong with the call is raised at once."""
    if isinstance(values, (str, bytes, bytearray, Mapping)):
        raise InputError(
            f"encode_stream takes an iterable of inputs, and got one {type(values).__name__}. Pass [input], or use "
            "encode."
        )
    end_training_mode(model)
    place = model.device
    options = make_options(
        place,
        has_media=set(model.modalities) - {"text", "message"} != set(),
        batch_size=call.batch_size,
        on_error=call.on_error,
        window=window,
    )
    return _yield_rows(model, stream(values, EncodeSteps(model, call, place), options), call, place, has_report)


def _yield_rows(
    model: SentenceTransformer,
    rows: Generator[tuple[int, Any], None, None],
    call: EncodeCall,
    place: torch.device,
    has_report: bool,
) -> Generator[Any, None, None]:
    width = _width(model)
    with contextlib.closing(rows):
        for index, row in rows:
            error = row.error if isinstance(row, ItemError) else None
            embedding = assemble([None if error else row], call, width, place)[0]
            yield StreamRow(index, embedding, error) if has_report else embedding


def hand_over(result: EncodeResult, is_single: bool, has_report: bool) -> Any:
    """Return the vectors, or the whole report; warn once about failures that nobody would otherwise see."""
    if is_single:
        result = EncodeResult(result.embeddings[0], result.errors)
    if has_report:
        return result
    if result.errors:
        warnings.warn(
            f"{len(result.errors)} of the inputs could not be used, their rows are NaN (zeros in an integer "
            f"precision). The first: "
            f"{result.errors[0].error} Pass return_report=True for all.",
            stacklevel=3,
        )
    return result.embeddings


def end_training_mode(model: BaseModel) -> None:
    """Switch dropout and the like off, as the compatible library does: `encode` leaves a model in evaluation mode."""
    if model.training or any(module.training for module in model):
        model.eval()


def _width(model: SentenceTransformer) -> int | None:
    return model.get_embedding_dimension()


def wants_progress(asked: bool | None) -> bool:
    """Tell whether a call shows its progress: as asked, else where this library logs at INFO."""
    return logger.isEnabledFor(logging.INFO) if asked is None else asked
