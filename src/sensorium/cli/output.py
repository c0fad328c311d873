"""Consoles, lines, tables and JSON: how commands print.

Everything printed here goes through `escaping.show`, and rich never reads it as markup. On a terminal a table is drawn;
in a pipe its rows are lines with tabs between the fields, whole and uncoloured. Must not know what is printed.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from rich.console import Console
from rich.text import Text

from sensorium.cli.escaping import show

if TYPE_CHECKING:
    from rich.console import RenderableType

#: Terminals that print the sequence of a link instead of obeying or ignoring it.
_WITHOUT_LINKS = frozenset({"dumb", "linux"})


class _QuietConsole(Console):
    """A console that leaves a closed pipe to the door of the command line."""

    def on_broken_pipe(self) -> NoReturn:
        raise BrokenPipeError


def output_console() -> Console:
    """Give a console on standard output."""
    return _QuietConsole(file=sys.stdout, markup=False, emoji=False, highlight=False)


def error_console() -> Console:
    """Give a console on standard error."""
    return _QuietConsole(file=sys.stderr, markup=False, emoji=False, highlight=False)


def is_output_terminal() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout.isatty()


def is_input_terminal() -> bool:
    """Whether standard input is a terminal, so that somebody can be asked."""
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()


def print_line(text: object = "", *, keep: str = "") -> None:
    """Print one line on standard output."""
    print(show(text, keep=keep))


def print_note(text: object) -> None:
    """Print one line on standard error: what is worth knowing beside the output."""
    print(show(text), file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    """Print a value as one JSON document of ASCII letters, which no terminal obeys and every encoding can hold."""
    print(json.dumps(value, indent=2, ensure_ascii=True, default=_as_plain))


def _as_plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        title: Its head.
        is_number: Set to the right, never broken.
        is_whole: Never broken: an id to copy, a picture.
    """

    title: str
    is_number: bool = False
    is_whole: bool = False


def print_table(columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> None:
    """Print rows: a table on a terminal, lines with tabs in a pipe, with the titles as the first.

    Args:
        columns: One each.
        rows: A field a column: a rich `Text`, made by `linked` or of pictures, or anything else, which is shown.
    """
    if not is_output_terminal():
        print("\t".join(column.title for column in columns))
        for row in rows:
            print("\t".join(field.plain if isinstance(field, Text) else show(field) for field in row))
        return
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for column in columns:
        table.add_column(
            column.title,
            justify="right" if column.is_number else "left",
            no_wrap=column.is_number or column.is_whole,
            overflow="fold",  # so that a path is all there
        )
    for row in rows:
        table.add_row(*(_as_cell(field) for field in row))
    output_console().print(table)


def _as_cell(field: object) -> RenderableType:
    return field if isinstance(field, Text) else Text(show(field))


def linked(label: object, path: str | os.PathLike[str] | None) -> Text:
    """Give a label that opens a file where the terminal can do so (OSC 8).

    Source:
        "Hyperlinks in terminal emulators", E. Koblinger: the form of the sequence; rich writes it.
    """
    text = Text(show(label))
    if path is not None and os.path.isabs(path) and os.environ.get("TERM") not in _WITHOUT_LINKS:
        text.stylize(f"link {_to_address(path)}")
    return text


def _to_address(path: str | os.PathLike[str]) -> str:
    # Percent signs stand for every byte that is no plain letter, control characters included.
    return Path(path).as_uri()


def show_size(count: int) -> str:
    """Give a number of bytes in the unit that suits it."""
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{count} bytes" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def show_seconds(seconds: float) -> str:
    """Give a duration as `0.4 s`, `12 s`, `3:05` or `1:02:03`."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def count_of(number: int, noun: str) -> str:
    """Give a number with its noun: `1 file`, `2 files`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
