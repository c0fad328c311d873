"""One `add`: a thread reads ahead, the caller's thread computes, another thread writes, in bounded memory.

Records keep their order from the first side to the last, so that a source's note is only written after its records.
Must not know what files hold, or how rows are stored.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from sensorium.collection.events import Event, Pending, Problem, SourceDone, Unchanged, is_held
from sensorium.collection.results import IndexProgress, Unreadable
from sensorium.collection.writing import Step, Writer, keep_picture
from sensorium.errors import EngineError, InputError

if TYPE_CHECKING:
    from sensorium.collection.identity import EncoderDoor
    from sensorium.ingest import Record
    from sensorium.media.samples import Sample
    from sensorium.store import LanceStore

ProgressCallback: TypeAlias = Callable[[IndexProgress], None]

#: Blocks of events that may wait for the computing side.
_BLOCKS_AHEAD = 4
#: A step is written when it has this many rows, or is this old.
_STEP_ROWS = 256
_STEP_SECONDS = 5.0
#: Vectors of records that are not written yet, or were a moment ago, for others of the same content.
_REMEMBERED = 4096
#: Events that may wait behind a record whose vector is being computed: what is known already comes faster.
_MOST_WAITING = 4096
_MOST_PROBLEMS = 1000


class Ahead:
    """Reads an iterator in a thread, a few items ahead.

    Args:
        source: What to read.
    """

    def __init__(self, source: Iterable[list[Event]]) -> None:
        self._source = source
        self._queue: queue.Queue[list[Event] | BaseException | None] = queue.Queue(_BLOCKS_AHEAD)
        self._is_stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sensorium-collection-reader", daemon=True)

    def __iter__(self) -> Iterator[list[Event]]:
        self._thread.start()
        while True:
            block = self._queue.get()
            if block is None:
                return
            if isinstance(block, BaseException):
                raise block
            yield block

    def stop(self) -> None:
        """End the thread, wherever it is, and wait for it."""
        self._is_stopped.set()
        while self._thread.is_alive():
            try:
                self._queue.get(timeout=0.05)
            except queue.Empty:
                continue

    def _run(self) -> None:
        last: BaseException | None = None
        try:
            for block in self._source:
                self._queue.put(block)
                if self._is_stopped.is_set():
                    break
            if isinstance(self._source, Generator):
                self._source.close()  # what it does at its end is done before `stop` returns
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            last = error
        self._queue.put(last)


class Indexing:
    """The state of one `add`, and what came of it.

    Args:
        store: Where records go.
        door: To the model.
        on_progress: Told how far it is.
        count_files: Says how many files there are once that is known.

    Attributes:
        files: Sources dealt with.
        unchanged: Of them, those that were there.
        skipped: Of them, those that rightly gave no records.
        records: Records stored.
        computed: Of them, those whose vector was computed.
        removed: Records removed.
        problems: What could not be read, the first thousand.
        problem_count: How many there were.
        seen: Keys of the sources that were found.
    """

    def __init__(
        self,
        store: LanceStore,
        door: EncoderDoor,
        on_progress: ProgressCallback | None = None,
        count_files: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._store = store
        self._door = door
        self._on_progress = on_progress
        self._count_files = count_files
        self._slots: deque[Event] = deque()
        self._asked: deque[Pending] = deque()
        self._vectors: dict[str, np.ndarray] = {}
        self._twins: dict[str, list[Pending]] = {}
        self._again: deque[Pending] = deque()
        self._step = Step()
        self._step_begun = time.monotonic()
        self._current: str | None = None
        self.files = self.unchanged = self.skipped = 0
        self.problems: list[Unreadable] = []
        self.problem_count = self.records = self.computed = self.removed = 0
        self.seen: set[str] = set()
        self._reason: str | None = None

    def run(self, blocks: Iterable[list[Event]]) -> None:
        """Store everything that is new.

        Args:
            blocks: Events in order.

        Raises:
            StoreError: A step could not be written.
            SensoriumError: The model failed, through no fault of a record.
            KeyboardInterrupt: What was computed before is written.
        """
        ahead = Ahead(blocks)
        self._writer = Writer(self._store)
        try:
            self._compute(self._feed(ahead))
        finally:
            try:
                ahead.stop()
            finally:
                try:
                    self._hand_over()
                finally:
                    self._writer.close()
        self._writer.check()
        self.records, self.computed = self._writer.records, self._writer.computed
        self.removed = self._writer.removed
        self._report()
        self.problems += self._writer.problems[: _MOST_PROBLEMS - len(self.problems)]
        self.problem_count += self._writer.problem_count

    def _compute(self, pending: Iterator[Pending | None]) -> None:
        for first in pending:  # none if everything is known: the model is not even loaded
            if first is None:
                continue
            samples = self._to_samples(_until_pause(first, pending))
            rows = self._door.load().encode_document_stream(samples, on_error="skip", return_report=True)
            with contextlib.closing(rows):
                for row in rows:
                    self._settle(self._asked.popleft(), row.embedding, row.error)
                    self._advance()
            if self._asked:  # to go on would be to wait for them for ever
                raise EngineError(f"the model gave no vector for {len(self._asked)} of the records that it was given.")

    def _to_samples(self, pending: Iterator[Pending]) -> Iterator[Sample]:
        for one in pending:
            try:
                sample = one.record.to_sample()
            except InputError as exc:
                self._settle(one, None, exc)
            else:
                self._asked.append(one)
                yield sample

    def _feed(self, ahead: Ahead) -> Iterator[Pending | None]:
        """Take events as they come, and give the records whose vectors are to be computed; None where those that were
        given are to be computed first."""
        for block in ahead:
            for event in block:
                if isinstance(event, Pending) and event.is_stored:
                    self._current = event.record.key
                    continue
                self._slots.append(event)
                if isinstance(event, Pending) and not event.is_ready and not self._is_twin(event):
                    yield event
                elif self._asked and len(self._slots) > _MOST_WAITING:
                    yield None
                while self._again:
                    yield self._again.popleft()
            self._advance()
        while self._asked or self._again:
            yield self._again.popleft() if self._again else None
        self._advance()

    def _is_twin(self, pending: Pending) -> bool:
        """Tell whether the same content was met before; then its vector is, or will be, this one's."""
        digest = pending.record.digest
        if digest in self._vectors:
            pending.vector = self._vectors[digest]
            return True
        if digest in self._twins:
            self._twins[digest].append(pending)
            return True
        self._twins[digest] = []
        return False

    def _settle(self, pending: Pending, vector: Any, error: Exception | None) -> None:
        digest = pending.record.digest
        twins = self._twins.pop(digest, [])
        if error is not None:
            pending.problem = str(getattr(error, "reason", error))
        else:
            pending.problem = _find_fault(vector) or _find_change(pending.record)
        if pending.problem is None:
            pending.is_computed = True
            for one in (pending, *twins):
                one.vector = vector
            self._vectors[digest] = vector
            if len(self._vectors) > _REMEMBERED:
                del self._vectors[next(iter(self._vectors))]
        elif twins:  # it may be the file, and not what it held
            self._again.append(twins[0])
            self._twins[digest] = twins[1:]

    def _advance(self) -> None:
        """Pass on what is ready, in order."""
        while self._slots and (not isinstance(self._slots[0], Pending) or self._slots[0].is_ready):
            self._take(self._slots.popleft())
            if len(self._step.rows) >= _STEP_ROWS or len(self._step.done) >= 4 * _STEP_ROWS:
                self._hand_over()
        if self._step and time.monotonic() - self._step_begun > _STEP_SECONDS:
            self._hand_over()
        self._report()

    def _take(self, event: Event) -> None:
        if isinstance(event, Pending):
            self._current = event.record.key
            if event.problem is not None:
                self._fail(event)
            elif not event.is_stored:
                if is_held(event.record):
                    event.record = keep_picture(event.record)
                self._step.rows.append(event)
        elif isinstance(event, Problem):
            self.note_problem(event.about)
        else:
            self._end_source(event)

    def _end_source(self, event: SourceDone | Unchanged) -> None:
        self.files += 1
        if isinstance(event, Unchanged):
            self.unchanged += 1
            self.seen.add(event.key)
            return
        self.skipped += event.is_skipped
        if event.note is not None:
            self.seen.add(event.note.key)
            self._step.done.append(self._with_reason(event))
        self._reason = None

    def _fail(self, event: Pending) -> None:
        record = event.record
        place = f"{record.place}: " if str(record.place) else ""
        about = Unreadable(key=record.key, path=record.path, reason=f"{place}{event.problem}")
        self._reason = self._reason or about.reason
        self.note_problem(about)

    def _with_reason(self, event: SourceDone) -> SourceDone:
        """Put what failed while computing into the note of the source."""
        note = event.note
        if note is None or self._reason is None or note.reason is not None:
            return event
        return SourceDone(type(note)(note.key, note.path, note.stamp, self._reason), event.ids, event.is_skipped)

    def note_problem(self, about: Unreadable) -> None:
        """Count a file, page or item that could not be read, and keep the first ones."""
        self.problem_count += 1
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(about)

    def _hand_over(self) -> None:
        if self._step:
            self._writer.put(self._step)  # if Ctrl-C ends this, the step is still there to be handed over at the end
            self._step = Step()
        self._step_begun = time.monotonic()

    def _report(self) -> None:
        if self._on_progress is not None:
            self._on_progress(
                IndexProgress(
                    files=self.files,
                    unchanged=self.unchanged,
                    records=self._writer.records,
                    computed=self._writer.computed,
                    unreadable=self.problem_count + self._writer.problem_count,
                    total_files=self._count_files(),
                    current=self._current,
                )
            )


def _find_fault(vector: Any) -> str | None:
    """Say what is wrong with a vector, or None."""
    array = np.asarray(vector)
    if not np.isfinite(array).all():
        return "the model gave a vector that is not of finite numbers for it."
    return None if array.any() else "the model gave a vector of zeros for it, which has no direction to compare."


def _find_change(record: Record) -> str | None:
    """Say that a file is no longer what its digest was made from, or None. What is gone cannot be told, nor asked."""
    if record.path is None or record.mtime_ns is None or record.modality == "text":
        return None
    try:
        about = os.stat(record.path)
    except OSError:
        return None
    is_same = (about.st_size, about.st_mtime_ns) == (record.size, record.mtime_ns)
    return None if is_same else "was written to while it was read. Add it again when it is complete."


def _until_pause(first: Pending, rest: Iterator[Pending | None]) -> Iterator[Pending]:
    yield first
    for one in rest:
        if one is None:
            return
        yield one
