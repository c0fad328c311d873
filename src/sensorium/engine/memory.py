"""Batches through the model: computed one ahead of what is finished, and halved where memory is short.

`finish` of a batch is called after `compute` of the next was issued, so that a device is not idle while its last
output is copied. Between a failed batch and its retry nothing may hold the failed one's tensors: not a local, not the
error's frames. Must not know threads, nor what tensors are.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sensorium.engine.faults import release_frames
from sensorium.engine.plan import Caps, Job
from sensorium.engine.prepare import Prepared, collate_jobs
from sensorium.engine.steps import Steps
from sensorium.errors import EngineError, InputError


@dataclass(slots=True, eq=False)
class _Issued:
    """A batch that the model has been given, with what `compute` returned for it."""

    prepared: Prepared
    pending: Any


class Passes:
    """Computes batches and hands each row to its job.

    Args:
        steps: `compute`, `finish`, `is_out_of_memory`, and `collate` for retries.
        caps: Told what did not fit; a batch that was collated before is cut down to it here.
        settle: Called with a job and its row.
        fail: Called with a job and what was wrong, if collating a retry blames it.
    """

    def __init__(
        self,
        steps: Steps,
        caps: Caps,
        settle: Callable[[Job, Any], None],
        fail: Callable[[Job, InputError], None],
    ) -> None:
        self._steps = steps
        self._caps = caps
        self._settle = settle
        self._fail = fail
        self._issued: _Issued | None = None
        self._last_error: BaseException | None = None

    def add(self, prepared: Prepared) -> None:
        """Compute a batch, and finish the one before it."""
        if len(prepared.jobs) > self._allowed(prepared.jobs):
            prepared.batch = None
            self.flush()
            self._retry(prepared)
            return
        issued = self._compute(prepared)
        failed = self._finish_issued()
        if issued is not None and failed is not None:  # memory is short: nothing may wait
            self._issued = issued
            issued = None
            failed_too = self._finish_issued()
            self._halve(failed)
            if failed_too is not None:
                self._halve(failed_too)
            return
        self._issued = issued
        if failed is not None:
            self._halve(failed)
        if issued is None:
            self._halve(prepared)

    def flush(self) -> None:
        """Finish what was computed."""
        failed = self._finish_issued()
        if failed is not None:
            self._halve(failed)

    def _compute(self, prepared: Prepared) -> _Issued | None:
        """Issue a batch and let go of it; None if memory is out."""
        batch, prepared.batch = prepared.batch, None
        try:
            return _Issued(prepared, self._steps.compute(batch))
        except Exception as error:
            if not self._is_out_of_memory(error):
                raise
        return None

    def _finish_issued(self) -> Prepared | None:
        """Finish the issued batch, if there is one; if memory is out, return it for a retry."""
        issued, self._issued = self._issued, None
        if issued is None:
            return None
        prepared = issued.prepared
        try:
            rows = self._steps.finish(issued.pending)
        except Exception as error:
            if not self._is_out_of_memory(error):
                raise
            return prepared
        if len(rows) != len(prepared.jobs):
            raise EngineError(f"The model gave {len(rows)} rows for a batch of {len(prepared.jobs)} inputs.")
        for job, row in zip(prepared.jobs, rows, strict=True):
            self._settle(job, row)
        return None

    def _is_out_of_memory(self, error: Exception) -> bool:
        """Judge an error; one that asks for a retry is cut loose from what it holds, and kept as the cause."""
        if not self._steps.is_out_of_memory(error):
            return False
        release_frames(error)
        self._last_error = error
        return True

    def _halve(self, prepared: Prepared) -> None:
        """Learn from a batch that did not fit, and compute it in halves."""
        jobs = prepared.jobs
        cost = max(job.cost for job in jobs)
        if len(jobs) == 1:
            raise EngineError(
                f"Input {jobs[0].index} alone, of about {cost} tokens, does not fit into the model's memory. Give a "
                f"shorter or smaller input, limit its size (processor_kwargs), or use a device with more memory."
            ) from self._last_error
        gc.collect()  # frames of the failed pass may be in reference cycles
        self._caps.learn(jobs[0].group, cost, len(jobs) // 2)
        self._retry(prepared)

    def _retry(self, prepared: Prepared) -> None:
        """Collate and compute a batch again in parts that the caps allow, each to its end."""
        start = 0
        while start < len(prepared.jobs):
            length = self._allowed(prepared.jobs[start:])
            part = slice(start, start + length)
            start += length
            ready, failures = collate_jobs(self._steps, prepared.jobs[part], prepared.loaded[part])
            for job, error in failures:
                self._fail(job, error)
            for smaller in ready:
                self._issued = self._compute(smaller)
                failed = smaller if self._issued is None else self._finish_issued()
                if failed is not None:
                    self._halve(failed)

    def _allowed(self, jobs: Sequence[Job]) -> int:
        return self._caps.length(jobs[0].group, max(job.cost for job in jobs))
