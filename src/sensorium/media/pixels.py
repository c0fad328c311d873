"""From whatever pixels an image has to 8-bit RGB: one rule for each mode, so that every door gives the same pixels.

Must not know where an image comes from.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

_ALPHA_MODES = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})
_WHITE = (255, 255, 255, 255)


def flatten(image: Image.Image) -> Image.Image:
    """Convert an image to 8-bit RGB.

    Transparency is composited on white. 16-bit grey keeps its upper byte, as Pillow's readers do for 16-bit colour.
    Modes `I` and `F` state no range of their own: values are taken as 0 to 255 if none exceeds 255, else as 0 to 65535;
    in mode `F` as 0 to 1 if none exceeds 1. What lies outside is clipped, and NaN counts as 0.

    Args:
        image: A loaded image of any mode.

    Returns:
        The image itself if it is RGB without a transparent colour, otherwise a new one.
    """
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        return _flatten_deep_grey(image)
    if image.mode in _ALPHA_MODES or image.has_transparency_data:
        return _composite_on_white(image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _composite_on_white(image: Image.Image) -> Image.Image:
    if image.mode == "La":  # Pillow converts it to LA alone
        image = image.convert("LA")
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, _WHITE), image).convert("RGB")


def _flatten_deep_grey(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    grey = _scale_floats(values) if image.mode == "F" else _scale_integers(values, image.mode)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        grey[values == transparent] = 255
    return Image.fromarray(grey).convert("RGB")


def _scale_integers(values: np.ndarray, mode: str) -> np.ndarray:
    is_deep = mode != "I" or values.max(initial=0) > 255
    return (np.clip(values, 0, 65535) >> (8 if is_deep else 0)).astype(np.uint8)


def _scale_floats(values: np.ndarray) -> np.ndarray:
    values = np.nan_to_num(values, nan=0.0, posinf=65535.0, neginf=0.0)
    highest = values.max(initial=0.0)
    if highest <= 1.0:
        values = np.rint(values * 255.0)
    elif highest > 255.0:
        values = values * (255.0 / 65535.0)
    return np.clip(values, 0, 255).astype(np.uint8)
