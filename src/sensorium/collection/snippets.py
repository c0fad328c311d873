"""The few words of a record that show why it was found. Must not know how it was found."""

from __future__ import annotations

import re

_WORD = re.compile(r"\w{2,}")
_SPACE = re.compile(r"\s+")


def make_snippet(text: str | None, query: str | None, length: int = 200) -> str | None:
    """Give the part of a text where most different words of a query stand close together.

    Args:
        text: The record's words; None or blank gives None.
        query: What was asked for in words; None gives the beginning.
        length: Most characters, dots included.

    Returns:
        One line; `…` stands for what is left out.
    """
    line = _SPACE.sub(" ", text or "").strip()
    if not line:
        return None
    if len(line) <= length:
        return line
    start = _find_start(line, query, length)
    end = min(len(line), start + length)
    shown = line[start:end]
    if start > 0:
        shown = "…" + _from_word(shown[1:])
    if end < len(line):
        shown = _to_word(shown[:-1]) + "…"
    return shown


def _find_start(line: str, query: str | None, length: int) -> int:
    words = {word.casefold() for word in _WORD.findall(query or "")}
    places = [(match.start(), match[0].casefold()) for match in _WORD.finditer(line)]
    places = [(at, word) for at, word in places if word in words]
    best, best_rank = 0, (0, 0)
    for index, (at, _) in enumerate(places):
        inside = {word: other for other, word in reversed(places[index:]) if other < at + length * 2 // 3}
        rank = (len(inside), -max(inside.values(), default=at) + at)  # many words, close together
        if rank > best_rank:
            best, best_rank = at, rank
    return max(0, min(best - length // 4, len(line) - length))


def _from_word(text: str) -> str:
    at = text.find(" ")
    return text[at + 1 :] if 0 <= at < 30 else text


def _to_word(text: str) -> str:
    at = text.rfind(" ")
    return text[:at] if at > len(text) - 30 else text
