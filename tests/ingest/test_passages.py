"""Passages: every character is in one, whatever the text and its pieces; and they end where a reader would end them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorium.ingest.passages import Passage, cut_passages

SIZES = st.integers(16, 60).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, (size - 1) // 2)))
# Much of what decides where a cut falls, and anything else.
TEXTS = st.text(
    st.one_of(st.sampled_from('ab. \n\r\t#!?"。」\u0301\u200d\U0001f44d\U0001f3fd'), st.characters()), max_size=300
)


def cut(text: str, size: int, overlap: int = 0, has_headings: bool = False) -> list[Passage]:
    return list(cut_passages([text], size, overlap, has_headings))


@given(TEXTS, SIZES, st.booleans())
def test_every_character_is_in_a_passage(text: str, sizes: tuple[int, int], has_headings: bool) -> None:
    size, overlap = sizes
    passages = cut(text, size, overlap, has_headings)
    if not text.strip():
        assert passages == []
        return
    covered, last_start = 0, -1
    for passage in passages:
        assert last_start < passage.start <= covered < passage.end
        assert text[passage.start : passage.end].strip() == passage.text
        assert 0 < len(passage.text) <= size
        covered, last_start = passage.end, passage.start
    assert covered == len(text)


@given(TEXTS, SIZES, st.integers(1, 40))
def test_pieces_of_any_length_give_the_same_passages(text: str, sizes: tuple[int, int], length: int) -> None:
    pieces = [text[at : at + length] for at in range(0, len(text), length)]
    assert list(cut_passages(pieces, *sizes)) == cut(text, *sizes)


@pytest.mark.parametrize("letter", ["e\u0301", "\U0001f44d\U0001f3fd", "\U0001f469\u200d\U0001f4bb", "\r\n", "क\u094d"])
@pytest.mark.parametrize("overlap", [0, 5, 6, 7])
def test_what_is_shown_as_one_letter_is_not_parted(letter: str, overlap: int) -> None:
    text = "x".join([letter * 5] * 12) if letter != "\r\n" else "a\r\nb" * 20
    for size in range(16, 24):
        for passage in cut(text, size, overlap):
            before = text[: passage.start]
            assert not any(
                before.endswith(letter[:at]) and text.startswith(letter[at:], len(before))
                for at in range(1, len(letter))
            )


def test_no_passage_repeats_without_overlap() -> None:
    text = "One two three. " * 40
    passages = cut(text, 64)
    assert all(one.end == other.start for one, other in pairwise(passages))
    assert " ".join(passage.text for passage in passages) == text.strip()


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("First words here.\n\nSecond one. And a third sentence.", "First words here."),
        ("A first sentence. A second one that goes on and on.", "A first sentence."),
        ('He said "so it is." Then he went away, far away.', 'He said "so it is."'),
        ("Rows without any full stop\nand a second row of words", "Rows without any full stop"),
        ("nothing but words that go on and so forth", "nothing but words that go on and"),
        ("短い文はここまでです。次の文はもっと長くて切られます長い長い。", "短い文はここまでです。"),
        ("x" * 50, "x" * 32),
    ],
    ids=["paragraph", "sentence", "quotation", "line", "word", "japanese", "none"],
)
def test_a_passage_ends_at_the_best_place(text: str, ends: str) -> None:
    size = 16 if text.startswith("短") else 32
    assert cut(text, size)[0].text == ends


def test_a_heading_begins_a_passage() -> None:
    text = "Words about soup.\n\n# Bread\n\nWords on it."
    assert cut(text, 32, has_headings=True)[1].text.startswith("# Bread")
    assert cut(text, 32)[0].text.endswith("# Bread")


def test_the_overlap_begins_at_a_sentence_or_a_word() -> None:
    sentences = cut("Alpha beta gamma delta. Epsilon zeta. Eta theta iota kappa lambda mu.", 40, 18)
    assert [passage.text for passage in sentences[:2]] == [
        "Alpha beta gamma delta. Epsilon zeta.",
        "Epsilon zeta. Eta theta iota kappa",
    ]
    words = cut("alpha beta gamma delta epsilon zeta eta theta", 24, 10)
    assert words[1].text.startswith("delta")
    assert cut("x" * 60, 32, 8)[1].start == 24


def test_a_gap_costs_no_passage_and_no_memory() -> None:
    gap = " \n" * 100_000
    assert [(one.start, one.end, one.text) for one in cut(f"{gap}word{gap}end{gap}", 32, 8)] == [
        (0, 400_004, "word"),
        (400_004, 600_007, "end"),
    ]


def test_the_text_is_read_no_further_than_needed() -> None:
    read = 0

    def pieces() -> Iterator[str]:
        nonlocal read
        for _ in range(1000):
            read += 1
            yield "Ten letters. " * 4

    next(cut_passages(pieces(), 100, 10))
    assert read < 6
