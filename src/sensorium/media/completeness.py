"""Whether a file is as long as its own structure says: the test that tells a cut-off download from a short recording.

Decoders read what is there and stop without a word; a sound or clip that lost its second half would be taken for a
short one. Only the outermost structure is walked, a few bytes for each element. Must not know what the elements hold.

Source: ISO/IEC 14496-12, 4.2 (boxes); RFC 8794, 4 to 6 (EBML); RFC 3533, 6 (Ogg pages); the RIFF specification of IBM
and Microsoft, 1991; the tag of the Xing encoder as LAME documents it.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

from sensorium.errors import MediaError
from sensorium.media.regular_file import translate_os_error
from sensorium.media.source import Source

_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"moof", b"mfra", b"free", b"skip", b"meta", b"styp", b"sidx", b"wide"})
_EBML_HEADER, _EBML_SEGMENT = 0x1A45DFA3, 0x18538067
_OGG_LAST_PAGE = 4
_OGG_MAX_PAGE = 65_307
# A writer that cannot go back, such as a pipe, puts a number near the largest one where it does not know the length.
_RIFF_UNKNOWN = 0x7FFF_0000
# The first frame of an MP3 tells the length of the whole, if the encoder wrote a "Xing" or "Info" tag into it.
_XING_FRAMES, _XING_BYTES = 1, 2
# Old writers count their own header in or out.
_RIFF_SLACK = 64
_MAX_ELEMENTS = 100_000
# What `_find_end` gives where the end is missing and how far off it is cannot be told.
_NO_END = 1 << 63


def check_complete(source: Source) -> None:
    """Raise if an MP4, Matroska, RIFF, AIFF, Ogg or MP3 file ends before its structure does; pass any other file.

    Raises:
        MediaError: It is cut off.
    """
    head = source.head(12)
    with source.open() as file:
        try:
            end = _find_end(file, head, source.size)
        except OSError as exc:
            raise translate_os_error(exc, source.name) from exc
    if end is not None and end > source.size:
        missing = f"its structure says at least {end}" if end < _NO_END else "its last page is missing"
        raise MediaError(
            f"the file is truncated: it has {source.size} bytes, and {missing}. Copy or download it again.",
            source=source.name,
        )


def _find_end(file: BinaryIO, head: bytes, size: int) -> int | None:
    """Give the least size the file must have, or None if that is not known."""
    if len(head) < 12:
        return None
    if head[4:8] in _BOXES:
        return _walk_boxes(file, size)
    if head[:4] == b"\x1aE\xdf\xa3":
        return _read_ebml_end(file)
    if head[:4] == b"OggS":
        return size if _has_last_ogg_page(file, size) else _NO_END
    if head[:4] in (b"RIFF", b"RIFX", b"FORM"):
        return _walk_riff(file, head)
    if head[:3] == b"ID3" or head[:1] == b"\xff":
        return _read_mp3_end(file, head)
    return None


def _walk_boxes(file: BinaryIO, size: int) -> int | None:
    at = 0
    for _ in range(_MAX_ELEMENTS):
        file.seek(at)
        header = file.read(16)
        if len(header) < 8 or header[4:8] not in _BOXES:
            return None
        (length,) = struct.unpack(">I", header[:4])
        if length == 1 and len(header) == 16:
            (length,) = struct.unpack(">Q", header[8:])
        if length < 8:  # 0: up to the end of the file, however long that is
            return None
        at += length
        if at >= size:
            return at
    return None


def _read_ebml_end(file: BinaryIO) -> int | None:
    file.seek(0)
    if _read_number(file, keep_marker=True) != _EBML_HEADER:
        return None
    length = _read_number(file)
    if length is None:
        return None
    file.seek(file.tell() + length)
    if _read_number(file, keep_marker=True) != _EBML_SEGMENT:
        return None
    length = _read_number(file)
    return None if length is None else file.tell() + length


def _read_number(file: BinaryIO, keep_marker: bool = False) -> int | None:
    """Read a number of variable length; None at the end of the file, or if all its bits say "unknown"."""
    first = file.read(1)
    if not first or first == b"\0":
        return None
    width = 9 - first[0].bit_length()
    data = first + file.read(width - 1)
    if len(data) < width:
        return None
    value = int.from_bytes(data, "big")
    if keep_marker:
        return value
    value -= 1 << (7 * width)
    return None if value == (1 << (7 * width)) - 1 else value


def _has_last_ogg_page(file: BinaryIO, size: int) -> bool:
    file.seek(max(0, size - _OGG_MAX_PAGE))
    tail = file.read(_OGG_MAX_PAGE)
    at = tail.rfind(b"OggS")
    if at < 0 or len(tail) < at + 27:
        return False
    table = tail[at + 27 : at + 27 + tail[at + 26]]
    return bool(tail[at + 5] & _OGG_LAST_PAGE) and len(tail) >= at + 27 + len(table) + sum(table)


def _walk_riff(file: BinaryIO, head: bytes) -> int | None:
    order = "<I" if head[:4] == b"RIFF" else ">I"
    (length,) = struct.unpack(order, head[4:8])
    if head[8:12] != b"WAVE":
        return None if length >= _RIFF_UNKNOWN else 8 + length - _RIFF_SLACK
    at = 12
    for _ in range(_MAX_ELEMENTS):
        file.seek(at)
        header = file.read(8)
        if len(header) < 8:
            return None
        (length,) = struct.unpack(order, header[4:])
        if header[:4] == b"data":
            return None if length >= _RIFF_UNKNOWN else at + 8 + length - _RIFF_SLACK
        at += 8 + length + length % 2
    return None


def _read_mp3_end(file: BinaryIO, head: bytes) -> int | None:
    start = 0
    if head[:3] == b"ID3":
        start = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=False))
    file.seek(start)
    frame = file.read(64)
    at = max(frame.find(b"Xing"), frame.find(b"Info"))
    if at < 0 or len(frame) < at + 16:
        return None
    (flags,) = struct.unpack_from(">I", frame, at + 4)
    if not flags & _XING_BYTES:
        return None
    (length,) = struct.unpack_from(">I", frame, at + 8 + (4 if flags & _XING_FRAMES else 0))
    return int(start + length - max(_RIFF_SLACK, length // 100))
