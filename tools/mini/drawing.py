"""From SVG to arrays: pictures as colour with alpha, icons of one colour as alpha alone, both `SIDE` pixels square.

Sets of flat emoji are drawn a second time with an outline around every shape, and a third time as outlines alone: sets
that nobody trained on draw that way. Must not know names or splits.
"""

from __future__ import annotations

import io

import numpy as np
import resvg_py
from PIL import Image

SIDE = 80

#: Style -> the sheet that gives it; `{width}` is in units of the picture's own box.
STYLES = {
    "plain": None,
    "outlined": "path,circle,ellipse,rect,polygon{{stroke:#000;stroke-width:{width};stroke-linejoin:round}}",
    "lines": "path,circle,ellipse,rect,polygon{{fill:#fff;stroke:#000;stroke-width:{width};stroke-linejoin:round}}",
}
#: An outline's width as part of a picture's height.
OUTLINE = 1 / 36


def wrap_svg(body: str, left: float, top: float, width: float, height: float, style: str = "plain") -> str:
    """Make a whole SVG of an icon's body."""
    sheet = STYLES[style]
    head = f"<style>{sheet.format(width=height * OUTLINE)}</style>" if sheet else ""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{left} {top} {width} {height}" width="{width}" height="{height}">{head}{body}</svg>'
    )


def draw(svg: str, side: int = SIDE) -> np.ndarray | None:
    """Draw an SVG in a square, centred, without distortion.

    Returns:
        `[side, side, 4]` uint8, RGB not multiplied by alpha; None if it cannot be drawn or is empty.
    """
    try:
        png = resvg_py.svg_to_bytes(svg_string=svg, width=side, skip_system_fonts=True)
    except ValueError:
        return None
    image = Image.open(io.BytesIO(bytes(png))).convert("RGBA")
    if image.size != (side, side):
        image.thumbnail((side, side), Image.Resampling.BICUBIC)
        square = Image.new("RGBA", (side, side), (0, 0, 0, 0))
        square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
        image = square
    pixels = np.asarray(image)
    return pixels if (pixels[..., 3] > 0).mean() > 0.01 else None


def crop_page(pixels: np.ndarray, side: int) -> np.ndarray | None:
    """Cut a drawing out of its page by its alpha, square and with a small margin, and bring it to `side`."""
    rows, columns = np.nonzero(pixels[..., 3] > 8)
    if not len(rows):
        return None
    top, bottom, left, right = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
    image = Image.fromarray(pixels[top:bottom, left:right])
    longest = round(max(image.size) * 1.04) or 1
    square = Image.new("RGBA", (longest, longest), (0, 0, 0, 0))
    square.paste(image, ((longest - image.width) // 2, (longest - image.height) // 2))
    return np.asarray(square.resize((side, side), Image.Resampling.BICUBIC))
