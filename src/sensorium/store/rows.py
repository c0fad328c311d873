"""What a collection keeps and gives back: rows, and rows that a search found.

Must not know how they are stored, what a vector means, or where the files they come from are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np

MetadataValue: TypeAlias = str | int | float | bool | datetime | None
Metadata: TypeAlias = Mapping[str, MetadataValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in its source a row lies. All fields None: the whole of it.

    Attributes:
        page: Number of the page, counted from 1.
        start_s: Where a segment begins, in seconds.
        end_s: Where it ends, in seconds.
        start: First character of a passage, counted from 0.
        end: The first character after it.
    """

    page: int | None = None
    start_s: float | None = None
    end_s: float | None = None
    start: int | None = None
    end: int | None = None

    def as_dict(self) -> dict[str, int | float | None]:
        """Give all five fields by name, those that are None included."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """One thing that can be found.

    Attributes:
        id: Names the row; writing a row whose id is there replaces the older one.
        key: Names its source; the rows of one file share it.
        path: Where the file is, as text, or None.
        place: Where in the source it lies.
        modality: `"text"`, `"image"`, `"audio"`, `"video"`, or several joined by `+`.
        digest: Of the encoded content: rows with equal digests have equal vectors.
        vector: float32 `[dim]`, finite and not all zero; None when it was read without its vector, which cannot be
            written back.
        text: The words in it, for full text, or None.
        metadata: Name -> value. Each name becomes a column whose type its first value decides. None and NaN mean that
            there is no value; they are not given back.
        thumbnail: A small picture as an encoded file, or None.
    """

    id: str
    key: str
    path: str | None = None
    place: Place = field(default_factory=Place)
    modality: str
    digest: str
    vector: np.ndarray | None = field(default=None, repr=False)
    text: str | None = field(default=None, repr=False)
    metadata: Metadata = field(default_factory=dict)
    thumbnail: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hit(Row):
    """A row that a search found. Its vector is None unless asked for.

    Attributes:
        score: Cosine of the angle between the row's vector and the query, -1 to 1, from a search by vector.
        text_score: BM25 of the row's text for the query, above 0, from a search by words. It compares rows of one
            search only.
    """

    score: float | None = None
    text_score: float | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """The few fields that tell what is in a collection, without its contents."""

    id: str
    key: str
    path: str | None
    digest: str
