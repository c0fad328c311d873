"""What stands under the name of a modality, in a mixed dict or a chat message: one item, or a list of several.

The name says what the item is, so no string is judged here; only what can never be of that modality is refused. Must
not know models, pairs or conversations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sensorium.errors import InputError
from sensorium.media.arrays import is_array
from sensorium.media.files import find_file_kind, is_file, is_file_record
from sensorium.media.forms import is_read_once
from sensorium.media.kinds import find_object_kind, is_number, is_numeric, is_picture
from sensorium.media.paths import guess_media_kind
from sensorium.media.samples import Part

if TYPE_CHECKING:
    from sensorium.types import BaseModality

_FORMS: dict[BaseModality, str] = {
    "text": "a str",
    "image": 'a path, an address, bytes, an open binary file, {"bytes": ..., "path": ...}, a PIL image or an array',
    "audio": 'a path, an address, bytes, an open binary file, {"array": waveform, "sampling_rate": 16000} or an array',
    "video": "a path, an address, bytes, an open binary file, a list of frames, "
    '{"array": frames, "video_metadata": {...}} or an array',
}


def read_items(modality: BaseModality, value: Any, where: str | None = None) -> tuple[Part, ...]:
    """Bring what stands under a modality's name to parts.

    Args:
        modality: The name.
        value: One item, or a list or tuple of items. Under `"video"`, a list of images (PIL, arrays of 2 or 3
            dimensions, paths and addresses that end like an image) is one clip; under `"audio"`, a list of numbers is
            one waveform.
        where: What the place is called in messages; "under" and the modality if None.

    Returns:
        One part an item, in order, values as they were given; none for an empty list.

    Raises:
        InputError: An item that cannot be of this modality.
    """
    where = where or f"the value under {modality!r}"
    if not isinstance(value, (list, tuple)) or _is_one_item(modality, value):
        return (_read_item(modality, value, where),)
    return tuple(_read_item(modality, item, f"{where}, number {number},") for number, item in enumerate(value))


def is_clip(frames: Any) -> bool:
    """Tell whether a value is a list or tuple of images in memory (PIL, or arrays of 3 dimensions), at least one."""
    return isinstance(frames, (list, tuple)) and bool(frames) and all(is_picture(frame) for frame in frames)


def _is_one_item(modality: BaseModality, items: Any) -> bool:
    if modality == "video":
        return bool(items) and all(_is_frame(item) for item in items)
    return modality == "audio" and bool(items) and is_number(items[0])


def _is_frame(value: Any) -> bool:
    if isinstance(value, str):
        return guess_media_kind(value) == "image"
    if is_file(value) and not is_read_once(value):
        return find_file_kind(value) == "image"
    if isinstance(value, Mapping):
        return is_file_record(value) and find_file_kind(value) == "image"
    return is_picture(value) or (is_array(value) and value.ndim == 2)


def _read_item(modality: BaseModality, value: Any, where: str) -> Part:
    if modality == "text":
        if isinstance(value, str):
            return Part("text", str(value), True)
    elif _is_medium(modality, value, where):
        return Part(modality, value)
    hint = " Leave out keys that hold nothing." if value is None else ""
    if modality == "video" and is_picture(value):
        hint = " Put the frames of a clip into a list."
    raise InputError(f"{where} is {_describe(value)}, and must be {_FORMS[modality]}, or a list of these.{hint}")


def _is_medium(modality: BaseModality, value: Any, where: str) -> bool:
    """Tell whether a value can be of this modality; raise, where more can be said about why it cannot."""
    if is_array(value):
        if not is_numeric(value):
            raise InputError(f"{where} is an array of {value.dtype}, where only real numbers are media.")
        return True
    if isinstance(value, Mapping):
        _check_dict(modality, value, where)
        return True
    if isinstance(value, (list, tuple)):
        return _is_one_item(modality, value)  # of several clips or waveforms
    return isinstance(value, str) or is_file(value) or find_object_kind(value) == modality


def _check_dict(modality: BaseModality, value: Mapping[Any, Any], where: str) -> None:
    if is_file_record(value):
        return
    companion = {"audio": "sampling_rate", "video": "video_metadata"}.get(modality)
    if companion is None or "array" not in value:
        keys = sorted(value, key=str)
        raise InputError(f"{where} is a dict with the keys {keys}, and must be {_FORMS[modality]}.")
    if modality == "audio" and companion not in value:
        raise InputError(
            f"{where} has an 'array' and must also include 'sampling_rate', in Hz; it has the keys "
            f"{sorted(value, key=str)}."
        )


def _describe(value: Any) -> str:
    kind = find_object_kind(value)
    name = type(value).__name__
    return f"{name}, which is {kind}" if kind is not None else name
