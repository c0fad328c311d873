"""The walk that `run` and `stream` share: jobs in, prepared and computed, their rows set on them.

Must not know where jobs come from, nor in which order their rows are handed over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from sensorium.engine.faults import locate
from sensorium.engine.memory import Passes
from sensorium.engine.options import RunOptions
from sensorium.engine.pipeline import ThreadedPreparation
from sensorium.engine.plan import Caps, Cutter, Job
from sensorium.engine.prepare import InlinePreparation
from sensorium.engine.steps import Steps
from sensorium.errors import InputError


class Walk:
    """Carries jobs to their rows. A context: leaving it stops and joins every thread.

    Args:
        steps: The model's side.
        options: Sizes and policy.
        workers: Threads to use, at most `options.workers`.
        on_done: Called in the calling thread with each job that has its row or its error.
    """

    def __init__(self, steps: Steps, options: RunOptions, workers: int, on_done: Callable[[Job], None]) -> None:
        caps = Caps(options)
        cutter = Cutter(caps, options.keeps_order)
        self._stop_at_s = options.stop_at_s
        self._on_done = on_done
        self._passes = Passes(steps, caps, self._settle, self._fail)
        self._preparation: InlinePreparation | ThreadedPreparation
        if workers == 0:
            self._preparation = InlinePreparation(steps, cutter, self._fail)
        else:
            self._preparation = ThreadedPreparation(
                steps, cutter, self._fail, workers, options.prefetch, options.shares_cores
            )

    def feed(self, jobs: Sequence[Job]) -> None:
        """Take jobs on. Workers begin at once."""
        self._preparation.feed(jobs)

    def advance(self) -> bool:
        """Compute one batch, or finish the last one; False once nothing is left to do, or the time is up."""
        is_late = self._stop_at_s is not None and time.monotonic() >= self._stop_at_s
        prepared = None if is_late else self._preparation.take()
        if prepared is None:
            self._passes.flush()
            return False
        with self._preparation.computing():
            self._passes.add(prepared)
        return True

    def _settle(self, job: Job, row: Any) -> None:
        job.succeed(row)
        self._on_done(job)

    def _fail(self, job: Job, error: InputError) -> None:
        job.fail(locate(error, job.index))
        self._on_done(job)

    def __enter__(self) -> Walk:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._preparation.close()
