"""The face of the room: what a collection asks of the place that keeps its rows.

Another engine can stand behind a collection by having these methods. Must not know any engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np

    from sensorium.store.manifest import Manifest
    from sensorium.store.rows import Entry, Hit, Row
    from sensorium.store.sources import SourceLog

#: A condition on columns: an SQL expression, or column -> what its value must be (see `sensorium.store.filters`).
Where: TypeAlias = str | Mapping[str, Any]


class VectorStore(Protocol):
    """Rows with vectors, kept where a crash cannot take them back.

    A call that returned has been stored: it survives the end of the process and, where the device keeps its word, of
    the machine. Several threads and several processes may use one store at once. Each read sees every write that was
    acknowledged before it began.
    """

    @property
    def manifest(self) -> Manifest:
        """What the rows were made with, as read when the store was opened or last updated through it."""
        ...

    @property
    def sources(self) -> SourceLog:
        """Which sources were read, when, and which could not be."""
        ...

    def write(self, rows: Iterable[Row]) -> int:
        """Store rows, all or none; a row whose id is there replaces the older one. Gives how many ids there were."""
        ...

    def delete(self, *, ids: Iterable[str] | None = None, path: str | None = None, where: Where | None = None) -> int:
        """Remove rows by exactly one of their ids, their path or a condition, and give how many there were."""
        ...

    def search(
        self,
        vector: np.ndarray,
        top_k: int,
        *,
        where: Where | None = None,
        modality: str | Sequence[str] | None = None,
        with_vectors: bool = False,
        with_thumbnails: bool = True,
    ) -> list[Hit]:
        """Give the rows nearest to `vector` `[dim]` by cosine, best first."""
        ...

    def search_text(
        self,
        query: str,
        top_k: int,
        *,
        where: Where | None = None,
        modality: str | Sequence[str] | None = None,
        with_vectors: bool = False,
        with_thumbnails: bool = True,
    ) -> list[Hit]:
        """Give the rows whose text suits the words of `query` best, best first."""
        ...

    def get(self, ids: Iterable[str], *, with_vectors: bool = True, with_thumbnails: bool = True) -> dict[str, Row]:
        """Give id -> row for those ids that are there."""
        ...

    def count(self, where: Where | None = None) -> int:
        """Give the number of rows that meet a condition."""
        ...

    def modalities(self) -> dict[str, int]:
        """Give modality -> number of rows."""
        ...

    def digests(self, wanted: Iterable[str]) -> dict[str, np.ndarray]:
        """Give digest -> vector for those digests that have one already."""
        ...

    def entries(self, where: Where | None = None) -> Iterator[Entry]:
        """Go through what is there, a block at a time, as it is when the call begins."""
        ...

    def scan(
        self, where: Where | None = None, *, with_vectors: bool = False, with_thumbnails: bool = False
    ) -> Iterator[Row]:
        """Go through whole rows, a block at a time, as they are when the call begins."""
        ...

    def optimize(self, *, only_if_due: bool = False) -> None:
        """Put the files in order now, or if it is worthwhile: join small ones, bring indices up to date."""
        ...

    def close(self) -> None:
        """Let go of files. The store cannot be used afterwards; closing twice is no fault."""
        ...
