"""Locks between processes: one file for what takes a moment, one for what takes long.

Writing rows needs neither: LanceDB settles that between writers by itself. Must not know what is done under them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sensorium.errors import StoreError
from sensorium.store.faults import from_os_error

#: Held to change the manifest, add columns or repair the table: moments.
LOCK_FILE = ".lock"
#: Held to join files and build indices: seconds to minutes. Whoever finds it taken leaves the work to its holder.
UPKEEP_LOCK_FILE = ".upkeep.lock"


@contextmanager
def hold(folder: Path, timeout_s: float = 60.0) -> Iterator[None]:
    """Hold the collection's lock; the end of a process lets go of it.

    Args:
        folder: Of the collection.
        timeout_s: How long to wait for another holder.

    Raises:
        StoreError: Another process holds it for longer, or the file cannot be made.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / LOCK_FILE, timeout=timeout_s)
    try:
        lock.acquire()
    except Timeout as exc:
        raise StoreError(
            f"Another process has held the lock of the collection {str(folder)!r} for {timeout_s:.0f} seconds. Wait "
            "for it, or end it.",
            path=str(folder),
        ) from exc
    except OSError as exc:
        raise from_os_error(exc, "locking", str(folder)) from exc
    try:
        yield
    finally:
        lock.release()


@contextmanager
def try_upkeep(folder: Path, timeout_s: float = 0.0) -> Iterator[bool]:
    """Take the lock of long work if it is free, and tell whether it was.

    Args:
        folder: Of the collection.
        timeout_s: How long to wait for another holder.

    Raises:
        StoreError: The file cannot be made.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / UPKEEP_LOCK_FILE, timeout=timeout_s)
    try:
        lock.acquire()
        is_ours = True
    except Timeout:
        is_ours = False
    except OSError as exc:
        raise from_os_error(exc, "locking", str(folder)) from exc
    try:
        yield is_ours
    finally:
        lock.release()
