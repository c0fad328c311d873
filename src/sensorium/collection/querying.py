"""What a caller asks with: words, a picture, a sound, a clip, a mixture, a vector, or a record of the collection.

Must not know how rows are found.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sensorium.collection.adding import expand_path
from sensorium.errors import InputError
from sensorium.ingest import IngestSettings, Record, SkippedFile, UnreadableFile, read_items
from sensorium.media.arrays import is_tensor
from sensorium.media.modality import read_sample
from sensorium.media.samples import Part, Sample

if TYPE_CHECKING:
    from sensorium.collection.identity import EncoderDoor
    from sensorium.store import LanceStore


@dataclass(frozen=True, slots=True)
class Query:
    """A query, ready to compare.

    Attributes:
        vector: Float32 `[dim]`.
        modality: What it was made of; None for a bare vector.
        text: Its words, for full text; None if it has none.
        sample: What it was made of, for a reranker; None for a bare vector or a record.
        record_id: The record that it is, or None.
    """

    vector: np.ndarray
    modality: str | None = None
    text: str | None = None
    sample: Sample | None = None
    record_id: str | None = None


def read_query(query: Any, store: LanceStore, door: EncoderDoor, settings: IngestSettings) -> Query:
    """Turn what a caller asks with into a vector.

    Args:
        query: A `str`, always a text; a `pathlib.Path`, read by what the file holds; an image, a sound in a dict, a
            clip, or a dict of several, as `encode_query` takes them; a float array `[dim]`; or `{"id": ...}`.
        store: Holds the record of an id.
        door: To the model; loaded unless the query is a vector or an id.
        settings: How a file is cut. A query is its first piece.

    Raises:
        InputError: It is none of these, or no record has that id.
        MediaError: A file cannot be read.
    """
    if isinstance(query, Mapping) and set(query) == {"id"}:
        return _read_id(query["id"], store)
    if _is_vector(query, store.manifest.dim):
        return Query(_read_vector(query))
    sample = _read_sample(query, settings)
    modality = "+".join(sample.modality) if isinstance(sample.modality, tuple) else str(sample.modality)
    vector = door.load().encode_query(sample)
    words = " ".join(part.value for part in sample.all_parts() if part.modality == "text")
    return Query(np.asarray(vector, np.float32), modality, words if words.strip() else None, sample)


def _read_id(record_id: Any, store: LanceStore) -> Query:
    if not isinstance(record_id, str):
        raise InputError(f"the id of a record is text, got a {type(record_id).__name__}.")
    row = store.get([record_id], with_thumbnails=False).get(record_id)
    if row is None or row.vector is None:
        raise InputError(f"No record of the collection has the id {record_id!r}. Results have their ids in `.id`.")
    return Query(row.vector, row.modality, None, None, record_id)


def _is_vector(query: Any, dim: int) -> bool:
    shape = getattr(query, "shape", None)
    if shape is None or len(shape) != 1:
        return False
    if tuple(shape) != (dim,):
        raise InputError(
            f"an array of shape {list(shape)} is no query here: a vector of this collection has the shape {[dim]}. "
            'Give a sound as {"array": samples, "sampling_rate": 16000}.'
        )
    return True


def _read_vector(query: Any) -> np.ndarray:
    """Bring a vector to float32, at a length at which no product of its numbers overflows."""
    try:
        array = np.asarray(query.detach().cpu().double() if is_tensor(query) else query, np.float64)
    except (TypeError, ValueError) as exc:
        raise InputError(f"a vector to ask with is made of numbers: {exc}.") from exc
    largest = np.abs(array).max()
    return (array / largest if 0 < largest < np.inf else array).astype(np.float32)


def _read_sample(query: Any, settings: IngestSettings) -> Sample:
    if isinstance(query, str):
        if not query.strip():
            raise InputError("the query is empty. Ask with words, a picture, a sound, a clip, a vector or an id.")
        return Sample("text", (Part("text", query, True),))
    if isinstance(query, os.PathLike):
        return _read_file(Path(expand_path(query)), settings)
    return read_sample(query)


def _read_file(path: Path, settings: IngestSettings) -> Sample:
    """Read a file by what it holds: its first passage, page or segment."""
    first = next(iter(read_items([path], settings)), None)
    if isinstance(first, Record):
        return first.to_sample()
    if isinstance(first, UnreadableFile):
        raise first.error
    reason = first.reason if isinstance(first, SkippedFile) else "it holds nothing."
    raise InputError(f"it cannot be asked with: {reason}", source=str(path))
