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
from sensorium.errors import InputError, MediaError, SensoriumError
from sensorium.store.rows import Place, Row

if TYPE_CHECKING:
    from sensorium.collection.events import Pending, SourceDone
    from sensorium.store import LanceStore, SourceNote

#: Steps that may wait while one is written.
_WAITING = 2


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
        problems: Rows that the store refused.
    """

    def __init__(self, store: LanceStore) -> None:
        self._store = store
        self._steps: queue.Queue[Step | None] = queue.Queue(_WAITING)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="sensorium-collection-writer", daemon=True)
        self.records = self.computed = self.removed = 0
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
        rows = [(one, _make_row(one)) for one in step.rows]
        while not self._write_rows(rows):
            pass
        self.records += len(rows)
        self.computed += sum(one.is_computed for one, _ in rows)
        self._remove_stale(step)
        notes = [one.note for one in step.done if one.note is not None]
        self._store.sources.write(self._with_refusal(note) for note in notes if note.path is not None)
        for note in notes:
            self._refused.pop(note.key, None)

    def _with_refusal(self, note: SourceNote) -> SourceNote:
        reason = self._refused.get(note.key)
        return note if reason is None or note.reason is not None else dataclasses.replace(note, reason=reason)

    def _write_rows(self, rows: list[tuple[Pending, Row]]) -> bool:
        """Write rows; or take out those that the store refuses, and tell that the others are to be written again."""
        try:
            self._store.write(row for _, row in rows)
        except InputError as exc:
            if exc.index is not None:
                self._refuse(rows.pop(exc.index)[1], exc)
                return False
            # Metadata whose type the column does not have: only one by one do they tell which.
            rows[:] = [(one, row) for one, row in rows if self._is_accepted(row)]
        return True

    def _is_accepted(self, row: Row) -> bool:
        try:
            self._store.write([row])
        except InputError as exc:
            self._refuse(row, exc)
            return False
        return True

    def _refuse(self, row: Row, error: InputError) -> None:
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


def _make_row(pending: Pending) -> Row:
    record, place = pending.record, pending.record.place
    try:
        thumbnail = record.thumbnail()
    except (MediaError, SensoriumError):
        thumbnail = None  # it was readable a moment ago; a row without a picture is better than none
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
        thumbnail=thumbnail,
    )
