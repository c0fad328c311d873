"""Which modality a value is that is neither a string nor a mixture: images, arrays, decoders, dicts of arrays, files.

Tensors and decoders are recognised without importing their packages. Must not know strings, pairs or conversations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from sensorium.errors import InputError
from sensorium.media.arrays import is_array, is_tensor
from sensorium.media.decoders import is_audio_decoder, is_image_decoder, is_video_decoder
from sensorium.media.files import find_file_kind, is_file, is_file_record
from sensorium.media.formats import MediaKind
from sensorium.media.samples import Frames, Waveform

_BY_DIMENSIONS: dict[int, MediaKind] = {1: "audio", 2: "audio", 3: "image", 4: "video", 5: "video"}


def find_kind(value: Any) -> MediaKind | None:
    """Say what a value is.

    Args:
        value: Anything. Files are judged by their content, arrays by their number of dimensions: 1 or 2 are a sound, 3
            an image, 4 or 5 a clip.

    Returns:
        The modality, or None for a value of no such kind.

    Raises:
        InputError: An array of another number of dimensions, or not of numbers; a dict with an array and nothing else.
        MediaError: A file that is not media.
    """
    kind = find_object_kind(value)
    if kind is not None:
        return kind
    if is_array(value):
        return _find_array_kind(value)
    if isinstance(value, Mapping):
        if "array" in value:
            return _find_array_dict_kind(value)
        return find_file_kind(value) if is_file_record(value) else None
    return find_file_kind(value) if is_file(value) else None


def find_object_kind(value: Any) -> MediaKind | None:
    """Say what a value is by its class alone; None for arrays, dicts and files, which can be of any modality."""
    if isinstance(value, Image.Image) or is_image_decoder(value):
        return "image"
    if isinstance(value, Waveform) or is_audio_decoder(value):
        return "audio"
    return "video" if isinstance(value, Frames) or is_video_decoder(value) else None


def is_numeric(array: Any) -> bool:
    """Tell whether an array or tensor is of real numbers."""
    return not array.is_complex() if is_tensor(array) else array.dtype.kind in "buif"


def is_picture(value: Any) -> bool:
    """Tell whether a value is one image, and no file: of PIL, a decoder of one, or an array of 3 dimensions."""
    return isinstance(value, Image.Image) or is_image_decoder(value) or (is_array(value) and value.ndim == 3)


def is_number(value: Any) -> bool:
    """Tell whether a value is one real number, as in a waveform that is a list."""
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def _find_array_kind(array: Any) -> MediaKind:
    if not is_numeric(array):
        raise InputError(
            f"Unsupported input type: an array of {array.dtype}, where only real numbers are media. Pass texts as a "
            "list of str."
        )
    if array.ndim not in _BY_DIMENSIONS:
        raise InputError(
            f"Unsupported tensor dimensionality: {array.ndim}, of shape {list(array.shape)}. An array of 1 or 2 "
            "dimensions is audio, of 3 an image, of 4 or 5 a video."
        )
    return _BY_DIMENSIONS[array.ndim]


def _find_array_dict_kind(value: Mapping[Any, Any]) -> MediaKind:
    if "sampling_rate" in value:
        return "audio"
    if "video_metadata" in value:
        return "video"
    raise InputError(
        "A dict with the key 'array' must also include 'sampling_rate' (for audio) or 'video_metadata' (for video); it "
        f"has the keys {sorted(value, key=str)}."
    )
