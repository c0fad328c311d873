"""Find and decode single frames of a clip in rising order, seeking where that is shorter than decoding on.

Must not know which frames are wanted and why, nor what becomes of their pixels.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING

from sensorium._optional import require
from sensorium.errors import MediaError
from sensorium.media.pillow_files import check_image_size

if TYPE_CHECKING:
    from types import TracebackType

    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from sensorium.media.limits import MediaLimits
    from sensorium.media.timeline import Timeline

    Opener = Callable[[], AbstractContextManager[tuple[InputContainer, VideoStream]]]

# Where keyframes are not known, seek over gaps of at least this many seconds: about the distance of keyframes in
# practice.
_MIN_GAP_S = 2.0
# And if a seek lands too late, try this many seconds earlier, before beginning at the start.
_STEPS_BACK_S = (0.0, 2.0, 12.0)
_MAX_KEYFRAMES_BACK = 3


class VideoReader:
    """Frames of one clip by their number, asked for in rising order.

    Attributes:
        total: How many frames there are, once that is known exactly; None before.

    Args:
        open_clip: Opens the clip at its beginning; called again where seeking back fails.
        timeline: When the frames are shown.
        limits: What the size of each frame is checked against.
        name: What to call the clip in messages.
    """

    def __init__(self, open_clip: Opener, timeline: Timeline, limits: MediaLimits, name: str) -> None:
        self._open_clip, self._timeline, self._limits, self._name = open_clip, timeline, limits, name
        self._av = require("av", "Reading a clip")
        self._stack = ExitStack()
        self._last: tuple[float, VideoFrame] | None = None
        self._count = 0
        self._min_gap_s = _MIN_GAP_S
        self.total = None if timeline.times is None else timeline.count

    def __enter__(self) -> VideoReader:
        self._stack.__enter__()
        self._rewind()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self._stack.__exit__(kind, error, trace)

    def frame_at(self, number: int) -> tuple[int, VideoFrame]:
        """Decode frame `number`, or the last one if there are not so many.

        Returns:
            The number of the frame that came, and the frame.

        Raises:
            MediaError: There is no frame at all.
        """
        if not self._timeline.is_seekable:
            return self._count_to(number)
        if self.total is not None:
            number = min(number, self.total - 1)
        begin = self._timeline.begin_of(number)
        if self._last is None or self._last[0] < begin:
            if self._is_worth_seeking(number):
                self._jump(number)
            if not self._read_up_to(begin):
                return self._take_last()
        return number, self._require_last()

    def _count_to(self, number: int) -> tuple[int, VideoFrame]:
        while self._count <= number:
            frame = next(self._frames, None)
            if frame is None:
                self.total = self._count
                break
            self._last = (self._count, frame)
            self._count += 1
        return self._count - 1, self._require_last()

    def _take_last(self) -> tuple[int, VideoFrame]:
        frame = self._require_last()
        assert self._last is not None
        number = self._timeline.number_of(self._last[0])
        if self.total is None:
            self.total = number + 1
        return number, frame

    def _require_last(self) -> VideoFrame:
        if self._last is None:
            raise MediaError("the clip has no frames that can be decoded.", source=self._name)
        return self._last[1]

    def _read_up_to(self, begin: float) -> bool:
        """Decode on until a frame is shown at `begin` or later; tell whether there was one."""
        while self._last is None or self._last[0] < begin:
            frame = next(self._frames, None)
            if frame is None:
                return False
            self._last = (self._stamp(frame), frame)
        return True

    def _stamp(self, frame: VideoFrame) -> float:
        if frame.pts is not None:
            return float(frame.pts)
        return self._timeline.start if self._last is None else self._last[0] + self._timeline.step

    def _is_worth_seeking(self, number: int) -> bool:
        time = self._timeline.time_of(number)
        position = self._timeline.start if self._last is None else self._last[0]
        keyframe = self._timeline.keyframe_before(time)
        if keyframe is not None:
            return keyframe > position
        return (time - position) * self._tick > self._min_gap_s

    def _jump(self, number: int) -> None:
        """Go to a keyframe from which decoding leads to a frame; to the beginning if there is no other way."""
        before = self._last
        for target in self._seek_targets(self._timeline.time_of(number)):
            try:
                self._container.seek(target, stream=self._stream)
            except self._av.error.FFmpegError:
                break
            if self._land(latest=self._timeline.begin_of(number + 1)):
                if before is not None and self._last is not None and self._last[0] <= before[0]:
                    self._min_gap_s *= 2  # the keyframes lie wider apart than that
                return
        self._rewind()

    def _seek_targets(self, time: float) -> Iterator[int]:
        if self._timeline.keyframes is None:
            for back in _STEPS_BACK_S:
                yield int(max(self._timeline.start, time - back / self._tick))
            return
        keyframe = self._timeline.keyframe_before(time)
        for _ in range(_MAX_KEYFRAMES_BACK):
            if keyframe is None:
                return
            yield keyframe
            keyframe = self._timeline.keyframe_before(keyframe - 1)

    def _land(self, latest: float) -> bool:
        """Begin decoding where a seek led, and tell whether the first frame there is shown before `latest`."""
        packets = iter(self._container.demux(self._stream))
        first = next((one for one in packets if one.size and one.is_keyframe and one.pts is not None), None)
        if first is None or first.pts is None or first.pts >= latest:
            return False
        # What is shown before the keyframe, and comes after it, refers to frames that were not decoded.
        self._frames = self._decode(itertools.chain([first], packets), shown_from=first.pts)
        self._last = None
        frame = next(self._frames, None)
        if frame is None or self._stamp(frame) >= latest:
            return False
        self._last = (self._stamp(frame), frame)
        return True

    def _rewind(self) -> None:
        self._stack.close()
        self._container, self._stream = self._stack.enter_context(self._open_clip())
        self._tick = float(self._stream.time_base or 1.0)
        self._frames = self._decode(self._container.demux(self._stream))
        self._last = None

    def _decode(self, packets: Iterator[Packet], shown_from: int | None = None) -> Iterator[VideoFrame]:
        has_begun = False
        for packet in packets:
            try:
                frames = packet.decode()
            except self._av.error.InvalidDataError:
                if has_begun or packet.is_keyframe:
                    raise
                continue  # a recording that begins between two keyframes
            for frame in frames:
                has_begun = True
                if shown_from is None or frame.pts is None or frame.pts >= shown_from:
                    check_image_size((frame.width, frame.height), self._limits, self._name)
                    yield frame
