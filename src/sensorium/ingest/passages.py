"""Cut a text into overlapping passages at the ends of paragraphs, sentences and words, reading no further than needed.

Every character lies in the place of some passage. White space around a passage belongs to its place and not to its
text, so a gap of any length costs nothing and no passage is empty. Where a cut falls depends on the text before it and
one passage ahead, never on how the text comes in pieces. Must not know files or encodings.

Source: the marks that end a sentence are those of Unicode's property Sentence_Terminal (UAX #44) for the scripts in
widest use; the clusters that are not cut apart follow the rules GB3, GB9 and GB11 of UAX #29, without its tables.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_CLOSERS = "[\"'”’»)\\]]*"
_WIDE_CLOSERS = "[”’』」）]*"
_BREAK = r"(?:\r\n?|\n)"
_BLANK = r"[^\S\r\n]*"

# Where a passage may end, best first: each match ends at such a place.
_ENDS = (
    re.compile(rf"\S(?={_BLANK}{_BREAK}{_BLANK}{_BREAK})"),
    re.compile(rf"[.!?…؟।۔]{_CLOSERS}(?=\s)|[。！？]{_WIDE_CLOSERS}"),
    re.compile(rf"\S(?={_BLANK}[\r\n])"),
    re.compile(r"\S(?=\s)"),
)
_HEADING_END = re.compile(r"\S(?=\s*?[\r\n][^\S\r\n]{0,3}#{1,6}\s)")
# Where the next one may begin.
_STARTS = (
    re.compile(rf"{_BREAK}{_BLANK}{_BREAK}\s*(?=\S)|[.!?…؟।۔]{_CLOSERS}\s+(?=\S)|[。！？]{_WIDE_CLOSERS}(?=\S)"),
    re.compile(r"\s+(?=\S)"),
)
_ZERO_WIDTH_JOINER = "\u200d"
_MAX_CLUSTER = 32


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a text.

    Attributes:
        start: Where its place begins, in characters from the beginning of the text.
        end: Where its place ends.
        text: What stands there, without the white space around it; never empty.
    """

    start: int
    end: int
    text: str


def cut_passages(pieces: Iterable[str], size: int, overlap: int, has_headings: bool = False) -> Iterator[Passage]:
    """Cut a text.

    Args:
        pieces: The text, in pieces of any length.
        size: Most characters of a passage.
        overlap: Characters that the next passage repeats, about, from the beginning of a sentence or a word on; less
            than half of `size`.
        has_headings: Whether lines that begin with `#` are headings, before which a passage ends most readily.

    Yields:
        Passages in order, each beginning after the one before and at or before its end; none if the text is nothing
        but white space.
    """
    ends = (_HEADING_END, *_ENDS) if has_headings else _ENDS
    buffer = _Buffer(pieces)
    start = repeated = 0
    buffer.skip_space(0)
    while window := buffer.peek(size + 1):
        length = len(window) if len(window) <= size else _find_end(window, size, max(size // 2, repeated + 1), ends)
        body = window[:length].rstrip()
        offset = buffer.offset
        buffer.drop(len(body))
        gap = buffer.skip_space(overlap)
        yield Passage(start, buffer.offset, body)
        start, repeated = buffer.offset, 0
        # Behind a gap that is longer than the overlap, what stands before it is no context.
        if overlap and gap is not None and not buffer.is_empty():
            begin = _find_start(body, overlap)
            buffer.put_back(body[begin:] + gap)
            start, repeated = offset + begin, len(body) - begin + len(gap)


class _Buffer:
    """The part of a text that is being looked at."""

    def __init__(self, pieces: Iterable[str]) -> None:
        self._pieces = iter(pieces)
        self._text = ""
        self._at = 0
        self.offset = 0

    def peek(self, count: int) -> str:
        """Give the next `count` characters, or all there are."""
        while len(self._text) - self._at < count:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._text = self._text[self._at :] + piece
            self._at = 0
        return self._text[self._at : self._at + count]

    def drop(self, count: int) -> None:
        """Go on by `count` characters that were looked at."""
        self._at += count
        self.offset += count

    def skip_space(self, limit: int) -> str | None:
        """Go on to the next character that is no white space; give what was passed, or None if it is above `limit`."""
        passed: list[str] = []
        total = 0
        while chunk := self.peek(max(1, len(self._text) - self._at)):
            length = len(chunk) - len(chunk.lstrip())
            total += length
            if total <= limit:
                passed.append(chunk[:length])
            self.drop(length)
            if length < len(chunk):
                break
        return "".join(passed) if total <= limit else None

    def put_back(self, text: str) -> None:
        """Go back by a text that was passed."""
        self._text = text + self._text[self._at :]
        self._at = 0
        self.offset -= len(text)

    def is_empty(self) -> bool:
        """Tell whether nothing is left."""
        return not self.peek(1)


def _find_end(window: str, size: int, least: int, ends: tuple[re.Pattern[str], ...]) -> int:
    for pattern in ends:
        found = 0
        for match in pattern.finditer(window):
            if match.end() > size:
                break
            found = match.end()
        if found >= least:
            return found
    return _avoid_cluster(window, range(size, max(least, size - _MAX_CLUSTER) - 1, -1))


def _find_start(body: str, overlap: int) -> int:
    """Give where in a passage the next one begins: at a sentence, if that leaves enough of the overlap, or a word."""
    first = max(1, len(body) - overlap)
    # One character more, so that a word that begins right there is seen.
    latest = (first + overlap // 3 * 2, len(body) - 1)
    for pattern, last in zip(_STARTS, latest, strict=True):
        match = next((one for one in pattern.finditer(body, first - 1) if one.end() >= first), None)
        if match is not None and match.end() <= last:
            return match.end()
    return _avoid_cluster(body, range(first, min(first + _MAX_CLUSTER, len(body))))


def _avoid_cluster(text: str, places: range) -> int:
    """Give the first of some places that does not part what is shown as one letter; the very first if all do."""
    return next((place for place in places if not _is_inside_cluster(text, place)), places[0])


def _is_inside_cluster(text: str, at: int) -> bool:
    if at >= len(text):
        return False
    before, after = text[at - 1], text[at]
    if before == _ZERO_WIDTH_JOINER or after == _ZERO_WIDTH_JOINER:
        return True
    is_skin_tone = "\U0001f3fb" <= after <= "\U0001f3ff"
    return (before, after) == ("\r", "\n") or is_skin_tone or unicodedata.category(after) in ("Mn", "Mc", "Me")
