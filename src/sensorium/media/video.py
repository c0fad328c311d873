"""Clips from files: what the header says, or the frames a model asks for, found by seeking and never by decoding all.

The frames are exactly those that a full decode would number so, for clips up to `timeline.MAX_SCAN_BYTES`; in larger
ones they are found by their time. Must not know what a model does with the frames, nor how it chooses them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import index as as_index
from typing import TYPE_CHECKING

import numpy as np

from sensorium.errors import MediaError, MediaLimitError
from sensorium.media.completeness import check_complete
from sensorium.media.containers import open_container
from sensorium.media.frames import to_pixels
from sensorium.media.pillow_files import check_image_size
from sensorium.media.protection import check_unprotected
from sensorium.media.samples import Frames
from sensorium.media.timeline import (
    MAX_SCAN_BYTES,
    Timeline,
    declared_frames,
    estimate_timeline,
    scan_timeline,
)
from sensorium.media.video_reader import VideoReader

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

    from sensorium.media.limits import MediaLimits
    from sensorium.media.source import Source

_PURPOSE = "Reading a clip"
# Where neither the header nor the time stamps give a rate: one frame a second, as of a slide show.
_UNKNOWN_FPS = 1.0


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What is known of a clip before its frames are chosen.

    Attributes:
        total_num_frames: At least 1; an estimate where the container does not count its frames.
        fps: Frames a second, on average; above 0.
        duration: Seconds.
        width: Pixels of a frame as it is coded, before it is turned upright.
        height: Pixels of a frame as it is coded.
    """

    total_num_frames: int
    fps: float
    duration: float
    width: int
    height: int


def probe_video(source: Source, limits: MediaLimits) -> VideoInfo:
    """Read what the header of a clip says; no frame is decoded.

    Args:
        source: The file.
        limits: What the size of its frames and the number of its streams are checked against.

    Raises:
        MediaError: No clip of a format that is read, no picture in it, or a damaged header.
        MediaLimitError: Larger than `limits` allow.
        MissingExtraError: PyAV is not installed.
    """
    with _open_video(source, limits) as (container, stream):
        fps = _header_fps(stream)
        return _describe(declared_frames(container, stream, fps), fps, stream)


def decode_video(
    source: Source, choose_frames: Callable[[VideoInfo], Sequence[int]] | None, limits: MediaLimits
) -> Frames:
    """Decode frames of a clip.

    Args:
        source: The file.
        choose_frames: Given the clip's `VideoInfo`, the numbers of the frames wanted, counted from 0, in rising order;
            they may repeat. Numbers beyond the end give the last frame. None for all frames.
        limits: What the number and size of the frames and the number of streams are checked against.

    Returns:
        The frames: uint8 `[frames, height, width, 3]`, upright RGB, with `fps`, `total_num_frames`, `duration`
        (seconds), `frames_indices` (a list), `width` and `height`. Memory is taken for the chosen frames alone.

    Raises:
        MediaError: No clip of a format that is read, no picture in it, no frames, truncated, damaged, or encrypted.
        MediaLimitError: More or larger frames than `limits` allow.
        MissingExtraError: PyAV is not installed.
    """
    check_complete(source)
    check_unprotected(source)
    with _open_video(source, limits) as (container, stream):
        info, timeline = _lay_out(container, stream, source)
    wanted = choose_numbers(info, choose_frames, limits, source.name)
    with VideoReader(lambda: _open_video(source, limits), timeline, limits, source.name) as reader:
        array, numbers = _collect(reader, wanted, source.name)
        total = reader.total or info.total_num_frames
    metadata = {
        "fps": info.fps,
        "total_num_frames": total,
        "duration": total / info.fps,
        "frames_indices": numbers,
        "width": array.shape[2],
        "height": array.shape[1],
    }
    return Frames(array, metadata, is_sampled=choose_frames is not None)


def choose_numbers(
    info: VideoInfo, choose_frames: Callable[[VideoInfo], Sequence[int]] | None, limits: MediaLimits, name: str
) -> list[int]:
    """Ask for the numbers of the frames wanted, and check them.

    Raises:
        MediaError: None are chosen, or one below 0.
        MediaLimitError: More than `limits.max_frames`.
    """
    if choose_frames is None:
        if info.total_num_frames > limits.max_frames:
            raise _too_many(info.total_num_frames, limits, name)
        return list(range(info.total_num_frames))
    wanted = [as_index(number) for number in choose_frames(info)]
    if len(wanted) > limits.max_frames:
        raise _too_many(len(wanted), limits, name)
    if not wanted or min(wanted) < 0:
        raise MediaError(
            f"frames {wanted[:8]} cannot be taken from a clip of {info.total_num_frames} frames. Choose at least one, "
            "counted from 0.",
            source=name,
        )
    return wanted


@contextmanager
def _open_video(source: Source, limits: MediaLimits) -> Iterator[tuple[InputContainer, VideoStream]]:
    with open_container(source, limits, _PURPOSE) as container:
        streams = [one for one in container.streams.video if not _is_cover(one)]
        if not streams:
            advice = 'It is a sound: give it as {"audio": ...}.' if container.streams.audio else "Check that it plays."
            raise MediaError(f"the file has no moving picture. {advice}", source=source.name)
        stream = next((one for one in streams if one.codec_context is not None), None)
        if stream is None:
            raise MediaError(
                "the clip is encoded by a codec that this PyAV lacks. Convert it to H.264 in MP4.", source=source.name
            )
        check_image_size((stream.width, stream.height), limits, source.name)
        # Clips are decoded side by side in the engine's threads, which are as many as there are cores.
        stream.codec_context.thread_count = 1
        stream.codec_context.options = {"max_pixels": str(limits.max_pixels)}
        yield container, stream


def _is_cover(stream: VideoStream) -> bool:
    """Tell whether a stream is a picture attached to a sound, such as the cover of an album."""
    flags = getattr(stream, "disposition", None)  # PyAV 13 and later
    return flags is not None and bool(flags & type(flags)["attached_pic"])


def _header_fps(stream: VideoStream) -> float:
    rate = float(stream.average_rate or stream.guessed_rate or 0)
    return rate if 0 < rate < float("inf") else _UNKNOWN_FPS


def _describe(count: int, fps: float, stream: VideoStream) -> VideoInfo:
    return VideoInfo(count, fps, count / fps, stream.width, stream.height)


def _lay_out(container: InputContainer, stream: VideoStream, source: Source) -> tuple[VideoInfo, Timeline]:
    fps = _header_fps(stream)
    if source.size > MAX_SCAN_BYTES:
        timeline = estimate_timeline(container, stream, fps)
    else:
        timeline = scan_timeline(container, stream, fps)
    if timeline.times is not None and timeline.count > 1 and stream.time_base:
        measured = 1.0 / (timeline.step * float(stream.time_base))
        # A header's fraction is the cleaner number, unless it is not the rate of this clip.
        fps = fps if abs(measured - fps) <= 0.01 * fps else measured
    return _describe(timeline.count, fps, stream), timeline


def _collect(reader: VideoReader, wanted: list[int], name: str) -> tuple[np.ndarray, list[int]]:
    """Decode the frames in rising order, into one array in the order asked for."""
    array: np.ndarray | None = None
    numbers = list(wanted)
    last_number, last_row, size = -1, 0, (0, 0)
    for row in sorted(range(len(wanted)), key=wanted.__getitem__):
        number, frame = reader.frame_at(wanted[row])
        numbers[row] = number
        if array is not None and number == last_number:
            array[row] = array[last_row]
            continue
        if array is None:
            size = (frame.width, frame.height)
            first = to_pixels(frame)
            array = np.empty((len(wanted), *first.shape), dtype=np.uint8)
            array[row] = first
        else:
            array[row] = to_pixels(frame, size)
        last_number, last_row = number, row
    if array is None:
        raise MediaError("the clip has no frames that can be decoded.", source=name)
    return array, numbers


def _too_many(count: int, limits: MediaLimits, name: str) -> MediaLimitError:
    return MediaLimitError(
        f"{count} frames would be decoded from the clip, and at most {limits.max_frames} are allowed. Sample fewer, "
        "cut it, or raise MediaLimits(max_frames=...).",
        source=name,
    )
