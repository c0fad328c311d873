"""From values to batches: read each, find duplicates, estimate, group, sort, cut.

Largest first: padding is least when neighbours are of one size, and a batch that does not fit is met at once, not after
an hour. Cutting is lazy, so that a limit learnt from a failed batch holds for all that are not cut yet. Must not know
threads, nor what items are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sensorium.engine.faults import is_skippable, locate
from sensorium.engine.options import RunOptions
from sensorium.engine.steps import Steps
from sensorium.errors import InputError


@dataclass(slots=True, eq=False)
class Job:
    """One distinct input, from read to row.

    Attributes:
        index: Position of the first value that reads as this.
        item: What `Steps.read` gave; dropped once it is loaded.
        key: Its name among duplicates, or None.
        cost: Tokens, at least 1.
        group: What it may be batched with.
        copies: How many values read as this and have not been handed over.
        is_done: Whether `row` or `error` holds its end.
        row: Its row.
        error: Why there is none, located at `index`.
    """

    index: int
    item: Any = None
    key: Hashable | None = None
    cost: int = 1
    group: Hashable = None
    copies: int = 1
    is_done: bool = False
    row: Any = None
    error: InputError | None = None

    def fail(self, error: InputError) -> None:
        """End without a row."""
        self.item, self.error, self.is_done = None, error, True

    def succeed(self, row: Any) -> None:
        """End with a row."""
        self.row, self.is_done = row, True


class Reader:
    """Turns values into jobs, one per distinct key among those it remembers."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._known: dict[Hashable, Job] = {}

    def read(self, value: Any, index: int) -> tuple[Job, bool]:
        """Read one value.

        Returns:
            The job, which may belong to an earlier value too, and whether it is new and still to be computed.
        """
        steps = self._steps
        try:
            item = steps.read(value)
            key = steps.key(item)
            if key is not None and (known := self._known.get(key)) is not None:
                known.copies += 1
                return known, False
            job = Job(index, item, key, max(1, int(steps.cost(item))), steps.group(item))
        except InputError as error:
            if not is_skippable(error):
                raise
            job = Job(index)
            job.fail(locate(error, index))
            return job, False
        if key is not None:
            self._known[key] = job
        return job, True

    def hand_over(self, job: Job) -> None:
        """Note that one value's row has left; a job whose copies have all left is forgotten."""
        job.copies -= 1
        if not job.copies and job.key is not None:
            self._known.pop(job.key, None)


class Caps:
    """What failed batches taught: the most tokens, padding counted, that one batch of a group may hold.

    Half the length of a failed batch, at its largest cost. Counted in tokens and by group, because one batch of large
    images that had to be halved says nothing about thousands of short texts behind it; for equal costs it is exactly
    the halved length.
    """

    def __init__(self, options: RunOptions) -> None:
        self._batch_size = options.batch_size
        self._budget = options.token_budget
        self._learnt: dict[Hashable, int] = {}

    def length(self, group: Hashable, cost: int) -> int:
        """Return how many items of at most `cost` tokens may share a batch, at least 1."""
        length = self._batch_size
        if self._budget is not None:
            length = min(length, self._budget // cost)
        if self._learnt and group in self._learnt:
            length = min(length, self._learnt[group] // cost)
        return max(1, length)

    def learn(self, group: Hashable, cost: int, length: int) -> None:
        """Note that `length` items of at most `cost` tokens are what to try from now on."""
        self._learnt[group] = min(self._learnt.get(group, length * cost), length * cost)


class Cutter:
    """Sorted jobs, from which batches are cut on demand. Not safe for several threads at once."""

    def __init__(self, caps: Caps, keeps_order: bool = False) -> None:
        self._caps = caps
        self._keeps_order = keeps_order
        self._queues: deque[deque[Job]] = deque()

    def add(self, jobs: Iterable[Job]) -> None:
        """Take jobs on, after all that are here: by group, largest first, equals in the order given.

        Where the order is kept: by group, in the order given.
        """
        groups: dict[Hashable, list[Job]] = {}
        for job in jobs:
            groups.setdefault(job.group, []).append(job)
        if self._keeps_order:
            self._queues.extend(deque(group) for group in groups.values())
            return
        queues = [deque(sorted(group, key=_negative_cost)) for group in groups.values()]
        self._queues.extend(sorted(queues, key=lambda queue: -queue[0].cost))

    def cut(self) -> list[Job]:
        """Return the jobs of the next batch; empty if none are left."""
        if not self._queues:
            return []
        queue = self._queues[0]
        length = self._count_fitting(queue)
        batch = list(islice(queue, length))
        for _ in batch:
            queue.popleft()
        if not queue:
            self._queues.popleft()
        return batch

    def _count_fitting(self, queue: deque[Job]) -> int:
        if not self._keeps_order:
            return min(len(queue), self._caps.length(queue[0].group, queue[0].cost))
        count, largest = 0, 0
        for job in queue:
            largest = max(largest, job.cost)
            if count and count >= self._caps.length(job.group, largest):
                break
            count += 1
        return count

    def __bool__(self) -> bool:
        return bool(self._queues)


def _negative_cost(job: Job) -> int:
    return -job.cost
