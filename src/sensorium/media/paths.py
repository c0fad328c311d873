"""What a string stands for: text, the address of a medium, or the path of one.

Each string is looked at once, and a long text only at its ends. Must not know how anything is opened.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Container
from urllib.parse import urlsplit

from sensorium.errors import MissingMediaError
from sensorium.media.data_address import is_data_address
from sensorium.media.formats import LONGEST_SUFFIX, MODALITY_BY_SUFFIX, MediaKind
from sensorium.media.naming import shorten
from sensorium.media.url import is_web_address

#: Longer strings are no paths or web addresses (`PATH_MAX` of Linux; the practical limit of browsers is lower).
LONGEST_PATH = 4096

#: Hosts whose every address is a video.
_VIDEO_HOSTS = frozenset({"www.youtube.com", "youtube.com", "youtu.be", "m.youtube.com"})

_DATA_KINDS: dict[str, MediaKind] = {"data:image/": "image", "data:audio/": "audio", "data:video/": "video"}


def find_media_kind(text: str) -> MediaKind | None:
    """Say what an existing path or an address stands for; None for text.

    Args:
        text: Any string.
    """
    if text[:5].lower() == "data:":
        return _find_data_kind(text)
    if len(text) > LONGEST_PATH or "\n" in text or "\0" in text:
        return None
    if is_web_address(text):
        return None if " " in text else _find_address_kind(text)
    kind = find_suffix_kind(text)
    return kind if kind is not None and os.path.isfile(text) else None


def find_suffix_kind(text: str) -> MediaKind | None:
    """Say which modality the ending of a name means, in any case; None for no known ending."""
    tail = text[-LONGEST_SUFFIX:].lower()
    dot = tail.rfind(".")
    return MODALITY_BY_SUFFIX.get(tail[dot:]) if dot >= 0 else None


def check_not_missing(text: str, supported: Container[object]) -> None:
    """Raise if a string that stands for text was surely meant as the path of a medium.

    Args:
        text: A string for which `find_media_kind` gave None.
        supported: What the model takes; a path of another kind is text to it.

    Raises:
        MissingMediaError: It has a media ending and a separator, no white space, and there is no such file.
    """
    kind = find_suffix_kind(text)
    if kind is None or kind not in supported or len(text) > LONGEST_PATH or is_web_address(text):
        return
    if any(character.isspace() or character == "\0" for character in text):
        return
    if os.sep not in text and "/" not in text and not (os.altsep and os.altsep in text):
        return
    advice = 'If it is meant as text, pass {"text": ...}.'
    if _is_something(text):
        raise MissingMediaError(f"is not a regular file, so it is not opened. {advice}", source=shorten(text))
    raise MissingMediaError(
        f"there is no such file, though it looks like the path of {_with_article(kind)}. {advice}", source=shorten(text)
    )


def _with_article(kind: MediaKind) -> str:
    return {"image": "an image", "audio": "a sound", "video": "a clip"}[kind]


def _is_something(path: str) -> bool:
    try:
        return not stat.S_ISREG(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False


def _find_data_kind(text: str) -> MediaKind | None:
    if not is_data_address(text):
        return None
    head = text[:11].lower()
    return next((kind for prefix, kind in _DATA_KINDS.items() if head.startswith(prefix)), None)


def _find_address_kind(text: str) -> MediaKind | None:
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").lower()
    except ValueError:
        return None
    return "video" if host in _VIDEO_HOSTS else find_suffix_kind(parts.path)
