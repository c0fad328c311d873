"""When each frame of a clip is shown: what turns "frame 4,711" into a place to seek to.

A clip up to a certain size has the time stamps of its packets read, without decoding: then every frame number is exact,
whatever the container leaves out and however uneven the frames are. For a larger one that would mean reading gigabytes,
so its frames are taken to be evenly spaced. Must not know pixels.
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


@dataclass(frozen=True, slots=True)
class Timeline:
    """Times of the frames of one stream, in units of its time base.

    Attributes:
        count: How many frames there are; an estimate unless `times` is set.
        times: int64 `[count]`, rising: when each frame is shown. None if they are taken to be evenly spaced.
        keyframes: int64, rising: when frames are shown that can be decoded without others. None if not known.
        start: When the first frame is shown.
        step: From one frame to the next.
    """

    count: int
    times: np.ndarray | None
    keyframes: np.ndarray | None
    start: float
    step: float

    def time_of(self, index: int) -> float:
        """Give the time at or after which frame `index` is the next one, and before which is the one ahead of it."""
        if self.times is not None:
            return float(self.times[index])
        return self.start + (index - 0.5) * self.step

    def index_of(self, time: float) -> int:
        """Give the number of the frame shown at a time."""
        if self.times is not None:
            return int(np.searchsorted(self.times, time))
        return round((time - self.start) / self.step)

    def keyframe_before(self, time: float) -> int | None:
        """Give the time of the last keyframe at or before a time, or None if there is none or they are not known."""
        if self.keyframes is None:
            return None
        position = int(np.searchsorted(self.keyframes, time, side="right"))
        return int(self.keyframes[position - 1]) if position else None


def scan_timeline(container: InputContainer, stream: VideoStream) -> Timeline | None:
    """Read the time stamps of all packets of a stream. The container stands at its end afterwards.

    Returns:
        The timeline, or None if there are no frames, or frames without a time, or two at the same time.
    """
    for other in container.streams:
        if other is not stream and hasattr(other, "discard"):
            other.discard = "all"
    shown: list[int | None] = []
    keys: list[int] = []
    for packet in container.demux(stream):
        if packet.size and not packet.is_discard and is_shown(packet, stream):
            shown.append(packet.pts)
            if packet.is_keyframe and packet.pts is not None:
                keys.append(packet.pts)
    times = [time for time in shown if time is not None]
    if not times or len(times) < len(shown) or len(set(times)) < len(times):
        return None
    ordered = np.sort(np.array(times, dtype=np.int64))
    step = float(ordered[-1] - ordered[0]) / max(1, len(ordered) - 1) or 1.0
    return Timeline(len(ordered), ordered, np.sort(np.array(keys, dtype=np.int64)), float(ordered[0]), step)


def space_evenly(container: InputContainer, stream: VideoStream, fps: float) -> Timeline:
    """Take the frames of a stream to be evenly spaced, and count them by what its header says."""
    count = declared_frames(container, stream, fps)
    tick = float(stream.time_base or 1.0)
    return Timeline(count, None, None, float(stream.start_time or 0), 1.0 / (fps * tick))


def declared_frames(container: InputContainer, stream: VideoStream, fps: float) -> int:
    """Give the number of frames that a header states, or that its duration makes at this rate; at least 1."""
    return max(1, stream.frames or round(declared_seconds(container, stream) * fps))


def declared_seconds(container: InputContainer, stream: VideoStream) -> float:
    """Give the duration that a header states for a stream, or for the whole; 0 if for neither."""
    if stream.duration and stream.time_base:
        return max(0.0, float(stream.duration * stream.time_base))
    return max(0.0, (container.duration or 0) / _MICROSECONDS)


def is_shown(packet: Packet, stream: VideoStream) -> bool:
    """Tell whether a packet holds a frame to show. VP8 has packets of frames that others refer to and nobody sees.

    Source: RFC 6386, 9.1 (the bit show_frame).
    """
    return stream.codec_context.name not in ("vp8", "libvpx") or bool(memoryview(packet)[0] & _VP8_SHOWN)
