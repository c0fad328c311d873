"""Which frames of a clip are shown in which seconds. Must not know records, nor pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sensorium.errors import MediaError
from sensorium.media.completeness import check_complete
from sensorium.media.containers import open_container
from sensorium.media.protection import check_unprotected
from sensorium.media.timeline import MAX_SCAN_BYTES, Timeline, estimate_timeline, scan_timeline

if TYPE_CHECKING:
    from av.video.stream import VideoStream

    from sensorium.media.limits import MediaLimits
    from sensorium.media.source import Source

_PURPOSE = "Reading a clip"
# Where nothing states a rate: one frame a second, as of a slide show.
_UNKNOWN_FPS = 1.0


@dataclass(frozen=True, slots=True)
class ClipTimes:
    """When the frames of a clip are shown.

    Attributes:
        seconds: Its length, to the end of the last frame.
        fps: Frames a second, on average.
        width: Pixels of a frame as it is coded.
        height: Pixels of a frame as it is coded.
    """

    seconds: float
    fps: float
    width: int
    height: int
    _timeline: Timeline
    _tick: float

    def pick_frames(self, start_s: float, end_s: float, count: int) -> tuple[int, ...]:
        """Choose frames of a segment: those shown in the middle of as many equal parts of it.

        Args:
            start_s: Where it begins, in seconds.
            end_s: Where it ends.
            count: How many; fewer come back if it has fewer.

        Returns:
            Their numbers as `sensorium.media` counts them, rising, each once.
        """
        step = (end_s - start_s) / count
        numbers = {self._number_at(start_s + (at + 0.5) * step) for at in range(count)}
        return tuple(sorted(numbers))

    def _number_at(self, seconds: float) -> int:
        """Give the frame that is on the screen at a time: the last one shown at or before it."""
        line = self._timeline
        if not line.is_seekable:
            number = int(seconds * self.fps)
        else:
            time = line.start + seconds / self._tick
            number = line.number_of(time)
            if number > 0 and line.time_of(number) > time:
                number -= 1
        return min(max(number, 0), line.count - 1)


def read_clip_times(source: Source, limits: MediaLimits) -> ClipTimes:
    """Read when the frames of a clip are shown, decoding none of them.

    Args:
        source: The file.
        limits: What the number of its streams is checked against.

    Raises:
        MediaError: No clip of a format that is read, no moving picture in it, truncated, damaged or encrypted.
        MediaLimitError: More streams than `limits` allow.
        MissingExtraError: PyAV is not installed.
    """
    check_complete(source)
    check_unprotected(source)
    with open_container(source, limits, _PURPOSE) as container:
        stream = next((one for one in container.streams.video if _is_clip(one)), None)
        if stream is None:
            raise NoPictureError("the file has no moving picture that can be decoded.", source=source.name)
        rate = float(stream.average_rate or stream.guessed_rate or 0)
        fps = rate if 0 < rate < float("inf") else _UNKNOWN_FPS
        if source.size > MAX_SCAN_BYTES:
            timeline = estimate_timeline(container, stream, fps)
        else:
            timeline = scan_timeline(container, stream, fps)
        tick = float(stream.time_base or 1 / fps)
        if not timeline.is_seekable or timeline.count == 1:
            seconds = timeline.count / fps
        elif timeline.times is None:
            seconds = timeline.count * timeline.step * tick
        else:
            seconds = (float(timeline.times[-1] - timeline.times[0]) + timeline.step) * tick
        return ClipTimes(seconds, timeline.count / seconds, stream.width, stream.height, timeline, tick)


class NoPictureError(MediaError):
    """A container of clips that holds none: a sound, as a rule."""


def _is_clip(stream: VideoStream) -> bool:
    """Tell whether a stream can be decoded and is no picture attached to a sound, such as the cover of an album."""
    flags = getattr(stream, "disposition", None)  # PyAV 13 and later
    is_cover = flags is not None and bool(flags & type(flags)["attached_pic"])
    return not is_cover and stream.codec_context is not None
