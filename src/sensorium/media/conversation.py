"""Chat messages, in all the forms that people write them, as turns.

Text inside a message is always text: no string there is looked up or taken for an address. Media stand under keys that
name them and become parts like any other, so that no loader outside this room ever sees a path, an address or base64.
Must not know templates or models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sensorium.errors import InputError
from sensorium.media.arrays import is_array
from sensorium.media.data_address import is_data_address
from sensorium.media.files import is_file_record
from sensorium.media.items import is_clip, read_items
from sensorium.media.kinds import find_kind
from sensorium.media.samples import Part, Turn

if TYPE_CHECKING:
    from sensorium.types import BaseModality

#: Type of a content item -> modality. The second and third of each come from OpenAI's interfaces.
ITEM_TYPES: dict[str, BaseModality] = {
    "text": "text",
    "input_text": "text",
    "output_text": "text",
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
#: Keys under which an item of any type may hold its medium.
_PLACES = ("url", "path", "base64", "data", "bytes")
#: Keys beside a medium that belong to it.
_COMPANIONS = {"audio": "sampling_rate", "video": "video_metadata"}


def is_message_dict(value: Any) -> bool:
    """Tell whether a value is one chat message: a dict with `role` and `content`."""
    return isinstance(value, Mapping) and "role" in value and "content" in value


def is_conversation(value: Any) -> bool:
    """Tell whether a value is a list or tuple that begins with a chat message."""
    return isinstance(value, (list, tuple)) and bool(value) and is_message_dict(value[0])


def read_turns(messages: Sequence[Any]) -> tuple[Turn, ...]:
    """Bring a conversation to normal form.

    Args:
        messages: Dicts with `role` (a string) and `content`: a string, one item, or a list of items. An item is a
            string; a dict with a `type` of `ITEM_TYPES` and the medium under the type's own key, the modality, `url`,
            `path`, `base64`, `data` or `bytes`; a dict without a type and with one such key; or a medium in memory.

    Returns:
        One turn a message, further keys of a message in `extra`. Base64 becomes a data address.

    Raises:
        InputError: A message lacks its role or content; an item is of an unknown type, holds nothing, or holds two
            media.

    Example:
        >>> read_turns([{"role": "user", "content": [{"type": "image", "path": "cat.jpg"}, "What is it?"]}])[0].parts[1]
        Part(modality='text', value='What is it?', is_loaded=True)
    """
    return tuple(_read_turn(message, f"message {number}") for number, message in enumerate(messages))


def _read_turn(message: Any, where: str) -> Turn:
    if not is_message_dict(message):
        got = f"a dict with the keys {sorted(message, key=str)}" if isinstance(message, Mapping) else _name(message)
        raise InputError(f"{where} of the conversation must be a dict with 'role' and 'content', and is {got}.")
    role, content = message["role"], message["content"]
    if not isinstance(role, str) or not role:
        raise InputError(f"{where}: the role must be a string such as 'user', got {role!r:.80}.")
    if content is None:
        raise InputError(f"{where}: the content is None. Give a string or a list of items; '' for an empty turn.")
    is_list = isinstance(content, (list, tuple))
    if is_list and not content:
        raise InputError(f"{where}: the content is an empty list. Give at least one item; '' for an empty turn.")
    items = content if is_list else [content]
    parts = tuple(
        part for number, item in enumerate(items) for part in _read_item(item, f"{where}, content item {number}")
    )
    return Turn(str(role), parts, {key: value for key, value in message.items() if key not in ("role", "content")})


def _read_item(item: Any, where: str) -> tuple[Part, ...]:
    if isinstance(item, str):
        return (Part("text", str(item), True),)
    if isinstance(item, Mapping) and ("type" in item or not {"array", "bytes", "path"} & set(item)):
        name = _find_type(item, where)
        modality = ITEM_TYPES[name]
        return read_items(modality, _find_value(item, name, modality, where), where)
    kind = "video" if is_clip(item) else find_kind(item)
    if kind is None:
        raise InputError(f"{where} must be a string, a dict with a 'type', or a medium, and is {_name(item)}.")
    return (Part(kind, item),)


def _find_type(item: Mapping[Any, Any], where: str) -> str:
    """Name the type of an item: the one it states, or that of its only key which is one."""
    if "type" in item:
        name = item["type"]
        if isinstance(name, str) and name in ITEM_TYPES:
            return str(name)
        raise InputError(f"{where} has the unknown type {name!r:.80}. Known types: {', '.join(ITEM_TYPES)}.")
    names = [key for key in item if isinstance(key, str) and key in ITEM_TYPES]
    if len(names) != 1:
        keys = f"{sorted(item, key=str)}, of which {'several are' if names else 'none is'} a type"
        raise InputError(f"{where} has no 'type', and the keys {keys}. Known types: {', '.join(ITEM_TYPES)}.")
    return str(names[0])


def _find_value(item: Mapping[Any, Any], name: str, modality: BaseModality, where: str) -> Any:
    """Give the medium or text of an item, under whichever key it stands."""
    known = (name, "text") if modality == "text" else (name, modality, f"{modality}_url", *_PLACES, "array")
    keys = [key for key in dict.fromkeys(known) if item.get(key) is not None]
    if set(keys) == {"bytes", "path"}:
        return {key: item[key] for key in keys}
    if len(keys) != 1:
        fault = f"several, under {keys}" if keys else f"nothing, under {' or '.join(map(repr, dict.fromkeys(known)))}"
        raise InputError(f"{where} is of the type {name!r} and holds {fault}. Give exactly one.")
    key, value = keys[0], item[keys[0]]
    if isinstance(value, Mapping) and "array" not in value and not is_file_record(value):
        return _read_nested(value, modality, where)
    companion = _COMPANIONS.get(modality)
    if companion in item and (is_array(value) or isinstance(value, (list, tuple))):
        return {"array": value, companion: item[companion]}
    return _mark_base64(key, value, modality, "*")


def _read_nested(value: Mapping[Any, Any], modality: BaseModality, where: str) -> Any:
    """Read `{"url": ...}` or `{"data": ..., "format": ...}`, as OpenAI's interfaces have them."""
    places = [key for key in _PLACES if value.get(key) is not None]
    if len(places) != 1:
        raise InputError(
            f"{where} holds a dict with the keys {sorted(value, key=str)}, which must have one of {list(_PLACES)}."
        )
    subtype = value.get("format")
    is_plain = isinstance(subtype, str) and subtype.isalnum()
    return _mark_base64(places[0], value[places[0]], modality, subtype if is_plain else "*")


def _mark_base64(key: str, value: Any, modality: BaseModality, subtype: Any) -> Any:
    """Write base64 as the data address that it is, so that nobody takes it for a path."""
    if key == "base64" and isinstance(value, (bytes, bytearray)):
        value = value.decode("latin-1")
    if key not in ("base64", "data") or not isinstance(value, str) or is_data_address(value):
        return value
    return f"data:{modality}/{subtype};base64,{value}"


def _name(value: Any) -> str:
    return type(value).__name__
