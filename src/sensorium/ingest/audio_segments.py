"""Recordings as overlapping segments, each decoded when it is encoded. Must not know how a sound file is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sensorium.ingest.identity import derive_digest, hash_file
from sensorium.ingest.place import Place
from sensorium.ingest.recording import Recording
from sensorium.ingest.records import Origin, Record
from sensorium.ingest.segments import check_seconds, plan_segments

if TYPE_CHECKING:
    import numpy as np

    from sensorium.media.samples import Waveform
    from sensorium.media.source import Source


@dataclass(frozen=True, slots=True)
class AudioMetadata:
    """What is known of a segment before it is decoded."""

    duration_seconds: float
    sample_rate: int
    num_channels: int = 1


@dataclass(frozen=True, slots=True)
class AudioSamples:
    """A decoded segment: `data` is float32 `[samples]`, `sample_rate` is in Hz."""

    data: np.ndarray
    sample_rate: int | None


@dataclass(frozen=True, slots=True)
class AudioSegment:
    """A part of a recording, to be decoded when it is needed.

    It has the interface of torchcodec's `AudioDecoder`, as far as `sensorium.media` uses it, so that an encoder takes
    it as it takes a file and decodes it in its own threads.

    Attributes:
        recording: Of which it is a part.
        start_s: Where it begins, in seconds.
        end_s: Where it ends.
        sampling_rate: Samples a second that it has in the file.
    """

    recording: Recording
    start_s: float
    end_s: float
    sampling_rate: int

    @property
    def metadata(self) -> AudioMetadata:
        """What is known before it is decoded."""
        return AudioMetadata(self.end_s - self.start_s, self.sampling_rate)

    def decode(self) -> Waveform:
        """Decode it: mono float32, at the rate of the file.

        Raises:
            MediaError: The file is gone, or damaged there.
        """
        return self.recording.read(self.start_s, self.end_s)

    def get_all_samples(self) -> AudioSamples:
        """Decode it, in the form of a decoder."""
        waveform = self.decode()
        return AudioSamples(waveform.array, waveform.sampling_rate)

    def value(self) -> AudioSegment:
        """Give itself: encoders take it as it is."""
        return self

    def thumbnail(self, side: int) -> None:
        """Give nothing: a sound has no picture."""
        return None


def read_audio_file(source: Source, format_name: str, origin: Origin, known_digest: str | None) -> Iterator[Record]:
    """Give a record for each segment of a recording, in order; every second of it is in one.

    The file is open until the last record is taken, and nothing is decoded.

    Args:
        source: The file.
        format_name: Its format, for the metadata.
        origin: Whose records they are.
        known_digest: Of the file, if it is known.

    Raises:
        MediaError: No sound of a format that is read, empty, truncated or damaged.
        MediaLimitError: More streams or channels than the limits allow.
        MissingExtraError: The package that reads this format is not installed.
    """
    settings = origin.settings
    recording = Recording(source, settings.limits)
    with recording.kept_open() as reader:
        seconds = check_seconds(reader.measure(), source.size, source.name)
        file_digest = known_digest or hash_file(source)
        for start_s, end_s in plan_segments(seconds, settings.audio_segment_s, settings.audio_overlap_s):
            yield origin.make_record(
                AudioSegment(recording, start_s, end_s, reader.rate),
                Place(start_s=start_s, end_s=end_s),
                "audio",
                derive_digest(file_digest, "audio", start_s, end_s),
                "audio",
                metadata={"format": format_name, "seconds": round(seconds, 3)},
            )
