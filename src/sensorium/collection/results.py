"""What a collection answers: results of a search, reports of indexing, statistics. Frozen values and no logic.

Must not know how any of it was found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sensorium.ingest.place import Place
from sensorium.store.rows import Metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreParts:
    """What a result's score was made of; None for what had no part in it.

    Attributes:
        cosine: Cosine of the angle between the record's vector and the query's, -1 to 1.
        balanced: The cosine after the correction between modalities; compares across modalities, has no range.
        text: BM25 of the record's words for the query's, above 0.
        fused: 1 / (60 + place) after the ranks by vector and by words were fused.
        rerank: The reranker's score.
    """

    cosine: float | None = None
    balanced: float | None = None
    text: float | None = None
    fused: float | None = None
    rerank: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SearchResult:
    """One record that a search found.

    Attributes:
        id: Of the record.
        key: Of its source: the path below the folder that was indexed, with `/`, or the caller's id.
        path: Where its file is, or None for a loose item.
        place: Page, seconds or characters; nothing set for a whole file.
        modality: `"text"`, `"image"`, `"audio"` or `"video"`; of a mixed item, its modalities joined by `+`.
        score: What results are ordered by, the best first: the last of `parts` that is not None. It compares results of
            one search only.
        parts: What the score was made of.
        snippet: At most about 200 characters of its words, around those of the query where they stand there; or None.
        text: All its words, or None.
        thumbnail: A small JPEG picture, or None.
        metadata: Name -> value.
    """

    id: str
    key: str
    path: str | None
    place: Place
    modality: str
    score: float
    parts: ScoreParts
    snippet: str | None = None
    text: str | None = field(default=None, repr=False)
    thumbnail: bytes | None = field(default=None, repr=False)
    metadata: Metadata = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A file, a page or an item that gave no record.

    Attributes:
        key: As of a result.
        path: Where it is, or None.
        reason: What is wrong and what to do, as a sentence.
    """

    key: str
    path: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexProgress:
    """How far an `add` or `update` has come; every number counts from its beginning.

    Attributes:
        files: Files (or loose items) dealt with, whatever came of them.
        unchanged: Of them, those that were there already.
        records: Records stored.
        computed: Of them, those whose vector had to be computed; the others had one.
        unreadable: Files, pages or items that could not be read.
        total_files: How many files there are, or None while that is not known (it never is for loose items).
        current: The key of what was read last, or None.
    """

    files: int = 0
    unchanged: int = 0
    records: int = 0
    computed: int = 0
    unreadable: int = 0
    total_files: int | None = None
    current: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexReport:
    """What an `add` or `update` did.

    Attributes:
        files: Files (or loose items) dealt with.
        unchanged: Of them, those that were there already.
        records: Records stored.
        computed: Of them, those whose vector was computed.
        removed: Records removed, of files that are gone or hold something else now.
        skipped: Files that hold nothing to index (archives, programs, empty files).
        unreadable: What could not be read, the first thousand.
        unreadable_count: How many there were.
        seconds: How long it took.
    """

    files: int
    unchanged: int
    records: int
    computed: int
    removed: int
    skipped: int
    unreadable: tuple[Unreadable, ...]
    unreadable_count: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionStats:
    """What is in a collection.

    Attributes:
        path: Its folder.
        model_id: The model whose vectors it holds.
        revision: Which version of the model, or None if unknown.
        dim: Length of the vectors.
        dtype: How they are kept.
        records: How many records there are.
        modalities: Modality -> records of it, those with none left out.
        files: Sources that were read and gave records, or rightly gave none.
        unreadable: Sources that could not be read; `Collection.unreadable()` lists them.
        roots: Folders that were indexed.
        metadata_columns: Names of metadata that a condition may use, beside `path`, `modality` and the like.
        bytes_on_disk: Of the collection's folder.
        library_version: Of Sensorium that wrote the manifest.
    """

    path: Path
    model_id: str
    revision: str | None
    dim: int
    dtype: Literal["float32", "float16"]
    records: int
    modalities: Mapping[str, int]
    files: int
    unreadable: int
    roots: tuple[str, ...]
    metadata_columns: tuple[str, ...]
    bytes_on_disk: int
    library_version: str
