"""What an input is called in messages: short, and without credentials. Must not know how it is opened."""

from __future__ import annotations

import re

_MAX_SHOWN = 200
_MAX_HEADER = 60
_USERINFO = re.compile(r"^([^:/?#]*:/*)[^/?#]*@")


def shorten(text: str) -> str:
    """Give a text of bounded length: the whole of it, or its beginning and its length."""
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}... ({len(text)} characters)"


def show_url(text: str) -> str:
    """Give a web address without user name and password, of bounded length."""
    return shorten(_USERINFO.sub(r"\1", text))


def show_data_address(text: str) -> str:
    """Give a data address as its media type and length, without the data."""
    header = text[: _MAX_HEADER + 1].partition(",")[0]
    dots = "..." if len(header) > _MAX_HEADER else ",..."
    return f"{header[:_MAX_HEADER]}{dots} ({len(text)} characters)"
