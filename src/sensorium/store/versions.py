"""The list of files of each version of a table, as LanceDB leaves it on disk, and whether it is whole.

LanceDB trusts what it finds: a list full of zeros, which is what a power cut leaves on common file systems, opens
without a word as an empty table, so lists are checked here first. Must not know what is done about a torn one.

Source: Lance's file format: a list ends with the position of its protobuf message (8 bytes), the format's version (2
times 2 bytes) and `LANC`; the message has its length before it (4 bytes); all little-endian. Its name is 2^64 - 1
minus the version.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

FOLDER = "_versions"
#: Says which version is the newest, to save looking; need not be right, and may be gone.
HINT_FILE = "latest_version_hint.json"
_SUFFIX = ".manifest"
_FOOTER = struct.Struct("<QHH4s")
_LENGTH = struct.Struct("<I")
_MAGIC = b"LANC"


@dataclass(frozen=True, slots=True)
class VersionFile:
    """The list of files of one version."""

    version: int
    file: Path

    def is_whole(self) -> bool:
        """Tell whether the list can be one that LanceDB wrote.

        Raises:
            OSError: It cannot be read, which says nothing about what it holds.
        """
        content = self.file.read_bytes()
        if len(content) < _FOOTER.size + _LENGTH.size:
            return False
        position, _, _, magic = _FOOTER.unpack_from(content, len(content) - _FOOTER.size)
        start = position + _LENGTH.size
        if magic != _MAGIC or start > len(content) - _FOOTER.size:
            return False
        (length,) = _LENGTH.unpack_from(content, position)
        end = start + length
        return length > 0 and end <= len(content) - _FOOTER.size and _is_message(content, start, end)


def list_versions(table_folder: Path) -> list[VersionFile]:
    """Give the lists that are there, newest first.

    Raises:
        OSError: The folder cannot be read.
    """
    found = []
    for file in (table_folder / FOLDER).iterdir():
        stem = file.name.removesuffix(_SUFFIX)
        if stem != file.name and stem.isascii() and stem.isdigit():
            number = int(stem)
            found.append(VersionFile(2**64 - 1 - number if len(stem) == 20 else number, file))
    return sorted(found, key=lambda one: -one.version)


def _is_message(content: bytes, position: int, end: int) -> bool:
    """Walk over the fields of a protobuf message and tell whether they end where it does."""
    while position < end:
        tag, position = _read_varint(content, position, end)
        kind = tag & 7
        if tag < 8:  # field number 0, which zeros spell
            return False
        if kind == 0:
            _, position = _read_varint(content, position, end)
        elif kind == 1:
            position += 8
        elif kind == 2:
            length, position = _read_varint(content, position, end)
            position += length
        elif kind == 5:
            position += 4
        else:
            return False
    return position == end


def _read_varint(content: bytes, position: int, end: int) -> tuple[int, int]:
    """Give a number and the position after it; one beyond `end` if it does not end in time."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= end:
            break
        byte = content[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    return 0, end + 1
