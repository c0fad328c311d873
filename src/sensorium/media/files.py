"""Which modality a file holds, by its content: path objects, bytes, open files and records of data sets.

Only the first bytes are read, and an open file is left where it stood. Must not know how a file is decoded, nor what a
string may mean.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from sensorium.errors import MediaError
from sensorium.media.formats import HEAD_BYTES, Format, MediaKind, sniff_format
from sensorium.media.forms import is_open_file
from sensorium.media.naming import shorten, show_url
from sensorium.media.open_file import read_open_file
from sensorium.media.paths import find_suffix_kind, guess_media_kind, is_address
from sensorium.media.regular_file import open_regular, translate_os_error
from sensorium.media.source import Source

_RECORD_KEYS = frozenset({"bytes", "path"})
# Containers of sounds as well as of clips: where the tracks are out of sight, the ending decides.
_EITHER = frozenset({"MP4", "QuickTime", "Matroska", "WebM", "ASF"})
_SOUND_SUFFIXES = (".m4a", ".m4b", ".aac", ".mka", ".weba", ".wma")


def is_file(value: Any) -> bool:
    """Tell whether a value is a file in itself: a path object, bytes, or an open file. A string is not."""
    return isinstance(value, (bytes, bytearray, memoryview, os.PathLike, Source)) or is_open_file(value)


def is_file_record(value: Mapping[Any, Any]) -> bool:
    """Tell whether a dict is a file as data set libraries carry it: `{"bytes": ..., "path": ...}`, or one of these."""
    return bool(value) and _RECORD_KEYS.issuperset(value)


def find_file_kind(value: Any) -> MediaKind:
    """Say what a file holds.

    Args:
        value: A path object, bytes, an open binary file that can seek, a `Source`, or a record, whose bytes win over
            its path. An address in a record is judged by its ending, for nothing is fetched here.

    Returns:
        The modality of the content; where that is unknown, of the ending of its name.

    Raises:
        MissingMediaError: No such file, or no regular one.
        MediaError: It is empty, unreadable, or not media; the text says what it is instead, where that is known.
    """
    name = _find_name(value)
    if isinstance(value, Mapping):
        value = _take_content(value)
        if isinstance(value, str) and is_address(value):
            return _judge_address(value)
    head, shown = _read_head(value)
    found = sniff_format(head)
    by_name = find_suffix_kind(name)
    if found is not None and found.modality is not None:
        if found.modality == "video" and found.name in _EITHER and name.lower().endswith(_SOUND_SUFFIXES):
            return "audio"
        return found.modality
    if not head:
        raise MediaError("it is empty: 0 bytes.", source=shown)
    is_text = _is_text(head)
    if found is None and by_name is not None and not is_text:
        return by_name  # whoever decodes it says what is wrong
    raise MediaError(f"{_describe(found, is_text)} {_ADVICE}", source=shown)


_ADVICE = "Images, sounds and clips are taken as files; pass text as a str."


def _find_name(value: Any) -> str:
    """Give what a file is called, for its ending; empty if it has no name."""
    if isinstance(value, Source):
        return value.path or value.name
    name = value.get("path") if isinstance(value, Mapping) else value
    if is_open_file(name):
        name = getattr(name, "name", None)
    return os.fsdecode(name) if isinstance(name, (str, os.PathLike)) else ""


def _take_content(record: Mapping[str, Any]) -> Any:
    data, path = record.get("bytes"), record.get("path")
    if isinstance(data, (bytes, bytearray, memoryview)):
        return data
    if data is None and isinstance(path, (str, os.PathLike)):
        return path
    raise MediaError(
        'a file record needs "bytes" that are bytes, or a "path" that is a path; got '
        f"bytes={type(data).__name__}, path={type(path).__name__}.",
        source="record",
    )


def _judge_address(address: str) -> MediaKind:
    kind = guess_media_kind(address)
    if kind is None:
        raise MediaError(
            "the ending of this address does not say what it leads to. Name the modality, as in "
            '{"image": "https://..."}.',
            source=show_url(address) if address[:4].lower() == "http" else "data address",
        )
    return kind


def _read_head(value: Any) -> tuple[bytes, str]:
    """Give the first bytes, and what to call the file in messages."""
    if isinstance(value, Source):
        return value.head(HEAD_BYTES), value.name
    if isinstance(value, (bytes, bytearray)):
        return bytes(value[:HEAD_BYTES]), "bytes"
    if isinstance(value, memoryview):
        return value.cast("B")[:HEAD_BYTES].tobytes() if value.contiguous else value.tobytes()[:HEAD_BYTES], "bytes"
    if is_open_file(value):
        name, head = read_open_file(_Beginning(value), HEAD_BYTES)
        return head, name
    path = os.fsdecode(value)
    name = shorten(path)
    with open_regular(path, name) as file:
        try:
            return file.read(HEAD_BYTES), name
        except OSError as exc:
            raise translate_os_error(exc, name) from exc


def _is_text(head: bytes) -> bool:
    """Tell whether bytes are UTF-8 text, of which the last letter may be cut."""
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as exc:
        if exc.start < len(head) - 3:
            return False
        text = head[: exc.start].decode("utf-8")
    return bool(text) and "\x00" not in text


def _describe(found: Format | None, is_text: bool) -> str:
    if found is not None:
        return f"this is a file of the kind {found.name} ({found.mime}), which is not opened."
    return "this looks like plain text." if is_text else "its content is of no format that is known."


class _Beginning:
    """An open file that ends after its first bytes."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._left = HEAD_BYTES
        self.name = getattr(file, "name", None)
        self.seekable, self.tell, self.seek = file.seekable, file.tell, file.seek

    def read(self, count: int) -> Any:
        chunk = self._file.read(min(count, self._left)) if self._left else b""
        if isinstance(chunk, (bytes, bytearray, memoryview)):  # anything else is a fault, for the caller to name
            self._left -= len(chunk)
        return chunk
