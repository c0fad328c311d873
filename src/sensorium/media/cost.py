"""What a sample will cost, from headers and shapes alone: nothing is decoded, no address is fetched.

Must not know what a model makes of pixels and seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from sensorium.media.arrays import image_size_of, is_array
from sensorium.media.audio import probe_audio
from sensorium.media.decoders import (
    is_audio_decoder,
    is_image_decoder,
    is_video_decoder,
    read_decoder_info,
    read_decoder_seconds,
    read_decoder_size,
)
from sensorium.media.forms import is_read_once, is_remote
from sensorium.media.image import probe_image
from sensorium.media.samples import Frames, MediaCost, Part, Sample, Waveform
from sensorium.media.source import open_source
from sensorium.media.video import probe_video

if TYPE_CHECKING:
    from sensorium.media.limits import MediaSettings

# What a bare array is taken to have, whose rate only the model knows: that of most speech models, in Hz.
_LIKELY_RATE = 16_000


def probe_sample(sample: Sample, settings: MediaSettings) -> MediaCost:
    """Estimate what a sample will cost to decode and to compute.

    Args:
        sample: Loaded or not.
        settings: Limits; no address is fetched, whatever its policy.

    Returns:
        Sums over all parts; `frame_pixels` is that of the largest clip. What cannot be known without fetching, or
        without reading a stream that can be read only once, counts as 0.

    Raises:
        MediaError: A file is missing, or its header is damaged or beyond the limits.
        MissingExtraError: A package that its format needs is not installed.
    """
    characters = pixels = frames = frame_pixels = 0
    seconds = 0.0
    for part in sample.all_parts():
        if part.modality == "text":
            characters += len(part.value)
        elif not _is_unknown(part):
            if part.modality == "image":
                pixels += _count_pixels(part.value, settings)
            elif part.modality == "audio":
                seconds += _count_seconds(part.value, settings)
            else:
                count, area = _count_frames(part.value, settings)
                frames, frame_pixels = frames + count, max(frame_pixels, area)
    return MediaCost(characters, pixels, seconds, frames, frame_pixels)


def _is_unknown(part: Part) -> bool:
    return is_remote(part.value) or is_read_once(part.value)


def _count_pixels(value: Any, settings: MediaSettings) -> int:
    if isinstance(value, Image.Image):
        return value.width * value.height
    if is_array(value):
        return _area_of(tuple(value.shape))
    if is_remote(value) or is_read_once(value):
        return 0
    if is_image_decoder(value):
        width, height = read_decoder_size(value)
    else:
        width, height = probe_image(open_source(value, settings), settings.limits)
    return width * height


def _count_seconds(value: Any, settings: MediaSettings) -> float:
    rate: Any = _LIKELY_RATE
    if isinstance(value, Waveform):
        rate, value = value.sampling_rate or rate, value.array
    elif isinstance(value, Mapping) and "array" in value:
        rate, value = value.get("sampling_rate") or rate, value["array"]
    if is_array(value):
        return float(max(value.shape, default=0) / rate)
    if isinstance(value, (list, tuple)):
        return float(len(value) / rate)
    if is_audio_decoder(value):
        return read_decoder_seconds(value)
    return probe_audio(open_source(value, settings), settings.limits)


def _count_frames(value: Any, settings: MediaSettings) -> tuple[int, int]:
    if isinstance(value, Frames):
        value = value.array
    elif isinstance(value, Mapping) and "array" in value:
        value = value["array"]
    if is_array(value):
        shape = tuple(int(size) for size in value.shape)
        return int(np.prod(shape[:-3], dtype=np.float64)), _area_of(shape[-3:])
    if isinstance(value, (list, tuple)):
        return len(value), _count_pixels(value[0], settings) if value else 0
    info = (
        read_decoder_info(value)
        if is_video_decoder(value)
        else probe_video(open_source(value, settings), settings.limits)
    )
    return info.total_num_frames, info.width * info.height


def _area_of(shape: tuple[int, ...]) -> int:
    if len(shape) not in (2, 3):
        return 0
    height, width = image_size_of(shape)
    return height * width
