"""From the bytes of a text file to its characters: which encoding, and decoding piece by piece.

A file is read twice, once to find the encoding and once to decode it, and never held whole. New-line characters stay as
they are, so that offsets into the text can be found again in the file. Must not know what the text means.

Source: the labels and what they stand for are those of the WHATWG Encoding Standard, where Python has the codec.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sensorium.errors import MediaError
from sensorium.ingest.sniff import find_bom
from sensorium.media.regular_file import translate_os_error

if TYPE_CHECKING:
    from sensorium.media.source import Source

_BLOCK = 1 << 16
_HEAD = 4096
# What cp1252 leaves open; a text that has one of these bytes is not in it.
_NOT_CP1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
# Encodings that a page may declare. Everything else Python calls a codec (base64, zlib, idna) is none of a text.
_ALLOWED = re.compile(
    r"(?:iso-?8859-\d+|windows-(?:874|125\d)|koi8-[ru]|(?:x-)?mac-?(?:roman|cyrillic)|shift[_-]jis|x-sjis|euc-(?:jp|kr)"
    r"|iso-2022-jp|ks_c_5601-1987|gb2312|gbk|gb18030|big5(?:-hkscs)?)"
)
_PYTHON_NAMES = {
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "iso-8859-9": "cp1254",
    "windows-874": "cp874",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "macroman": "mac_roman",
}


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file is decoded.

    Attributes:
        name: Python's name of the encoding; empty if the file is binary.
        note: What is uncertain about it, as a sentence; empty if nothing is.
    """

    name: str
    note: str = ""

    @property
    def is_binary(self) -> bool:
        """Whether the file holds NUL bytes, which no text has."""
        return not self.name


def find_encoding(source: Source, is_page: bool = False) -> Encoding:
    """Read a file through and tell how it is encoded.

    Args:
        source: The file.
        is_page: Whether the encoding that the file itself declares counts, as in HTML.

    Returns:
        What its byte order mark says; else UTF-8 if all of it is; else what a page declares; else cp1252, or latin-1
        where cp1252 has no such letter, with a note.

    Raises:
        MediaError: It cannot be read.
    """
    head = source.head(_HEAD)
    bom = find_bom(head)
    if bom is not None:
        return Encoding(bom)
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_utf8, is_cp1252 = True, True
    for block in _read_blocks(source):
        if b"\x00" in block:
            return Encoding("")
        is_cp1252 = is_cp1252 and _NOT_CP1252.search(block) is None
        is_utf8 = is_utf8 and _decodes(decoder, block)
    if is_utf8 and _decodes(decoder, b"", True):
        return Encoding("utf-8")
    declared = _find_declared(head) if is_page else None
    if declared is not None:
        return Encoding(declared)
    name = "cp1252" if is_cp1252 else "latin-1"
    return Encoding(name, f"It is not UTF-8 and does not say what it is, and was read as {name}.")


def decode_text(source: Source, encoding: Encoding) -> Iterator[str]:
    """Decode a file piece by piece, without its byte order mark.

    Raises:
        MediaError: It cannot be read, or is cut off or damaged; but in an encoding that a page declares, what is no
            letter becomes U+FFFD.
    """
    is_strict = encoding.name.startswith("utf") or encoding.name in ("cp1252", "latin-1")
    decoder = codecs.getincrementaldecoder(encoding.name)("strict" if is_strict else "replace")
    try:
        for block in _read_blocks(source):
            if piece := decoder.decode(block):
                yield piece
        if piece := decoder.decode(b"", True):
            yield piece
    except UnicodeError as exc:
        raise MediaError(
            f"the text is damaged or cut off: it says it is {encoding.name}, and is not ({exc}). Write it again "
            "as UTF-8.",
            source=source.name,
        ) from exc


def _read_blocks(source: Source) -> Iterator[bytes]:
    with source.open() as file:
        while True:
            try:
                block = file.read(_BLOCK)
            except OSError as exc:
                raise translate_os_error(exc, source.name) from exc
            if not block:
                return
            yield block


def _decodes(decoder: codecs.IncrementalDecoder, block: bytes, is_end: bool = False) -> bool:
    try:
        decoder.decode(block, is_end)
    except UnicodeDecodeError:
        return False
    return True


def _find_declared(head: bytes) -> str | None:
    match = _DECLARED.search(head)
    label = match[1].decode("ascii", "replace").lower() if match else ""
    if not _ALLOWED.fullmatch(label):
        return None
    name = _PYTHON_NAMES.get(label, label.removeprefix("x-"))
    try:
        return codecs.lookup(name).name
    except LookupError:
        return None
