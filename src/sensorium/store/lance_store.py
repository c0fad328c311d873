"""The collection on disk: the one class that puts reading, searching, writing and upkeep behind one face.

Must not know models, files, or what metadata means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from sensorium.errors import InputError
from sensorium.store import lock
from sensorium.store.arrow_rows import Batch, added_schema
from sensorium.store.columns import ColumnType
from sensorium.store.filters import compile_where, write_any_of
from sensorium.store.layout import create_folder, open_folder
from sensorium.store.manifest import Manifest
from sensorium.store.policy import IndexPolicy, UpkeepPolicy
from sensorium.store.protocol import Where
from sensorium.store.reading import Reader
from sensorium.store.rows import Entry, Hit, Row
from sensorium.store.searching import Searcher
from sensorium.store.sources import SourceLog
from sensorium.store.table import Table
from sensorium.store.upkeep import Upkeep

if TYPE_CHECKING:
    import os

    import numpy as np


class LanceStore:
    """A `VectorStore` on LanceDB. Made by `create` or `open`; closes at the end of a `with` block.

    Args:
        folder: Of the collection.
        manifest: What it was made with.
        table: Its rows.
        sources: Its sources.
        index: How vectors are found.
        upkeep: When files are put in order.

    Example:
        >>> import tempfile
        >>> from sensorium.store import LanceStore, Manifest, Row
        >>> folder = tempfile.TemporaryDirectory()
        >>> with LanceStore.create(folder.name, Manifest(model_id="some/model", dim=2)) as store:
        ...     row = Row(id="1", key="a.jpg", modality="image", digest="d", vector=[3.0, 4.0], metadata={"year": 2024})
        ...     _ = store.write([row])
        ...     hit = store.search([1.0, 0.0], 5, where={"year": (2020, None)})[0]
        >>> hit.key, round(hit.score, 3)
        ('a.jpg', 0.6)
        >>> folder.cleanup()
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        table: Table,
        sources: SourceLog,
        index: IndexPolicy | None = None,
        upkeep: UpkeepPolicy | None = None,
    ) -> None:
        index = index or IndexPolicy()
        self._folder = folder
        self._manifest = manifest
        self._manifest_stamp: tuple[int, int] | None = None
        self._table = table
        self._sources = sources
        self._reader = Reader(table)
        self._upkeep = Upkeep(table, folder, index, upkeep or UpkeepPolicy(), (sources.table,))
        self._searcher = Searcher(table, manifest.dim, index, self._upkeep)

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        manifest: Manifest,
        *,
        index: IndexPolicy | None = None,
        upkeep: UpkeepPolicy | None = None,
    ) -> LanceStore:
        """Make an empty collection.

        Args:
            path: A folder that is empty or not there yet.
            manifest: What its rows will be made with.
            index: How vectors are found; the standard policy by default.
            upkeep: When files are put in order; the standard policy by default.

        Raises:
            InputError: The manifest has values that cannot be written.
            StoreError: The folder holds a collection already, or something else, or cannot be written.
            MissingExtraError: LanceDB is not installed.
        """
        folder = Path(path).absolute()
        table, sources = create_folder(folder, manifest)
        return cls(folder, manifest, table, sources, index, upkeep)

    @classmethod
    def open(
        cls, path: str | os.PathLike[str], *, index: IndexPolicy | None = None, upkeep: UpkeepPolicy | None = None
    ) -> LanceStore:
        """Open a collection, and repair it if a power cut has torn its newest version, which gives a RuntimeWarning.

        Args:
            path: Its folder.
            index: How vectors are found; the standard policy by default.
            upkeep: When files are put in order; the standard policy by default.

        Raises:
            StoreNotFoundError: There is no collection.
            StoreError: It cannot be read, or is not whole.
            MissingExtraError: LanceDB is not installed.
        """
        folder = Path(path).absolute()
        manifest, table, sources = open_folder(folder)
        return cls(folder, manifest, table, sources, index, upkeep)

    @property
    def path(self) -> Path:
        """The folder of the collection."""
        return self._folder

    @property
    def manifest(self) -> Manifest:
        """What the rows were made with, as read when the store was opened or last updated through it."""
        return self._manifest

    @property
    def sources(self) -> SourceLog:
        """Which sources were read, when, and which could not be."""
        return self._sources

    def refresh_manifest(self) -> Manifest:
        """Read the manifest again if another process has replaced it, and give it.

        Raises:
            StoreError: It cannot be read.
        """
        stamp = Manifest.stamp(self._folder)
        if stamp != self._manifest_stamp:
            self._manifest, self._manifest_stamp = Manifest.read(self._folder), stamp
        return self._manifest

    def update_manifest(self, **changes: Any) -> Manifest:
        """Replace fields of the manifest on disk, and give what it is now.

        Args:
            **changes: Fields, except those that the stored vectors depend on. What another process has changed
                meanwhile is kept, unless it is the same field.

        Raises:
            InputError: A field that cannot be set, or a value that JSON has no form for.
            StoreError: It cannot be read or written.
        """
        return self.edit_manifest(lambda manifest: changes)

    def edit_manifest(self, edit: Callable[[Manifest], Mapping[str, Any]]) -> Manifest:
        """Replace fields of the manifest by what `edit` makes of it as it is on disk now, and give what it is then.

        Args:
            edit: Given the manifest, gives the fields to replace; none leaves it alone. Other processes that change
                the manifest wait meanwhile, so that nothing that they have written is lost.

        Raises:
            InputError: As for `update_manifest`.
            StoreError: It cannot be read or written.
        """
        with lock.hold(self._folder):
            manifest = Manifest.read(self._folder)
            changes = edit(manifest)
            if changes:
                manifest = manifest.with_changes(changes)
                manifest.write(self._folder)
        self._manifest = manifest
        return manifest

    def write(self, rows: Iterable[Row]) -> int:
        """Store rows, all or none; a row whose id is there replaces the older one.

        Args:
            rows: They are held in memory together. Of rows with one id, the last counts. Metadata without a column
                gets one.

        Returns:
            How many ids there were.

        Raises:
            InputError: A row that cannot be stored; `index` says which. Nothing is written.
            DiskFullError: No room; nothing is written.
            StoreError: It was not written, or may be lost if the machine stops now. Writing again is safe.
        """
        batch = Batch.check(list(rows), self._manifest)
        if not batch.rows:
            return 0
        if batch.new_columns(self.columns()):
            with lock.hold(self._folder):  # so that two writers do not add one column twice
                added = batch.new_columns(self.columns())
                if added:
                    self._table.add_columns(added_schema(added))
        self._table.upsert(batch.as_table)
        self._upkeep.note_commit(len(batch.rows))
        return len(batch.rows)

    def delete(self, *, ids: Iterable[str] | None = None, path: str | None = None, where: Where | None = None) -> int:
        """Remove rows by exactly one of their ids, their path or a condition.

        Args:
            ids: Of the rows; those that are not there are no fault.
            path: Of the file whose rows to remove.
            where: A condition; `"true"` removes all rows.

        Returns:
            How many rows there were.

        Raises:
            InputError: Not exactly one is given, or a condition that is empty or cannot be used.
            StoreError: As for `write`; of many ids, the first may be gone.
        """
        if sum(one is not None for one in (ids, path, where)) != 1:
            raise InputError("delete() removes by exactly one of ids, path and where.")
        if ids is not None:
            return sum(self._delete_where(condition) for condition in write_any_of("id", ids))
        condition = {"path": path} if path is not None else where
        expression = compile_where(condition, self.columns())
        if expression is None:
            raise InputError("An empty condition would remove every row. If that is meant, say where='true'.")
        return self._delete_where(expression)

    def _delete_where(self, expression: str) -> int:
        removed = self._table.delete(expression, list(self.columns()))
        if removed:
            self._upkeep.note_commit(0)
        return removed

    def search(
        self,
        vector: np.ndarray,
        top_k: int,
        *,
        where: Where | None = None,
        modality: str | Sequence[str] | None = None,
        with_vectors: bool = False,
        with_thumbnails: bool = True,
        is_exact: bool = False,
    ) -> list[Hit]:
        """Give the rows nearest to a vector by cosine.

        Args:
            vector: `[dim]`, finite, not all zero.
            top_k: Most rows to give, from 1.
            where: Condition that they meet; applied before the search, so that it costs no hits.
            modality: The modality, or modalities, that they have; a mixed one by its whole name.
            with_vectors: Give their vectors.
            with_thumbnails: Give their thumbnails.
            is_exact: Compare every vector, also where there is an index.

        Returns:
            Hits, best first; rows of one score by id. `score` is the cosine.

        Raises:
            InputError: A vector, number or condition that cannot be used.
            StoreError: The table cannot be read.
        """
        plan = self._reader.plan(where, modality, with_vectors=with_vectors, with_thumbnails=with_thumbnails)
        return self._searcher.by_vector(vector, top_k, plan, is_exact=is_exact)

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
        """Give the rows whose text suits the words of `query` best.

        Args:
            query: Words, in any script; signs have no meaning of their own. None but spaces: no hits.
            top_k: As for `search`.
            where: As for `search`.
            modality: As for `search`.
            with_vectors: As for `search`.
            with_thumbnails: As for `search`.

        Returns:
            Hits, best first; rows of one score by id. `text_score` is BM25.

        Raises:
            InputError: Text, number or condition that cannot be used.
            StoreError: The table cannot be read.
        """
        plan = self._reader.plan(where, modality, with_vectors=with_vectors, with_thumbnails=with_thumbnails)
        return self._searcher.by_words(query, top_k, plan)

    def get(self, ids: Iterable[str], *, with_vectors: bool = True, with_thumbnails: bool = True) -> dict[str, Row]:
        """Give id -> row for those ids that are there, in the order asked.

        Raises:
            InputError: An id that has no UTF-8 form.
            StoreError: The table cannot be read.
        """
        return self._reader.get(ids, with_vectors=with_vectors, with_thumbnails=with_thumbnails)

    def count(self, where: Where | None = None) -> int:
        """Give the number of rows that meet a condition.

        Raises:
            InputError: The condition cannot be used.
            StoreError: The table cannot be read.
        """
        return self._reader.count(where)

    def modalities(self) -> dict[str, int]:
        """Give modality -> number of rows, of those that have any.

        Raises:
            StoreError: The table cannot be read.
        """
        return self._reader.modalities()

    def digests(self, wanted: Iterable[str]) -> dict[str, np.ndarray]:
        """Give digest -> float32 vector `[dim]` for those digests that have one already.

        Raises:
            InputError: A digest that has no UTF-8 form.
            StoreError: The table cannot be read.
        """
        return self._reader.digests(wanted)

    def entries(self, where: Where | None = None) -> Iterator[Entry]:
        """Go through what is there, a block at a time, as it is when the first is asked for.

        Raises:
            InputError: The condition cannot be used.
            StoreError: The table cannot be read.
        """
        return self._reader.entries(where)

    def scan(
        self, where: Where | None = None, *, with_vectors: bool = False, with_thumbnails: bool = False
    ) -> Iterator[Row]:
        """Go through whole rows, a block at a time, as they are when the first is asked for.

        Raises:
            InputError: The condition cannot be used.
            StoreError: The table cannot be read.
        """
        return self._reader.scan(where, with_vectors=with_vectors, with_thumbnails=with_thumbnails)

    def columns(self) -> dict[str, ColumnType]:
        """Give name -> type of the columns that a condition may use, those of metadata included.

        Raises:
            StoreError: The table cannot be read.
        """
        return self._reader.columns()

    def optimize(self, *, only_if_due: bool = False) -> None:
        """Put the files in order now: join small ones, bring indices up to date, remove what is old.

        It rewrites most of the table, and waits while another process does so. Writes do it on their own when it is
        due; it is worth asking for after many rows were written, before many searches.

        Args:
            only_if_due: Leave it if the policy finds it not worthwhile yet.

        Raises:
            StoreError: It failed. Rows are not affected.
        """
        if not only_if_due or self._upkeep.is_due():
            self._upkeep.run()

    def close(self) -> None:
        """Let go of files. The store cannot be used afterwards; closing twice is no fault."""
        self._table.close()
        self._sources.close()

    def __enter__(self) -> LanceStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"LanceStore({str(self._folder)!r}, model_id={self._manifest.model_id!r})"
