"""A line for every acknowledged commit: its version, and how many rows it wrote and removed.

It serves one sentence: what was lost when a version has to be given up. Lines are appended, by several writers at
once, and not synced: a line that is missing means less is known, not that less is there. Must not know tables.
"""

from __future__ import annotations

import os
from pathlib import Path

_SUFFIX = ".acknowledged"
#: Beyond this many bytes the older half is forgotten.
_LONGEST = 256 * 1024


class Ledger:
    """The acknowledged commits of one table.

    Args:
        collection: The folder of the collection.
        table: Name of the table.
    """

    def __init__(self, collection: Path, table: str) -> None:
        self._file = collection / f"{table}{_SUFFIX}"

    def note(self, version: int, written: int, removed: int) -> None:
        """Add a line for a commit.

        Raises:
            OSError: The device failed, or is full.
        """
        handle = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            os.write(handle, f"{version} {written} {removed}\n".encode("ascii"))
        finally:
            os.close(handle)

    def find(self, version: int) -> tuple[int, int] | None:
        """Give what an acknowledged version wrote and removed, or None if it was not acknowledged.

        Raises:
            OSError: The file cannot be read.
        """
        try:
            lines = self._file.read_bytes().decode("ascii", errors="replace").splitlines()
        except FileNotFoundError:
            return None
        for line in reversed(lines):
            parts = line.split()
            if len(parts) == 3 and all(part.isdigit() for part in parts) and int(parts[0]) == version:
                return int(parts[1]), int(parts[2])
        return None

    def shorten(self) -> None:
        """Forget the older half of a long file. A line that another writer adds meanwhile may be forgotten too.

        Raises:
            OSError: The device failed.
        """
        try:
            content = self._file.read_bytes()
        except FileNotFoundError:
            return
        if len(content) > _LONGEST:
            half = content[len(content) // 2 :]
            temporary = self._file.with_suffix(".shortened")
            temporary.write_bytes(half[half.find(b"\n") + 1 :])
            os.replace(temporary, self._file)
