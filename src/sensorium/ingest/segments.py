"""Where the segments of a recording or a clip begin and end. Must not know what is recorded, nor how it is decoded."""

from __future__ import annotations

from collections.abc import Iterator

from sensorium.errors import MediaError

# What is left over at the end and shorter than this belongs to the segment before.
_LEAST_S = 0.01
# Below this many bytes a second, a file is lying: FLAC takes a hundred for silence, H.264 forty for a still screen at
# one frame a second. A time stamp that was damaged would otherwise make segments without end.
_MIN_BYTES_PER_SECOND = 20
_LIKELY_S = 600.0
_DIGITS = 6
# Shorter than any sample.
_SHORTEST_S = 1e-6


def plan_segments(seconds: float, segment_s: float, overlap_s: float) -> Iterator[tuple[float, float]]:
    """Cover a length of time with segments.

    Args:
        seconds: The length, above 0.
        segment_s: Of one segment; the last one may be shorter, or longer by a hundredth of a second.
        overlap_s: How much of a segment the next one repeats; less than `segment_s`.

    Yields:
        Beginning and end of each, in seconds, rounded to a millionth; the first begins at 0 and the last ends at
        `seconds`.

    Example:
        >>> list(plan_segments(45, 20, 2))
        [(0.0, 20.0), (18.0, 38.0), (36.0, 45.0)]
    """
    step, last = segment_s - overlap_s, round(float(seconds), _DIGITS)
    number, start = 0, 0.0
    while True:
        following = round((number + 1) * step, _DIGITS)
        # Rounding must not leave a millionth of a second to no segment.
        end = max(round(start + segment_s, _DIGITS), following)
        if end >= last - _LEAST_S:
            yield start, last
            return
        yield start, end
        number, start = number + 1, following


def check_seconds(seconds: float, size: int, name: str) -> float:
    """Give a length as a file states it, or raise if it states none that can be true.

    Raises:
        MediaError: It is 0, or the file is too small for it.
    """
    if not seconds >= _SHORTEST_S:
        raise MediaError("it is empty: its length is 0 seconds.", source=name)
    if seconds > max(_LIKELY_S, size / _MIN_BYTES_PER_SECOND):
        raise MediaError(
            f"it claims to be {seconds:.0f} seconds long, in {size} bytes. It is damaged; write it again.", source=name
        )
    return seconds
