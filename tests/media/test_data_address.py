"""Bytes inside a `data:` address."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorium.errors import MediaError, MediaLimitError
from sensorium.media.data_address import decode_data_address, is_data_address


@given(st.binary(max_size=200))
def test_base64_gives_the_bytes_back(data: bytes) -> None:
    text = base64.b64encode(data).decode()
    assert decode_data_address(f"data:image/png;base64,{text}", 200) == data
    assert decode_data_address(f"data:image/png;base64,{text.rstrip('=')}", 200) == data
    escaped = text.replace("+", "%2B").replace("=", "%3d")
    assert decode_data_address(f"data:image/png;base64,{escaped}", 200) == data


@given(st.binary(max_size=200))
def test_escapes_give_the_bytes_back(data: bytes) -> None:
    assert decode_data_address("data:," + "".join(f"%{byte:02x}" for byte in data), 200) == data


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DATA:image/png;Base64,aGk=", b"hi"),
        ("data:;base64,aGk=", b"hi"),
        ("data:base64/png,aGk=", b"aGk="),  # no marker: it stands last, after a semicolon
        ('data:image/png;name="a;b";base64,aGk=', b"hi"),
        ("data:image/png;base64,a\n Gk\r\n=\t", b"hi"),
        ("data:image/png;base64,", b""),
        ("data:text/plain,a,b;base64,c", b"a,b;base64,c"),
        ("data:,é%41", "éA".encode()),
    ],
)
def test_forms_that_are_read(text: str, expected: bytes) -> None:
    assert decode_data_address(text, 100) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("data:", "comma"),
        ("data:image/png;base64", "comma"),
        ("data:" + "x" * 5000 + ",aGk=", "comma"),
        ("data:;base64,aG-_", "not base64"),
        ("data:;base64,aGk=aGk=", "not base64"),
        ("data:;base64,aGk===", "not base64"),
        ("data:;base64,aGk=\u00a0", "not base64"),
        ("data:;base64,aGké", "not base64"),
        ("data:;base64,=", "cut off"),
        ("data:;base64,aGkaa", "cut off"),
        ("data:;base64,aG=", "cut off"),
        ("data:;base64,aGk%3", "escape"),
        ("data:,100%", "escape"),
        ("data:;base64,aGk%3D%00", "not base64"),
    ],
)
def test_mistakes_are_errors(text: str, why: str) -> None:
    with pytest.raises(MediaError, match=why) as caught:
        decode_data_address(text, 100)
    assert len(str(caught.value)) < 350
    assert str(caught.value.source).startswith("data:")


@pytest.mark.parametrize("text", ["data:;base64," + base64.b64encode(bytes(100)).decode(), "data:," + "%00" * 100])
def test_the_size_is_checked_to_the_byte(text: str) -> None:
    assert decode_data_address(text, 100) == bytes(100)
    with pytest.raises(MediaLimitError, match="100 bytes long, and at most 99"):
        decode_data_address(text, 99)


def test_only_the_scheme_makes_a_data_address() -> None:
    assert is_data_address("Data:x")
    assert not is_data_address("data")
    assert not is_data_address("my data: x")
