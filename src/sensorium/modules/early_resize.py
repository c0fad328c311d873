"""Resize an image as soon as it is decoded, by the processor's own rule, on the thread that decoded it.

A processor given PIL images copies each at full size three times before it resizes the batch on one thread. Its resize, called
alone on a view of the decoded pixels, gives the same bytes; and what waits for the batch is then small. Figures:
`bench/image_preparation.py`. Must not know how images are decoded, nor what the network does with them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from PIL import Image

from sensorium.media.samples import Part
from sensorium.modules.processors import find_part, image_backend


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
        pixels = torch.from_numpy(np.array(part.value)).permute(2, 0, 1)
        return Part("image", image_processor.resize(pixels, size=size, resample=image_processor.resample), True)

    return resize
