"""A contact sheet: one question a row, on the left what was asked, then the first eight answers, right ones framed.

Knows images and words, and how they are laid out in a PNG. Must not know what was asked, nor how it was answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

CELL = 96
_GAP, _LABEL, _TITLE = 10, 26, 28
_WHITE, _BLACK, _GREY, _GREEN = (255, 255, 255), (20, 20, 20), (150, 150, 150), (0, 150, 60)
_FONT, _SMALL = ImageFont.load_default(15), ImageFont.load_default(11)


@dataclass(frozen=True)
class Cell:
    """A picture, or words alone, with a line below, framed if it is a right answer.

    Attributes:
        label: The line below; for a cell without a picture the words in it.
        picture: Any size; None for words.
        is_right: Whether it answers the question.
    """

    label: str
    picture: Image.Image | None = None
    is_right: bool = False


@dataclass(frozen=True)
class SheetRow:
    """A question and its answers, best first."""

    question: Cell
    answers: Sequence[Cell]


def draw_sheet(sections: Sequence[tuple[str, Sequence[SheetRow]]]) -> Image.Image:
    """Draw the sheet.

    Args:
        sections: A title and its rows, each.

    Returns:
        An RGB image, as high as the rows need.
    """
    columns = 1 + max(len(row.answers) for _, rows in sections for row in rows)
    height = sum(_TITLE + len(rows) * (CELL + _LABEL + _GAP) for _, rows in sections) + _GAP
    sheet = Image.new("RGB", (columns * (CELL + _GAP) + 3 * _GAP, height), _WHITE)
    brush = ImageDraw.Draw(sheet)
    top = _GAP
    for title, rows in sections:
        brush.text((_GAP, top), title, _BLACK, _FONT)
        top += _TITLE
        for row in rows:
            _draw_cell(sheet, brush, _GAP, top, row.question)
            for place, answer in enumerate(row.answers, start=1):
                _draw_cell(sheet, brush, 2 * _GAP + place * (CELL + _GAP), top, answer)
            top += CELL + _LABEL + _GAP
    return sheet


def write_sheet(sections: Sequence[tuple[str, Sequence[SheetRow]]], path: Path) -> None:
    """Draw the sheet into a PNG file, and the folder it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draw_sheet(sections).save(path, optimize=True)


def draw_wave(samples: np.ndarray) -> Image.Image:
    """Draw a sound `[n]` as the outline of its loudness."""
    image = Image.new("RGB", (CELL, CELL), (240, 244, 250))
    brush = ImageDraw.Draw(image)
    highest = float(np.abs(samples).max()) or 1.0
    for column, part in enumerate(np.array_split(samples, CELL)):
        half = 0.45 * CELL * float(np.abs(part).max(initial=0.0)) / highest
        brush.line([(column, CELL / 2 - half), (column, CELL / 2 + half)], (40, 90, 170))
    return image


def _draw_cell(sheet: Image.Image, brush: ImageDraw.ImageDraw, left: int, top: int, cell: Cell) -> None:
    if cell.picture is None:
        brush.multiline_text((left + 4, top + 8), _wrap(cell.label, CELL - 8), _BLACK, _FONT)
    else:
        picture = cell.picture.convert("RGB")
        picture.thumbnail((CELL, CELL))
        sheet.paste(picture, (left + (CELL - picture.width) // 2, top + (CELL - picture.height) // 2))
        brush.multiline_text((left, top + CELL + 2), _wrap(cell.label, CELL, 2, _SMALL), _GREY, _SMALL, spacing=0)
    frame = (_GREEN, 3) if cell.is_right else ((225, 225, 225), 1)
    brush.rectangle((left - 1, top - 1, left + CELL, top + CELL), outline=frame[0], width=frame[1])


def _wrap(text: str, width: int, most: int = 5, font: ImageFont.FreeTypeFont | ImageFont.ImageFont = _FONT) -> str:
    """Break a text into lines that fit a width in pixels; what is beyond the last line is left out."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return "\n".join(lines[:most])
