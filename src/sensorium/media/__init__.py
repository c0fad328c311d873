"""What an input is, whether it is safe, what it costs, and its decoded form.

The public face of the room, each name loaded from its home on first use: asking for the limits alone loads neither
numpy nor pillow. Inside the room, files import each other and never this one.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sensorium.media.audio import decode_audio, probe_audio
    from sensorium.media.cost import probe_sample
    from sensorium.media.decode import DecodeSpec, load_part, load_sample
    from sensorium.media.digest import sample_key
    from sensorium.media.formats import Format, sniff_format
    from sensorium.media.image import decode_image, probe_image, to_rgb
    from sensorium.media.limits import FetchPolicy, MediaLimits, MediaSettings
    from sensorium.media.modality import (
        format_modality,
        infer_batch_modality,
        infer_modality,
        is_audio_url_or_path,
        is_image_url_or_path,
        is_message_dict,
        is_non_text_pair,
        is_plain_text,
        is_single_input,
        is_text_pair,
        is_video_url_or_path,
        read_sample,
    )
    from sensorium.media.samples import Frames, MediaCost, Part, Sample, Turn, Waveform
    from sensorium.media.source import Source, open_source
    from sensorium.media.unsupported import raise_unsupported_modality_error
    from sensorium.media.video import VideoInfo, decode_video, probe_video
    from sensorium.media.waveform import mix_and_resample

#: Home -> the names that live there.
_HOMES: dict[str, tuple[str, ...]] = {
    "audio": ("decode_audio", "probe_audio"),
    "cost": ("probe_sample",),
    "decode": ("DecodeSpec", "load_part", "load_sample"),
    "digest": ("sample_key",),
    "formats": ("Format", "sniff_format"),
    "image": ("decode_image", "probe_image", "to_rgb"),
    "limits": ("FetchPolicy", "MediaLimits", "MediaSettings"),
    "modality": (
        "format_modality",
        "infer_batch_modality",
        "infer_modality",
        "is_audio_url_or_path",
        "is_image_url_or_path",
        "is_message_dict",
        "is_non_text_pair",
        "is_plain_text",
        "is_single_input",
        "is_text_pair",
        "is_video_url_or_path",
        "read_sample",
    ),
    "samples": ("Frames", "MediaCost", "Part", "Sample", "Turn", "Waveform"),
    "source": ("Source", "open_source"),
    "unsupported": ("raise_unsupported_modality_error",),
    "video": ("VideoInfo", "decode_video", "probe_video"),
    "waveform": ("mix_and_resample",),
}

_HOME_OF: dict[str, str] = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "DecodeSpec",
    "FetchPolicy",
    "Format",
    "Frames",
    "MediaCost",
    "MediaLimits",
    "MediaSettings",
    "Part",
    "Sample",
    "Source",
    "Turn",
    "VideoInfo",
    "Waveform",
    "decode_audio",
    "decode_image",
    "decode_video",
    "format_modality",
    "infer_batch_modality",
    "infer_modality",
    "is_audio_url_or_path",
    "is_image_url_or_path",
    "is_message_dict",
    "is_non_text_pair",
    "is_plain_text",
    "is_single_input",
    "is_text_pair",
    "is_video_url_or_path",
    "load_part",
    "load_sample",
    "mix_and_resample",
    "open_source",
    "probe_audio",
    "probe_image",
    "probe_sample",
    "probe_video",
    "raise_unsupported_modality_error",
    "read_sample",
    "sample_key",
    "sniff_format",
    "to_rgb",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'sensorium.media' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"sensorium.media.{home}"), name)
    globals()[name] = value  # the next access is a plain lookup
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
