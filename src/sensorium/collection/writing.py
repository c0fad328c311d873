"""The writing side of an `add`: rows and notes go to the store in steps, in a thread of their own.

A step's rows are acknowledged before the notes that say its sources are done, so that whatever is cut off is read
again. Must not know how vectors are computed.
"""

from __future__ import annotations

import dataclasses
import queue
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sensorium.collection.results import Unreadable
from sensorium.errors import InputError, SensoriumError
from sensorium.store.rows import Place, Row

if TYPE_CHECKING:
    from sensorium.collection.events import Pending, SourceDone
    from sensorium.ingest import Record
    from sensorium.store import LanceStore, SourceNote

#: Steps that may wait while one is written.
_WAITING = 2
_MOST_PROBLEMS = 1000


@dataclass(slots=True)
class Step:
    """What is committed together.

    Attributes:
        rows: Records with their vectors.
        done: Sources whose last record is in this step or an earlier one.
    """

    rows: list[Pending] = field(default_factory=list)
    done: list[SourceDone] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.rows or self.done)


class Writer:
    """Writes steps, one after the other.

    Args:
        store: Where to.

    Attributes:
        records: Rows written so far.
        computed: Of them, those whose vector was computed by this call.
        removed: Rows removed so far, of sources that no longer have them.
        problems: Rows that the store refused, the first thousand.
        problem_count: How many there were.
    """

    def __init__(self, store: LanceStore) -> None:
        self._store = store
        self._steps: queue.Queue[Step | None] = queue.Queue(_WAITING)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="sensorium-collection-writer", daemon=True)
        self.records = self.computed = self.removed = self.problem_count = 0
        self.problems: list[Unreadable] = []
        self._refused: dict[str, str] = {}
        self._thread.start()

    def put(self, step: Step) -> None:
        """Hand over a step; waits while two others wait.

        Raises:
            SensoriumError: What an earlier step failed with.
        """
        self.check()
        self._steps.put(step)

    def check(self) -> None:
        """Raise what a step failed with, if one did."""
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Wait until all steps are written. What a step failed with is not raised here; see `check`."""
        self._steps.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (step := self._steps.get()) is not None:
            if self._error is not None:
                continue  # let the other side come to its end
            try:
                self._write(step)
            except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread by `check`
                self._error = error

    def _write(self, step: Step) -> None:
        self._write_rows([(one, _make_row(one)) for one in step.rows])
        self._remove_stale(step)
        notes = [one.note for one in step.done if one.note is not None]
        self._store.sources.write(self._with_refusal(note) for note in notes if note.path is not None)
        for note in notes:
            self._refused.pop(note.key, None)

    def _with_refusal(self, note: SourceNote) -> SourceNote:
        reason = self._refused.get(note.key)
        return note if reason is None or note.reason is not None else dataclasses.replace(note, reason=reason)

    def _write_rows(self, rows: list[tuple[Pending, Row]]) -> None:
        """Write rows, but for those that the store refuses."""
        while rows:
            try:
                self._store.write(row for _, row in rows)
            except InputError as exc:
                if exc.index is None and len(rows) > 1:
                    break
                self._refuse(rows.pop(exc.index or 0)[1], exc)
            else:
                self.records += len(rows)
                self.computed += sum(one.is_computed for one, _ in rows)
                return
        if rows:
            # Metadata whose type the column does not have, and nothing says whose. The first half comes first, so that
            # the type of a new column is that of its first value.
            half = len(rows) // 2
            self._write_rows(rows[:half])
            self._write_rows(rows[half:])

    def _refuse(self, row: Row, error: InputError) -> None:
        self.problem_count += 1
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(Unreadable(key=row.key, path=row.path, reason=error.reason))
        self._refused.setdefault(row.key, error.reason)

    def _remove_stale(self, step: Step) -> None:
        current = {one.note.key: one.ids for one in step.done if one.note is not None and one.ids is not None}
        if not current:
            return
        stale = [
            entry.id for entry in self._store.entries({"key": sorted(current)}) if entry.id not in current[entry.key]
        ]
        if stale:
            self.removed += self._store.delete(ids=stale)


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """What is kept of an item's content while its row waits: a small picture, or None."""

    jpeg: bytes | None

    def value(self) -> None:
        """Give nothing: the content was encoded, and let go of."""

    def thumbnail(self, side: int) -> bytes | None:
        """Give the picture as it was drawn."""
        return self.jpeg


def keep_picture(record: Record) -> Record:
    """Give a record with no more of its content than its small picture: rows wait by the hundred."""
    return dataclasses.replace(record, held=KeptPicture(_draw(record)))


def _draw(record: Record) -> bytes | None:
    try:
        return record.thumbnail()
    except SensoriumError:  # it was readable a moment ago; a row without a picture is better than none
        return None


def _make_row(pending: Pending) -> Row:
    record, place = pending.record, pending.record.place
    return Row(
        id=record.id,
        key=record.key,
        path=record.path,
        place=Place(page=place.page, start_s=place.start_s, end_s=place.end_s, start=place.start, end=place.end),
        modality=record.modality,
        digest=record.digest,
        vector=pending.vector,
        text=record.text,
        metadata=record.metadata,
        thumbnail=_draw(record),
    )
