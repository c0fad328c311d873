"""What reading a file gives: records, and a word for each file that gave none.

A record says what it is and where it comes from, and holds its content undecoded: an encoder decodes it in its own
threads, which leaves a thumbnail behind, and what nobody looks at costs nothing. Must not know formats, nor who
encodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from sensorium.ingest.identity import make_id
from sensorium.ingest.place import Place
from sensorium.media.modality import read_sample
from sensorium.media.samples import Part, Sample

if TYPE_CHECKING:
    from datetime import datetime

    from sensorium.errors import SensoriumError
    from sensorium.ingest.settings import IngestSettings, Shape
    from sensorium.types import BaseModality

    MetadataValue = str | int | float | bool | datetime | None


class Held(Protocol):
    """Content that is not decoded yet. It is small, can be pickled, and may be asked by several threads at once."""

    def value(self) -> Any:
        """Give what an encoder takes. Nothing is decoded."""
        ...

    def thumbnail(self, side: int) -> bytes | None:
        """Draw it as a JPEG whose sides are at most `side` pixels long; None if there is nothing to draw.

        If it has been decoded before, what that left behind is given, and nothing is decoded again.

        Raises:
            MediaError: It can no longer be read.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One thing to encode, store and find.

    Attributes:
        id: Names the record: equal on every machine and in every order for one key, place and way of cutting.
        key: Names its source: the path relative to the folder that was read, with `/`, or the caller's id.
        path: Where the file is, as text that can be shown and stored; None for loose items.
        place: Where in the source the content lies.
        modality: `"text"`, `"image"`, `"audio"` or `"video"`; of a mixed item, its modalities joined by `+`.
        digest: Of the content that is encoded: records with equal digests have equal vectors.
        text: The words in it, for full text: the passage itself, or what a page says. None if there are none.
        metadata: What is known of it beside the content: the caller's fields, and those of its format.
        size: Bytes of the file, or None.
        mtime_ns: When the file was last changed, in nanoseconds of the file system's clock, or None.
        held: The content, not decoded.
        thumbnail_side: Most pixels of the longer side of `thumbnail()`.
    """

    id: str
    key: str
    path: str | None
    place: Place
    modality: str
    digest: str
    text: str | None = None
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)
    size: int | None = None
    mtime_ns: int | None = None
    held: Held = field(repr=False)
    thumbnail_side: int = field(default=256, repr=False)

    @property
    def content(self) -> Any:
        """What an encoder takes; asking for it decodes nothing.

        A `str`; for an image, a page, or a segment of a recording or a clip, an object that an encoder decodes in its
        own threads, and whose `decode()` does so for anybody else (to a `PIL.Image`, a `media.Waveform` or
        `media.Frames`); of a value in memory, that value.
        """
        return self.held.value()

    def to_sample(self) -> Sample:
        """Give the content in the form in which no text is ever taken for a path or an address.

        Encode this, not `content`: a passage that consists of the name of a picture would be opened.
        """
        content = self.content
        if self.modality in ("text", "image", "audio", "video"):
            return Sample(self.modality, (Part(self.modality, content, self.modality == "text"),))  # type: ignore[arg-type]
        return read_sample(content)

    def thumbnail(self) -> bytes | None:
        """Give a small picture of it, as a JPEG; None for text and sounds.

        If this record's content has been decoded, by an encoder or otherwise, the picture was drawn then and costs
        nothing now. Otherwise it is decoded for it, no larger than needed.

        Raises:
            MediaError: The file can no longer be read.
        """
        return self.held.thumbnail(self.thumbnail_side)


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedFile:
    """A file that was left out on purpose, with nothing wrong with it.

    Attributes:
        key: As of a record.
        path: Where it is.
        reason: Why, as a sentence.
        size: Bytes, or None if nobody looked.
        mtime_ns: When it was last changed, or None.
    """

    key: str
    path: str | None
    reason: str
    size: int | None = None
    mtime_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableFile:
    """A file, folder or page that should have given records and could not.

    Attributes:
        key: As of a record.
        path: Where it is.
        reason: What is wrong and what to do, as a sentence.
        error: The error as it was raised.
        place: The page, if only that cannot be read.
        size: Bytes, or None. With `mtime_ns`, it says whether trying again is worth it.
        mtime_ns: When it was last changed, or None.
    """

    key: str
    path: str | None
    reason: str
    error: SensoriumError
    place: Place = field(default_factory=Place)
    size: int | None = None
    mtime_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What all records of one source have in common.

    Attributes:
        key: As of a record.
        path: As of a record.
        settings: By which it is cut.
        metadata: The caller's fields.
        size: Bytes of the file, or None.
        mtime_ns: When it was last changed, or None.
    """

    key: str
    path: str | None
    settings: IngestSettings
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)
    size: int | None = None
    mtime_ns: int | None = None

    def make_record(
        self,
        held: Held,
        place: Place,
        modality: BaseModality | str,
        digest: str,
        shape: Shape,
        text: str | None = None,
        metadata: Mapping[str, MetadataValue | None] | None = None,
    ) -> Record:
        """Make a record of this source; what it knows itself (`metadata`, None left out) yields to the caller's."""
        known = {name: value for name, value in (metadata or {}).items() if value is not None}
        return Record(
            id=make_id(self.key, place, self.settings.digest(shape)),
            key=self.key,
            path=self.path,
            place=place,
            modality=modality,
            digest=digest,
            text=text,
            metadata={**known, **self.metadata},
            size=self.size,
            mtime_ns=self.mtime_ns,
            held=held,
            thumbnail_side=self.settings.thumbnail_side,
        )

    def skip(self, reason: str) -> SkippedFile:
        """Say that the source was left out."""
        return SkippedFile(key=self.key, path=self.path, reason=reason, size=self.size, mtime_ns=self.mtime_ns)

    def fail(self, error: SensoriumError, place: Place | None = None) -> UnreadableFile:
        """Say that the source, or a page of it, cannot be read."""
        reason = str(getattr(error, "reason", error))
        return UnreadableFile(
            key=self.key,
            path=self.path,
            reason=reason,
            error=error,
            place=place or Place(),
            size=self.size,
            mtime_ns=self.mtime_ns,
        )
