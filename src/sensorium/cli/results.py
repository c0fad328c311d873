"""Results of a search as a table, with pictures, and as JSON. Must not know how they were found."""

from __future__ import annotations

import base64
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.text import Text

from sensorium.cli import thumbnails
from sensorium.cli.escaping import show
from sensorium.cli.graphics import Protocol
from sensorium.cli.output import (
    Column,
    is_output_terminal,
    linked,
    output_console,
    print_line,
    print_note,
    print_table,
)

if TYPE_CHECKING:
    from sensorium.collection import SearchResult

_COLUMNS = (
    Column("#", is_number=True),
    Column("score", is_number=True),
    Column("modality"),
    Column("path"),
    Column("place"),
    Column("snippet"),
)
_PICTURE, _ID = Column("picture", is_whole=True), Column("id", is_whole=True)


def print_results(
    results: Sequence[SearchResult], *, is_wanted: bool | None = None, has_ids: bool = False, nothing: str = ""
) -> None:
    """Print results.

    Args:
        results: The best first.
        is_wanted: Whether thumbnails are asked for; see `thumbnails.choose_way`.
        has_ids: Show the ids of records; in a pipe they always are.
        nothing: What to say if there are none.
    """
    if not results:
        print_note(nothing or "Nothing was found.")
        return
    way = thumbnails.choose_way(is_wanted)
    has_ids = has_ids or not is_output_terminal()
    has_pictures = way is not None and any(result.thumbnail for result in results)
    if has_pictures and way is not None and way != "cells":
        _print_with_pictures(results, way, has_ids)
        return
    columns = (*_COLUMNS[:2], *[_PICTURE] * has_pictures, *_COLUMNS[2:], *[_ID] * has_ids)
    print_table(columns, (_row(rank, one, has_pictures, has_ids) for rank, one in enumerate(results, 1)))


def _row(rank: int, result: SearchResult, has_pictures: bool, has_ids: bool) -> list[object]:
    fields: list[object] = [rank, show_score(result.score)]
    if has_pictures:
        fields.append(thumbnails.draw_cells(result.thumbnail))
    fields += [result.modality, linked(result.path or result.key, result.path)]
    fields += [str(result.place), one_line(result.snippet)]
    return [*fields, result.id] if has_ids else fields


def _print_with_pictures(results: Sequence[SearchResult], protocol: Protocol, has_ids: bool) -> None:
    console = output_console()
    for rank, result in enumerate(results, 1):
        head = Text(f"{rank}. {show_score(result.score)}  ", style="bold")
        place = str(result.place)
        console.print(
            Text.assemble(head, linked(result.path or result.key, result.path), f"  {place}" if place else "")
        )
        picture = thumbnails.draw_picture(result.thumbnail, protocol)
        if picture:
            sys.stdout.flush()
            sys.stdout.write(picture)
        if result.snippet:
            print_line(f"   {one_line(result.snippet)}")
        if has_ids:
            print_line(f"   {result.id}")


def show_score(score: float) -> str:
    """Give a score with as many digits as tell results apart."""
    return f"{score:.4f}"


def one_line(text: str | None) -> str:
    """Give text with its white space joined, on one line and safe to print."""
    return show(" ".join((text or "").split()))


def describe_result(result: SearchResult, rank: int, *, has_thumbnail: bool = False) -> dict[str, Any]:
    """Give a result as plain values for JSON.

    Args:
        result: Of a search.
        rank: From 1.
        has_thumbnail: Put its thumbnail in, as base64 of a JPEG file.
    """
    values: dict[str, Any] = {
        "rank": rank,
        "id": result.id,
        "key": result.key,
        "path": result.path,
        "modality": result.modality,
        "place": {name: value for name, value in result.place.as_dict().items() if value is not None},
        "place_text": str(result.place),
        "score": result.score,
        "parts": {name: value for name, value in asdict(result.parts).items() if value is not None},
        "snippet": result.snippet,
        "text": result.text,
        "metadata": dict(result.metadata),
    }
    if has_thumbnail:
        data = result.thumbnail
        values["thumbnail"] = None if data is None else base64.standard_b64encode(data).decode("ascii")
    return values
