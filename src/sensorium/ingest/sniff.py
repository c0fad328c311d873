"""What a file holds, by its content: text, Markdown, a page, PDF, an image, a sound or a clip; or why it is not read.

An ending decides only where content cannot: Markdown is plain text to its first byte, a fragment of HTML nearly so, and
some containers hold sounds as well as clips. Must not know how anything is opened, cut or decoded.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Literal

from sensorium.media.formats import Format, sniff_format

Kind = Literal["text", "markdown", "html", "pdf", "image", "audio", "video"]

#: Bytes that `sniff_content` wants to see.
HEAD_BYTES = 4096

_MARKDOWN_SUFFIXES = (".md", ".markdown", ".mdown", ".mkd", ".mdx")
_HTML_SUFFIXES = (".html", ".htm", ".xhtml")
_SOUND_SUFFIXES = (".m4a", ".m4b", ".aac", ".mka", ".weba", ".wma", ".oga")
_EITHER = frozenset({"MP4", "QuickTime", "Matroska", "WebM", "ASF"})
# Texts that `media` recognises in order not to open them as media. Read as text, they are harmless.
_PLAIN_TEXTS = frozenset({"XML"})
# Formats whose first bytes may be text from one end to the other.
_TEXT_LIKE = frozenset({"Netpbm", "PDF", "PostScript", "web page"})
_HTML_TAGS = re.compile(
    r"<(?:!doctype\s+html|html|head|body|title|meta|h[1-6]|p|div|span|table|ul|ol|article|a)\b", re.I
)
_CONTROLS = frozenset(range(32)) - frozenset(b"\t\n\v\f\r\x1b") | {127}
# Of the first bytes of a text, at most this share are control characters.
_MAX_CONTROLS = 0.02

_BOMS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Sniffed:
    """What a file is.

    Attributes:
        kind: How it is read; None if it is not.
        format: Its usual name, such as `"JPEG"`.
        reason: Why it is not read, as a sentence; empty if it is.
    """

    kind: Kind | None
    format: str
    reason: str = ""


def sniff_content(head: bytes, name: str = "") -> Sniffed:
    """Tell what a file holds.

    Args:
        head: Its first `HEAD_BYTES` bytes, or all there are.
        name: Its name, of which only the ending counts, and only between kinds that begin alike.

    Example:
        >>> sniff_content(b"# Title", "notes.md").kind
        'markdown'
        >>> sniff_content(b"%PDF-1.7", "photo.jpg").kind
        'pdf'
    """
    if not head:
        return Sniffed(None, "empty", "It is empty.")
    if find_bom(head) is not None:
        return _sniff_text(head, name)
    found = sniff_format(head)
    if found is not None and found.name not in _TEXT_LIKE and _is_clean_ascii(head):
        # Letters that a magic number is made of, at the beginning of a sentence.
        found = None if found.modality is not None or found.name in _PLAIN_TEXTS else found
    if found is None or found.name in _PLAIN_TEXTS:
        return Sniffed("pdf", "PDF") if b"%PDF-" in head[:1024] and found is None else _sniff_text(head, name)
    return _judge(found, name)


def find_bom(head: bytes) -> str | None:
    """Give the encoding that a byte order mark states, or None."""
    return next((encoding for mark, encoding in _BOMS if head.startswith(mark)), None)


def _judge(found: Format, name: str) -> Sniffed:
    if found.modality is not None:
        is_sound = found.name in _EITHER and name.lower().endswith(_SOUND_SUFFIXES)
        return Sniffed("audio" if is_sound else found.modality, found.name)
    if found.name == "PDF":
        return Sniffed("pdf", found.name)
    if found.name == "web page":
        return Sniffed("html", "HTML")
    return Sniffed(None, found.name, f"Files of the kind {found.name} ({found.mime}) are not read.")


def _sniff_text(head: bytes, name: str) -> Sniffed:
    bom = find_bom(head)
    if bom is None:
        if 0 in head:
            return Sniffed(None, "binary", "Its content is binary, of no format that is known.")
        if sum(byte in _CONTROLS for byte in head) > _MAX_CONTROLS * len(head):
            return Sniffed(None, "binary", "Its content is of no format that is known, and full of control characters.")
    suffix = "." + name.lower().rpartition(".")[2]
    text = head.decode(bom or "latin-1", "replace")
    if text.lstrip().lower().startswith(("<!doctype html", "<html")):
        return Sniffed("html", "HTML")
    if suffix in _HTML_SUFFIXES and _HTML_TAGS.search(text):
        return Sniffed("html", "HTML")
    return Sniffed("markdown", "Markdown") if suffix in _MARKDOWN_SUFFIXES else Sniffed("text", "text")


def _is_clean_ascii(head: bytes) -> bool:
    return head.isascii() and not any(byte in _CONTROLS for byte in head)
