"""A stored record's content again: from its file where that is still there, else from what the row keeps of it.

Must not know who reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensorium.ingest.place import Place
from sensorium.ingest.reopening import reopen
from sensorium.media.samples import Part, Sample

if TYPE_CHECKING:
    from sensorium.collection.results import SearchResult
    from sensorium.ingest import IngestSettings
    from sensorium.store import Row


def read_content(row: Row | SearchResult, settings: IngestSettings) -> Sample | None:
    """Give what was encoded, undecoded where it comes from a file.

    Args:
        row: The record.
        settings: By which its file was cut.

    Returns:
        A sample; of a loose picture, its thumbnail. None if its file is gone and nothing of it is kept.

    Raises:
        MediaError: The file is there, and can no longer be read.
    """
    heading = row.metadata.get("heading")
    if row.path is not None or row.modality == "text":
        sample = reopen(
            row.path,
            row.modality,
            Place.from_dict(row.place.as_dict()),
            settings,
            text=row.text,
            heading=heading if isinstance(heading, str) else None,
        )
        if sample is not None:
            return sample
    if row.thumbnail is not None and row.modality in ("image", "video"):
        return Sample("image", (Part("image", row.thumbnail),))
    return None if row.text is None else Sample("text", (Part("text", row.text, True),))
