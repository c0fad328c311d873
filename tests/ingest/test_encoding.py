"""Encodings: found by mark, by content, by what a page declares; and decoded in pieces, exactly."""

from __future__ import annotations

from pathlib import Path

import pytest

from sensorium.errors import MediaError
from sensorium.ingest.encoding import decode_text, find_encoding
from sensorium.media import open_source

LONG = "Grüße, 日本語 \U0001f600\r\n" * 20_000


@pytest.mark.parametrize(
    ("data", "name", "text"),
    [
        (b"plain", "utf-8", "plain"),
        (LONG.encode(), "utf-8", LONG),
        (LONG.encode("utf-8-sig"), "utf-8-sig", LONG),
        (LONG.encode("utf-16"), "utf-16", LONG),
        (b"\xfe\xff" + LONG.encode("utf-16-be"), "utf-16", LONG),
        (LONG.encode("utf-32"), "utf-32", LONG),
        ("Stra\u00dfe \u201eja\u201c \u20ac".encode("cp1252"), "cp1252", "Stra\u00dfe \u201eja\u201c \u20ac"),
        (b"a\x81b\xe4", "latin-1", "a\x81b\xe4"),
        (b"cut \xc3", "cp1252", "cut \xc3"),
    ],
    ids=["ascii", "utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1", "cut-utf-8"],
)
def test_a_text_is_decoded_as_what_it_is(tmp_path: Path, data: bytes, name: str, text: str) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    source = open_source(tmp_path / "a.txt")
    encoding = find_encoding(source)
    assert encoding.name == name
    assert bool(encoding.note) == (name in ("cp1252", "latin-1"))
    assert "".join(decode_text(source, encoding)) == text


@pytest.mark.parametrize(
    ("declared", "codec", "words"),
    [
        ("shift_jis", "cp932", "日本語"),
        ("Windows-1251", "cp1251", "Привет"),
        ("iso-8859-1", "cp1252", "naïve €"),
        ("gb2312", "gb18030", "汉字"),
    ],
)
def test_a_page_may_declare_its_encoding(declared: str, codec: str, words: str) -> None:
    source = open_source(f'<meta charset="{declared}"><p>'.encode() + words.encode(codec))
    assert "".join(decode_text(source, find_encoding(source, is_page=True))).endswith(words)
    assert find_encoding(source).name in ("cp1252", "latin-1")  # only a page may


@pytest.mark.parametrize("declared", ["base64", "zlib", "rot13", "idna", "unicode_escape", "nosuch", "utf-8"])
def test_what_is_no_encoding_of_a_text_is_passed_over(declared: str) -> None:
    source = open_source(f"<meta charset={declared}>".encode() + b"\xe4")
    assert find_encoding(source, is_page=True).name == "cp1252"


def test_utf8_wins_over_what_a_page_declares() -> None:
    source = open_source("<meta charset=windows-1251>ä".encode())
    assert find_encoding(source, is_page=True).name == "utf-8"


def test_a_nul_byte_anywhere_makes_it_binary() -> None:
    assert find_encoding(open_source(b"a" * 200_000 + b"\0")).is_binary


@pytest.mark.parametrize("data", [b"\xff\xfea\x00b", b"\xef\xbb\xbfa\xff", b"\xff\xfe\x00\xd8a\x00"])
def test_a_text_that_is_not_what_it_says_is_an_error(data: bytes) -> None:
    source = open_source(data)
    with pytest.raises(MediaError, match="damaged or cut off"):
        list(decode_text(source, find_encoding(source)))
