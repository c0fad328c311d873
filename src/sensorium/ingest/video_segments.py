"""Clips as segments of a few frames, found by seeking when they are encoded. Must not know how a clip is decoded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PIL import Image

from sensorium.ingest.clip_times import read_clip_times
from sensorium.ingest.identity import derive_digest, hash_file
from sensorium.ingest.place import Place
from sensorium.ingest.records import Origin, Record
from sensorium.ingest.segments import check_seconds, plan_segments
from sensorium.ingest.thumbnails import KeptThumbnail, fit_area, shrink_frames
from sensorium.media.samples import Frames
from sensorium.media.video import decode_video

if TYPE_CHECKING:
    import numpy as np

    from sensorium.media.limits import MediaLimits
    from sensorium.media.source import Source


@dataclass(frozen=True, slots=True)
class VideoMetadata:
    """What is known of a segment before it is decoded; `num_frames` are those that it offers."""

    num_frames: int
    average_fps: float
    duration_seconds: float
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class FrameBatch:
    """Decoded frames in the form of torchcodec's batch, of which `sensorium.media` asks for numpy's layout again.

    Attributes:
        frames: uint8 `[frames, height, width, 3]`.
    """

    frames: np.ndarray

    @property
    def data(self) -> FrameBatch:
        """The frames, as if `[frames, 3, height, width]`."""
        return self

    def permute(self, *axes: int) -> FrameBatch:
        """Bring the channels to the end, where they are already."""
        assert axes == (0, 2, 3, 1), "the one order that is asked for"
        return self

    def cpu(self) -> FrameBatch:
        """Give itself."""
        return self

    def numpy(self) -> np.ndarray:
        """Give the frames: uint8 `[frames, height, width, 3]`."""
        return self.frames


@dataclass(frozen=True, slots=True)
class VideoSegment:
    """A part of a clip as a few of its frames, to be decoded when they are needed.

    It has the interface of torchcodec's `VideoDecoder`, as far as `sensorium.media` uses it, so that an encoder takes
    it as it takes a file and decodes it in its own threads. Its frames are counted from 0, whatever their numbers in
    the clip are.

    Attributes:
        source: The clip's file.
        limits: What its frames are checked against.
        start_s: Where it begins, in seconds.
        end_s: Where it ends.
        numbers: Of its frames in the clip, rising.
        frame_pixels: Most pixels of one frame; a larger one is scaled down.
        size: Width and height of a frame in the file.
        thumbnail_side: Most pixels of the longer side of the thumbnail that decoding leaves behind; None for none.
    """

    source: Source
    limits: MediaLimits
    start_s: float
    end_s: float
    numbers: tuple[int, ...]
    frame_pixels: int
    size: tuple[int, int]
    thumbnail_side: int | None = None
    _thumbnail: KeptThumbnail = field(init=False, repr=False, compare=False, default_factory=KeptThumbnail)

    @property
    def metadata(self) -> VideoMetadata:
        """What is known before it is decoded."""
        seconds, count = self.end_s - self.start_s, len(self.numbers)
        return VideoMetadata(count, count / seconds, seconds, *fit_area(self.size, self.frame_pixels))

    def decode(self) -> Frames:
        """Decode its frames, with `fps`, `total_num_frames`, `duration`, `frames_indices` of the segment.

        Raises:
            MediaError: The file is gone, or damaged there.
        """
        array = self.get_frames_at(range(len(self.numbers))).frames
        about = self.metadata
        metadata = {
            "fps": about.average_fps,
            "total_num_frames": about.num_frames,
            "duration": about.duration_seconds,
            "frames_indices": list(range(len(array))),
            "width": array.shape[2],
            "height": array.shape[1],
        }
        return Frames(array, metadata, is_sampled=True)

    def get_frames_at(self, indices: Sequence[int]) -> FrameBatch:
        """Decode some of its frames, in the form of a decoder.

        Args:
            indices: Which, counted from 0, in rising order.
        """
        batch = self._decode(indices)
        if self.thumbnail_side is not None:
            middle = len(self.numbers) // 2
            nearest = min(range(len(indices)), key=lambda row: abs(indices[row] - middle))
            self._thumbnail.draw(Image.fromarray(batch.frames[nearest]), self.thumbnail_side)
        return batch

    def value(self) -> VideoSegment:
        """Give itself: encoders take it as it is."""
        return self

    def thumbnail(self, side: int) -> bytes:
        """Give what decoding left behind: the frame in its middle, or that which is nearest to it; or draw that."""
        data = self._thumbnail.find(side)
        if data is not None:
            return data
        batch = self._decode([len(self.numbers) // 2])
        return self._thumbnail.draw(Image.fromarray(batch.frames[0]), side)

    def _decode(self, indices: Sequence[int]) -> FrameBatch:
        wanted = [self.numbers[index] for index in indices]
        frames = decode_video(self.source, lambda info: wanted, self.limits)
        return FrameBatch(shrink_frames(frames.array, self.frame_pixels))  # type: ignore[arg-type]


def read_video_file(source: Source, format_name: str, origin: Origin, known_digest: str | None) -> Iterator[Record]:
    """Give a record for each segment of a clip, in order; every second of it is in one. Nothing is decoded.

    Args:
        source: The file.
        format_name: Its format, for the metadata.
        origin: Whose records they are.
        known_digest: Of the file, if it is known.

    Raises:
        NoPictureError: There is no moving picture in it.
        MediaError: No clip of a format that is read, truncated, damaged or encrypted.
        MediaLimitError: More streams than the limits allow.
        MissingExtraError: PyAV is not installed.
    """
    settings = origin.settings
    times = read_clip_times(source, settings.limits)
    seconds = check_seconds(times.seconds, source.size, source.name)
    file_digest = known_digest or hash_file(source)
    count, pixels, size = settings.frames_per_segment, settings.frame_pixels, (times.width, times.height)
    side = settings.thumbnail_side
    for start_s, end_s in plan_segments(seconds, settings.video_segment_s, settings.video_overlap_s):
        numbers = times.pick_frames(start_s, end_s, count)
        yield origin.make_record(
            VideoSegment(source, settings.limits, start_s, end_s, numbers, pixels, size, side),
            Place(start_s=start_s, end_s=end_s),
            "video",
            # Of the frames, not of their times: while nothing changes on the screen, one vector serves.
            derive_digest(file_digest, "video", numbers, round(end_s - start_s, 6), pixels),
            "video",
            metadata={
                "format": format_name,
                "seconds": round(seconds, 3),
                "width": times.width,
                "height": times.height,
            },
        )
