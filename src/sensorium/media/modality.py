"""What an input is: any value a caller may hand in becomes a `Sample`, or an error that says what it is not.

Nothing is decoded or fetched; a string is looked up on disk only if it ends like a medium. Must not know models,
beyond the
list of modalities that one supports.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from sensorium.errors import InputError
from sensorium.media.arrays import is_array
from sensorium.media.conversation import is_message_dict, read_turns
from sensorium.media.decoders import is_audio_decoder, is_video_decoder
from sensorium.media.files import find_file_kind, is_file_record
from sensorium.media.forms import is_open_file, is_read_once
from sensorium.media.limits import MediaSettings
from sensorium.media.paths import check_not_missing, find_media_kind, find_suffix_kind
from sensorium.media.samples import Part, Sample, Turn
from sensorium.media.source import Source, open_source
from sensorium.types import MULTIMODAL_DICT_KEYS, PAIR_ROLES

if TYPE_CHECKING:
    from sensorium.types import BaseModality, Modality

_BY_DIMENSIONS: dict[int, BaseModality] = {1: "audio", 2: "audio", 3: "image", 4: "video", 5: "video"}

_ACCEPTED = (
    "Expected one of: str, path, bytes, open binary file, dict, chat messages, PIL.Image.Image, np.ndarray, "
    "torch.Tensor"
)
_VIDEO_HINT = (
    " To attach per-sample video metadata, pass the video itself as a dict, and keep processor options in "
    'processing_kwargs, e.g.:\n{"video": {"array": frames, "video_metadata": {"fps": 15, "total_num_frames": 3}}}\n'
    'processing_kwargs={"video": {"do_sample_frames": False}}'
)
_AUDIO_HINT = (
    " To attach the sampling rate, pass the audio itself as a dict, e.g.:\n"
    '{"audio": {"array": waveform, "sampling_rate": 16000}}'
)


def read_sample(value: Any, supported: Collection[Modality] | None = None) -> Sample:
    """Bring one input to normal form.

    Args:
        value: An input of any form; a `Sample` comes back as it is.
        supported: What the model takes. A path or address of a medium that it does not take is text; a path of one
            that it takes must exist. None: every medium is taken, and a missing path is text.

    Returns:
        The sample, undecoded. A pair (two items that are not both strings) has two turns, query and document.

    Raises:
        InputError: The value is no input.
        MissingMediaError: A string that is surely meant as a path, and names no file.
    """
    if isinstance(value, Sample):
        return value
    if isinstance(value, str):
        return _read_string(value, supported)
    if isinstance(value, Mapping):
        return _read_mapping(value, supported)
    if isinstance(value, (list, tuple)):
        return _read_sequence(value, supported)
    if is_read_once(value):
        value = open_source(value, MediaSettings())  # kept, for whoever looks next finds the file used up
    kind = _find_kind(value)
    if kind is None:
        raise InputError(f"Unsupported input type: {type(value).__name__}. {_ACCEPTED}")
    return Sample(kind, (Part(kind, value),))


def infer_modality(sample: Any, supported_modalities: Collection[Modality] | None = None) -> Modality:
    """Say what one input is.

    Args:
        sample: As for `read_sample`.
        supported_modalities: As for `read_sample`.

    Returns:
        A modality, a sorted tuple of those of a mixed input, or `"message"` for a chat or a pair.

    Raises:
        InputError: As for `read_sample`.
    """
    return read_sample(sample, supported_modalities).modality


def infer_batch_modality(samples: Sequence[Any], supported_modalities: Collection[Modality] | None = None) -> Modality:
    """Say what a batch is: its samples' one modality, `"message"` if they have several, `"text"` if it is empty."""
    found = {infer_modality(sample, supported_modalities) for sample in samples}
    if not found:
        return "text"
    return found.pop() if len(found) == 1 else "message"


def is_image_url_or_path(text: str) -> bool:
    """Tell whether a string is the address, or the path of an existing file, of an image."""
    return find_media_kind(text) == "image"


def is_video_url_or_path(text: str) -> bool:
    """Tell whether a string is the address, or the path of an existing file, of a clip."""
    return find_media_kind(text) == "video"


def is_audio_url_or_path(text: str) -> bool:
    """Tell whether a string is the address, or the path of an existing file, of a sound."""
    return find_media_kind(text) == "audio"


def is_text_pair(value: Any) -> bool:
    """Tell whether a value is a list or tuple of two strings."""
    return isinstance(value, (list, tuple)) and len(value) == 2 and all(isinstance(side, str) for side in value)


def is_non_text_pair(sample: Any) -> bool:
    """Tell whether a value is a pair whose sides are not both strings, and not a conversation."""
    if not isinstance(sample, (list, tuple)) or len(sample) != 2 or is_text_pair(sample):
        return False
    return not any(_starts_conversation(side) for side in sample)


def is_single_input(inputs: Any) -> bool:
    """Tell whether a value is one input of an embedding model, not a batch of them.

    Lists and tuples are batches, unless they are one conversation; arrays of strings or objects are batches, arrays
    of numbers
    are media; iterators are batches.
    """
    if isinstance(inputs, (list, tuple)):
        return bool(inputs) and is_message_dict(inputs[0])
    if isinstance(inputs, np.ndarray):
        return not (inputs.ndim >= 1 and inputs.dtype.kind in "UO")
    datasets = sys.modules.get("datasets")
    if datasets is not None and isinstance(inputs, getattr(datasets, "Column", ())):
        return False
    return is_open_file(inputs) or not hasattr(inputs, "__next__")


def is_plain_text(value: Any) -> bool:
    """Tell, without looking at the disk, that a value cannot be a medium: a string that does not end or begin as
    one."""
    if not isinstance(value, str):
        return is_text_pair(value)
    return find_suffix_kind(value) is None and not value[:5].lower().startswith(("http", "data:"))


def format_modality(modality: Modality) -> str:
    """Write a modality as people read it: `image+text` for a mixed one."""
    return modality if isinstance(modality, str) else "+".join(modality)


def _read_string(text: str, supported: Collection[Modality] | None) -> Sample:
    kind = find_media_kind(text)
    if kind is None and supported is not None:
        check_not_missing(text, supported)
    if kind is None or (supported is not None and kind not in supported):
        return Sample("text", (Part("text", str(text), True),))
    return Sample(kind, (Part(kind, text),))


def _read_mapping(value: Mapping[Any, Any], supported: Collection[Modality] | None) -> Sample:
    if is_message_dict(value):
        return Sample("message", (), read_turns([value]))
    if "array" in value:
        return _read_array_dict(value)
    if is_file_record(value):
        kind = find_file_kind(value)
        return Sample(kind, (Part(kind, value),))
    if not value:
        raise InputError("Empty dict input is not a valid input sample.")
    foreign = sorted((key for key in value if key not in MULTIMODAL_DICT_KEYS), key=str)
    if foreign:
        hints = (_VIDEO_HINT if "video_metadata" in foreign else "") + (
            _AUDIO_HINT if "sampling_rate" in foreign else ""
        )
        raise InputError(
            f"Multimodal dict input contains unrecognized modality keys: {foreign}. Expected keys from: "
            f"{sorted(MULTIMODAL_DICT_KEYS)}.{hints}"
        )
    parts = tuple(part for key, item in value.items() for part in _read_items(key, item))
    kinds = tuple(sorted(value))
    return Sample(kinds[0] if len(kinds) == 1 else kinds, parts)


def _read_array_dict(value: Mapping[Any, Any]) -> Sample:
    if "sampling_rate" in value:
        return Sample("audio", (Part("audio", value),))
    if "video_metadata" in value:
        return Sample("video", (Part("video", value),))
    raise InputError(
        "Dict input with 'array' key must also include 'sampling_rate' (for audio) or 'video_metadata' (for video). "
        f"Got keys: {sorted(value, key=str)}"
    )


def _read_items(key: BaseModality, item: Any) -> list[Part]:
    """Read the value of one key of a mixed dict: one item, or a list of several."""
    items = list(item) if isinstance(item, (list, tuple)) and not _is_one_item(key, item) else [item]
    if not items:
        raise InputError(f"the list under {key!r} is empty. Leave the key out, or give at least one item.")
    for position, single in enumerate(items):
        if single is None or (key == "text" and not isinstance(single, str)):
            where = f"item {position} under {key!r}" if len(items) > 1 else f"the value under {key!r}"
            raise InputError(f"{where} is {type(single).__name__}, which is no {key}.")
    return [Part(key, str(single) if key == "text" else single, key == "text") for single in items]


def _is_one_item(key: BaseModality, items: Sequence[Any]) -> bool:
    """Tell whether a list is itself one item: the frames of a clip, or the numbers of a waveform."""
    if not items:
        return False
    if key == "video":
        return all(_is_frame(item) for item in items)
    return key == "audio" and all(isinstance(item, (int, float)) for item in items)


def _is_frame(value: Any) -> bool:
    return isinstance(value, Image.Image) or (is_array(value) and value.ndim <= 3)


def _read_sequence(value: Sequence[Any], supported: Collection[Modality] | None) -> Sample:
    if is_text_pair(value):
        return Sample("text", tuple(Part("text", str(side), True) for side in value), is_pair=True)
    if value and is_message_dict(value[0]):
        return Sample("message", (), read_turns(value))
    if is_non_text_pair(value):
        return _read_pair(value, supported)
    if len(value) > 2 and isinstance(value, list) and all(_is_frame(item) for item in value):
        return Sample("video", (Part("video", value),))
    raise InputError(
        f"Unsupported input type: {type(value).__name__}. {_ACCEPTED}. A list or tuple is one input only if it is "
        f"a pair, a "
        "conversation, or the frames of a clip."
    )


def _read_pair(pair: Sequence[Any], supported: Collection[Modality] | None) -> Sample:
    turns = []
    for role, side in zip(PAIR_ROLES, pair, strict=True):
        sample = read_sample(side, supported)
        if sample.turns:
            raise InputError(f"the {role} of a pair cannot be a pair or a conversation itself.")
        turns.append(Turn(role, sample.parts))
    return Sample("message", (), tuple(turns), is_pair=True)


def _starts_conversation(value: Any) -> bool:
    return is_message_dict(value) or (isinstance(value, list) and bool(value) and isinstance(value[0], Mapping))


def _find_kind(value: Any) -> BaseModality | None:
    """Say what a value is that is neither string, dict nor sequence."""
    if isinstance(value, Image.Image):
        return "image"
    if is_array(value):
        if value.ndim not in _BY_DIMENSIONS:
            raise InputError(
                f"Unsupported tensor dimensionality: {value.ndim}D. Expected 1-2D for audio, 3D for image, or "
                f"4-5D for video."
            )
        return _BY_DIMENSIONS[value.ndim]
    if is_audio_decoder(value):
        return "audio"
    if is_video_decoder(value):
        return "video"
    if isinstance(value, (bytes, bytearray, memoryview, os.PathLike, Source)) or is_open_file(value):
        return find_file_kind(value)
    return None
