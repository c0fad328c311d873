"""Which of a caller's values can be looked at more than once, and which must be left alone until they are decoded.

Must not know modalities.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sensorium.media.source import Source
from sensorium.media.url import is_web_address


def is_remote(value: Any) -> bool:
    """Tell whether a value is a web address, or a record whose only content is one."""
    if isinstance(value, Mapping):
        return value.get("bytes") is None and is_remote(value.get("path"))
    return isinstance(value, str) and is_web_address(value)


def is_open_file(value: Any) -> bool:
    """Tell whether a value is an open file."""
    return not isinstance(value, Source) and callable(getattr(value, "read", None))


def is_read_once(value: Any) -> bool:
    """Tell whether a value is an open file that cannot be read a second time."""
    if not is_open_file(value):
        return False
    try:
        return not value.seekable()
    except (AttributeError, ValueError):  # a bare reader, or a closed file
        return True
