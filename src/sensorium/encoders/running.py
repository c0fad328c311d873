"""Send a checked call through the engine: here, as a stream, or in worker processes; and hand the result over.

Must not know the arguments of the public methods, nor how the engine orders, overlaps or retries.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from sensorium.encoders.call import EncodeCall, assemble
from sensorium.encoders.steps import EncodeSteps
from sensorium.engine.options import RunOptions
from sensorium.engine.report import EncodeResult, ItemError
from sensorium.engine.run import run
from sensorium.engine.stream import stream
from sensorium.engine.threads import limit_torch_threads, plan_threads
from sensorium.errors import InputError
from sensorium.media.modality import is_plain_text

if TYPE_CHECKING:
    from sensorium.encoders.sentence_transformer import SentenceTransformer

logger = logging.getLogger("sensorium")

SIMILARITY_NAMES = ("cosine", "dot", "euclidean", "manhattan")

#: Most tokens, padding included, in one pass. A guard against passes that do not fit; `batch_size` cuts most batches.
TOKEN_BUDGET = 32_768


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
        steps = EncodeSteps(model, call, place)
        plan = plan_threads(is_cpu_model=place.type == "cpu", has_media=not all(map(is_plain_text, values)))
        options = RunOptions(
            batch_size=call.batch_size,
            token_budget=TOKEN_BUDGET,
            workers=plan.workers,
            on_error=call.on_error,
            show_progress=_wants_progress(show_progress),
        )
        with limit_torch_threads(plan.torch_threads):
            result = run(values, steps, options)
        embeddings = assemble(result.rows, call, _width(model), place)
    return EncodeResult(embeddings, result.errors)


def run_stream(
    model: SentenceTransformer, values: Iterable[Any], call: EncodeCall, window: int | None, has_report: bool
) -> Iterator[Any]:
    """Compute a call over a sliding window of its inputs."""
    place = model.device
    plan = plan_threads(
        is_cpu_model=place.type == "cpu", has_media=set(model.modalities) - {"text", "message"} != set()
    )
    options = RunOptions(
        batch_size=call.batch_size,
        token_budget=TOKEN_BUDGET,
        workers=plan.workers,
        on_error=call.on_error,
        **({} if window is None else {"window": window}),
    )
    with limit_torch_threads(plan.torch_threads):
        for index, row in stream(values, EncodeSteps(model, call, place), options):
            error = row if isinstance(row, ItemError) else None
            embedding = assemble([None if error else row], call, _width(model), place)[0]
            yield StreamRow(index, embedding, error.error if error else None) if has_report else embedding


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


def _width(model: SentenceTransformer) -> int | None:
    return model.get_embedding_dimension()


def _wants_progress(asked: bool | None) -> bool:
    return logger.isEnabledFor(logging.INFO) if asked is None else asked
