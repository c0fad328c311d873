"""What a string stands for: text, the address of a medium, or the path of one.

Each string is judged once and cheaply: a long one only by its first letters, and the disk is asked only about one that
ends like a medium. Must not know how anything is opened, nor what else a caller may hand in.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Container
from urllib.parse import urlparse

from sensorium.errors import MissingMediaError
from sensorium.media.formats import LONGEST_SUFFIX, MODALITY_BY_SUFFIX, MediaKind
from sensorium.media.naming import shorten, show_url
from sensorium.media.url import is_web_address

#: Longer strings are no paths (`PATH_MAX` of Linux) and no web addresses (browsers and servers stop earlier).
LONGEST_PATH = 4096

#: Hosts whose every address stands for a clip.
VIDEO_HOSTS = frozenset({"www.youtube.com", "youtube.com", "youtu.be", "m.youtube.com"})

_DATA_KINDS: dict[str, MediaKind] = {"data:image/": "image", "data:audio/": "audio", "data:video/": "video"}
_WHITE_SPACE = re.compile(r"\s")
_SEPARATOR = re.compile(r"[/\\]")
_NOUNS: dict[MediaKind, str] = {"image": "an image", "audio": "a sound", "video": "a clip"}


def find_media_kind(text: str, supported: Container[object] | None = None) -> MediaKind | None:
    """Say what an address, or the path of an existing file, stands for.

    Args:
        text: Any string.
        supported: What the model takes. A medium that it does not take is text to it; and a string that is surely meant
            as the path of one that it takes must name a file. None: every medium is taken, and a missing path is text.

    Returns:
        The modality, or None for text.

    Raises:
        MissingMediaError: `supported` has the modality of the string's ending, and either the string has a separator
            and no white space and names nothing, or it names something that is no regular file.

    Example:
        >>> find_media_kind("https://example.org/cat.JPG?size=2"), find_media_kind("a cat.jpg")
        ('image', None)
    """
    kind = guess_media_kind(text)
    if kind is None or (supported is not None and kind not in supported):
        return None
    return kind if is_address(text) or _is_media_file(text, kind, is_strict=supported is not None) else None


def guess_media_kind(text: str) -> MediaKind | None:
    """Say what a string would stand for if it were a path or an address, without looking at the disk.

    Args:
        text: Any string. One with a line break, or longer than `LONGEST_PATH`, is text unless it is a data address.

    Returns:
        The modality, or None for text.
    """
    if text[:5].lower() == "data:":
        return _DATA_KINDS.get(text[:11].lower())
    if len(text) > LONGEST_PATH:
        return None
    if is_web_address(text):
        return None if _WHITE_SPACE.search(text) else _find_address_kind(text)
    kind = find_suffix_kind(text)
    return None if kind is None or "\n" in text else kind


def find_suffix_kind(name: str) -> MediaKind | None:
    """Say which modality the ending of a name means, in any case; None for no known ending."""
    tail = name[-LONGEST_SUFFIX:].lower()
    return MODALITY_BY_SUFFIX.get(tail[tail.rfind(".") :]) if "." in tail else None


def is_address(text: str) -> bool:
    """Tell whether a string begins like a web address or a data address."""
    return is_web_address(text) or text[:5].lower() == "data:"


def _find_address_kind(text: str) -> MediaKind | None:
    try:
        parts = urlparse(text)
    except ValueError:  # brackets that hold no IPv6 address
        return None
    kind = find_suffix_kind(parts.path)
    return "video" if kind is None and parts.netloc.lower() in VIDEO_HOSTS else kind


def _is_media_file(path: str, kind: MediaKind, is_strict: bool) -> bool:
    try:
        is_regular = stat.S_ISREG(os.stat(path).st_mode)
    except (OSError, ValueError) as exc:  # ValueError: a NUL character, or one that the file system's encoding lacks
        if is_strict and _SEPARATOR.search(path) and not _WHITE_SPACE.search(path):
            raise _missing(path, kind, exc) from exc
        return False
    if is_strict and not is_regular:
        raise MissingMediaError(
            f"this is not a regular file, though it ends like {_NOUNS[kind]}, and only regular files are opened. "
            f"{_how_to_force_text()}",
            source=shorten(path),
        )
    return is_regular


def _missing(path: str, kind: MediaKind, exc: OSError | ValueError) -> MissingMediaError:
    scheme, mark, _ = path.partition("://")
    if mark and scheme.isalnum():
        advice = f"Addresses of the scheme {scheme.lower()!r} are not opened, only http, https and data."
        return MissingMediaError(f"no such file. {advice} {_how_to_force_text()}", source=show_url(path))
    fault = (
        f"cannot be looked at ({exc.strerror})"
        if isinstance(exc, OSError) and not isinstance(exc, (FileNotFoundError, NotADirectoryError))
        else "no such file"
    )
    where = "" if os.path.isabs(path) else "; it is looked for in the current folder"
    return MissingMediaError(
        f"{fault}. It looks like the path of {_NOUNS[kind]}: check it{where}. {_how_to_force_text()}",
        source=shorten(path),
    )


def _how_to_force_text() -> str:
    return 'If it is meant as text, pass {"text": ...} around it.'
