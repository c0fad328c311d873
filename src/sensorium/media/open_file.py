"""Read a binary file that the caller has open, leaving it where it stood.

Must not know what the bytes mean.
"""

from __future__ import annotations

import io
import os
from threading import Lock
from typing import Any

from sensorium.errors import MediaError, MediaLimitError
from sensorium.media.naming import shorten
from sensorium.media.regular_file import translate_os_error

_CHUNK = 1024**2

# Reading moves a file's position: two threads that are given the same file would take each other's bytes.
_reading = Lock()


def read_open_file(file: Any, max_bytes: int) -> tuple[str, bytes]:
    """Read from where an open file stands to its end, and put it back there if it can seek.

    Args:
        file: Anything whose `read(n)` gives bytes. One that cannot seek is read once and for all.
        max_bytes: Most bytes it may hold from there on.

    Returns:
        What to call it in messages, and its bytes, possibly none.

    Raises:
        MediaLimitError: There are more than `max_bytes`.
        MediaError: It is open as text, closed, at its end, or gives no bytes.
    """
    name = _name(file)
    if isinstance(file, io.TextIOBase):
        raise _text_error(name)
    try:
        with _reading:
            start = file.tell() if _can_seek(file) else 0
            try:
                data = _read_up_to(file, max_bytes + 1, name)
            finally:
                if _can_seek(file):
                    file.seek(start)
    except OSError as exc:
        raise translate_os_error(exc, name) from exc
    except MediaError:  # a ValueError too
        raise
    except ValueError as exc:  # what a closed file raises
        raise MediaError(f"the open file cannot be read ({exc}). Pass it while it is open.", source=name) from exc
    if start and not data:
        raise MediaError("the open file stands at its end. Call its seek(0) first.", source=name)
    if len(data) > max_bytes:
        raise MediaLimitError(
            f"holds more than the {max_bytes} bytes that are allowed. Give a smaller file, or raise "
            "MediaLimits(max_bytes=...).",
            source=name,
        )
    return name, data


def _can_seek(file: Any) -> bool:
    seekable = getattr(file, "seekable", None)
    return callable(seekable) and bool(seekable())


def _read_up_to(file: Any, count: int, name: str) -> bytes:
    """Read until the end or `count` bytes; unbuffered files and streams give less at a time than asked for."""
    body = io.BytesIO()
    while body.tell() < count:
        chunk = file.read(min(_CHUNK, count - body.tell()))
        if isinstance(chunk, str):
            raise _text_error(name)
        if chunk is None:
            raise MediaError("the open file has no bytes ready and does not wait for them.", source=name)
        if not isinstance(chunk, (bytes, bytearray, memoryview)):
            raise MediaError(f"its read() gave {type(chunk).__name__}, not bytes.", source=name)
        if not chunk:
            break
        body.write(chunk)
    return body.getvalue()


def _name(file: Any) -> str:
    # A file opened from a descriptor has its number as its name, and some have a text such as "<fdopen>".
    name = getattr(file, "name", None)
    if isinstance(name, (str, bytes, os.PathLike)):
        text = os.fsdecode(name)
        if text and not text.startswith("<"):
            return shorten(text)
    return "open file"


def _text_error(name: str) -> MediaError:
    return MediaError('the file is open as text. Open it as binary: open(path, "rb").', source=name)
