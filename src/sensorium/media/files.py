"""Which modality a file holds, by its content: paths, bytes, open files and dataset records.

Only the first bytes are looked at. Must not know how a file is decoded.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sensorium.errors import MediaError
from sensorium.media.formats import HEAD_BYTES, sniff_format
from sensorium.media.limits import MediaSettings
from sensorium.media.paths import find_media_kind, find_suffix_kind
from sensorium.media.source import open_source

if TYPE_CHECKING:
    from sensorium.media.formats import MediaKind

_RECORD_KEYS = frozenset({"bytes", "path"})


def is_file_record(value: Mapping[Any, Any]) -> bool:
    """Tell whether a dict is a file as dataset libraries carry it: `{"bytes": ..., "path": ...}`, or one of the two."""
    return bool(value) and _RECORD_KEYS.issuperset(value)


def find_file_kind(value: Any) -> MediaKind:
    """Say what a file holds.

    Args:
        value: A path object, bytes, an open binary file (left where it was), or a record. A record's address is
            judged by
            its ending, for nothing is fetched here.

    Raises:
        MediaError: The content is not that of a medium; says what it is, where that is known.
        MissingMediaError: No such file.
    """
    if isinstance(value, Mapping) and value.get("bytes") is None and isinstance(value.get("path"), str):
        kind = find_media_kind(value["path"])
        if kind is not None:
            return kind
    head, name = _read_head(value)
    found = sniff_format(head)
    if found is not None and found.modality is not None:
        return found.modality
    if found is None and isinstance(value, os.PathLike):
        # Unknown bytes under a media ending: let the decoder say what is wrong with them.
        by_name = find_suffix_kind(os.fsdecode(os.fspath(value)))
        if by_name is not None:
            return by_name
    raise MediaError(f"{_describe(head, found)}, not an image, sound or clip. {_ADVICE}", source=name)


_ADVICE = "Text is passed as a string, not as a file."


def _describe(head: bytes, found: Any) -> str:
    if found is not None:
        return f"this is a file of the kind {found.name}"
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as exc:
        if exc.start < len(head) - 4:
            return "this is data of an unknown format"
    return "this looks like text"


def _read_head(value: Any) -> tuple[bytes, str]:
    """Return the first bytes, and the name for messages."""
    source = open_source(value, MediaSettings())
    return source.head(HEAD_BYTES), source.name
