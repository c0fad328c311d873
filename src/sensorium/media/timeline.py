"""When each frame of a clip is shown: what turns "frame 4,711" into a place to seek to.

A clip up to a certain size has the time stamps of its packets read, without decoding: then every frame number is exact,
whatever the container leaves out and however uneven the frames are. For a larger one that would mean reading gigabytes:
there the table in an MP4's header serves, or the frames are taken to be evenly spaced. Must not know pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

#: Up to this size a clip's packets are read through, in bytes. 64 MiB are read in about a tenth of a second.
MAX_SCAN_BYTES = 64 * 1024**2

_MICROSECONDS = 1_000_000
_VP8_SHOWN = 0x10
# FFmpeg makes up the time stamps of MPEG program streams, and makes up others after a seek.
_UNSTEADY_FORMATS = frozenset({"mpeg"})


@dataclass(frozen=True, slots=True)
class Timeline:
    """Times of the frames of one stream, in units of its time base.

    Attributes:
        count: How many frames there are; an estimate if `times` is None.
        start: When the first frame is shown.
        step: From one frame to the next, on average; above 0.
        times: int64 `[count]`, rising: when each frame is shown. None if they are taken to be evenly spaced.
        keyframes: int64, rising: when frames are shown that can be decoded without others. None if not known.
        is_seekable: Whether a frame can be told by its time. Otherwise frames must be counted from the first on.
    """

    count: int
    start: float
    step: float
    times: np.ndarray | None = None
    keyframes: np.ndarray | None = None
    is_seekable: bool = True

    def time_of(self, number: int) -> float:
        """Give the time at which a frame is shown; beyond the end, at which it would be."""
        if self.times is None:
            return self.start + number * self.step
        beyond = max(0, number - self.count + 1)
        return float(self.times[max(0, number - beyond)]) + beyond * self.step

    def begin_of(self, number: int) -> float:
        """Give the time halfway from the frame before: frame `number` is the first that is shown after it."""
        if number == 0:
            return self.time_of(0) - self.step / 2
        return (self.time_of(number - 1) + self.time_of(number)) / 2

    def number_of(self, time: float) -> int:
        """Give the number of the frame that is shown nearest to a time."""
        if self.times is None:
            return max(0, round((time - self.start) / self.step))
        right = min(int(np.searchsorted(self.times, time)), self.count - 1)
        is_left_nearer = right > 0 and time - self.times[right - 1] < self.times[right] - time
        return right - 1 if is_left_nearer else right

    def keyframe_before(self, time: float) -> int | None:
        """Give the time of the last keyframe at or before a time, or None if there is none or they are not known."""
        if self.keyframes is None:
            return None
        position = int(np.searchsorted(self.keyframes, time, side="right"))
        return int(self.keyframes[position - 1]) if position else None


def scan_timeline(container: InputContainer, stream: VideoStream, fps: float) -> Timeline:
    """Read the time stamps of all packets of a stream. The container stands at its end afterwards."""
    for other in container.streams:
        if other is not stream and hasattr(other, "discard"):
            other.discard = type(other.discard)["all"]
    shown: list[int | None] = []
    keys: list[int] = []
    for packet in container.demux(stream):
        if packet.size and not packet.is_discard and _is_shown(packet, stream):
            shown.append(packet.pts)
            if packet.is_keyframe and packet.pts is not None:
                keys.append(packet.pts)
    times = [time for time in shown if time is not None]
    is_steady = container.format.name not in _UNSTEADY_FORMATS
    if not times or len(times) < len(shown) or len(set(times)) < len(times) or not is_steady:
        count = len(shown) or declared_frames(container, stream, fps)
        return Timeline(count, 0.0, 1.0, is_seekable=False)
    return _build(np.sort(np.array(times, dtype=np.int64)), np.sort(np.array(keys, dtype=np.int64)))


def estimate_timeline(container: InputContainer, stream: VideoStream, fps: float) -> Timeline:
    """Take the times from the table in the header if there is one for each frame, otherwise space them evenly."""
    first = next(iter(container.demux(stream)), None)
    entries = getattr(stream, "index_entries", ())  # PyAV 16 and later
    if stream.frames > 1 and len(entries) >= stream.frames and first is not None and first.pts is not None:
        # The table is in decoding order and has decoding times; for even frames they lie behind by as much as the
        # first.
        kept = [entry for entry in entries if not entry.is_discard]
        decoded = np.array([entry.timestamp for entry in kept], dtype=np.int64) + (first.pts - (first.dts or 0))
        keys = decoded[np.array([entry.is_keyframe for entry in kept], dtype=bool)]
        if len(kept) > 1 and np.all(np.diff(decoded) > 0):
            return _build(decoded, keys)
    has_time = first is not None and first.pts is not None
    start = float(first.pts if has_time else stream.start_time or 0)  # type: ignore[union-attr, arg-type]
    return Timeline(declared_frames(container, stream, fps), start, 1.0 / (fps * float(stream.time_base or 1.0)))


def declared_frames(container: InputContainer, stream: VideoStream, fps: float) -> int:
    """Give the number of frames that a header states, or that its duration makes at this rate; at least 1."""
    return max(1, stream.frames or round(_declared_seconds(container, stream) * fps))


def _declared_seconds(container: InputContainer, stream: VideoStream) -> float:
    if stream.duration and stream.time_base:
        return max(0.0, float(stream.duration * stream.time_base))
    # The duration of the whole counts from 0, also where the first frame is shown later.
    start = float((stream.start_time or 0) * (stream.time_base or 0))
    return max(0.0, (container.duration or 0) / _MICROSECONDS - max(0.0, start))


def _build(times: np.ndarray, keyframes: np.ndarray) -> Timeline:
    step = float(times[-1] - times[0]) / max(1, len(times) - 1) or 1.0
    return Timeline(len(times), float(times[0]), step, times, keyframes)


def _is_shown(packet: Packet, stream: VideoStream) -> bool:
    """Tell whether a packet holds a frame to show. VP8 has packets of frames that others refer to and nobody sees.

    Source: RFC 6386, 9.1 (the bit show_frame).
    """
    return stream.codec_context.name not in ("vp8", "libvpx") or bool(memoryview(packet)[0] & _VP8_SHOWN)
