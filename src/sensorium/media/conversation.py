"""Chat messages, in all the forms that people write them, as turns.

Text inside a message is always text: no string there is looked up or taken for an address. Media come under their own
keys, and become parts like any other, so that none of them reaches a loader outside this room. Must not know templates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sensorium.errors import InputError
from sensorium.media.samples import Part, Turn

if TYPE_CHECKING:
    from sensorium.types import BaseModality

#: Type of a content item -> modality.
_TYPES: dict[str, BaseModality] = {
    "text": "text",
    "input_text": "text",
    "image": "image",
    "image_url": "image",
    "input_image": "image",
    "audio": "audio",
    "audio_url": "audio",
    "input_audio": "audio",
    "video": "video",
    "video_url": "video",
    "input_video": "video",
}
#: Keys under which an item holds its medium, beside the item's own type.
_VALUE_KEYS = ("url", "path", "bytes", "base64", "data")
_DEFAULT_MIME = {"image": "image/png", "audio": "audio/wav", "video": "video/mp4"}


def is_message_dict(value: Any) -> bool:
    """Tell whether a value is one chat message: a dict with `role` and `content`."""
    return isinstance(value, Mapping) and "role" in value and "content" in value


def read_turns(messages: Sequence[Any]) -> tuple[Turn, ...]:
    """Bring a conversation to normal form.

    Args:
        messages: Dicts with `role` and `content`; content is a string, one item, or a list of items and strings.

    Returns:
        One turn a message.

    Raises:
        InputError: A message lacks a role or content, or an item is of an unknown type.
    """
    return tuple(_read_turn(message, position) for position, message in enumerate(messages))


def _read_turn(message: Any, position: int) -> Turn:
    if not is_message_dict(message):
        got = sorted(map(str, message)) if isinstance(message, Mapping) else type(message).__name__
        raise InputError(f"message {position} of the conversation must be a dict with 'role' and 'content', got {got}.")
    role, content = message["role"], message["content"]
    if not isinstance(role, str):
        raise InputError(f"the role of message {position} must be a string, got {type(role).__name__}.")
    items = [content] if isinstance(content, (str, Mapping)) else content
    if not isinstance(items, (list, tuple)):
        raise InputError(
            f"the content of message {position} must be a string or a list of items, got {type(content).__name__}."
        )
    parts = tuple(_read_item(item, f"message {position}, item {place}") for place, item in enumerate(items))
    return Turn(role, parts, {key: value for key, value in message.items() if key not in ("role", "content")})


def _read_item(item: Any, where: str) -> Part:
    if isinstance(item, str):
        return Part("text", str(item), True)
    if not isinstance(item, Mapping):
        raise InputError(f"{where} must be a string or a dict with a 'type', got {type(item).__name__}.")
    name = item["type"] if "type" in item else next((key for key in item if key in _TYPES), None)
    if name not in _TYPES:
        raise InputError(f"{where} has the unknown type {name!r}. Known types: {sorted(_TYPES)}.")
    kind = _TYPES[name]
    value = _find_value(item, name, kind, where)
    if kind != "text":
        return Part(kind, value)
    if not isinstance(value, str):
        raise InputError(f"{where} is of type {name!r}, and its text is {type(value).__name__}.")
    return Part("text", str(value), True)


def _find_value(item: Mapping[str, Any], name: str, kind: BaseModality, where: str) -> Any:
    """Return what an item holds, under whichever key."""
    keys = [key for key in (name, kind, *_VALUE_KEYS) if item.get(key) is not None]
    if not keys:
        raise InputError(f"{where} is of type {name!r} and holds nothing under {name!r}, 'url', 'path' or 'base64'.")
    key, value = keys[0], item[keys[0]]
    if isinstance(value, Mapping) and name.endswith("_url"):
        return _find_value({"type": name, **value}, name, kind, where)
    if isinstance(value, Mapping) and name.startswith("input_") and "data" in value:
        return _as_data_address(value["data"], f"{kind}/{value.get('format', _DEFAULT_MIME[kind].partition('/')[2])}")
    if key in ("base64", "data"):
        return _as_data_address(value, _DEFAULT_MIME[kind])
    return value


def _as_data_address(value: Any, mime: str) -> Any:
    """Mark bare base64 as what it is, so that nobody takes it for a path."""
    if not isinstance(value, str) or value[:5].lower() == "data:":
        return value
    return f"data:{mime};base64,{value}"
