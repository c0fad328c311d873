"""Images as they are: one record each, decoded by whoever encodes it. Must not know how a file was found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sensorium.ingest.identity import hash_file
from sensorium.ingest.place import Place
from sensorium.ingest.records import Origin, Record
from sensorium.ingest.thumbnails import KeptThumbnail, fit_side
from sensorium.media.image import decode_image, probe_image
from sensorium.media.limits import MediaSettings
from sensorium.media.source import open_source

if TYPE_CHECKING:
    from PIL import Image

    from sensorium.media.limits import MediaLimits
    from sensorium.media.source import Source


@dataclass(frozen=True, slots=True)
class HeldImage:
    """An image file, or the bytes of one, to be decoded when it is needed.

    It is a decoder of `sensorium.media`: an encoder takes it as it takes the file, and decodes it in its own threads.
    What it decodes is not kept, but for a thumbnail.

    Attributes:
        source: The file.
        limits: What its size is checked against where it is decoded for a thumbnail.
        size: Width and height in pixels, as it is shown.
        digest: Of its bytes, by which an encoder knows that it was given the same image twice; None if nobody knows.
        thumbnail_side: Most pixels of the longer side of the thumbnail that decoding leaves behind; None for none.
    """

    source: Source
    limits: MediaLimits
    size: tuple[int, int]
    digest: str | None = None
    thumbnail_side: int | None = None
    _thumbnail: KeptThumbnail = field(init=False, repr=False, compare=False, default_factory=KeptThumbnail)

    def decode(self) -> Image.Image:
        """Decode it: upright, of mode RGB.

        Raises:
            MediaError: The file is gone, or damaged.
        """
        return self.decode_image(self.limits)

    def decode_image(self, limits: MediaLimits, min_side: int | None = None) -> Image.Image:
        """Decode it, as `sensorium.media` decodes the file itself.

        Args:
            limits: What it is checked against.
            min_side: As of `media.decode_image`.

        Raises:
            MediaError: The file is gone, or damaged.
            MediaLimitError: Larger than `limits` allow.
        """
        path, name = self.source.path, self.source.name
        file = Path(path) if path is not None else {"bytes": self.source.data, "path": name}
        image = decode_image(open_source(file, MediaSettings(limits=limits)), limits, min_side)
        side = self.thumbnail_side
        # One that was decoded smaller is left alone if it is smaller than the thumbnail.
        if side is not None and max(image.size) >= min(side, max(self.size)):
            self._thumbnail.draw(image, side)
        return image

    def value(self) -> HeldImage:
        """Give itself: encoders take it as it is."""
        return self

    def thumbnail(self, side: int) -> bytes:
        """Give what decoding left behind; or draw it small, of a JPEG decoded no larger than needed."""
        data = self._thumbnail.find(side)
        if data is not None:
            return data
        least = min(fit_side(self.size, side))
        return self._thumbnail.draw(decode_image(self.source, self.limits, min_side=least), side)


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
    settings = origin.settings
    width, height = probe_image(source, settings.limits)
    digest = known_digest or hash_file(source)
    yield origin.make_record(
        HeldImage(source, settings.limits, (width, height), digest, settings.thumbnail_side),
        Place(),
        "image",
        digest,
        "image",
        metadata={"format": format_name, "width": width, "height": height},
    )
