"""Thumbnails in a terminal: what the terminal is able to, told by its environment, and pictures made of its cells.

A terminal is never asked by writing to it, since one that does not know the question prints it. Never in pipes. Must
not know results.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from rich.color import Color
from rich.style import Style
from rich.text import Text

from sensorium.cli.graphics import Protocol

if TYPE_CHECKING:
    from PIL.Image import Image

Way = Literal["kitty", "iterm2", "sixel", "cells"]

#: Cells across and down that a thumbnail of half blocks has at most: 20 by 20 pixels.
CELL_COLUMNS, CELL_ROWS = 20, 10
#: Cells that a picture of a protocol has at most.
PICTURE_COLUMNS, PICTURE_ROWS = 32, 8
#: Pixels of such a picture that are enough; a cell is about 10 by 20.
_PICTURE_PIXELS = (320, 160)
#: Most pixels of a thumbnail that is opened; `ingest` makes them of 256 by 256.
_MAX_PIXELS = 4_000_000

_KITTY = frozenset({"ghostty", "kitty"})
_ITERM2 = frozenset({"iTerm.app", "WezTerm", "mintty", "rio"})
_SIXEL_TERMS = ("foot", "mlterm", "yaft", "contour")
_TRUECOLOR = frozenset({"truecolor", "24bit"})


def choose_way(is_wanted: bool | None, environment: Mapping[str, str] | None = None) -> Way | None:
    """Tell how thumbnails can be shown on standard output.

    Args:
        is_wanted: Asked for, refused, or None: only where the terminal surely shows them well.
        environment: The variables that tell; those of the process by default.

    Returns:
        A protocol, `"cells"` for half blocks, or None for no thumbnails: in a pipe, or without colours.
    """
    environment = os.environ if environment is None else environment
    if is_wanted is False or not sys.stdout.isatty() or environment.get("TERM") in (None, "", "dumb"):
        return None
    protocol = find_protocol(environment)
    if protocol is not None:
        return protocol
    if environment.get("NO_COLOR"):
        return None
    is_colourful = environment.get("COLORTERM", "").lower() in _TRUECOLOR
    return "cells" if is_wanted or is_colourful else None


def find_protocol(environment: Mapping[str, str]) -> Protocol | None:
    """Tell which protocol for pictures a terminal has, by its environment.

    Inside tmux and screen there is none: they pass such sequences on only if set up to.
    """
    term, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if "TMUX" in environment or term.startswith(("tmux", "screen")):
        return None
    if "KITTY_WINDOW_ID" in environment or term in ("xterm-kitty", "xterm-ghostty") or program in _KITTY:
        return "kitty"
    if program in _ITERM2 or environment.get("LC_TERMINAL") == "iTerm2":
        return "iterm2"
    return "sixel" if term.startswith(_SIXEL_TERMS) else None


def open_thumbnail(data: bytes | None) -> Image | None:
    """Open a thumbnail; None if there is none, or none that can be opened."""
    if not data:
        return None
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as image:
            if image.width * image.height > _MAX_PIXELS:
                return None
            return image.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # what Pillow raises on damaged files
        return None


def draw_cells(data: bytes | None) -> Text:
    """Draw a thumbnail with half blocks, whose two halves are two pixels; empty if there is nothing to draw."""
    image = open_thumbnail(data)
    text = Text(no_wrap=True, end="")
    if image is None:
        return text
    image.thumbnail((CELL_COLUMNS, CELL_ROWS * 2))
    width, height = image.size
    pixels = image.tobytes()

    def colour(column: int, row: int) -> Color | None:
        if row >= height:
            return None
        start = 3 * (row * width + column)
        return Color.from_rgb(*pixels[start : start + 3])

    for row in range(0, height, 2):
        if row:
            text.append("\n")
        for column in range(width):
            text.append("▀", Style(color=colour(column, row), bgcolor=colour(column, row + 1)))
    return text


def draw_picture(data: bytes | None, protocol: Protocol) -> str:
    """Give the characters that draw a thumbnail in a protocol; empty if there is nothing to draw."""
    from sensorium.cli.graphics import draw

    image = open_thumbnail(data)
    if image is None:
        return ""
    image.thumbnail(_PICTURE_PIXELS)
    return draw(image, protocol, columns=PICTURE_COLUMNS, rows=PICTURE_ROWS)
