"""Which sources a collection has read: when they last changed, and why some could not be read.

It answers what has to be read again. The notes lie in a second small table, because they need what rows need: any
number of them, replaced one by one, by two writers at once, surviving the end of a process. Must not know files, nor
how a stamp is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sensorium._optional import require
from sensorium.errors import InputError
from sensorium.store.columns import clean_text
from sensorium.store.filters import write_any_of
from sensorium.store.literals import quote_name
from sensorium.store.table import PURPOSE, Table

TABLE = "sources"
_COLUMNS = ("key", "path", "stamp", "reason")


@dataclass(frozen=True, slots=True)
class SourceNote:
    """What is known of one source.

    Attributes:
        key: Names the source, as `Row.key` does.
        path: Where its file is, or None.
        stamp: Text that changes when it has to be read again: of its size, time, and how it is read.
        reason: Why it could not be read; None if all its rows are there.
    """

    key: str
    path: str | None
    stamp: str
    reason: str | None = None


class SourceLog:
    """The notes of a collection, one per key. Durable like rows; for several threads and processes.

    Args:
        table: Where they are kept; public for upkeep.
    """

    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def create(cls, collection: Path) -> SourceLog:
        """Make an empty log in the folder of a collection.

        Raises:
            StoreError: It cannot be written.
        """
        pa = require("pyarrow", PURPOSE)
        schema = pa.schema([pa.field(name, pa.string(), nullable=name in ("path", "reason")) for name in _COLUMNS])
        return cls(Table.create(collection, TABLE, schema, "key"))

    @classmethod
    def open(cls, collection: Path) -> SourceLog:
        """Open the log in the folder of a collection.

        Raises:
            StoreError: It is not there, or cannot be read.
        """
        return cls(Table.open(collection, TABLE, "key"))

    def write(self, notes: Iterable[SourceNote]) -> None:
        """Store notes, all or none; the last of a key replaces those before.

        Raises:
            InputError: A note without key or stamp, or with text that has no UTF-8 form.
            StoreError: It was not written.
        """
        last = {note.key: note for note in notes}
        for note in last.values():
            for name in _COLUMNS:
                value = getattr(note, name)
                if value is None and name in ("path", "reason"):
                    continue
                if not isinstance(value, str) or (name == "key" and not value):
                    raise InputError(f"The {name} of a source must be text, got {value!r}.", source=str(note.key))
                clean_text(value, f"The {name}")
        if last:
            self.table.upsert(lambda schema: _as_table(list(last.values()), schema))

    def read(self, *, only_unreadable: bool = False) -> Iterator[SourceNote]:
        """Go through the notes, a block at a time.

        Args:
            only_unreadable: Only those with a reason.

        Raises:
            StoreError: They cannot be read.
        """
        where = f"{quote_name('reason')} IS NOT NULL" if only_unreadable else None
        for batch in self.table.scan(where, _COLUMNS):
            for values in batch.to_pylist():
                yield SourceNote(**values)

    def find(self, keys: Iterable[str]) -> dict[str, SourceNote]:
        """Give key -> note of those sources that have one.

        Raises:
            StoreError: They cannot be read.
        """
        notes = (
            SourceNote(**values)
            for condition in write_any_of("key", keys)
            for batch in self.table.scan(condition, _COLUMNS)
            for values in batch.to_pylist()
        )
        return {note.key: note for note in notes}

    def count(self, *, only_unreadable: bool = False) -> int:
        """Give how many notes there are.

        Raises:
            StoreError: They cannot be read.
        """
        return self.table.count(f"{quote_name('reason')} IS NOT NULL" if only_unreadable else None)

    def delete(self, keys: Iterable[str]) -> int:
        """Remove the notes of these sources, and give how many there were.

        Raises:
            StoreError: They were not removed.
        """
        return sum(self.table.delete(condition, _COLUMNS) for condition in write_any_of("key", keys))

    def close(self) -> None:
        """Let go of the table."""
        self.table.close()


def _as_table(notes: list[SourceNote], schema: Any) -> Any:
    pa = require("pyarrow", PURPOSE)
    arrays = [pa.array([getattr(note, name) for note in notes], pa.string()) for name in schema.names]
    return pa.Table.from_arrays(arrays, schema=schema)
