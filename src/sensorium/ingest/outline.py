"""Under which headings a passage stands: Markdown's read as the text goes by, or those of a web page, noted beforehand.

A passage is asked for once, in order, and what lies behind is forgotten, so that the headings of a text of any length
take no memory to speak of. Must not know where passages are cut.

Source: CommonMark 0.31.2: 4.2 (ATX headings), 4.3 (setext headings), 4.5 (fenced code blocks); lines between `---` at
the beginning are front matter, as site generators have it.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator

_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))??(?:[ \t]+#*)?[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
# Beyond it, a line is no heading, and is not kept while its end is awaited.
_MAX_LINE = 1000
#: Most characters of the headings that are put before a passage.
MAX_SHOWN = 200


class Outline:
    """Headings by where they stand."""

    def __init__(self) -> None:
        self._ahead: deque[tuple[int, int, str]] = deque()
        self._chain: list[tuple[int, str]] = []

    def add(self, offset: int, level: int, title: str) -> None:
        """Note a heading; they come in the order in which they stand.

        Args:
            offset: Where it begins, in characters from the beginning of the text.
            level: 1 for the highest.
            title: Its words; one without any ends the headings of its level all the same.
        """
        self._ahead.append((offset, level, title))

    def above(self, offset: int) -> str:
        """Give the headings above a place, the highest first, as in `Cooking > Soups`; empty if there are none.

        Args:
            offset: Not before that of an earlier call. A heading that begins right there is not above.
        """
        while self._ahead and self._ahead[0][0] < offset:
            _, level, title = self._ahead.popleft()
            self._chain = [*(one for one in self._chain if one[0] < level), (level, title)]
        shown = " > ".join(title for _, title in self._chain if title)
        return shown if len(shown) <= MAX_SHOWN else shown[: MAX_SHOWN - 1].rstrip() + "…"

    def watch(self, pieces: Iterable[str]) -> Iterator[str]:
        """Pass a Markdown text on, piece by piece, and note the headings that go by."""
        reader = _MarkdownLines(self)
        for piece in pieces:
            reader.read(piece)
            yield piece
        reader.close()


class _MarkdownLines:
    """A Markdown text, line by line, however it comes in pieces."""

    def __init__(self, outline: Outline) -> None:
        self._outline = outline
        self._line, self._offset = "", 0
        self._length = 0
        self._before: tuple[int, str] | None = None
        self._fence = ""
        self._is_first, self._is_front_matter = True, False

    def read(self, piece: str) -> None:
        for part in piece.splitlines(keepends=True):
            self._length += len(part)
            if len(self._line) <= _MAX_LINE:
                self._line += part[: _MAX_LINE + 1]
            if part[-1] in "\r\n":
                self._take()

    def close(self) -> None:
        self._take()

    def _take(self) -> None:
        line, offset = self._line.rstrip("\r\n"), self._offset
        self._offset += self._length
        self._line, self._length = "", 0
        is_text = len(line) <= _MAX_LINE and self._is_body(line)
        self._before = (offset, line) if is_text and not self._find_heading(offset, line) and line.strip() else None

    def _is_body(self, line: str) -> bool:
        """Tell whether a line is neither code nor front matter."""
        is_rule = line.rstrip() == "---"
        if self._is_first or self._is_front_matter:
            self._is_front_matter = is_rule if self._is_first else not is_rule
            if self._is_front_matter or not self._is_first:
                self._is_first = False
                return False
            self._is_first = False
        match = _FENCE.match(line)
        if match is None:
            return not self._fence
        if not self._fence:
            self._fence = match[1]
        elif match[1].startswith(self._fence) and not line[match.end() :].strip():
            self._fence = ""
        return False

    def _find_heading(self, offset: int, line: str) -> bool:
        match = _ATX.match(line)
        if match is not None:
            self._outline.add(offset, len(match[1]), (match[2] or "").strip())
            return True
        under = _UNDERLINE.match(line)
        if under is None or self._before is None:
            return False
        self._outline.add(self._before[0], 1 if under[1][0] == "=" else 2, self._before[1].strip())
        return True
