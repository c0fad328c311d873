"""Whether the tracks of an MP4 file are encrypted, which a decoder without the key may answer with noise, not an error.

Must not know anything else of the file.

Source: ISO/IEC 14496-12, 8.12 (protected sample entries).
"""

from __future__ import annotations

import re
import struct
from typing import BinaryIO

from sensorium.errors import MediaError
from sensorium.media.regular_file import translate_os_error
from sensorium.media.source import Source

# stsd: version and flags, number of entries, then for the first entry its size and its type.
_PROTECTED = re.compile(rb"stsd.{12}enc[vat]", re.DOTALL)
_MAX_HEADER = 64 * 1024**2
_MAX_BOXES = 100_000


def check_unprotected(source: Source) -> None:
    """Raise if a track of an MP4 file is encrypted; pass any other file.

    Raises:
        MediaError: It is encrypted.
    """
    if source.head(8)[4:] not in (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide"):
        return
    with source.open() as file:
        try:
            header = _read_header(file)
        except OSError as exc:
            raise translate_os_error(exc, source.name) from exc
    if _PROTECTED.search(header):
        raise MediaError("the file is encrypted (DRM). Give a file that is not protected.", source=source.name)


def _read_header(file: BinaryIO) -> bytes:
    at = 0
    for _ in range(_MAX_BOXES):
        file.seek(at)
        box = file.read(16)
        if len(box) < 8:
            break
        (length,) = struct.unpack(">I", box[:4])
        if length == 1 and len(box) == 16:
            (length,) = struct.unpack(">Q", box[8:])
        if box[4:8] == b"moov":
            file.seek(at)
            return file.read(min(length or _MAX_HEADER, _MAX_HEADER))
        if length < 8:
            break
        at += length
    return b""
