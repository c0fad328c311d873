"""Send a checked scoring call through the engine, here or in worker processes: shared where it can be, else plainly.

Must not know the arguments of the public methods, nor how pairs are computed.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from sensorium.encoders.running import end_training_mode, make_options, start_pool, stop_pool, token_budget
from sensorium.encoders.score_steps import ScoreSteps, TextSteps
from sensorium.encoders.shared_steps import SharedSteps
from sensorium.engine.pool import run_in_pool
from sensorium.engine.report import RunResult
from sensorium.engine.run import run
from sensorium.media.modality import is_plain_text
from sensorium.modules.sharing.network import find_obstacle
from sensorium.modules.transformer import Transformer

if TYPE_CHECKING:
    from sensorium.encoders.cross_encoder import CrossEncoder
    from sensorium.encoders.score_call import ScoreCall
    from sensorium.engine.report import ItemError

logger = logging.getLogger(__name__)


def compute_scores(
    model: CrossEncoder, values: Sequence[Any], call: ScoreCall, place: torch.device, has_progress: bool
) -> RunResult:
    """Compute the scores of a call on the device where the model is."""
    end_training_mode(model)
    steps, prepared, has_media = _choose_steps(model, values, call, place)
    options = make_options(
        place,
        has_media=has_media,
        batch_size=call.batch_size,
        on_error=call.on_error,
        show_progress=has_progress,
        keeps_order=call.stop_at_s is not None,
        stop_at_s=call.stop_at_s,
    )
    return run(prepared, steps, options)


def _choose_steps(
    model: CrossEncoder, values: Sequence[Any], call: ScoreCall, place: torch.device
) -> tuple[Any, Sequence[Any], bool]:
    """Return the steps that suit a call, what they are to be given, and whether media are to be prepared."""
    has_media = not all(map(is_plain_text, values))
    plain = ScoreSteps(model, call, place)
    if not call.shared or len(values) < 2:
        return plain, values, has_media
    obstacle = "the call has arguments for its modules" if plain.routed else None
    obstacle = obstacle or find_obstacle(list(model), model.modalities)
    if obstacle is None:
        shared = SharedSteps(plain, values, token_budget(place))
        return shared, shared.items, shared.has_media
    logger.debug("pairs are computed one by one, nothing they have in common is shared: %s", obstacle)
    if type(model[0]) is Transformer and set(model.modalities) <= {"text", "message"} and model.tokenizer is not None:
        texts = TextSteps(plain, values)
        return texts, texts.items, False
    return plain, values, has_media


def compute_in_processes(
    model: CrossEncoder,
    values: Sequence[Any],
    call: ScoreCall,
    pool: Any,
    devices: Any,
    chunk_size: int | None,
    has_progress: bool,
) -> RunResult:
    """Compute a call in a pool's worker processes, or in those of a pool that lives for this call."""
    is_own = pool is None
    pool = start_pool(model, devices) if is_own else pool
    sent = replace(call, as_tensor=False, as_numpy=True)
    try:
        chunks = run_in_pool(pool, values, chunk_size, {"call": sent}, show_progress=has_progress)
    finally:
        if is_own:
            stop_pool(pool)
    rows = [row for chunk in chunks for row in chunk.embeddings]
    if not call.as_numpy:
        rows = [None if row is None else torch.as_tensor(row) for row in rows]
    return RunResult(rows, tuple(error for chunk in chunks for error in chunk.errors))


def warn_about_errors(errors: Sequence[ItemError], what: str, stacklevel: int) -> None:
    """Warn once about failures that nobody would otherwise see."""
    if errors:
        warnings.warn(
            f"{len(errors)} of the {what} could not be used, their scores are NaN. The first: {errors[0].error} Pass "
            "return_report=True for all.",
            stacklevel=stacklevel + 1,
        )
