"""Keys of samples: two samples with equal keys hold the same content, so that one computation serves both.

Keys come from content, or from what the file system says of a file, never from an object's identity, which another
object may have a moment later. Must not know what is computed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Hashable, Mapping
from hashlib import blake2b
from typing import Any

import numpy as np
from PIL import Image

from sensorium.errors import MediaError
from sensorium.media.arrays import is_array, is_tensor
from sensorium.media.data_address import is_data_address
from sensorium.media.decoders import is_decoder
from sensorium.media.forms import is_open_file, is_read_once
from sensorium.media.image import is_lazy, read_lazy_file
from sensorium.media.limits import MediaLimits, MediaSettings
from sensorium.media.samples import Frames, Part, Sample, Waveform
from sensorium.media.source import Source, open_source
from sensorium.media.url import is_web_address
from sensorium.media.waveform import as_numpy

_DIGEST_BYTES = 16
# A view that repeats its elements would be written out before it is hashed.
_MAX_COPY_BYTES = 1024**3


class _NoKeyError(Exception):
    """Some part has no key; caught by `sample_key`."""


def sample_key(sample: Sample, known: dict[int, tuple[Any, Hashable]] | None = None) -> Hashable | None:
    """Give the key of a sample's content.

    Text and addresses stand for themselves. A file stands for its real path, size and time of change. Bytes, arrays,
    images and loaded media stand for a digest of their content, dtype and shape. A decoder object stands for its
    `digest`, if it has this attribute: a string or bytes that name what it decodes. Rates, metadata, roles and all
    further keys of a turn count too.

    Args:
        sample: Loaded or not. An image that Pillow has not decoded yet is not decoded by this.
        known: Keys by identity of the media that have one, which are held here too; added to. For a call in which many
            samples hold the same object, whose content would be read for each.

    Returns:
        The key; None if some part has none (a decoder object without a digest, a stream that can be read only once, a
        missing file), in which case the sample equals no other.

    Source:
        BLAKE2b (RFC 7693) with 16 bytes: a collision among 2**40 inputs has a chance below 2**-48.
    """
    if sample.modality == "text" and len(sample.parts) == 1:
        return "text", str(sample.parts[0].value)
    try:
        return (
            sample.modality,
            sample.is_pair,
            tuple(_part_key(part, known) for part in sample.parts),
            tuple(
                (turn.role, _freeze(turn.extra), tuple(_part_key(part, known) for part in turn.parts))
                for turn in sample.turns
            ),
        )
    except (_NoKeyError, MediaError):
        return None


def _part_key(part: Part, known: dict[int, tuple[Any, Hashable]] | None) -> Hashable:
    if part.modality == "text":
        return "text", str(part.value)
    if known is None:
        return part.modality, part.is_loaded, _value_key(part.value)
    if id(part.value) not in known:
        known[id(part.value)] = part.value, _value_key(part.value)
    return part.modality, part.is_loaded, known[id(part.value)][1]


def _value_key(value: Any) -> Hashable:
    if isinstance(value, str):
        return ("address", value) if is_web_address(value) or is_data_address(value) else _file_key(value)
    if isinstance(value, os.PathLike):
        return _file_key(os.fspath(value))
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "bytes", _digest(value)
    if isinstance(value, Source):
        return ("bytes", _digest(value.data)) if value.path is None else _file_key(value.path)
    if is_array(value):
        return _array_key(value)
    if isinstance(value, Image.Image):
        return _image_key(value)
    if isinstance(value, Waveform):
        return "waveform", value.sampling_rate, _array_key(value.array)
    if isinstance(value, Frames):
        return "frames", value.is_sampled, _freeze(value.metadata), _value_key(value.array)
    if isinstance(value, Mapping):
        return _mapping_key(value)
    if isinstance(value, (list, tuple)):
        return "list", tuple(_item_key(item) for item in value)
    if is_decoder(value):
        return _decoder_key(value)
    if is_open_file(value) and not is_read_once(value):
        return "bytes", _digest(open_source(value, MediaSettings()).read())
    raise _NoKeyError


def _decoder_key(decoder: Any) -> Hashable:
    digest = getattr(decoder, "digest", None)
    if not isinstance(digest, (str, bytes)) or not digest:
        raise _NoKeyError
    return "decoder", digest


def _item_key(item: Any) -> Hashable:
    return _freeze(item) if isinstance(item, (int, float)) else _value_key(item)


def _mapping_key(value: Mapping[Any, Any]) -> Hashable:
    if "array" in value:
        rest = {key: one for key, one in value.items() if key != "array"}
        return "array", _value_key(value["array"]), _freeze(rest)
    if value.get("bytes") is not None:
        return _value_key(value["bytes"])
    if value.get("path") is not None:
        return _value_key(value["path"])
    raise _NoKeyError


def _file_key(path: str | bytes) -> Hashable:
    try:
        real = os.path.realpath(path)
        about = os.stat(real)
    except (OSError, ValueError) as exc:  # whoever opens it says what is wrong
        raise _NoKeyError from exc
    if not stat.S_ISREG(about.st_mode):
        raise _NoKeyError
    return "file", real, about.st_size, about.st_mtime_ns


def _array_key(value: Any) -> Hashable:
    kind = str(value.dtype) if is_tensor(value) else None
    array = as_numpy(value)
    if array.dtype.hasobject or (not array.flags.c_contiguous and array.nbytes > _MAX_COPY_BYTES):
        raise _NoKeyError
    data = np.ascontiguousarray(array)
    return "array", kind or array.dtype.str, array.shape, _digest(data.reshape(-1).view(np.uint8))


def _image_key(image: Image.Image) -> Hashable:
    about = (image.mode, image.size)
    if is_lazy(image):
        return "image file", about, image.tell(), _digest(read_lazy_file(image, MediaLimits()).read())
    palette = _digest(image.palette.tobytes()) if image.palette is not None else None
    # Of the metadata, what has a say in how the pixels are shown.
    shown = {name: image.info[name] for name in ("transparency", "exif", "xmp") if name in image.info}
    return "image", about, palette, _freeze(shown), _digest(image.tobytes())


def _freeze(value: Any) -> Hashable:
    """Make a hashable of plain data, in which 1, 1.0 and True differ, and NaN equals itself."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return type(value).__name__, repr(value)
    if isinstance(value, bytes):
        return "bytes", _digest(value)
    if isinstance(value, Mapping):
        return "dict", tuple(sorted((repr(key), _freeze(one)) for key, one in value.items()))
    if isinstance(value, (list, tuple)):
        return type(value).__name__, tuple(_freeze(one) for one in value)
    if isinstance(value, (set, frozenset)):
        return "set", tuple(sorted(repr(_freeze(one)) for one in value))
    if is_array(value) or isinstance(value, np.generic):
        return _array_key(np.asarray(value) if isinstance(value, np.generic) else value)
    raise _NoKeyError


def _digest(data: Any) -> bytes:
    return blake2b(data, digest_size=_DIGEST_BYTES).digest()
