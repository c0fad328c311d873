"""From a decoded frame of PyAV to upright RGB pixels. Must not know which frames are wanted, nor how they are found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

_ONE = 1 << 16
# The matrices of turns by a quarter, counted counterclockwise.
_QUARTERS = {1: (0, -_ONE, _ONE, 0), 2: (-_ONE, 0, 0, -_ONE), 3: (0, _ONE, -_ONE, 0)}


def to_pixels(frame: VideoFrame, size: tuple[int, int] | None = None) -> np.ndarray:
    """Convert a frame to RGB, turned as its display matrix says.

    Args:
        frame: A decoded frame.
        size: Width and height to scale to before it is turned, where a clip changes its size on the way.

    Returns:
        uint8 `[height, width, 3]`.
    """
    if size is not None and (frame.width, frame.height) != size:
        frame = frame.reformat(width=size[0], height=size[1], format="rgb24")
    pixels = frame.to_ndarray(format="rgb24")
    matrix = read_display_matrix(frame)
    return pixels if matrix is None else turn(pixels, matrix)


def read_display_matrix(frame: VideoFrame) -> tuple[int, int, int, int] | None:
    """Read `a, b, c, d` of the matrix by which a frame is shown: x' = ax + cy, y' = bx + dy, y counted downwards.

    Returns:
        The four numbers, in units of 1/65536, or None if the frame carries none.

    Source:
        libavutil/display.h; ISO/IEC 14496-12, 8.3.2.
    """
    try:
        side_data: Any = frame.side_data
        data = next((one for one in side_data if one.type.name == "DISPLAYMATRIX"), None)
    except ValueError:  # a kind of side data that this PyAV has no name for, beside which it finds none
        return _QUARTERS.get(round(getattr(frame, "rotation", 0) / 90) % 4)
    if data is None or data.buffer_size < 36:
        return None
    a, b, _, c, d = np.frombuffer(data, dtype=np.int32, count=5).tolist()
    return a, b, c, d


def turn(pixels: np.ndarray, matrix: tuple[int, int, int, int]) -> np.ndarray:
    """Turn and mirror pixels by a display matrix, to the nearest quarter.

    Args:
        pixels: `[height, width, 3]`.
        matrix: `a, b, c, d` as `read_display_matrix` gives them.
    """
    a, b, c, d = matrix
    if abs(b) > abs(a):  # x' comes from y, and y' from x
        pixels, across, down = pixels.transpose(1, 0, 2), c, b
    else:
        across, down = a, d
    if across < 0:
        pixels = pixels[:, ::-1]
    if down < 0:
        pixels = pixels[::-1]
    return pixels
