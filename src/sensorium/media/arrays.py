"""Arrays and tensors that a caller hands in as pixels: what they are, how large, and whether they can be pixels at all.

Tensors are recognised without importing torch. Must not know what a model does with them.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from sensorium.errors import MediaError, MediaLimitError
from sensorium.media.pillow_files import check_image_size

if TYPE_CHECKING:
    from sensorium.media.limits import MediaLimits


def is_tensor(value: Any) -> bool:
    """Tell whether a value is a torch tensor, which it can only be if torch has been imported."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def is_array(value: Any) -> bool:
    """Tell whether a value is a numpy array or a torch tensor."""
    return isinstance(value, np.ndarray) or is_tensor(value)


def check_image_array(array: Any, limits: MediaLimits) -> None:
    """Raise unless an array can be one image: `[height, width]`, with channels before or behind, of numbers.

    Raises:
        MediaError: Another number of dimensions, empty, or not of numbers.
        MediaLimitError: Larger than `limits` allow.
    """
    shape = _check(array, (2, 3), "an image", "[height, width, channels] or [channels, height, width]")
    height, width = image_size_of(shape)
    check_image_size((width, height), limits, "array")


def check_clip_array(array: Any, limits: MediaLimits) -> None:
    """Raise unless an array can be a clip: `[frames, ...]` of images, or a batch of one such.

    Raises:
        MediaError: Another number of dimensions, empty, or not of numbers.
        MediaLimitError: More or larger frames than `limits` allow.
    """
    shape = _check(array, (4, 5), "a clip", "[frames, height, width, channels] or [frames, channels, height, width]")
    check_frame_count(int(np.prod(shape[:-3], dtype=np.float64)), limits)
    height, width = image_size_of(shape[-3:])
    check_image_size((width, height), limits, "array")


def check_frame_count(count: int, limits: MediaLimits, name: str = "array") -> None:
    """Raise if a clip has more frames than allowed."""
    if count > limits.max_frames:
        raise MediaLimitError(
            f"the clip has {count} frames, and at most {limits.max_frames} are allowed. Sample fewer, or raise "
            "MediaLimits(max_frames=...).",
            source=name,
        )


def image_size_of(shape: tuple[int, ...]) -> tuple[int, int]:
    """Give height and width of an image array: all but the axis of the channels, the shorter of the outer two."""
    if len(shape) == 2:
        return int(shape[0]), int(shape[1])
    first, middle, last = (int(size) for size in shape)
    return (first, middle) if last <= first else (middle, last)


def _check(array: Any, dimensions: tuple[int, ...], noun: str, layouts: str) -> tuple[int, ...]:
    shape = tuple(int(size) for size in array.shape)
    if len(shape) not in dimensions:
        raise MediaError(
            f"an array of {len(shape)} dimensions, {list(shape)}, cannot be {noun}. Give {layouts}.", source="array"
        )
    if 0 in shape:
        raise MediaError(f"the array is empty: its shape is {list(shape)}.", source="array")
    if isinstance(array, np.ndarray) and array.dtype.kind not in "buif":
        raise MediaError(
            f"an array of dtype {array.dtype} holds no pixels. Convert it to uint8, or to float32.", source="array"
        )
    return shape
