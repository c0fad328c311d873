"""Small JPEG pictures of large ones. Must not know where a picture comes from."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image

_QUALITY = 80


def draw_thumbnail(image: Image.Image, side: int) -> bytes:
    """Scale an image down and write it as a JPEG.

    Args:
        image: Of mode RGB; left as it is.
        side: Most pixels of the longer side. A smaller image keeps its size.

    Returns:
        The file, without metadata.
    """
    size = fit_side(image.size, side)
    small = image if size == image.size else image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    file = BytesIO()
    small.save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()


def fit_side(size: tuple[int, int], side: int) -> tuple[int, int]:
    """Give the size of a picture whose longer side has at most `side` pixels, with the same proportions."""
    width, height = size
    scale = min(1.0, side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def fit_area(size: tuple[int, int], pixels: int) -> tuple[int, int]:
    """Give the size of a picture of at most `pixels` pixels, with the same proportions; at least 1 a side."""
    width, height = size
    scale = min(1.0, (pixels / (width * height)) ** 0.5)
    return max(1, int(width * scale)), max(1, int(height * scale))


def shrink_frames(frames: np.ndarray, pixels: int) -> np.ndarray:
    """Scale the frames of a clip down to a number of pixels each.

    Args:
        frames: uint8 `[frames, height, width, 3]`.
        pixels: Most pixels of one frame.

    Returns:
        uint8 of the same layout: `frames` itself if they are small enough.
    """
    height, width = frames.shape[1:3]
    size = fit_area((width, height), pixels)
    if size == (width, height):
        return frames
    small = np.empty((len(frames), size[1], size[0], 3), np.uint8)
    for row, frame in enumerate(frames):
        small[row] = np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0))
    return small
