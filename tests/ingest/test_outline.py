"""Headings: which lines of Markdown are one, and under which a place stands."""

from __future__ import annotations

import pytest

from sensorium.ingest.outline import MAX_SHOWN, Outline


def headings(text: str, length: int | None = None) -> list[str]:
    """Give what is above the end of a text, after each of its lines."""
    outline = Outline()
    step = length or max(1, len(text))
    assert "".join(outline.watch([text[at : at + step] for at in range(0, len(text), step)])) == text
    found, at = [], 0
    for line in text.splitlines(keepends=True):
        at += len(line)
        found.append(outline.above(at))
    return found


@pytest.mark.parametrize("length", [1, 2, 7, None])
def test_headings_nest_and_end(length: int | None) -> None:
    text = "# A\nx\n## B ##\ny\n### C\n## D\nz\n# E\n"
    assert headings(text, length) == ["A", "A", "A > B", "A > B", "A > B > C", "A > D", "A > D", "E"]


def test_a_heading_is_not_above_its_own_beginning() -> None:
    outline = Outline()
    list(outline.watch(["x\n# A\ny"]))
    assert [outline.above(2), outline.above(3)] == ["", "A"]


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("Title\n=====\n", "Title"),
        ("# A\n\nTitle\n---\n", "A > Title"),
        ("# A\n\n---\n", "A"),
        ("#no\n", ""),
        ("####### no\n", ""),
        ("    # code\n", ""),
        ("```\n# code\n```\n", ""),
        ("```\n# code\n~~~\n# code\n", ""),
        ("````\n```\n# code\n", ""),
        ("---\ntitle: no\n---\n", ""),
        ("---\ntitle: no\n---\n# A\n", "A"),
        ("# A\n#\n", ""),
        ("# A\r\nx\r\n", "A"),
        ("# A", "A"),
        ("# " + "x" * 5000 + "\n", ""),
    ],
)
def test_what_is_a_heading(text: str, last: str) -> None:
    assert headings(text)[-1] == last


def test_many_words_are_cut() -> None:
    outline = Outline()
    outline.add(0, 1, "word " * 100)
    assert len(outline.above(1)) <= MAX_SHOWN
    assert outline.above(2).endswith("word…")
