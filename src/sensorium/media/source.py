"""Any value that names or holds one file, brought to one form: bytes in memory, or a regular file on disk.

Decoders take a `Source` and nothing else, so that each rule (only regular files, a size limit, addresses under the
policy, errors that name the input) holds for every kind of media. Must not know what the bytes mean.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from sensorium.errors import FetchError, MediaError, MediaLimitError, MissingMediaError
from sensorium.media.data_address import decode_data_address, is_data_address
from sensorium.media.fetch import fetch
from sensorium.media.limits import MediaLimits, MediaSettings
from sensorium.media.naming import shorten, show_data_address, show_url
from sensorium.media.open_file import read_open_file
from sensorium.media.regular_file import open_regular, translate_os_error
from sensorium.media.url import is_web_address

# Two letters at least: "C:/clip.mp4" is a path.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://|(file):", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file: its bytes, or the path of a regular file. Exactly one of `data` and `path` is set.

    Attributes:
        data: The bytes, or None.
        path: The path, or None. What stands there is checked again each time it is opened.
        name: What to call it in messages: the path, the address without credentials, or `"bytes"`.
        size: Bytes it had when it was made into a source, at least 1.
        max_bytes: Most bytes that `read` gives.
    """

    data: bytes | None = field(default=None, repr=False)
    path: str | None = None
    name: str
    size: int
    max_bytes: int = MediaLimits().max_bytes

    def open(self) -> BinaryIO:
        """Open it for reading and seeking, at its beginning. The caller closes it.

        Raises:
            MissingMediaError: The file is gone, or is no longer a regular file.
            MediaError: It cannot be opened.
        """
        if self.data is not None:
            return io.BytesIO(self.data)
        assert self.path is not None, "a source has data or a path"
        return open_regular(self.path, self.name)

    def read(self) -> bytes:
        """Read all of it.

        Raises:
            MissingMediaError: The file is gone, or is no longer a regular file.
            MediaLimitError: The file has grown beyond `max_bytes`.
            MediaError: It cannot be read.
        """
        if self.data is not None:
            return self.data
        with self.open() as file:
            size = os.fstat(file.fileno()).st_size
            if size > self.max_bytes:
                raise _size_error(size, self.max_bytes, self.name)
            return self._read_first(file, size)

    def head(self, n: int = 64) -> bytes:
        """Read its first bytes, for telling the format.

        Args:
            n: How many; fewer come back if the file is shorter.

        Raises:
            MissingMediaError: The file is gone, or is no longer a regular file.
            MediaError: It cannot be read.
        """
        if self.data is not None:
            return self.data[:n]
        with self.open() as file:
            return self._read_first(file, n)

    def _read_first(self, file: BinaryIO, count: int) -> bytes:
        try:
            return file.read(count)
        except OSError as exc:
            raise translate_os_error(exc, self.name) from exc


def open_source(value: Any, settings: MediaSettings | None = None) -> Source:
    """Bring a value that names or holds one file to a `Source`.

    Args:
        value: A path (`str` or `PathLike`), an `http(s)` or `data:` address, `bytes`, `bytearray` or `memoryview`, an
            open binary file (read from where it stands, and put back there if it can seek), a record
            `{"bytes": ..., "path": ...}` (the bytes if there are any, else the path), or a `Source`, which is returned
            as it is.
        settings: Limits and fetch policy; the defaults if None.

    Returns:
        The source, neither empty nor larger than the limits. Buffers are copied, addresses are fetched, files on disk
        are looked at and not read.

    Raises:
        MissingMediaError: No such file, or it is a folder, pipe, socket or device.
        MediaLimitError: Larger than `MediaLimits.max_bytes`.
        FetchError: The address is refused or does not answer as it should.
        MediaError: Empty, unreadable, malformed, a file opened as text, or a value of another kind.

    Example:
        >>> open_source(b"RIFF....WAVE").size
        12
    """
    settings = settings or MediaSettings()
    limit = settings.limits.max_bytes
    if isinstance(value, Source):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _hold(value, "bytes", limit)
    if isinstance(value, str):
        return _open_text(value, settings)
    if isinstance(value, os.PathLike):
        return _find_file(os.fsdecode(value), limit)
    if isinstance(value, Mapping):
        return _open_record(value, settings)
    if callable(getattr(value, "read", None)):
        name, data = read_open_file(value, limit)
        return _hold(data, name, limit)
    raise MediaError(
        "this value neither names nor holds a file. Give a path, an address, bytes, an open binary file or "
        '{"bytes": ..., "path": ...}.',
        source=type(value).__name__,
    )


def _open_text(text: str, settings: MediaSettings) -> Source:
    limit = settings.limits.max_bytes
    if is_data_address(text):
        return _hold(decode_data_address(text, limit), show_data_address(text), limit)
    if is_web_address(text):
        return _hold(fetch(text, settings.fetch, settings.limits), show_url(text), limit)
    match = _SCHEME.match(text)
    if match is not None:
        scheme = (match[1] or match[2]).lower()
        advice = "Give the path without file://." if scheme == "file" else "Download the file, give its path or bytes."
        raise FetchError(
            f"addresses of the scheme {scheme!r} are not opened, only http, https and data. {advice}",
            source=show_url(text),
        )
    return _find_file(text, limit)


def _open_record(record: Mapping[str, Any], settings: MediaSettings) -> Source:
    data, path = record.get("bytes"), record.get("path")
    if isinstance(data, (bytes, bytearray, memoryview)):
        # Data sets keep the path beside the bytes as the file's former name; it need not exist here.
        name = shorten(os.fsdecode(path)) if isinstance(path, (str, os.PathLike)) else ""
        return _hold(data, name or "bytes", settings.limits.max_bytes)
    if data is None and isinstance(path, (str, os.PathLike)):
        return open_source(path, settings)
    raise MediaError(
        'a file record needs "bytes" that are bytes, or a "path" that is a path; got '
        f"bytes={type(data).__name__}, path={type(path).__name__}, keys {[str(key) for key in record][:8]}.",
        source="record",
    )


def _hold(data: bytes | bytearray | memoryview, name: str, limit: int) -> Source:
    size = data.nbytes if isinstance(data, memoryview) else len(data)
    if size > limit:
        raise _size_error(size, limit, name)
    if size == 0:
        raise _empty_error(name)
    return Source(data=bytes(data), name=name, size=size, max_bytes=limit)


def _find_file(path: str, limit: int) -> Source:
    name = shorten(path)
    if not path:
        raise MissingMediaError("an empty string is not the path of a file.", source=repr(path))
    with open_regular(path, name) as file:
        size = os.fstat(file.fileno()).st_size
    if size == 0:
        raise _empty_error(name)
    if size > limit:
        raise _size_error(size, limit, name)
    return Source(path=path, name=name, size=size, max_bytes=limit)


def _empty_error(name: str) -> MediaError:
    return MediaError("is empty: it has 0 bytes. Check whether it was downloaded or written completely.", source=name)


def _size_error(size: int, limit: int, name: str) -> MediaLimitError:
    return MediaLimitError(
        f"is {size} bytes long, and at most {limit} are allowed. Give a smaller file, or raise "
        "MediaLimits(max_bytes=...).",
        source=name,
    )
