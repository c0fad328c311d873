"""One LanceDB table whose commits are durable once they return, and whose faults are ours.

Commits are tried again when another writer's came first, then what is new on disk is synced. Must not know what the
columns mean.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from sensorium._optional import require
from sensorium.errors import SensoriumError, StoreError
from sensorium.store.durable import NewFiles, sync_folder
from sensorium.store.faults import FOREIGN, is_conflict, is_unreadable_manifest, translate, translated
from sensorium.store.ledger import Ledger
from sensorium.store.recovery import repair_if_torn
from sensorium.store.versions import FOLDER, list_versions

Result = TypeVar("Result")
PURPOSE = "Keeping a collection on disk"
#: How long a commit is tried again while other writers' come first.
CONFLICT_TIMEOUT_S = 60.0
#: Rows that a scan holds at a time.
BLOCK_ROWS = 1024


def connect(collection: Path) -> Any:
    """Open LanceDB on a folder, so that every read looks for the newest version."""
    return require("lancedb", PURPOSE).connect(str(collection), read_consistency_interval=timedelta(0))


class Table:
    """One table of a collection.

    Args:
        table: LanceDB's.
        collection: The folder of the collection.
        key: The column that names a row.
    """

    def __init__(self, table: Any, collection: Path, key: str) -> None:
        self._lance: Any = table
        self._collection = collection
        self._key = key
        self._files = NewFiles(collection / f"{table.name}.lance")
        self._ledger = Ledger(collection, table.name)
        self._writing = threading.RLock()
        self._process = os.getpid()

    @classmethod
    def create(cls, collection: Path, name: str, schema: Any, key: str) -> Table:
        """Make an empty table, in place of an empty one that an interrupted creation left.

        Raises:
            StoreError: It cannot be written, or one with rows is there.
        """
        with translated("creating a table", str(collection)):
            database = connect(collection)
            mode = "overwrite" if _is_left_over(database, collection, name) else "create"
            lance = database.create_table(name, schema=schema, mode=mode)
            lance.set_unenforced_primary_key(key)
            table = cls(lance, collection, key)
            table._files.sync()
            sync_folder(collection)
        return table

    @classmethod
    def open(cls, collection: Path, name: str, key: str) -> Table:
        """Open a table, and first take it back to its last whole version if its newest is torn.

        Raises:
            StoreError: It is not there, or cannot be read.
        """
        doing = f"opening the table {name!r}"
        if not (collection / f"{name}.lance" / "_versions").is_dir():
            raise StoreError(
                f"The collection {str(collection)!r} has no table {name!r}: its folder is not complete. Restore it "
                "from a copy, or create it anew.",
                path=str(collection),
            )
        repair_if_torn(collection, name)
        try:
            lance = connect(collection).open_table(name)
        except FOREIGN as exc:
            if not is_unreadable_manifest(exc):
                raise translate(exc, doing, str(collection)) from exc
            repair_if_torn(collection, name, lambda: _can_open(collection, name))
            with translated(doing, str(collection)):
                lance = connect(collection).open_table(name)
        return cls(lance, collection, key)

    @property
    def lance(self) -> Any:
        """LanceDB's table.

        Raises:
            StoreError: The table was closed, or belongs to a process that this one was forked from.
        """
        if self._lance is None:
            raise StoreError("The collection is closed. Open it again to use it.", path=str(self._collection))
        if self._process != os.getpid():
            raise StoreError(
                "The collection was opened before this process was forked, and LanceDB does not outlive a fork. Open "
                "it again here, or start processes with 'spawn' or 'forkserver'.",
                path=str(self._collection),
            )
        return self._lance

    def close(self) -> None:
        """Let go of the table."""
        self._lance = None

    def translated(self, doing: str, columns: Sequence[str] = ()) -> AbstractContextManager[None]:
        """Run a block in which LanceDB's faults become ours."""
        return translated(doing, str(self._collection), columns)

    def schema(self) -> Any:
        """Give the Arrow schema of the newest version."""
        with self.translated("reading the columns"):
            return self.lance.schema

    def upsert(self, make: Callable[[Any], Any]) -> None:
        """Write rows, replacing those whose key is there.

        Args:
            make: Gives the Arrow table to write for a schema; called again if the commit is tried again, as another
                writer may have added columns. Its keys are not null, and unique.

        Raises:
            StoreError: It was not written, or may be lost if the machine stops now.
        """

        def merge(lance: Any) -> tuple[Any, int, int]:
            rows = make(lance.schema)
            insert = lance.merge_insert(self._key).when_matched_update_all().when_not_matched_insert_all()
            return insert.execute(rows), rows.num_rows, 0

        with self._writing:
            self._commit("writing rows", merge)

    def delete(self, where: str, columns: Sequence[str]) -> int:
        """Remove the rows that meet a condition, and give how many they were.

        Raises:
            InputError: The condition cannot be used.
            StoreError: As for `upsert`.
        """

        def remove(lance: Any) -> tuple[Any, int, int]:
            result = lance.delete(where)
            return result, 0, result.num_deleted_rows

        with self._writing:
            return self._commit("removing rows", remove, columns)[2]

    def add_columns(self, schema: Any) -> None:
        """Add columns without values. Whoever calls holds the collection's lock.

        Raises:
            StoreError: As for `upsert`.
        """
        with self._writing:
            self._commit("adding columns", lambda lance: (lance.add_columns(schema), 0, 0))

    def change(self, doing: str, change: Callable[[Any], object]) -> None:
        """Make a change that no row shows, such as an index; another writer's commit that came first ends it quietly.

        Raises:
            StoreError: It failed for another reason.
        """
        with translated(doing, str(self._collection)):
            try:
                change(self.lance)
            except FOREIGN as exc:
                if not is_conflict(exc):
                    raise
            with self._writing:
                self._files.sync()
                self._ledger.shorten()

    def _commit(
        self, doing: str, commit: Callable[[Any], tuple[Any, int, int]], columns: Sequence[str] = ()
    ) -> tuple[Any, int, int]:
        lance = self.lance
        done = self._retry(doing, lambda: commit(lance), columns)
        with self.translated(doing):
            self._files.sync()
            self._ledger.note(done[0].version, done[1], done[2])
        return done

    def _retry(self, doing: str, commit: Callable[[], Result], columns: Sequence[str]) -> Result:
        deadline = time.monotonic() + CONFLICT_TIMEOUT_S
        pause_s = 0.005
        while True:
            try:
                return commit()
            except SensoriumError:
                raise
            except FOREIGN as exc:
                if not is_conflict(exc) or time.monotonic() > deadline:
                    raise translate(exc, doing, str(self._collection), columns) from exc
            time.sleep(pause_s * random.uniform(0.5, 1.5))
            pause_s = min(pause_s * 2, 1.0)

    def count(self, where: str | None, columns: Sequence[str] = ()) -> int:
        """Give the number of rows that meet a condition.

        Raises:
            InputError: The condition cannot be used.
            StoreError: The table cannot be read.
        """
        with self.translated("counting rows", columns):
            return int(self.lance.count_rows(where))

    def scan(self, where: str | None, select: Sequence[str], columns: Sequence[str] = ()) -> Iterator[Any]:
        """Give record batches of at most `BLOCK_ROWS` rows, of one version of the table.

        Args:
            where: The condition, or None for every row.
            select: Columns to give.
            columns: Names that the condition may use, for errors.

        Raises:
            InputError: The condition cannot be used.
            StoreError: The table cannot be read.
        """
        with self.translated("reading rows", columns):
            query = self.lance.search().select(list(select))
            reader = (query if where is None else query.where(where)).to_batches(BLOCK_ROWS)
        while True:
            with self.translated("reading rows", columns):
                batch = next(reader, None)
            if batch is None:
                return
            yield batch


def _is_left_over(database: Any, collection: Path, name: str) -> bool:
    """Tell whether an empty table is there.

    Raises:
        StoreError: One with rows is there, or one that may have had some.
    """
    folder = collection / f"{name}.lance"
    versions = list_versions(folder) if (folder / FOLDER).is_dir() else []
    if versions and (not versions[0].is_whole() or database.open_table(name).count_rows()):
        raise StoreError(
            f"{str(collection)!r} has no manifest, but a table {name!r} with rows. Restore the manifest from a copy, "
            "or remove the folder if the rows are not needed.",
            path=str(collection),
        )
    return bool(versions)


def _can_open(collection: Path, name: str) -> bool:
    try:
        connect(collection).open_table(name)
    except FOREIGN as exc:
        if is_unreadable_manifest(exc):
            return False
        raise translate(exc, f"opening the table {name!r}", str(collection)) from exc
    return True
