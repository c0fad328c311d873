"""From a web page to its tags and texts, in time that grows with the page's length and nothing else.

The standard library's parser needs hours for some pages of a megabyte (on releases that are still in use), and reads a
page differently from one patch release to the next, which would give its passages new digests. Here each character is
looked at a bounded number of times, and what is cut off ends the page, as in a browser. Must not know what tags mean.

Source: the states of the tokenizer in the HTML standard (13.2.5, WHATWG), without those that tell errors apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape

_NAME = re.compile(r"[A-Za-z][^\s/>]*")
_ATTRIBUTE_NAME = re.compile(r"=?[^\s/>=]*")
_UNQUOTED = re.compile(r"[^\s>]*")
_SPACE_OR_SLASH = re.compile(r"[\s/]*")
_SPACE = re.compile(r"\s*")
# Elements whose content holds no tags, and those of them whose content holds no character references either.
_TEXT_ONLY = ("title", "textarea", "script", "style", "xmp", "iframe", "noembed", "noframes")
_RAW = frozenset(_TEXT_ONLY[2:])
_ENDS = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in _TEXT_ONLY}


@dataclass(frozen=True, slots=True)
class StartTag:
    """A start tag: its name in lower case, and its attributes, the first of each name."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EndTag:
    """An end tag: its name in lower case."""

    name: str


def read_tokens(page: str) -> Iterator[StartTag | EndTag | str]:
    """Take a page apart.

    Args:
        page: HTML, however malformed.

    Yields:
        Tags, and the texts between them with their character references resolved. Comments, declarations and
        processing instructions are left out.
    """
    at = 0
    while at < len(page):
        opening = page.find("<", at)
        end = len(page) if opening < 0 else opening
        if end > at:
            yield unescape(page[at:end])
        if opening < 0:
            return
        follower = page[opening + 1 : opening + 2]
        if follower == "!" or follower == "?":
            at = _skip_markup(page, opening)
        elif follower == "/":
            token, at = _read_end_tag(page, opening + 2)
            if token is not None:
                yield token
        elif follower.isascii() and follower.isalpha():
            tag, at = _read_start_tag(page, opening + 1)
            if tag is None:
                return
            yield tag
            if tag.name in _ENDS:
                at, text = _read_text_only(page, at, tag.name)
                if text:
                    yield text
        else:
            yield "<"
            at = opening + 1


def _skip_markup(page: str, at: int) -> int:
    """Go behind a comment or declaration; behind the end of the page if it has no end."""
    if not page.startswith("<!--", at):
        closing = "]]>" if page.startswith("<![CDATA[", at) else ">"
        end = page.find(closing, at)
        return len(page) if end < 0 else end + len(closing)
    if page.startswith(("<!-->", "<!--->"), at):
        return page.index(">", at) + 1
    end = page.find("-->", at + 4)
    return len(page) if end < 0 else end + 3


def _read_end_tag(page: str, at: int) -> tuple[EndTag | None, int]:
    match = _NAME.match(page, at)
    end = page.find(">", at)
    if end < 0:
        return None, len(page)
    return (EndTag(match[0].lower()) if match else None), end + 1


def _read_start_tag(page: str, at: int) -> tuple[StartTag | None, int]:
    match = _NAME.match(page, at)
    assert match is not None, "a letter was seen"
    name, at = match[0].lower(), match.end()
    attributes: dict[str, str] = {}
    while True:
        at = _end_of(_SPACE_OR_SLASH, page, at)
        if at >= len(page):
            return None, at
        if page[at] == ">":
            return StartTag(name, attributes), at + 1
        stop = _end_of(_ATTRIBUTE_NAME, page, at)
        attribute, at = page[at:stop].lower(), _end_of(_SPACE, page, stop)
        value = ""
        if page.startswith("=", at):
            at = _end_of(_SPACE, page, at + 1)
            quote = page[at : at + 1]
            if quote in ('"', "'"):
                stop = page.find(quote, at + 1)
                if stop < 0:
                    return None, len(page)
                value, at = page[at + 1 : stop], stop + 1
            else:
                stop = _end_of(_UNQUOTED, page, at)
                value, at = page[at:stop], stop
        attributes.setdefault(attribute, unescape(value))


def _read_text_only(page: str, at: int, name: str) -> tuple[int, str]:
    match = _ENDS[name].search(page, at)
    end = len(page) if match is None else match.start()
    return end, page[at:end] if name in _RAW else unescape(page[at:end])


def _end_of(pattern: re.Pattern[str], page: str, at: int) -> int:
    match = pattern.match(page, at)
    return at if match is None else match.end()
