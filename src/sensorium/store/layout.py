"""What lies in the folder of a collection, and how it comes to be there and is opened.

    manifest.json      what the rows were made with; written last, so that it says the rest is complete
    rows.lance/        the rows
    sources.lance/     what was read, and what could not be
    rows.acknowledged, sources.acknowledged    see `ledger`
    quarantine/        lists of files that a power cut has torn; only there if one has
    .lock, .upkeep.lock

Must not know what is written into the tables.
"""

from __future__ import annotations

from pathlib import Path

from sensorium.errors import SensoriumError, StoreError
from sensorium.store import lock
from sensorium.store.arrow_rows import base_schema
from sensorium.store.durable import sync_folder
from sensorium.store.faults import from_os_error
from sensorium.store.manifest import MANIFEST_FILE, Manifest
from sensorium.store.sources import SourceLog
from sensorium.store.table import Table
from sensorium.store.upkeep import create_text_index

TABLE = "rows"
#: What a creation that was interrupted may have left, at its first level.
_LEFTOVERS = frozenset({lock.LOCK_FILE, lock.UPKEEP_LOCK_FILE, "rows.lance", "sources.lance"})


def create_folder(folder: Path, manifest: Manifest) -> tuple[Table, SourceLog]:
    """Make an empty collection, over what an interrupted creation left.

    Raises:
        StoreError: The folder holds something else, or cannot be written.
    """
    manifest.as_json()  # so that one that cannot be written leaves nothing behind
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _check_is_free(folder)
        with lock.hold(folder):
            _check_is_free(folder)
            table = Table.create(folder, TABLE, base_schema(manifest), "id")
            create_text_index(table)
            sources = SourceLog.create(folder)
            manifest.write(folder)
        sync_folder(folder.parent)
    except SensoriumError:
        raise
    except OSError as exc:
        raise from_os_error(exc, "creating it", str(folder)) from exc
    return table, sources


def open_folder(folder: Path) -> tuple[Manifest, Table, SourceLog]:
    """Open a collection, and repair it if a power cut has torn its newest version.

    Raises:
        StoreNotFoundError: There is none.
        StoreError: It cannot be read, or its parts do not belong together.
    """
    manifest = Manifest.read(folder)
    table = Table.open(folder, TABLE, "id")
    vector = table.schema().field("vector").type
    if vector != base_schema(manifest).field("vector").type:
        raise StoreError(
            f"The collection {str(folder)!r} holds vectors of the type {vector}, but its {MANIFEST_FILE} says "
            f"{manifest.dim} x {manifest.dtype}. One of them is of another collection: restore it from a copy.",
            path=str(folder),
        )
    return manifest, table, SourceLog.open(folder)


def _check_is_free(folder: Path) -> None:
    found = {entry.name for entry in folder.iterdir()}
    if MANIFEST_FILE in found:
        raise StoreError(
            f"{str(folder)!r} holds a collection already. Open it, or choose another folder.", path=str(folder)
        )
    other = sorted(name for name in found - _LEFTOVERS if not name.startswith(f".{MANIFEST_FILE}."))
    if other:
        raise StoreError(
            f"{str(folder)!r} is not empty: it holds {', '.join(map(repr, other[:3]))}. A collection needs a folder of "
            "its own.",
            path=str(folder),
        )
