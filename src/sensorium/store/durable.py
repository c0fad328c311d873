"""Making sure that what was written has reached the device.

LanceDB syncs nothing itself: it commits by linking a new file into place, so the end of a process takes nothing back,
while a power cut may leave files empty that had names. After each commit, the files that are new since the last one
are synced here, then the folders that list them. Must not know what the files mean.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from sensorium.store.faults import from_os_error

# Windows syncs handles that may write, and has no handles of folders.
_IS_WINDOWS = os.name == "nt"
_SYNC_FLAGS = os.O_RDWR if _IS_WINDOWS else os.O_RDONLY


def sync_folder(folder: str | os.PathLike[str]) -> None:
    """Make the names in `folder` durable. Does nothing where folders cannot be synced (Windows).

    Raises:
        OSError: The device failed.
    """
    if not _IS_WINDOWS:
        _sync(os.fspath(folder))


def _sync(path: str) -> None:
    handle = os.open(path, _SYNC_FLAGS)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomically(file: Path, content: bytes) -> None:
    """Replace `file`; after a crash it holds the old content or the new, whole.

    Raises:
        StoreError: It cannot be written.
    """
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    try:
        try:
            with open(temporary, "xb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, file)
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(file.parent)
    except OSError as exc:
        raise from_os_error(exc, f"writing {file.name}", str(file.parent)) from exc


class NewFiles:
    """Which files of a folder, at any depth, were not synced yet.

    What lies there when this is made counts as new: the process that wrote it may have died before it could sync.

    Args:
        folder: The folder of one table.
    """

    def __init__(self, folder: Path) -> None:
        self._top = os.fspath(folder)
        self._synced: dict[str, set[str]] = {}

    def sync(self) -> int:
        """Sync what is new and give how many files that were.

        Raises:
            OSError: The device failed, or is full.
        """
        count = 0
        folders = [self._top]
        for folder in folders:  # grows while it is walked
            try:
                with os.scandir(folder) as listing:
                    entries = list(listing)
            except FileNotFoundError:  # removed by another writer's cleaning
                self._synced.pop(folder, None)
                continue
            inner = {entry.name for entry in entries if entry.is_dir(follow_symlinks=False)}
            names = {entry.name for entry in entries if entry.is_file(follow_symlinks=False)} | inner
            folders += [os.path.join(folder, name) for name in sorted(inner)]
            new = names - self._synced.get(folder, set())
            count += sum(_sync_if_there(os.path.join(folder, name)) for name in sorted(new - inner))
            if new:
                sync_folder(folder)
            self._synced[folder] = names
        return count


def _sync_if_there(path: str) -> bool:
    try:
        _sync(path)
    except FileNotFoundError:  # removed by another writer's cleaning since the folder was listed
        return False
    return True
