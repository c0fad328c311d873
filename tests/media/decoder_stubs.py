"""Objects that look like decoders: torchcodec's, which is not installed here, and ours of images.

Must not know what recognises them.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


class ImageDecoder:
    """Looks like a decoder of an image of 6 by 4 pixels."""

    size = (6, 4)

    def decode_image(self, limits: Any, min_side: int | None) -> Any:
        raise AssertionError("nothing may be decoded")


class AudioDecoder:
    """Looks like a decoder of one second of silence."""

    metadata = SimpleNamespace(duration_seconds=1.0, sample_rate=8000, num_channels=1)

    def get_all_samples(self) -> Any:
        raise AssertionError("nothing may be decoded")


class VideoDecoder:
    """Looks like a decoder of ten frames."""

    metadata = SimpleNamespace(num_frames=10, average_fps=5.0, duration_seconds=2.0, width=4, height=4)

    def get_frames_at(self, numbers: list[int]) -> Any:
        raise AssertionError("nothing may be decoded")
