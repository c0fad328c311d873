"""Text from outside cannot command the terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorium.cli.escaping import show


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("photo.jpg", "photo.jpg"),
        ("[red]x[/]", "[red]x[/]"),
        (":smile:", ":smile:"),
        ("\x1b]0;pwn\x07", "␛]0;pwn␇"),
        ("a\nb\tc\rd", "a␊b␉c␍d"),
        ("\x00\x7f", "␀␡"),
        ("\x9b31m", "\\u009b31m"),
        ("bad\udcff", "bad\\xff"),
        ("\ud800", "\\ud800"),
        ("rtl\u202egpj.exe", "rtl\\u202egpj.exe"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("\u2028\u2029", "\\u2028\\u2029"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("no\u00a0break", "no break"),
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("שלום", "שלום"),
    ],
)
def test_shows(text: str, shown: str) -> None:
    assert show(text) == shown


def test_keeps_what_it_is_told_to() -> None:
    assert show("a\r\nb\tc\x1b\rd", keep="\n\t") == "a\nb\tc␛␍d"


def test_takes_anything() -> None:
    assert show(3) == "3"
    assert show(None) == "None"


@given(st.text(alphabet=st.characters(codec=None)))
def test_nothing_that_commands_is_left(text: str) -> None:
    shown = show(text)
    left = {one for one in shown if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert left <= {"\u200c", "\u200d"}
    shown.encode("utf-8")
