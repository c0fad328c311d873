"""Collections: files of every kind in one folder on disk, found with words, pictures, sounds and clips.

The public face of the room, each name loaded from its home on first use, and no model before it is needed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sensorium.collection.answering import Answer, ask
    from sensorium.collection.collection import Collection
    from sensorium.collection.context import Context, Source
    from sensorium.collection.results import (
        CollectionStats,
        IndexProgress,
        IndexReport,
        ScoreParts,
        SearchResult,
        Unreadable,
    )

#: Home -> the names that live there.
_HOMES: dict[str, tuple[str, ...]] = {
    "answering": ("Answer", "ask"),
    "collection": ("Collection",),
    "context": ("Context", "Source"),
    "results": ("CollectionStats", "IndexProgress", "IndexReport", "ScoreParts", "SearchResult", "Unreadable"),
}
_HOME_OF: dict[str, str] = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Answer",
    "Collection",
    "CollectionStats",
    "Context",
    "IndexProgress",
    "IndexReport",
    "ScoreParts",
    "SearchResult",
    "Source",
    "Unreadable",
    "ask",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'sensorium.collection' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"sensorium.collection.{home}"), name)
    globals()[name] = value  # the next access is a plain lookup
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
