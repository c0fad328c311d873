"""Which way up an image is meant to be shown: the orientation tag in its Exif or XMP data.

Read here by a few lines of our own, because Pillow's reader parses the whole of a file's metadata, warns about whatever
is malformed in it, and so makes the reading of an image depend on data that does not concern its pixels. Must not know
how an image is opened or decoded.

Source: Exif 2.32 (CIPA DC-008), 4.6.2 for the layout of a directory and 4.6.4 for the tag 0x0112.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from typing import Any

from PIL import Image

_TAG = 0x0112
_PREFIX = b"Exif\0\0"
_VALUE_FORMATS = {1: "B", 3: "H", 4: "I"}
_XMP = re.compile(rb'tiff:Orientation(?:="|>)([1-8])')

_UPRIGHT: dict[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_orientation(info: Mapping[Any, Any]) -> int:
    """Read the orientation from what Pillow keeps in `Image.info`.

    Returns:
        1 to 8 as Exif numbers them; 1 (upright) if there is none, or none that can be read.
    """
    exif = info.get("exif")
    if not isinstance(exif, bytes):
        exif = _read_text_profile(info.get("Raw profile type exif"))
    orientation = _find_in_exif(exif)
    if orientation is None:
        orientation = _find_in_xmp(info.get("xmp") or info.get("XML:com.adobe.xmp"))
    return orientation if orientation in _UPRIGHT else 1


def is_turned(orientation: int) -> bool:
    """Tell whether making the image upright swaps its width and height."""
    return orientation >= 5


def make_upright(image: Image.Image, orientation: int) -> Image.Image:
    """Give the image as it is meant to be shown: itself if the orientation is 1, otherwise a turned copy."""
    transpose = _UPRIGHT.get(orientation)
    return image if transpose is None else image.transpose(transpose)


def _find_in_exif(data: bytes) -> int | None:
    while data.startswith(_PREFIX):
        data = data[len(_PREFIX) :]
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 8:
        return None
    (start,) = struct.unpack_from(f"{order}I", data, 4)
    if start + 2 > len(data):
        return None
    (count,) = struct.unpack_from(f"{order}H", data, start)
    for entry in range(start + 2, min(start + 2 + 12 * count, len(data) - 11), 12):
        tag, kind, length = struct.unpack_from(f"{order}HHI", data, entry)
        if tag == _TAG and kind in _VALUE_FORMATS and length == 1:
            return int(struct.unpack_from(order + _VALUE_FORMATS[kind], data, entry + 8)[0])
    return None


def _find_in_xmp(text: Any) -> int | None:
    if isinstance(text, str):
        text = text.encode("utf-8", "replace")
    match = _XMP.search(text) if isinstance(text, bytes) else None
    return int(match[1]) if match else None


def _read_text_profile(text: Any) -> bytes:
    """Decode the form ImageMagick writes into PNG text: a name, a length, then hexadecimal lines."""
    try:
        return bytes.fromhex("".join(text.split("\n")[3:])) if isinstance(text, str) else b""
    except ValueError:
        return b""
