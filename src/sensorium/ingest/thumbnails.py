"""Small JPEG pictures of large ones. Must not know where a picture comes from."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image

_QUALITY = 80
# The smallest that Pillow takes: the image is first divided by whole numbers, to no less than the wanted size. By that
# and by the filter it differs less from a full LANCZOS (on photographs by 34 to 41 dB below the signal) than by JPEG
# (32 to 36 dB). 640 by 480 pixels take 0.9 ms instead of 5, which counts where a small model takes 3 for the vector.
_REDUCING_GAP = 1.0


class KeptThumbnail:
    """A small picture that whoever decodes the large one leaves behind, so that nobody decodes it again for that.

    Threads that come at the same time at worst draw it twice. It is a few kilobytes, and travels when it is pickled.
    """

    __slots__ = ("_drawn",)

    def __init__(self) -> None:
        self._drawn: tuple[int, bytes] | None = None

    def draw(self, image: Image.Image, side: int) -> bytes:
        """Give the thumbnail: the one that was drawn before at this size, or one of this image, which is kept.

        Args:
            image: Of mode RGB; left as it is, and not kept.
            side: As of `draw_thumbnail`.
        """
        data = self.find(side)
        if data is None:
            data = draw_thumbnail(image, side)
            self._drawn = side, data
        return data

    def find(self, side: int) -> bytes | None:
        """Give what was drawn at this size, or None."""
        drawn = self._drawn
        return drawn[1] if drawn is not None and drawn[0] == side else None


def draw_thumbnail(image: Image.Image, side: int) -> bytes:
    """Scale an image down and write it as a JPEG.

    Args:
        image: Of mode RGB; left as it is.
        side: Most pixels of the longer side. A smaller image keeps its size.

    Returns:
        The file, without metadata.
    """
    size = fit_side(image.size, side)
    small = image if size == image.size else image.resize(size, Image.Resampling.HAMMING, reducing_gap=_REDUCING_GAP)
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
