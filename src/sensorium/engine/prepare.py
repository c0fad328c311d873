"""Jobs made ready for the model on the calling thread, and the two acts that every way of preparing shares.

`InlinePreparation` is the whole machinery of a call without workers: no thread, no lock. `pipeline` has the one with
threads. Must not know the model's side.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sensorium.engine.faults import is_skippable
from sensorium.engine.plan import Cutter, Job
from sensorium.engine.steps import Steps
from sensorium.errors import InputError

#: A job with what was wrong with it.
Failure = tuple[Job, InputError]


@dataclass(slots=True, eq=False)
class Prepared:
    """A batch for the model: its jobs, each one's loaded form (kept for a retry in halves), and the collated batch."""

    jobs: Sequence[Job]
    loaded: list[Any]
    batch: Any


def load_job(steps: Steps, job: Job) -> Any:
    """Load one job and drop its item.

    Raises:
        InputError: The item cannot be used.
    """
    item, job.item = job.item, None
    return steps.load(item)


def collate_jobs(steps: Steps, jobs: Sequence[Job], loaded: list[Any]) -> tuple[list[Prepared], list[Failure]]:
    """Collate a batch; if an input in it is to blame, find out which, and collate the others.

    Returns:
        One batch, or several smaller ones where a guilty one was cut out by halving; and the guilty.
    """
    try:
        return [Prepared(jobs, loaded, steps.collate(loaded))], []
    except InputError as error:
        if not is_skippable(error):
            raise
        if len(jobs) == 1:
            return [], [(jobs[0], error)]
    middle = len(jobs) // 2
    ready, failures = collate_jobs(steps, jobs[:middle], loaded[:middle])
    more_ready, more_failures = collate_jobs(steps, jobs[middle:], loaded[middle:])
    return ready + more_ready, failures + more_failures


class InlinePreparation:
    """Loads and collates one batch whenever one is asked for."""

    def __init__(self, steps: Steps, cutter: Cutter, fail: Callable[[Job, InputError], None]) -> None:
        self._steps = steps
        self._cutter = cutter
        self._fail = fail
        self._ready: deque[Prepared] = deque()

    def feed(self, jobs: Sequence[Job]) -> None:
        """Take jobs on."""
        self._cutter.add(jobs)

    def take(self) -> Prepared | None:
        """Return the next batch; None once all jobs were taken or have failed."""
        while not self._ready:
            jobs = self._cutter.cut()
            if not jobs:
                return None
            self._prepare(jobs)
        return self._ready.popleft()

    def _prepare(self, jobs: Sequence[Job]) -> None:
        usable, loaded = [], []
        for job in jobs:
            try:
                loaded.append(load_job(self._steps, job))
            except InputError as error:
                if not is_skippable(error):
                    raise
                self._fail(job, error)
            else:
                usable.append(job)
        if usable:
            ready, failures = collate_jobs(self._steps, usable, loaded)
            self._ready.extend(ready)
            for guilty, reason in failures:
                self._fail(guilty, reason)

    def computing(self) -> contextlib.AbstractContextManager[None]:
        """Mark the time in which the model computes; nothing is prepared in it anyway."""
        return contextlib.nullcontext()

    def close(self) -> None:
        """Drop what was not taken."""
        self._ready.clear()
