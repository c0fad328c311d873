"""Resize an image as soon as it is decoded, by the processor's own rule, on the thread that decoded it.

A processor given PIL images copies each at full size three times before it resizes the batch on one thread. Its resize,
called alone on a view of the decoded pixels, gives the same bytes; and what waits for the batch is then small. Figures:
`bench/image_preparation.py`. Must not know how images are decoded, nor what the network does with them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from PIL import Image

from sensorium.media.samples import Part
from sensorium.modules.processors import find_part, image_backend

#: Rows copied at a time out of a PIL image, and the largest scratch array that a thread keeps, in bytes. Of 8 to 256
#: rows of a
#: 12-megapixel image 64 were the fastest: 10 ms, where `numpy.array(image)` takes 72 ms, most of it in fresh memory.
_STRIP_ROWS = 64
_LARGEST_SCRATCH = 64 * 1024**2

_scratch = threading.local()


def find_resizer(processor: Any, overrides: Mapping[str, Any]) -> Callable[[Part], Part] | None:
    """Return what resizes decoded images for a processor, or None where it must see them whole.

    Only for processors that resize first, by the ordinary rule, to a size that a second resize would leave alone.

    Args:
        processor: The model's processor.
        overrides: The call's settings for images; any of them leaves all to the processor.
    """
    image_processor = find_part(processor, "image_processor")
    if overrides or image_backend(processor) != "torchvision" or not getattr(image_processor, "do_resize", False):
        return None
    from transformers.image_processing_backends import TorchvisionBackend

    own = type(image_processor)
    steps = ("preprocess", "_preprocess", "process_image", "resize", "center_crop")
    if any(getattr(own, name, None) is not getattr(TorchvisionBackend, name, None) for name in steps):
        return None
    size = image_processor.size
    is_square = bool(size.height and size.width)
    if not is_square and not (size.shortest_edge and not size.longest_edge):
        return None

    def resize(part: Part) -> Part:
        if part.modality != "image" or not isinstance(part.value, Image.Image):
            return part
        pixels = torch.from_numpy(_read_pixels(part.value)).permute(2, 0, 1)
        resized = image_processor.resize(pixels, size=size, resample=image_processor.resample)
        return Part("image", resized.clone() if resized.data_ptr() == pixels.data_ptr() else resized, True)

    return resize


def _read_pixels(image: Image.Image) -> np.ndarray:
    """Copy an RGB image into an array `[height, width, 3]` that is valid until this thread's next call."""
    width, height = image.size
    pixels = _take_scratch(height * width * 3).reshape(height, width, 3)
    for top in range(0, height, _STRIP_ROWS):
        bottom = min(top + _STRIP_ROWS, height)
        strip = image.crop((0, top, width, bottom)).tobytes()
        pixels[top:bottom] = np.frombuffer(strip, dtype=np.uint8).reshape(bottom - top, width, 3)
    return pixels


def _take_scratch(size: int) -> np.ndarray:
    if size > _LARGEST_SCRATCH:
        return np.empty(size, dtype=np.uint8)
    held = getattr(_scratch, "array", None)
    if held is None or held.size < size:
        held = _scratch.array = np.empty(size, dtype=np.uint8)
    return held[:size]
