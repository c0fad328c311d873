"""Pictures in the three protocols that terminals have for them: kitty's, iTerm2's and sixel.

Each function gives the characters to write; the cursor stands below the picture afterwards. Must not know which
terminal there is, nor where the picture comes from.
"""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from PIL.Image import Image

Protocol = Literal["kitty", "iterm2", "sixel"]

_KITTY_CHUNK = 4096
_SIXEL_COLOURS = 128
_SIXEL_ROWS = 6


def draw(image: Image, protocol: Protocol, *, columns: int, rows: int) -> str:
    """Give the characters that draw an image.

    Args:
        image: RGB.
        protocol: Of the terminal.
        columns: Most cells across.
        rows: Cells down; kitty and iTerm2 scale the picture to them, sixel takes it in pixels as it is.
    """
    if protocol == "kitty":
        return _draw_kitty(image, columns, rows)
    if protocol == "iterm2":
        return _draw_iterm2(image, rows)
    return draw_sixel(image)


def _draw_kitty(image: Image, columns: int, rows: int) -> str:
    """Source: kitty's "Terminal graphics protocol"; `a=T` transmit and show, `f=100` PNG, `q=2` no answers."""
    # A cell is about twice as high as it is wide; the picture keeps its shape by being given its height alone.
    is_wide = image.width > 2 * image.height * columns / (2 * rows)
    size = f"c={columns}" if is_wide else f"r={rows}"
    data = base64.standard_b64encode(_to_png(image)).decode("ascii")
    chunks = [data[start : start + _KITTY_CHUNK] for start in range(0, len(data), _KITTY_CHUNK)]
    written = []
    for number, chunk in enumerate(chunks):
        head = f"a=T,f=100,q=2,{size}," if number == 0 else ""
        written.append(f"\x1b_G{head}m={int(number < len(chunks) - 1)};{chunk}\x1b\\")
    return "".join(written) + "\n"


def _draw_iterm2(image: Image, rows: int) -> str:
    """Source: iTerm2's "Inline images protocol"."""
    data = _to_png(image)
    encoded = base64.standard_b64encode(data).decode("ascii")
    return f"\x1b]1337;File=inline=1;size={len(data)};height={rows};preserveAspectRatio=1:{encoded}\x07\n"


def draw_sixel(image: Image) -> str:
    """Give an image as sixels.

    Source:
        DEC's VT330/VT340 programmer reference, volume 2, chapter 14: bands of six rows, one pass a colour, `$` back to
        the left, `-` to the next band, `!` repeats; colours are per cent.
    """
    small = image.quantize(_SIXEL_COLOURS)
    palette = small.getpalette() or []
    width, height = small.size
    pixels = small.tobytes()
    written = [f'\x1bP0;1;0q"1;1;{width};{height}']
    for colour in sorted(set(pixels)):
        red, green, blue = (round(part * 100 / 255) for part in palette[3 * colour : 3 * colour + 3])
        written.append(f"#{colour};2;{red};{green};{blue}")
    for top in range(0, height, _SIXEL_ROWS):
        band = [pixels[row * width : (row + 1) * width] for row in range(top, min(top + _SIXEL_ROWS, height))]
        passes = [f"#{colour}{_write_pass(band, colour, width)}" for colour in sorted(set(b"".join(band)))]
        written.append("$".join(passes) + "-")
    return "".join(written) + "\x1b\\\n"


def _write_pass(band: list[bytes], colour: int, width: int) -> str:
    signs = [chr(0x3F + sum((row[column] == colour) << bit for bit, row in enumerate(band))) for column in range(width)]
    written, start = [], 0
    for column in range(1, width + 1):
        if column == width or signs[column] != signs[start]:
            count = column - start
            written.append(f"!{count}{signs[start]}" if count > 3 else signs[start] * count)
            start = column
    return "".join(written)


def _to_png(image: Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
