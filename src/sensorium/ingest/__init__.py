"""From files, folders and loose items to records: what to encode, where it lies, and names for it that stay.

The public face of the room, each name loaded from its home on first use. Inside the room, files import each other and
never this one. It never sees torch, knows no encoder and no store.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sensorium.ingest.audio_segments import AudioSegment
    from sensorium.ingest.identity import hash_file, hash_text
    from sensorium.ingest.items import read_items
    from sensorium.ingest.listing import SourceFile
    from sensorium.ingest.place import Place
    from sensorium.ingest.reading import read_all, read_records
    from sensorium.ingest.records import Record, SkippedFile, UnreadableFile
    from sensorium.ingest.reopening import reopen
    from sensorium.ingest.settings import IngestSettings
    from sensorium.ingest.sniff import sniff_content
    from sensorium.ingest.video_segments import VideoSegment
    from sensorium.ingest.walking import walk

#: Home -> the names that live there.
_HOMES: dict[str, tuple[str, ...]] = {
    "audio_segments": ("AudioSegment",),
    "identity": ("hash_file", "hash_text"),
    "items": ("read_items",),
    "listing": ("SourceFile",),
    "place": ("Place",),
    "reading": ("read_all", "read_records"),
    "records": ("Record", "SkippedFile", "UnreadableFile"),
    "reopening": ("reopen",),
    "settings": ("IngestSettings",),
    "sniff": ("sniff_content",),
    "video_segments": ("VideoSegment",),
    "walking": ("walk",),
}
_HOME_OF: dict[str, str] = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AudioSegment",
    "IngestSettings",
    "Place",
    "Record",
    "SkippedFile",
    "SourceFile",
    "UnreadableFile",
    "VideoSegment",
    "hash_file",
    "hash_text",
    "read_all",
    "read_items",
    "read_records",
    "reopen",
    "sniff_content",
    "walk",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'sensorium.ingest' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"sensorium.ingest.{home}"), name)
    globals()[name] = value  # the next access is a plain lookup
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
