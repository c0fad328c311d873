"""From a file to its records, whatever it holds; and from paths to all records, whatever is wrong with some files.

The one place that knows all kinds of files. Must not know how any of them is read, nor who encodes the records.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from sensorium.errors import InputError, MissingExtraError, MissingMediaError
from sensorium.ingest.audio_segments import read_audio_file
from sensorium.ingest.clip_times import NoPictureError
from sensorium.ingest.image_files import read_image_file
from sensorium.ingest.listing import SourceFile, show_path
from sensorium.ingest.pdf_pages import read_pdf
from sensorium.ingest.records import Origin, Record, SkippedFile, UnreadableFile
from sensorium.ingest.settings import IngestSettings
from sensorium.ingest.sniff import HEAD_BYTES, sniff_content
from sensorium.ingest.text_files import read_text_file
from sensorium.ingest.video_segments import read_video_file
from sensorium.ingest.walking import Paths, walk
from sensorium.media.limits import MediaSettings
from sensorium.media.source import Source, open_source

if TYPE_CHECKING:
    from sensorium.ingest.records import MetadataValue

#: What reading gives.
Entry: TypeAlias = "Record | SkippedFile | UnreadableFile"


def read_all(
    paths: Paths,
    settings: IngestSettings | None = None,
    *,
    root: str | os.PathLike[str] | None = None,
    metadata: Mapping[str, MetadataValue] | None = None,
) -> Iterator[Entry]:
    """Read everything that paths lead to.

    Args:
        paths: As of `walk`.
        settings: How files are cut, and which are left out.
        root: As of `walk`.
        metadata: Put on every record; its fields win over those of the file.

    Yields:
        Records, file by file and in order within a file; a `SkippedFile` for each file that holds nothing to read; an
        `UnreadableFile` for each that cannot be read, after the records that were. Whatever a file holds, the next one
        is read.

    Raises:
        InputError: As of `walk`.
        MissingExtraError: Patterns are used, and pathspec is not installed. (A package that one kind of file needs is
            a reason of that file.)

    Example:
        >>> for record in read_all("samples/texts"):  # doctest: +SKIP
        ...     print(record.key, record.place)
    """
    settings = settings or IngestSettings()
    found = walk(paths, settings, root=root)
    return (entry for one in found for entry in _read_found(one, settings, metadata))


def read_records(
    source: SourceFile,
    settings: IngestSettings | None = None,
    known_digest: str | None = None,
    *,
    metadata: Mapping[str, MetadataValue] | None = None,
) -> Iterator[Entry]:
    """Read one file. Records come as the file is read, and nothing in it is decoded before it is asked for.

    Args:
        source: The file, as `walk` gives it.
        settings: How it is cut.
        known_digest: The digest of the file's bytes (`hash_file`), if the caller knows that it has not changed: then
            an image, a recording, a clip or a PDF file is not read through again.
        metadata: Put on every record; its fields win over those of the file.

    Yields:
        Records, in order; an `UnreadableFile` for a page that is damaged; a `SkippedFile`, and nothing else, if the
        file holds nothing to read.

    Raises:
        MissingMediaError: The file is gone, or a link that leads elsewhere took its place.
        MediaLimitError: Larger than the limits allow.
        MediaError: It cannot be read, is truncated, damaged or encrypted.
        MissingExtraError: A package that its kind needs is not installed.
    """
    settings = settings or IngestSettings()
    origin = make_origin(source, settings, metadata)
    if source.real_path is not None and os.path.realpath(source.path) != source.real_path:
        raise MissingMediaError(
            "a link that leads elsewhere has taken its place. Read the folder again.", source=origin.path
        )
    if source.size == 0:
        yield origin.skip("It is empty.")
        return
    yield from read_source(open_source(Path(source.path), MediaSettings(limits=settings.limits)), origin, known_digest)


def read_source(source: Source, origin: Origin, known_digest: str | None = None) -> Iterator[Entry]:
    """Read a file, or the bytes of one, by what it holds; see `read_records`.

    Args:
        source: The file.
        origin: Whose records they are.
        known_digest: Of the file, if it is known.
    """
    name = source.path or (source.name if source.name != "bytes" else "")
    found = sniff_content(source.head(HEAD_BYTES), name)
    if found.kind is None:
        yield origin.skip(found.reason)
    elif found.kind == "image":
        yield from read_image_file(source, found.format, origin, known_digest)
    elif found.kind == "audio":
        yield from read_audio_file(source, found.format, origin, known_digest)
    elif found.kind == "video":
        try:
            yield from read_video_file(source, found.format, origin, known_digest)
        except NoPictureError:  # raised before the first record
            yield from read_audio_file(source, found.format, origin, known_digest)
    elif found.kind == "pdf":
        yield from read_pdf(source, origin, known_digest)
    else:
        yield from read_text_file(source, found.kind, origin)


def make_origin(
    source: SourceFile, settings: IngestSettings, metadata: Mapping[str, MetadataValue] | None = None
) -> Origin:
    """Say what all records of a file have in common."""
    return Origin(
        key=source.key,
        path=show_path(source.path),
        settings=settings,
        metadata=metadata or {},
        size=source.size,
        mtime_ns=source.mtime_ns,
    )


def _read_found(
    found: SourceFile | SkippedFile | UnreadableFile,
    settings: IngestSettings,
    metadata: Mapping[str, MetadataValue] | None,
) -> Iterator[Entry]:
    if not isinstance(found, SourceFile):
        yield found
        return
    try:
        yield from read_records(found, settings, metadata=metadata)
    except (InputError, MissingExtraError) as exc:
        yield make_origin(found, settings, metadata).fail(exc)
