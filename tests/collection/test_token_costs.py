"""Estimates of what texts and pictures cost, and cutting to them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorium.collection.token_costs import count_picture_tokens, count_tokens, cut_to_tokens


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("漢字", 2), ("漢字abc", 3)]
)
def test_texts(text: str, tokens: int) -> None:
    assert count_tokens(text) == tokens


@given(st.text(max_size=200), st.integers(1, 40))
def test_a_cut_text_fits_and_is_a_beginning(text: str, tokens: int) -> None:
    cut = cut_to_tokens(text, tokens)
    assert count_tokens(cut) <= tokens
    if count_tokens(text) <= tokens:
        assert cut == text
    else:
        assert cut.endswith("…")
        assert text.startswith(cut[:-1])


def test_it_is_cut_at_a_word() -> None:
    text = "one two three four five six seven eight nine ten"
    cut = cut_to_tokens(text, 8)
    assert text[len(cut) - 1] == " "
    assert len(cut) > 20


def test_a_text_without_spaces_is_cut_anywhere() -> None:
    assert cut_to_tokens("漢" * 50, 10) == "漢" * 9 + "…"
    assert len(cut_to_tokens("x" * 500, 10)) > 30


@pytest.mark.parametrize(
    ("size", "tokens"), [((1, 1), 255), ((512, 512), 255), ((513, 512), 425), ((768, 768), 85 + 4 * 170)]
)
def test_pictures_cost_by_the_tile(size: tuple[int, int], tokens: int) -> None:
    assert count_picture_tokens(*size) == tokens
