"""Snippets: one line, no longer than asked, around the words of the question."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorium.collection.snippets import make_snippet

FILL = "nothing of note happens in this long passage and so it goes on "


@pytest.mark.parametrize("text", [None, "", " \n\t"])
def test_no_words_no_snippet(text: str | None) -> None:
    assert make_snippet(text, "x") is None


def test_a_short_text_is_whole_on_one_line() -> None:
    assert make_snippet("  two\n\n lines\t", "lines") == "two lines"


def test_it_shows_the_words_of_the_question() -> None:
    shown = make_snippet(FILL * 10 + "the zeppelin landed near the anchor " + FILL * 10, "Zeppelin ANCHOR", 80)
    assert shown is not None
    assert "zeppelin landed near the anchor" in shown
    assert shown[0] == shown[-1] == "…"


def test_many_words_together_beat_one_word_before_them() -> None:
    text = "anchor " + FILL * 5 + "zeppelin anchor harbour " + FILL * 5
    assert "zeppelin anchor harbour" in str(make_snippet(text, "harbour zeppelin anchor", 80))


def test_close_together_beats_far_apart() -> None:
    text = "anchor " + "x" * 30 + " zeppelin " + FILL * 5 + "anchor zeppelin " + FILL * 5
    assert "anchor zeppelin" in str(make_snippet(text, "anchor zeppelin", 90))


@pytest.mark.parametrize("query", [None, "", "!?", "absent"])
def test_without_a_word_to_show_it_is_the_beginning(query: str | None) -> None:
    shown = make_snippet(FILL * 10, query, 60)
    assert shown is not None
    assert FILL.startswith(shown.rstrip("…"))
    assert shown.endswith("…")


def test_a_word_at_the_very_end() -> None:
    shown = make_snippet(FILL * 10 + "zeppelin", "zeppelin", 60)
    assert shown is not None
    assert shown.endswith("zeppelin")


@given(
    st.text(alphabet="ab \n…", max_size=300) | st.text(max_size=300),
    st.none() | st.text(alphabet="ab ", max_size=9),
    st.integers(10, 60),
)
def test_it_is_one_line_that_fits(text: str, query: str | None, length: int) -> None:
    shown = make_snippet(text, query, length)
    line = " ".join(text.split())
    if shown is None:
        assert not line
        return
    assert len(shown) <= length or len(line) <= length
    assert "\n" not in shown
    inner = shown.removeprefix("…").removesuffix("…") if len(line) > length else shown
    assert inner.strip() in line or len(line) <= length
