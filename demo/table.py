"""Lines of text in columns, for a terminal or a log of 110 characters. Must not know what the columns hold."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

#: Longest line that the demo prints.
LINE_WIDTH = 110
_INDENT = "  "
_GAP = "  "


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        title: Stands above it.
        width: In characters; what is longer is cut, and ends in dots.
        is_number: Whether it is set to the right.
    """

    title: str
    width: int
    is_number: bool = False

    def fit(self, text: str) -> str:
        """Bring a cell to the column's width."""
        if len(text) > self.width:
            text = f"{text[: self.width - 3]}..."
        return text.rjust(self.width) if self.is_number else text.ljust(self.width)


class Table:
    """Columns side by side, given out line by line, so that a slow table can be read while it grows."""

    def __init__(self, *columns: Column) -> None:
        width = len(_INDENT) + sum(column.width for column in columns) + len(_GAP) * (len(columns) - 1)
        if width > LINE_WIDTH:
            raise ValueError(f"the columns take {width} characters; a line has {LINE_WIDTH}.")
        self.columns = columns

    def heading(self) -> str:
        """Return the titles, and a rule below them."""
        rule = _INDENT + _GAP.join("-" * column.width for column in self.columns)
        return f"{self.line(*(column.title for column in self.columns))}\n{rule}"

    def line(self, *cells: str) -> str:
        """Return one line of as many cells as there are columns."""
        fitted = (column.fit(cell) for column, cell in zip(self.columns, cells, strict=True))
        return (_INDENT + _GAP.join(fitted)).rstrip()


def paragraph(text: str, indent: str = _INDENT) -> str:
    """Return running text broken into lines, the second and later ones indented once more."""
    return textwrap.fill(
        text, LINE_WIDTH, initial_indent=indent, subsequent_indent=indent + _INDENT, break_on_hyphens=False
    )


def print_title(text: str) -> None:
    """Print the title of a part, underlined, below an empty line."""
    print(f"\n{text}\n{'=' * len(text)}", flush=True)
