"""What an input is: any value that a caller may hand in becomes a `Sample`, or an error that says what it is not.

Nothing is decoded or fetched; of files only the first bytes are read, of long strings only the first letters. Must not
know models, beyond the list of modalities that one supports.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sensorium.errors import InputError
from sensorium.media.conversation import is_conversation, is_message_dict, read_turns
from sensorium.media.files import is_file_record
from sensorium.media.forms import is_open_file, is_read_once
from sensorium.media.items import is_clip, read_items
from sensorium.media.kinds import find_kind
from sensorium.media.limits import MediaSettings
from sensorium.media.paths import find_media_kind, guess_media_kind
from sensorium.media.samples import Part, Sample, Turn
from sensorium.media.source import open_source
from sensorium.types import MULTIMODAL_DICT_KEYS, PAIR_ROLES

if TYPE_CHECKING:
    from sensorium.types import Modality

__all__ = [
    "format_modality",
    "infer_batch_modality",
    "infer_modality",
    "is_audio_url_or_path",
    "is_image_url_or_path",
    "is_message_dict",
    "is_non_text_pair",
    "is_plain_text",
    "is_single_input",
    "is_single_pair",
    "is_text_pair",
    "is_video_url_or_path",
    "read_pair",
    "read_sample",
]

#: Images in a bare list that make a clip. Two are a pair, and one is most likely a batch that was wrapped twice.
MIN_BARE_FRAMES = 3

_ACCEPTED = (
    "Accepted: a str (text, the path or the address of a medium), a path object, bytes, an open binary file, "
    '{"bytes": ..., "path": ...}, a PIL image, a numpy array or torch tensor, {"array": ..., "sampling_rate": ...}, '
    '{"array": ..., "video_metadata": ...}, {"text": ..., "image": ..., "audio": ..., "video": ...}, chat messages, '
    "or a pair of these."
)


def read_sample(value: Any, supported: Collection[Modality] | None = None) -> Sample:
    """Bring one input to normal form.

    Args:
        value: An input of any form; a `Sample` comes back as it is. A bare list or tuple is a pair if it has two items,
            a conversation if it begins with a message, a clip if it is of `MIN_BARE_FRAMES` images in memory or more.
        supported: What the model takes, by which strings are judged: the path or address of a medium that it does not
            take is text, and what is surely meant as the path of one that it takes must name a file. None: every medium
            is taken, and a missing path is text. Values that are not strings are never downgraded.

    Returns:
        The sample, undecoded. A pair has two text parts, or two turns, query and document, if media are in it.

    Raises:
        InputError: The value is no input.
        MediaError: A file is not media.
        MissingMediaError: There is no such file.

    Example:
        >>> read_sample({"text": "a cat", "image": "cat.jpg"}).modality
        ('image', 'text')
    """
    if isinstance(value, str):
        return _read_string(value, supported)
    if isinstance(value, Sample):
        return value
    if isinstance(value, Mapping):
        return _read_mapping(value)
    if isinstance(value, (list, tuple)):
        return _read_sequence(value, supported)
    if is_read_once(value):
        value = open_source(value, MediaSettings())  # kept: whoever looks next would find the stream used up
    kind = find_kind(value)
    if kind is None:
        raise InputError(f"Unsupported input type: {type(value).__name__}. {_ACCEPTED}")
    return Sample(kind, (Part(kind, value),))


def infer_modality(sample: Any, supported_modalities: Collection[Modality] | None = None) -> Modality:
    """Say what one input is.

    Args:
        sample: As for `read_sample`.
        supported_modalities: As for `read_sample`.

    Returns:
        A modality, a sorted tuple of those of a mixed input, or `"message"` for a chat, or for a pair with media.

    Raises:
        InputError: As for `read_sample`.
    """
    return read_sample(sample, supported_modalities).modality


def infer_batch_modality(samples: Sequence[Any], supported_modalities: Collection[Modality] | None = None) -> Modality:
    """Say what a batch is: its samples' one modality, `"message"` if they have several, `"text"` if it is empty.

    Args:
        samples: Each as for `read_sample`.
        supported_modalities: As for `read_sample`.

    Raises:
        InputError: As for `read_sample`.
    """
    found = {infer_modality(sample, supported_modalities) for sample in samples}
    if not found:
        return "text"
    return found.pop() if len(found) == 1 else "message"


def is_image_url_or_path(text: str) -> bool:
    """Tell whether a string is the address, or the path of an existing file, of an image."""
    return isinstance(text, str) and find_media_kind(text) == "image"


def is_video_url_or_path(text: str) -> bool:
    """Tell whether a string is the address, or the path of an existing file, of a clip."""
    return isinstance(text, str) and find_media_kind(text) == "video"


def is_audio_url_or_path(text: str) -> bool:
    """Tell whether a string is the address, or the path of an existing file, of a sound."""
    return isinstance(text, str) and find_media_kind(text) == "audio"


def is_text_pair(value: Any) -> bool:
    """Tell whether a value is a list or tuple of two strings."""
    return isinstance(value, (list, tuple)) and len(value) == 2 and all(isinstance(side, str) for side in value)


def is_non_text_pair(sample: Any) -> bool:
    """Tell whether a value is a list or tuple of two that are not both strings, and no conversation."""
    if not isinstance(sample, (list, tuple)) or len(sample) != 2 or is_text_pair(sample):
        return False
    return not any(_begins_conversation(side) for side in sample)


def is_single_input(inputs: Any) -> bool:
    """Tell whether a value is one input of an embedding model, not a batch of them.

    Lists and tuples are batches, unless they are a list that is one conversation; so are columns of data sets,
    iterators, and arrays of strings or objects. Anything else, arrays of numbers included, is one input.
    """
    if isinstance(inputs, list):
        return is_conversation(inputs)
    if isinstance(inputs, tuple) or _is_column(inputs):
        return False
    if isinstance(inputs, np.ndarray):
        return inputs.ndim == 0 or inputs.dtype.kind not in "UO"
    return is_open_file(inputs) or not hasattr(inputs, "__next__")


def is_single_pair(inputs: Any) -> bool:
    """Tell whether a value is one input of a reranker, not a batch of them.

    A list, tuple or column whose first item is one itself is a batch of pairs, and so is an empty one; any other is a
    pair. Of arrays of strings or objects, those with two axes are batches. Anything else is one input.
    """
    if isinstance(inputs, (list, tuple)) or _is_column(inputs):
        return len(inputs) > 0 and not (isinstance(inputs[0], (list, tuple)) or _is_column(inputs[0]))
    if isinstance(inputs, np.ndarray) and inputs.dtype.kind in "UO":
        return inputs.size > 0 and inputs.ndim < 2
    return not hasattr(inputs, "__next__")


def is_plain_text(value: Any) -> bool:
    """Tell, without looking at the disk, that an input cannot hold a medium."""
    if isinstance(value, str):
        return guess_media_kind(value) is None
    if isinstance(value, Sample):
        return all(part.modality == "text" for part in value.all_parts())
    if isinstance(value, Mapping):
        return set(value) == {"text"}
    return is_text_pair(value) and all(map(is_plain_text, value))


def format_modality(modality: Modality) -> str:
    """Write a modality as people read it: `image+text` for a mixed one."""
    return modality if isinstance(modality, str) else "+".join(modality)


def _read_string(text: str, supported: Collection[Modality] | None) -> Sample:
    kind = find_media_kind(text, supported)
    if kind is None:
        return Sample("text", (Part("text", str(text), True),))
    return Sample(kind, (Part(kind, text),))


def _read_mapping(value: Mapping[Any, Any]) -> Sample:
    if is_message_dict(value):
        return Sample("message", (), read_turns([value]))
    if "array" in value or is_file_record(value):
        kind = find_kind(value)
        assert kind is not None, "dicts of arrays and files are of some kind, or raise"
        return Sample(kind, (Part(kind, value),))
    if not value:
        raise InputError(f"an empty dict is no input. {_ACCEPTED}")
    foreign = sorted((key for key in value if key not in MULTIMODAL_DICT_KEYS), key=str)
    if foreign:
        raise _foreign_keys(foreign)
    return _read_mixture(value)


def _read_mixture(value: Mapping[Any, Any]) -> Sample:
    parts = tuple(part for key, item in value.items() for part in read_items(key, item))
    kinds = tuple(sorted({part.modality for part in parts}))
    if not kinds:
        raise InputError(f"a dict with the keys {sorted(value)} holds only empty lists. Give at least one item.")
    is_pair = kinds == ("text",) and is_text_pair(value["text"])
    return Sample(kinds[0] if len(kinds) == 1 else kinds, parts, is_pair=is_pair)


def _foreign_keys(foreign: list[Any]) -> InputError:
    hints = []
    if {"role", "content"} & set(foreign):
        hints.append("A chat message needs both 'role' and 'content'.")
    if "video_metadata" in foreign:
        hints.append(
            'To attach metadata to a clip, put both under "video": {"video": {"array": frames, "video_metadata": '
            '{"fps": 15, "total_num_frames": 3}}}; to have the frames taken as they are, pass '
            'processing_kwargs={"video": {"do_sample_frames": False}}.'
        )
    if "sampling_rate" in foreign:
        hints.append(
            'To attach its rate to a sound, put both under "audio": '
            '{"audio": {"array": waveform, "sampling_rate": 16000}}.'
        )
    return InputError(
        " ".join(
            [
                f"a dict with unrecognized modality keys: {foreign}. Expected keys from: "
                f"{sorted(MULTIMODAL_DICT_KEYS)}.",
                *hints,
            ]
        )
    )


def _read_sequence(value: Sequence[Any], supported: Collection[Modality] | None) -> Sample:
    if value and isinstance(value[0], Mapping) and {"role", "content"} & set(value[0]):
        return Sample("message", (), read_turns(value))  # or the error that says which key is missing
    if is_text_pair(value) or is_non_text_pair(value):
        return read_pair(value, supported)
    if len(value) >= MIN_BARE_FRAMES and is_clip(value):
        return Sample("video", (Part("video", value),))
    raise InputError(
        f"Unsupported input type: {type(value).__name__} of {len(value)}. A list or tuple is one input only if it is a "
        f"pair, a conversation, or the frames of a clip, at least {MIN_BARE_FRAMES}; several items go into a dict, as "
        'in {"text": "...", "image": [a, b]}, the frames of a clip into {"video": [...]}.'
    )


def read_pair(pair: Sequence[Any], supported: Collection[Modality] | None = None) -> Sample:
    """Bring a query and a document to normal form.

    Args:
        pair: Two inputs, each as for `read_sample`; a chat message counts with its content.
        supported: As for `read_sample`.

    Returns:
        Two text parts, or two turns, query and document, if media are in it.

    Raises:
        InputError: A side is a pair, or a chat of several messages; and as for `read_sample`.
    """
    if supported is None and is_text_pair(pair):
        return Sample("text", tuple(Part("text", str(side), True) for side in pair), is_pair=True)
    sides = []
    for role, side in zip(PAIR_ROLES, pair, strict=True):
        sides.append(_read_side(role, side, supported))
    if all(sample.modality == "text" and len(sample.parts) == 1 for sample in sides):
        return Sample("text", tuple(sample.parts[0] for sample in sides), is_pair=True)
    turns = tuple(Turn(role, sample.parts) for role, sample in zip(PAIR_ROLES, sides, strict=True))
    return Sample("message", (), turns, is_pair=True)


def _read_side(role: str, side: Any, supported: Collection[Modality] | None) -> Sample:
    """Read one side of a pair; of a chat message its content counts."""
    sample = read_sample(side, supported)
    if len(sample.turns) == 1 and not sample.is_pair:
        parts = sample.turns[0].parts
        kinds = tuple(sorted({part.modality for part in parts}))
        return Sample(kinds[0] if len(kinds) == 1 else kinds, parts)
    if sample.turns or sample.is_pair:
        raise InputError(
            f"the {role} of a pair is a pair or a chat of several messages itself. Give one input, one message, or a "
            'dict such as {"image": [a, b]}; a whole chat is scored as an input of its own, with turns of the roles '
            "'query' and 'document'."
        )
    return sample


def _begins_conversation(value: Any) -> bool:
    return is_message_dict(value) or (isinstance(value, list) and bool(value) and isinstance(value[0], Mapping))


def _is_column(value: Any) -> bool:
    """Tell whether a value is a lazy column of the package `datasets`, if that has been imported."""
    homes = (sys.modules.get(name) for name in ("datasets", "datasets.arrow_dataset"))
    columns = (getattr(home, "Column", None) for home in homes)
    return any(isinstance(column, type) and isinstance(value, column) for column in columns)
