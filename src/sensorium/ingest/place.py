"""Where in a file a record lies: a page, seconds, characters, or all of it. Must not know files, records or formats."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from sensorium.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A part of a file. All fields None: the whole of it.

    Attributes:
        page: Number of the page, counted from 1.
        start_s: Where a segment of a recording or a clip begins, in seconds from its beginning.
        end_s: Where it ends, in seconds.
        start: Where a passage begins, in characters of the decoded text, counted from 0.
        end: Where it ends: the first character that is no longer part of it.

    Raises:
        InputError: More than one kind of place, half a range, or numbers that no place has.

    Example:
        >>> print(Place(start_s=61.5, end_s=80))
        1:01.5-1:20
    """

    page: int | None = None
    start_s: float | None = None
    end_s: float | None = None
    start: int | None = None
    end: int | None = None

    def __post_init__(self) -> None:
        ranges = ((self.start_s, self.end_s), (self.start, self.end))
        is_half = any((begin is None) != (end is None) for begin, end in ranges)
        kinds = (self.page is not None) + sum(begin is not None for begin, _ in ranges)
        is_wrong = (self.page is not None and self.page < 1) or any(
            begin is not None and end is not None and not 0 <= begin <= end < math.inf for begin, end in ranges
        )
        if is_half or kinds > 1 or is_wrong:
            raise InputError(
                f"{self!r} is no place: give a page from 1, or start_s and end_s, or start and end, with 0 <= start <= "
                "end; or nothing for a whole file."
            )

    @property
    def beginning(self) -> tuple[str, int | float] | None:
        """What tells this place from the others of its file: the kind of place, and where it begins."""
        if self.page is not None:
            return "page", self.page
        if self.start_s is not None:
            return "seconds", self.start_s
        return None if self.start is None else ("characters", self.start)

    def as_dict(self) -> dict[str, int | float | None]:
        """Give all five fields by name, those that are None included."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Place:
        """Build a place from `as_dict`; keys that are no field are left alone."""
        return cls(**{one.name: values.get(one.name) for one in fields(cls)})

    def __str__(self) -> str:
        if self.page is not None:
            return f"page {self.page}"
        if self.start_s is not None and self.end_s is not None:
            return f"{_show_time(self.start_s)}-{_show_time(self.end_s)}"
        return "" if self.start is None else f"characters {self.start}-{self.end}"


def _show_time(seconds: float) -> str:
    tenths = round(seconds * 10)
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{tenths % 10}" if tenths % 10 else ""
    clock = f"{minutes:02d}" if hours else f"{minutes}"
    return f"{f'{hours}:' if hours else ''}{clock}:{tenths // 10:02d}{fraction}"
