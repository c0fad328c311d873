"""Images as they are: one record each, decoded by whoever encodes it. Must not know how a file was found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sensorium.ingest.identity import hash_file
from sensorium.ingest.place import Place
from sensorium.ingest.records import Origin, Record
from sensorium.ingest.thumbnails import draw_thumbnail
from sensorium.media.image import decode_image, probe_image

if TYPE_CHECKING:
    from sensorium.media.limits import MediaLimits
    from sensorium.media.source import Source


@dataclass(frozen=True, slots=True)
class HeldImage:
    """An image file, or the bytes of one."""

    source: Source
    limits: MediaLimits

    def value(self) -> Path | bytes:
        """Give its path, or its bytes, for the encoder's threads to decode."""
        return self.source.read() if self.source.path is None else Path(self.source.path)

    def thumbnail(self, side: int) -> bytes:
        """Draw it small; a JPEG is decoded no larger than needed."""
        return draw_thumbnail(decode_image(self.source, self.limits, min_side=side), side)


def read_image_file(source: Source, format_name: str, origin: Origin, known_digest: str | None) -> Iterator[Record]:
    """Give the record of an image. Only its header and its bytes are read, and no pixel is decoded.

    Args:
        source: The file.
        format_name: Its format, for the metadata.
        origin: Whose record it is.
        known_digest: Of the file, if it is known.

    Raises:
        MediaError: The header is damaged, or the file cannot be read.
        MediaLimitError: Larger than the limits allow.
    """
    limits = origin.settings.limits
    width, height = probe_image(source, limits)
    yield origin.make_record(
        HeldImage(source, limits),
        Place(),
        "image",
        known_digest or hash_file(source),
        "image",
        metadata={"format": format_name, "width": width, "height": height},
    )
