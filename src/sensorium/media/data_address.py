"""Bytes that stand inside an address: `data:image/png;base64,iVBOR...`.

Strict where leniency would turn a mistake into other bytes: a foreign letter or a cut group is an error, never skipped.
Must not know what the bytes are.

Source: RFC 2397 (the data scheme), RFC 4648, section 4 (base64).
"""

from __future__ import annotations

import base64
import re
from urllib.parse import unquote_to_bytes

from sensorium.errors import MediaError, MediaLimitError
from sensorium.media.naming import show_data_address

# Media type and parameters; beyond this length, a text without a comma is no data address but some other long string.
_MAX_HEADER = 1024

_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_LINE_BREAKS = str.maketrans("", "", " \t\r\n\f")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def is_data_address(text: str) -> bool:
    """Tell whether a text is a `data:` address, by its scheme alone."""
    return text[:5].lower() == "data:"


def decode_data_address(text: str, max_bytes: int) -> bytes:
    """Decode the bytes of a `data:` address.

    Args:
        text: The address. Base64 may be broken into lines and may lack its closing `=`; nothing else is forgiven.
        max_bytes: Most bytes it may hold; checked before anything is decoded.

    Returns:
        The bytes, possibly none.

    Raises:
        MediaError: There is no comma, a letter is not base64, a group is cut, or a percent sign begins no escape.
        MediaLimitError: The data is longer than `max_bytes`.

    Example:
        >>> decode_data_address("data:text/plain;base64,aGVsbG8=", max_bytes=100)
        b'hello'
    """
    name = show_data_address(text)
    comma = text.find(",", 0, _MAX_HEADER)
    if comma < 0:
        raise MediaError(
            "a data address needs a comma between its media type and its data: data:image/png;base64,<data>.",
            source=name,
        )
    payload = text[comma + 1 :]
    if _BAD_ESCAPE.search(payload):
        raise MediaError("the data holds a percent sign that begins no escape such as %2B.", source=name)
    is_base64 = text[5:comma].rpartition(";")[2].strip().lower() == "base64"
    if is_base64:
        return _decode_base64(payload, max_bytes, name)
    _check_size(len(payload.encode("utf-8", "surrogatepass")) - 2 * payload.count("%"), max_bytes, name)
    return unquote_to_bytes(payload.encode("utf-8", "surrogatepass"))


def _decode_base64(payload: str, max_bytes: int, name: str) -> bytes:
    if "%" in payload:
        payload = unquote_to_bytes(payload.encode("utf-8", "surrogatepass")).decode("latin-1")
    payload = payload.translate(_LINE_BREAKS)
    if not _BASE64.fullmatch(payload):
        raise MediaError(
            "the data is not base64: only A-Z, a-z, 0-9, + and / may stand in it, with = at its end. "
            "Encode the file again with base64.b64encode (not urlsafe_b64encode).",
            source=name,
        )
    length = len(payload.rstrip("="))
    if length % 4 == 1 or (payload.endswith("=") and len(payload) % 4):
        raise MediaError(
            f"the base64 data is cut off: {len(payload)} characters do not make whole bytes. Encode the file again.",
            source=name,
        )
    _check_size(length * 3 // 4, max_bytes, name)
    return base64.b64decode(payload + "=" * (-len(payload) % 4))


def _check_size(size: int, max_bytes: int, name: str) -> None:
    if size > max_bytes:
        raise MediaLimitError(
            f"the data is {size} bytes long, and at most {max_bytes} are allowed. Give a smaller file, or raise "
            "MediaLimits(max_bytes=...).",
            source=name,
        )
