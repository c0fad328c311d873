"""Values in memory, and mixtures: a digest of what they hold, and a small picture. Must not know how items are read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from sensorium.errors import InputError
from sensorium.ingest.identity import hash_file, hash_text
from sensorium.ingest.thumbnails import draw_thumbnail
from sensorium.media.digest import sample_key
from sensorium.media.files import is_file, is_file_record
from sensorium.media.forms import is_remote
from sensorium.media.image import decode_image, to_rgb
from sensorium.media.limits import MediaSettings
from sensorium.media.samples import Frames, Sample
from sensorium.media.source import open_source

if TYPE_CHECKING:
    from sensorium.media.limits import MediaLimits
    from sensorium.media.samples import Part


@dataclass(frozen=True, slots=True)
class HeldValue:
    """A caller's value, held as it is."""

    given: Any
    sample: Sample
    limits: MediaLimits

    def value(self) -> Any:
        """Give it back: of a single part, the value under its modality's name."""
        return self.sample.parts[0].value if len(self.sample.parts) == 1 else self.given

    def thumbnail(self, side: int) -> bytes | None:
        """Draw its first image, or the middle of its first clip, if that is in memory or in a file."""
        for part in self.sample.parts:
            image = _find_picture(part, self.limits)
            if image is not None:
                return draw_thumbnail(image, side)
        return None


def is_file_value(value: Any, is_string_path: bool = False) -> bool:
    """Tell whether a value is a file that can be read without fetching it.

    Args:
        value: Anything.
        is_string_path: Whether a string is a path or an address, rather than a text.
    """
    if is_remote(value):
        return False
    if isinstance(value, str):
        return is_string_path
    return is_file(value) or (isinstance(value, Mapping) and is_file_record(value))


def digest_sample(sample: Sample, limits: MediaLimits) -> str:
    """Give the digest of a value: of its texts, the bytes of its files, and what else it holds, in order.

    Raises:
        InputError: A part cannot be read twice, so that nobody can say what it holds.
        MediaError: A file in it cannot be read.
    """
    parts = [f"{part.modality}:{_digest_part(part, limits)}" for part in sample.parts]
    return hash_text("\0".join(["value", *parts]))


def _digest_part(part: Part, limits: MediaLimits) -> str:
    if part.modality == "text":
        return hash_text(part.value)
    if is_file_value(part.value, is_string_path=True):
        return hash_file(open_source(part.value, MediaSettings(limits=limits)))
    key = sample_key(Sample(part.modality, (part,)))
    if key is None:
        raise InputError(
            f"a value of type {type(part.value).__name__} cannot be read twice, so it cannot be told what it holds. "
            "Give the path, the bytes or the array."
        )
    return hash_text(repr(key))


def _find_picture(part: Part, limits: MediaLimits) -> Image.Image | None:
    value: Any = part.value
    if part.modality == "video":
        value = (
            value.array if isinstance(value, Frames) else value.get("array") if isinstance(value, Mapping) else value
        )
        is_clip = (isinstance(value, (list, tuple)) or getattr(value, "ndim", 0) == 4) and len(value) > 0
        value = value[len(value) // 2] if is_clip else None
    elif part.modality != "image":
        return None
    if isinstance(value, Image.Image):
        return to_rgb(value, limits)
    if isinstance(value, np.ndarray):
        is_rgb = value.ndim == 3 and value.dtype == np.uint8 and value.shape[2] == 3
        return Image.fromarray(np.ascontiguousarray(value)) if is_rgb else None
    if isinstance(value, (str, os.PathLike, bytes, Mapping)) and is_file_value(value, is_string_path=True):
        return decode_image(open_source(value, MediaSettings(limits=limits)), limits)
    return None
