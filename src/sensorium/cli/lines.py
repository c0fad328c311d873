"""Lines of standard input, one at a time, so that their number costs no memory. Must not know what they are for."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import BinaryIO

from sensorium.errors import InputError

#: Longest line, in bytes: what is longer is most likely no text of lines.
MAX_LINE_BYTES = 16 * 1024**2


def read_lines(command: str, *, are_paths: bool = False) -> Iterator[str]:
    """Give the lines of standard input without their ends.

    Args:
        command: Who reads, for errors.
        are_paths: They are paths, whose bytes are those of the file system; else UTF-8, in which bytes that are none
            stand as U+FFFD.

    Returns:
        The lines. The first is read at once, so that an error comes before anything is loaded.

    Raises:
        InputError: Nobody sends any, there is none, or one is too long.
    """
    stream = sys.stdin
    if stream is None or stream.closed or stream.isatty():
        raise InputError(f"nothing to {command}. Name files or texts, or send lines to standard input.")
    lines = _read(stream.buffer, are_paths)
    first = next(lines, None)
    if first is None:
        raise InputError(f"nothing to {command}: standard input is empty.")
    return _chain(first, lines)


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _read(stream: BinaryIO, are_paths: bool) -> Iterator[str]:
    number = 0
    while line := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES:
            raise InputError(f"line {number} of standard input is longer than {MAX_LINE_BYTES:,} bytes. Send text.")
        line = line.removesuffix(b"\n").removesuffix(b"\r")
        yield os.fsdecode(line) if are_paths else line.decode("utf-8", "replace")
