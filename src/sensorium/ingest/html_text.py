"""From a web page to its words: blocks kept apart, scripts, styles and what is hidden left out.

Offsets of passages of a page are offsets into this text, not into the file. Nothing is fetched, run or resolved. Must
not know files, encodings or passages.

Source: which elements are void, block-level, or not shown follows the HTML standard (13.1.2 and 15.3, WHATWG).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sensorium.ingest.html_tokens import EndTag, StartTag, read_tokens

_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
)
_UNSHOWN = frozenset(
    {"script", "style", "template", "noscript", "head", "svg", "math", "object", "iframe", "canvas", "select", "button"}
)
_PARAGRAPHS = frozenset(
    {"address", "article", "aside", "blockquote", "body", "details", "dialog", "div", "dl", "fieldset", "figcaption"}
    | {"figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hgroup", "hr", "main", "nav", "ol"}
    | {"p", "pre", "section", "summary", "table", "ul", "caption"}
)
_LINES = frozenset({"br", "li", "dt", "dd", "tr", "option", "thead", "tbody", "tfoot"})
_CELLS = frozenset({"td", "th"})
_KEPT_SPACE = frozenset({"pre", "textarea"})
# An element of one of these kinds ends an open one of the others.
_SIBLINGS = (frozenset({"li"}), frozenset({"dt", "dd"}), frozenset({"tr"}), frozenset({"td", "th"}))
_HIDING_STYLE = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
_SPACE = re.compile(r"[ \t\r\n\f]+")


@dataclass(frozen=True, slots=True)
class PageText:
    """The words of a web page.

    Attributes:
        text: Blocks apart by a blank line, lines by `\\n`, cells by a tab; otherwise single spaces, but in `<pre>`.
        title: Of the page; empty if it has none.
        headings: Where each heading begins in `text`, its level from 1 to 6, and its words.
    """

    text: str
    title: str = ""
    headings: list[tuple[int, int, str]] = field(default_factory=list)


def extract_html(page: str) -> PageText:
    """Take the words out of a page.

    Args:
        page: HTML, however malformed.

    Example:
        >>> extract_html("<p>One<br>two<script>x()</script><p hidden>no<p>Three").text
        'One\\ntwo\\n\\nThree'
    """
    reader = _PageReader()
    for token in read_tokens(page):
        if isinstance(token, StartTag):
            reader.start(token.name, token.attributes)
        elif isinstance(token, EndTag):
            reader.end(token.name)
        else:
            reader.add(token)
    return PageText(reader.words.take(), _SPACE.sub(" ", "".join(reader.title)).strip(), reader.headings)


class _Words:
    """Text as it is put together: what separates two words is decided when the second one comes."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._pending = ""
        self.length = 0

    def part(self, separator: str) -> None:
        """Note what stands between the word before and the next one: the widest of what was noted."""
        if _WIDTH[separator] > _WIDTH[self._pending]:
            self._pending = separator

    def add(self, text: str) -> None:
        """Add words; white space at their ends counts as a space between."""
        inner = _SPACE.sub(" ", text)
        if inner.startswith(" "):
            self.part(" ")
        if inner.strip(" "):
            self._put(inner.strip(" "))
            if inner.endswith(" "):
                self.part(" ")

    def add_kept(self, text: str) -> None:
        """Add text whose white space is part of it."""
        if text:
            self._put(text)

    def where_next(self) -> int:
        """Give the offset at which the next word will stand."""
        return self.length + (len(self._pending) if self._pieces else 0)

    def take(self) -> str:
        return "".join(self._pieces)

    def _put(self, text: str) -> None:
        for piece in (self._pending if self._pieces else "", text):
            if piece:
                self._pieces.append(piece)
                self.length += len(piece)
        self._pending = ""


_WIDTH = {"": 0, " ": 1, "\t": 2, "\n": 3, "\n\n": 4}


class _PageReader:
    """Which elements are open, and what of them is shown."""

    def __init__(self) -> None:
        self.words = _Words()
        self.title: list[str] = []
        self.headings: list[tuple[int, int, str]] = []
        # Of each open element its name, and whether it and all around it are shown.
        self._open: list[tuple[str, bool]] = []
        self._counts: dict[str, int] = {}
        self._heading: tuple[int, int, list[str]] | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._end_siblings(tag)
        self._separate(tag)
        if tag == "img" and self._is_shown and not _is_hidden(attributes):
            self._add(f" {attributes.get('alt', '')} ")
        if tag in _VOID:
            return
        is_shown = self._is_shown and tag not in _UNSHOWN and not _is_hidden(attributes)
        if is_shown and len(tag) == 2 and tag[0] == "h" and tag[1] in "123456":
            self._heading = (self.words.where_next(), int(tag[1]), [])
        self._open.append((tag, is_shown))
        self._counts[tag] = self._counts.get(tag, 0) + 1

    def end(self, tag: str) -> None:
        if self._counts.get(tag):
            self._close(tag)
        self._separate(tag)

    def add(self, text: str) -> None:
        if self._open and self._open[-1][0] == "title":
            if not self._counts.get("svg"):
                self.title.append(text)
        elif self._is_shown:
            self._add(text)

    @property
    def _is_shown(self) -> bool:
        return not self._open or self._open[-1][1]

    def _add(self, text: str) -> None:
        if any(self._counts.get(name) for name in _KEPT_SPACE):
            self.words.add_kept(text)
        else:
            self.words.add(text)
        if self._heading is not None:
            self._heading[2].append(text)

    def _separate(self, tag: str) -> None:
        if self._is_shown:
            if tag in _PARAGRAPHS:
                self.words.part("\n\n")
            elif tag in _LINES:
                self.words.part("\n")
            elif tag in _CELLS:
                self.words.part("\t")

    def _end_siblings(self, tag: str) -> None:
        """End what a start tag ends by the rules: a paragraph at the next block, an item at the next item."""
        if not self._open:
            return
        last = self._open[-1][0]
        if last == "head" and tag not in _UNSHOWN | _VOID | {"title"}:
            self._close(last)  # its end tag may be left out
        elif (last == "p" and tag in _PARAGRAPHS) or any({last, tag} <= kinds for kinds in _SIBLINGS):
            self._close(last)

    def _close(self, tag: str) -> None:
        while self._open:
            last, _ = self._open.pop()
            self._counts[last] -= 1
            if self._heading is not None and last == f"h{self._heading[1]}":
                offset, level, parts = self._heading
                self.headings.append((offset, level, _SPACE.sub(" ", "".join(parts)).strip()))
                self._heading = None
            if last == tag:
                return


def _is_hidden(attributes: dict[str, str]) -> bool:
    return (
        attributes.get("hidden", "until-found").lower() != "until-found"
        or attributes.get("aria-hidden", "").strip().lower() == "true"
        or _HIDING_STYLE.search(attributes.get("style", "")) is not None
    )
