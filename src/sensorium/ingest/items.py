"""Loose items as records: texts, bytes, images, arrays, and dicts that give an item an id. Must not know folders.

A string is a text, whatever it looks like: nothing is opened because a text looked like a path. A file is named by a
path object, or by a string under the name of its modality.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sensorium.errors import InputError, MissingExtraError, UnknownArgumentError
from sensorium.ingest.audio_segments import read_audio_file
from sensorium.ingest.identity import hash_file, hash_text
from sensorium.ingest.image_files import read_image_file
from sensorium.ingest.listing import show_path
from sensorium.ingest.loose_values import HeldValue, digest_sample, is_file_value
from sensorium.ingest.place import Place
from sensorium.ingest.reading import Entry, read_source
from sensorium.ingest.records import Origin
from sensorium.ingest.settings import IngestSettings
from sensorium.ingest.text_files import make_passages, split_text
from sensorium.ingest.video_segments import read_video_file
from sensorium.media.limits import MediaSettings
from sensorium.media.modality import read_sample
from sensorium.media.source import open_source
from sensorium.types import BASE_MODALITIES, MULTIMODAL_DICT_KEYS

if TYPE_CHECKING:
    from sensorium.ingest.records import MetadataValue
    from sensorium.ingest.settings import Shape
    from sensorium.media.samples import Sample

_OWN_KEYS = ("id", "metadata")
_VALUE_KEYS = frozenset({"array", "sampling_rate", "video_metadata", "bytes", "path"})
_FORMATS = {"image": "image", "audio": "sound", "video": "clip"}


def read_items(
    items: Iterable[Any],
    settings: IngestSettings | None = None,
    *,
    metadata: Mapping[str, MetadataValue] | None = None,
) -> Iterator[Entry]:
    """Make records of loose items.

    Args:
        items: Each one of

            - a `str`: a text, cut into passages as a file would be;
            - a path object, bytes, an open binary file, or `{"bytes": ..., "path": ...}`: read by what it holds;
            - a PIL image, an array or tensor, a list of frames, `{"array": ..., "sampling_rate": ...}`: one record;
            - a dict that names modalities, `{"image": ..., "text": ...}`, where a string that is not a text is a path
              or an address: cut as a file if there is one name, one record if there are several;
            - any such dict with `"id"` (a string or number, which becomes the key) or `"metadata"` (a dict).
        settings: How items are cut.
        metadata: Put on every record; the item's own fields win over it.

    Yields:
        Records, in order. Their key is the item's id, or the digest of its content. An `UnreadableFile` for an item
        that cannot be used, whose error has the item's index; the next one is read. Addresses are not fetched.

    Example:
        >>> [record.text for record in read_items(["A tabby.", {"id": 7, "text": "A tortoiseshell."}])]
        ['A tabby.', 'A tortoiseshell.']
    """
    settings = settings or IngestSettings()
    for index, item in enumerate(items):
        name = ""
        try:
            name, own, value = _take_apart(item)
            yield from _read_value(value, name, settings, {**(metadata or {}), **own})
        except (InputError, MissingExtraError) as exc:
            if isinstance(exc, InputError):
                exc.index = index
            yield Origin(key=name or f"item {index}", path=None, settings=settings).fail(exc)


def _take_apart(item: Any) -> tuple[str, Mapping[str, MetadataValue], Any]:
    """Give an item's id, its metadata, and what is left."""
    if not isinstance(item, Mapping):
        return "", {}, item
    name, own = item.get("id"), item.get("metadata")
    value = {key: one for key, one in item.items() if key not in _OWN_KEYS}
    unknown = {str(key) for key in value} - MULTIMODAL_DICT_KEYS - _VALUE_KEYS
    if unknown:
        raise UnknownArgumentError.from_names("an item", unknown, {*BASE_MODALITIES, *_VALUE_KEYS, *_OWN_KEYS})
    if name is not None and (isinstance(name, bool) or not isinstance(name, (str, int)) or name == ""):
        raise InputError(f"the id of an item must be a string that is not empty, or a whole number; got {name!r}.")
    if own is not None and not (isinstance(own, Mapping) and all(isinstance(key, str) for key in own)):
        raise InputError(f"the metadata of an item must be a dict with strings as keys; got {type(own).__name__}.")
    if not value:
        raise InputError("the item holds nothing. Give it a text, an image, a sound or a clip.")
    return "" if name is None else str(name), own or {}, value


def _read_value(
    value: Any, name: str, settings: IngestSettings, metadata: Mapping[str, MetadataValue]
) -> Iterator[Entry]:
    if isinstance(value, Mapping) and len(value) == 1 and MULTIMODAL_DICT_KEYS.issuperset(value):
        ((modality, inner),) = value.items()
        if modality == "text" and isinstance(inner, str):
            value = inner
        elif is_file_value(inner, is_string_path=True):
            yield from _read_file(inner, name, settings, metadata, modality)
            return
    if isinstance(value, str):
        origin = Origin(key=name or hash_text(value), path=None, settings=settings, metadata=metadata)
        if not value.strip():
            yield origin.skip("It holds no text.")
        yield from make_passages(split_text(value), origin)
    elif is_file_value(value):
        yield from _read_file(value, name, settings, metadata)
    else:
        yield from _make_record(read_sample(value), value, name, settings, metadata)


def _read_file(
    value: Any, name: str, settings: IngestSettings, metadata: Mapping[str, MetadataValue], modality: str | None = None
) -> Iterator[Entry]:
    """Read a file, or the bytes of one, by what it holds, or as what it was named."""
    source = open_source(value, MediaSettings(limits=settings.limits))
    digest = hash_file(source)
    path, about = source.path, os.stat(source.path) if source.path is not None else None
    origin = Origin(
        key=name or digest,
        path=None if path is None else show_path(os.path.abspath(path)),
        settings=settings,
        metadata=metadata,
        size=source.size,
        mtime_ns=None if about is None else about.st_mtime_ns,
    )
    if modality is None:
        return read_source(source, origin, digest)
    read = {"image": read_image_file, "audio": read_audio_file, "video": read_video_file}[modality]
    return read(source, _FORMATS[modality], origin, digest)


def _make_record(
    sample: Sample, value: Any, name: str, settings: IngestSettings, metadata: Mapping[str, MetadataValue]
) -> Iterator[Entry]:
    """Make one record of a value that is not cut."""
    modalities = sample.modality if isinstance(sample.modality, tuple) else (sample.modality,)
    if "message" in modalities or sample.is_pair:
        raise InputError("a conversation, or a pair, is no item. Give its texts and media one by one.")
    digest = digest_sample(sample, settings.limits)
    origin = Origin(key=name or digest, path=None, settings=settings, metadata=metadata)
    words = "\n".join(part.value for part in sample.parts if part.modality == "text").strip()
    shape: Shape = "image"  # of which nothing is cut
    yield origin.make_record(
        HeldValue(value, sample, settings.limits), Place(), "+".join(modalities), digest, shape, text=words or None
    )
