"""Taking a table back to its last whole version when a power cut has torn the newest.

Only what is certainly torn is touched: the list of files of the newest version is empty or makes no sense, and still
is when it is read again under the collection's lock. It is renamed into `quarantine/`, never deleted, and a warning
says what went with it. Files that cannot be read at all (permissions, a failing device) are no case for repair: they
raise. Must not know rows or columns.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path

from sensorium.errors import StoreError
from sensorium.store import lock
from sensorium.store.durable import sync_folder
from sensorium.store.faults import from_os_error
from sensorium.store.ledger import Ledger
from sensorium.store.versions import FOLDER, HINT_FILE, VersionFile, list_versions

QUARANTINE_FOLDER = "quarantine"


def repair_if_torn(collection: Path, table: str, is_decodable: Callable[[], bool] | None = None) -> int:
    """Take a table back to its last whole version if the newest is torn.

    Args:
        collection: The folder of the collection.
        table: Name of the table.
        is_decodable: Given when LanceDB could not decode the newest list, which a look at its outline does not show;
            called under the lock, it tells whether LanceDB can by then.

    Returns:
        How many versions were put into quarantine; each has given a RuntimeWarning.

    Raises:
        StoreError: A list cannot be read, none is whole, or the collection cannot be changed.
    """
    folder = collection / f"{table}.lance"
    try:
        if is_decodable is None and _is_newest_whole(folder):
            return 0
        with lock.hold(collection):
            return _quarantine_torn(collection, table, is_decodable)
    except OSError as exc:
        raise from_os_error(exc, f"reading the versions of the table {table!r}", str(collection)) from exc


def _is_newest_whole(folder: Path) -> bool:
    """Look at the newest list; a list that vanishes was removed by another writer's repair, so look again."""
    while True:
        newest = list_versions(folder)[:1]
        try:
            return bool(newest) and newest[0].is_whole()
        except FileNotFoundError:
            continue


def _quarantine_torn(collection: Path, table: str, is_decodable: Callable[[], bool] | None) -> int:
    folder = collection / f"{table}.lance"
    versions = list_versions(folder)
    whole = [index for index, one in enumerate(versions) if one.is_whole()]
    if whole[:1] == [0] and is_decodable is not None and not is_decodable():
        whole = whole[1:]
    if not whole:
        raise StoreError(
            f"No version of the table {table!r} in {str(collection)!r} is whole: {len(versions)} lists of files are "
            "there, and none can be read. Nothing was changed. Restore the folder from a copy.",
            path=str(collection),
        )
    torn, good = versions[: whole[0]], versions[whole[0]]
    for one in torn:
        _move(one.file, collection / QUARANTINE_FOLDER, f"{table}-version-{one.version}{one.file.suffix}")
    if torn:
        (folder / FOLDER / HINT_FILE).unlink(missing_ok=True)
        sync_folder(folder / FOLDER)
    for one in torn:
        warnings.warn(_describe_loss(collection, table, one, good), RuntimeWarning, stacklevel=6)
    return len(torn)


def _describe_loss(collection: Path, table: str, torn: VersionFile, good: VersionFile) -> str:
    known = Ledger(collection, table).find(torn.version)
    if known is None:
        loss = "it was not acknowledged, so no acknowledged rows are lost"
    else:
        loss = f"it was acknowledged: {known[0]} rows that it wrote are lost, and {known[1]} that it removed are back"
    return (
        f"The list of files of version {torn.version} of the table {table!r} in {str(collection)!r} was torn, as by a "
        f"power cut; {loss}. The table is back at version {good.version}; the list is in {QUARANTINE_FOLDER!r}."
    )


def _move(file: Path, folder: Path, name: str) -> None:
    folder.mkdir(exist_ok=True)
    target = folder / name
    count = 1
    while target.exists():
        count += 1
        target = folder / f"{target.stem.split('~')[0]}~{count}{target.suffix}"
    os.rename(file, target)
    sync_folder(folder)
