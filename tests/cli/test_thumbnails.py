"""Pictures in a terminal: only where it is able to, and only what is a picture."""

from __future__ import annotations

import base64
import io
import re
import sys
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sensorium.cli.graphics import draw, draw_sixel
from sensorium.cli.thumbnails import CELL_COLUMNS, CELL_ROWS, choose_way, draw_cells, draw_picture, open_thumbnail
from tests.cli.fake_collection import make_result


def _jpeg(width: int = 40, height: int = 20, colour: tuple[int, int, int] = (255, 0, 0)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(file, "JPEG", quality=95)
    return file.getvalue()


@pytest.mark.parametrize(
    ("environment", "is_wanted", "way"),
    [
        ({"TERM": "xterm-kitty"}, None, "kitty"),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, None, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, None, "iterm2"),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, None, "iterm2"),
        ({"TERM": "foot-extra"}, None, "sixel"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, None, "cells"),
        ({"TERM": "xterm-256color"}, None, None),
        ({"TERM": "xterm-256color"}, True, "cells"),
        ({"TERM": "xterm-kitty"}, False, None),
        ({"TERM": "dumb", "COLORTERM": "truecolor"}, True, None),
        ({}, True, None),
        ({"TERM": "xterm", "COLORTERM": "truecolor", "NO_COLOR": "1"}, True, None),
        ({"TERM": "tmux-256color", "TMUX": "x", "KITTY_WINDOW_ID": "1"}, None, None),
    ],
)
def test_way(
    environment: dict[str, str], is_wanted: bool | None, way: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert choose_way(is_wanted, environment) == way
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False)
    assert choose_way(True, environment) is None


def test_cells() -> None:
    text = draw_cells(_jpeg())
    lines = text.plain.split("\n")
    assert len(lines) == 5
    assert set(text.plain) == {"▀", "\n"}
    assert len(lines[0]) == CELL_COLUMNS
    colour = text.spans[0].style.color.triplet  # type: ignore[union-attr]
    assert colour.red > 240
    assert colour.green < 20
    tall = draw_cells(_jpeg(20, 200)).plain.split("\n")
    assert len(tall) == CELL_ROWS


@pytest.mark.parametrize("data", [None, b"", b"not a picture", _jpeg()[:100], b"GIF89a" + bytes(20)])
def test_what_is_no_picture_is_left_out(data: bytes | None) -> None:
    assert draw_cells(data).plain == ""
    assert draw_picture(data, "kitty") == ""


def test_a_picture_too_large_is_left_out() -> None:
    assert open_thumbnail(_jpeg(3000, 3000)) is None


def test_kitty() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    written = draw(Image.fromarray(pixels), "kitty", columns=32, rows=8)
    parts = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", written)
    assert len(parts) > 1
    assert parts[0][0] == "a=T,f=100,q=2,r=8,m=1"
    assert [head for head, _ in parts[1:]] == ["m=1"] * (len(parts) - 2) + ["m=0"]
    assert max(len(data) for _, data in parts) <= 4096
    image = Image.open(io.BytesIO(base64.b64decode("".join(data for _, data in parts))))
    assert (np.asarray(image) == pixels).all()
    assert "c=32" in draw(Image.new("RGB", (300, 20)), "kitty", columns=32, rows=8)


def test_iterm2() -> None:
    written = draw_picture(_jpeg(), "iterm2")
    match = re.fullmatch(
        r"\x1b\]1337;File=inline=1;size=(\d+);height=8;preserveAspectRatio=1:([^\x07]+)\x07\n", written
    )
    assert match is not None
    data = base64.b64decode(match[2])
    assert len(data) == int(match[1])
    assert Image.open(io.BytesIO(data)).size == (40, 20)


def test_sixel_gives_the_picture_back() -> None:
    image = Image.new("RGB", (13, 8), (255, 0, 0))
    image.paste((0, 0, 255), (5, 2, 9, 8))
    written = draw_sixel(image)
    assert written.startswith('\x1bP0;1;0q"1;1;13;8#')
    assert written.endswith("\x1b\\\n")
    assert (_read_sixel(written) == np.asarray(image)).all()


def _read_sixel(written: str) -> Any:
    """Draw sixels, as a terminal would."""
    body = written.removeprefix("\x1bP0;1;0q").removesuffix("\x1b\\\n")
    head = re.match(r'"1;1;(\d+);(\d+)', body)
    assert head is not None
    width, height = int(head[1]), int(head[2])
    picture = np.zeros((height, width, 3), np.uint8)
    colours: dict[int, tuple[int, ...]] = {}
    top = left = colour = 0
    for piece in re.finditer(r"#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|!(\d+)([?-~])|([?-~])|(\$)|(-)", body[head.end() :]):
        if piece[1]:
            colours[int(piece[1])] = tuple(round(int(piece[at]) * 2.55) for at in (2, 3, 4))
        elif piece[5]:
            colour = int(piece[5])
        elif piece[9]:
            left = 0
        elif piece[10]:
            left, top = 0, top + 6
        else:
            count, sign = (int(piece[6]), piece[7]) if piece[6] else (1, piece[8])
            for bit in range(6):
                if (ord(sign) - 0x3F) >> bit & 1:
                    picture[top + bit, left : left + count] = colours[colour]
            left += count
    return picture


@pytest.mark.parametrize(
    ("variables", "sign"),
    [({"COLORTERM": "truecolor"}, "▀"), ({"TERM": "xterm-kitty"}, "\x1b_G"), ({"TERM": "foot"}, "\x1bP0;1;0q")],
)
def test_search_shows_them(run: Any, there: Any, terminal: None, monkeypatch: Any, variables: Any, sign: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    there.results = [make_result(thumbnail=_jpeg(), snippet="[b]words[/b]"), make_result("/data/t.txt")]
    ended = run("search", "x")
    assert ended.code == 0
    assert sign in ended.out
    assert "[b]words[/b]" in ended.out
    assert "t.txt" in ended.out
    assert sign not in run("search", "x", "--no-thumbnails").out


def test_never_in_a_pipe(run: Any, there: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-kitty")
    there.results = [make_result(thumbnail=_jpeg())]
    ended = run("search", "x", "--thumbnails")
    assert "\x1b" not in ended.out
    assert "▀" not in ended.out
