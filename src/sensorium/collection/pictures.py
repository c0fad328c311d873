"""A record's picture as a data address: a page, an image, the middle frame of a clip, scaled down.

Must not know what a language model makes of it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from sensorium.collection.token_costs import MAX_SIDE
from sensorium.errors import InputError, MissingExtraError
from sensorium.media.decode import DecodeSpec, load_sample
from sensorium.media.limits import MediaSettings

if TYPE_CHECKING:
    from sensorium.collection.results import SearchResult
    from sensorium.media.samples import Sample

_QUALITY = 85


def draw_result(
    result: SearchResult, read_content: Callable[[SearchResult], Sample | None]
) -> tuple[str, tuple[int, int]] | None:
    """Give a result's picture.

    Args:
        result: Of any modality.
        read_content: Gives what was encoded for it, or None if it is gone.

    Returns:
        A data address of a JPEG file, and its width and height; None if it has no picture. The thumbnail stands in for
        what can no longer be read.
    """
    image = _read_image(result, read_content)
    if image is None:
        return None
    image.thumbnail((MAX_SIDE, MAX_SIDE))
    file = BytesIO()
    image.convert("RGB").save(file, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode('ascii')}", image.size


def _read_image(result: SearchResult, read_content: Callable[[SearchResult], Sample | None]) -> Image.Image | None:
    if not {"image", "video"} & set(result.modality.split("+")):
        return None
    try:
        sample = read_content(result)
        loaded = None if sample is None else load_sample(sample, DecodeSpec(), MediaSettings())
    except (InputError, MissingExtraError):
        loaded = None  # its file has changed; the thumbnail is what it was
    for part in () if loaded is None else loaded.parts:
        if part.modality == "image":
            return _as_image(part.value)
        if part.modality == "video":
            frames = part.value.array
            return _as_image(frames[len(frames) // 2])
    return None if result.thumbnail is None else Image.open(BytesIO(result.thumbnail))


def _as_image(value: Any) -> Image.Image:
    return value.copy() if isinstance(value, Image.Image) else Image.fromarray(np.asarray(value))
