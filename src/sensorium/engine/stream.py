"""One call over inputs that arrive one after another: rows in order, within a window, in bounded memory.

The window is filled by halves: while rows of the older half are handed over, workers prepare the newer. Must not know
how batches are prepared or computed.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from itertools import islice
from typing import Any

from sensorium.engine.faults import locate, release_frames, report
from sensorium.engine.options import RunOptions
from sensorium.engine.plan import Job, Reader
from sensorium.engine.progress import Progress
from sensorium.engine.steps import Steps
from sensorium.engine.threads import limit_torch_threads
from sensorium.engine.walk import Walk


def stream(
    values: Iterable[Any], steps: Steps, options: RunOptions | None = None
) -> Generator[tuple[int, Any], None, None]:
    """Yield a row for each value, in order, while reading at most a window ahead.

    Values are pulled in the caller's thread, and only while a row is being asked for. Equal ones within the window
    are computed once. Closing the iterator, or an error, stops and joins every thread.

    Args:
        values: The inputs; may be endless.
        steps: The model's side.
        options: Sizes and policy; None for the defaults.

    Yields:
        `(index, row)`, or `(index, ItemError)` for an input that failed with `on_error="skip"`.

    Raises:
        InputError: An input cannot be used, and `options.on_error` is `"raise"`. The rows before it come first, so it
            is always the lowest one.
        EngineError: A single input does not fit into memory, or the model gave a wrong number of rows.
        Exception: What `values` raised, after the rows of all inputs before it; whatever a step raised, at once.
    """
    options = options or RunOptions()
    rows = _Stream(values, steps, options).yield_rows()
    with Progress(options.show_progress, None) as progress, contextlib.closing(rows):
        for index, row in rows:
            progress.advance(1)
            yield index, row


class _Stream:
    """The state of one stream: what was pulled and not handed over yet, in order."""

    def __init__(self, values: Iterable[Any], steps: Steps, options: RunOptions) -> None:
        self._source = iter(values)
        self._options = options
        self._is_raising = options.on_error == "raise"
        self._reader = Reader(steps)
        self._walk = Walk(steps, options, options.workers, self._on_done)
        self._waiting: deque[Job] = deque()
        self._pulled = 0
        self._is_ended = False
        self._source_error: Exception | None = None

    def yield_rows(self) -> Generator[tuple[int, Any], None, None]:
        """Yield until the source ends or raises."""
        index = 0
        with self._walk:
            while True:
                self._fill()
                if not self._waiting:
                    break
                if not self._waiting[0].is_done:
                    self._advance()
                    continue
                job = self._waiting.popleft()
                self._reader.hand_over(job)
                row = self._get_row(job, index)
                del job
                yield index, row
                del row
                index += 1
        if self._source_error is not None:
            raise self._source_error

    def _fill(self) -> None:
        """Pull half a window as often as there is room for it."""
        window = self._options.stream_window
        half = max(1, window // 2)
        while not self._is_ended and len(self._waiting) + half <= window:
            new: list[Job] = []
            for value in islice(self._pull(), half):
                job, is_new = self._reader.read(value, self._pulled)
                self._pulled += 1
                self._waiting.append(job)
                if is_new:
                    new.append(job)
                elif job.error is not None:
                    self._on_done(job)
            if new:
                self._walk.feed(new)

    def _pull(self) -> Iterator[Any]:
        """Yield the source's values; what it raises is kept for its place in the order."""
        while not self._is_ended:
            try:
                value = next(self._source)
            except StopIteration:
                self._is_ended = True
                return
            except Exception as error:  # noqa: BLE001 - the caller's own iterator, raised again after the rows before it
                self._is_ended = True
                self._source_error = error
                return
            yield value

    def _advance(self) -> None:
        limit = self._options.torch_threads
        with contextlib.nullcontext() if limit is None else limit_torch_threads(limit):
            self._walk.advance()

    def _on_done(self, job: Job) -> None:
        if job.error is None:
            return
        if self._is_raising:
            self._is_ended = True  # nothing after it will be handed over
        else:
            release_frames(job.error)

    def _get_row(self, job: Job, index: int) -> Any:
        if job.error is None:
            return job.row
        if self._is_raising:
            raise locate(job.error, index)
        return report(job.error, index)
