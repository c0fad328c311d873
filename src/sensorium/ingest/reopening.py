"""A stored record's content again, from its file and its place, without reading the rest of the file.

Must not know where records are stored.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensorium.errors import MissingMediaError
from sensorium.ingest.audio_segments import AudioSegment
from sensorium.ingest.clip_times import read_clip_times
from sensorium.ingest.image_files import HeldImage
from sensorium.ingest.pdf_file import PdfFile
from sensorium.ingest.pdf_pages import HeldPage
from sensorium.ingest.recording import Recording
from sensorium.ingest.text_files import join_heading
from sensorium.ingest.video_segments import VideoSegment
from sensorium.media.image import probe_image
from sensorium.media.limits import MediaSettings
from sensorium.media.samples import Part, Sample
from sensorium.media.source import open_source

if TYPE_CHECKING:
    from sensorium.ingest.place import Place
    from sensorium.ingest.settings import IngestSettings
    from sensorium.media.source import Source


def reopen(
    path: str | None,
    modality: str,
    place: Place,
    settings: IngestSettings,
    text: str | None = None,
    heading: str | None = None,
) -> Sample | None:
    """Give what a record held, as `Record.to_sample` gave it.

    Of an image the header is read, of a recording the beginning, of a clip the time stamps, of a PDF file nothing: what
    is found to be wrong only when the sample is decoded is an error then.

    Args:
        path: Of its file, or None.
        modality: As of a record.
        place: As of a record.
        settings: By which the file was cut.
        text: The record's words; they are what a passage holds, whose file is not opened.
        heading: The headings above a passage, as its metadata states them.

    Returns:
        A sample, not decoded, and equal to the record's for as long as the file has not changed (but for the noise that
        AAC has its decoder make up); None if its file is gone, if it never had one and is no text, or if it is a
        mixture, which no file holds.

    Raises:
        MediaError: The file is there, and can no longer be read.
        MissingExtraError: A package that its kind needs is not installed.
    """
    if modality == "text":
        return None if text is None else Sample("text", (Part("text", join_heading(heading, text), True),))
    if path is None or modality not in _OPENERS:
        return None
    try:
        source = open_source(Path(path), MediaSettings(limits=settings.limits))
        value = _OPENERS[modality](source, place, settings)
    except MissingMediaError:
        return None
    return Sample(modality, (Part(modality, value),))  # type: ignore[arg-type]


def _open_image(source: Source, place: Place, settings: IngestSettings) -> Any:
    if place.page is None:
        return HeldImage(source, settings.limits, probe_image(source, settings.limits))
    return HeldPage(PdfFile(source), place.page, settings.page_pixels)


def _open_recording(source: Source, place: Place, settings: IngestSettings) -> Any:
    if place.start_s is None or place.end_s is None:
        return source
    recording = Recording(source, settings.limits)
    with recording.kept_open() as reader:
        return AudioSegment(recording, place.start_s, place.end_s, reader.rate)


def _open_clip(source: Source, place: Place, settings: IngestSettings) -> Any:
    if place.start_s is None or place.end_s is None:
        return source
    times = read_clip_times(source, settings.limits)
    numbers = times.pick_frames(place.start_s, place.end_s, settings.frames_per_segment)
    size = (times.width, times.height)
    return VideoSegment(source, settings.limits, place.start_s, place.end_s, numbers, settings.frame_pixels, size)


_OPENERS = {"image": _open_image, "audio": _open_recording, "video": _open_clip}
