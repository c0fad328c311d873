"""Text, Markdown and web pages as passages. Must not know how a file was found, nor where a passage may be cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sensorium.errors import MediaLimitError
from sensorium.ingest.encoding import decode_text, find_encoding
from sensorium.ingest.html_text import extract_html
from sensorium.ingest.identity import hash_text
from sensorium.ingest.outline import Outline
from sensorium.ingest.passages import cut_passages
from sensorium.ingest.place import Place
from sensorium.ingest.records import Origin, Record, SkippedFile

if TYPE_CHECKING:
    from sensorium.ingest.sniff import Kind
    from sensorium.media.source import Source

#: Largest page that is taken apart, which is done in memory, in bytes.
MAX_PAGE_BYTES = 64 * 1024**2
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class HeldText:
    """A text, which needs no decoding and has no picture."""

    text: str

    def value(self) -> str:
        """Give the text."""
        return self.text

    def thumbnail(self, side: int) -> None:
        """Give nothing."""
        return None


def read_text_file(source: Source, kind: Kind, origin: Origin) -> Iterator[Record | SkippedFile]:
    """Cut a text file into passages.

    Args:
        source: The file.
        kind: `"text"`, `"markdown"` or `"html"`.
        origin: Whose records they are.

    Yields:
        Records whose place is `start` and `end` in characters of the decoded text: of the file without its byte order
        mark, new-line characters as they are, or of what `extract_html` makes of a page. A `SkippedFile` if there is
        no text.

    Raises:
        MediaError: It cannot be read, or is not in the encoding that it states.
        MediaLimitError: A page of more than `MAX_PAGE_BYTES`.
    """
    encoding = find_encoding(source, is_page=kind == "html")
    if encoding.is_binary:
        yield origin.skip("Its content is binary, of no format that is known.")
        return
    metadata: dict[str, str | None] = {"encoding": encoding.name, "encoding_note": encoding.note or None}
    outline = Outline()
    pieces: Iterable[str] = decode_text(source, encoding)
    if kind == "markdown":
        pieces = outline.watch(pieces)
    elif kind == "html":
        if source.size > MAX_PAGE_BYTES:
            raise MediaLimitError(
                f"is a page of {source.size} bytes, and at most {MAX_PAGE_BYTES} are taken apart. Split it, or give "
                "its text as a plain file.",
                source=source.name,
            )
        page = extract_html("".join(pieces))
        for offset, level, title in page.headings:
            outline.add(offset, level, title)
        metadata["title"] = page.title or None
        pieces = split_text(page.text)
    is_any = False
    for record in make_passages(pieces, origin, outline, metadata, has_headings=kind == "markdown"):
        is_any = True
        yield record
    if not is_any:
        yield origin.skip("It holds no text.")


def make_passages(
    pieces: Iterable[str],
    origin: Origin,
    outline: Outline | None = None,
    metadata: dict[str, str | None] | None = None,
    has_headings: bool = False,
) -> Iterator[Record]:
    """Cut a text into records.

    Args:
        pieces: The text, in pieces of any length.
        origin: Whose records they are.
        outline: The headings of the text, which are put before the passages below them.
        metadata: What else is known of the text.
        has_headings: Whether lines that begin with `#` are headings.
    """
    settings = origin.settings
    for passage in cut_passages(pieces, settings.passage_characters, settings.passage_overlap, has_headings):
        heading = outline.above(passage.start) if outline is not None else ""
        content = join_heading(heading, passage.text)
        yield origin.make_record(
            HeldText(content),
            Place(start=passage.start, end=passage.end),
            "text",
            hash_text(content),
            "text",
            text=passage.text,
            metadata={**(metadata or {}), "heading": heading or None},
        )


def join_heading(heading: str | None, text: str) -> str:
    """Give what is encoded of a passage: its words, below the headings above it."""
    return f"{heading}\n\n{text}" if heading else text


def split_text(text: str) -> Iterator[str]:
    """Give a text in pieces of a length at which cutting is quick."""
    return (text[at : at + _PIECE] for at in range(0, len(text), _PIECE))
