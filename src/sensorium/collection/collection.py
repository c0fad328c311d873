"""A collection: files and items of every kind in one folder on disk, found with words, pictures, sounds and clips.

The one class that puts model, store and ingest behind one face. Must not know how any of them works.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from sensorium.collection.adding import FileCount, Walks, expand_path, find_files, list_paths, split_items
from sensorium.collection.balancing import read_balance, refresh_balance
from sensorium.collection.contents import read_content
from sensorium.collection.context import Context, make_context
from sensorium.collection.identity import EncoderDoor, describe, load_encoder
from sensorium.collection.indexing import Indexing, ProgressCallback
from sensorium.collection.intake import Intake
from sensorium.collection.metadata import check_metadata, from_plain
from sensorium.collection.querying import Query, read_query
from sensorium.collection.registry import Registry, first_ingestion
from sensorium.collection.removing import find_lost, note_deletion, remove_gone
from sensorium.collection.reranking import rerank
from sensorium.collection.results import CollectionStats, IndexReport, SearchResult, Unreadable
from sensorium.collection.searching import Ranked, Scope, find, to_results
from sensorium.collection.statistics import count_all
from sensorium.errors import InputError
from sensorium.hub.builtin import BUILTIN_ID
from sensorium.ingest import IngestSettings
from sensorium.ingest.listing import show_path
from sensorium.store import IndexPolicy, LanceStore, Manifest
from sensorium.store.searching import check_top_k
from sensorium.types import BASE_MODALITIES

if TYPE_CHECKING:
    from sensorium.collection.events import Event
    from sensorium.collection.identity import Encoder
    from sensorium.encoders import CrossEncoder, SentenceTransformer
    from sensorium.media.samples import Sample
    from sensorium.store import Row, Where

BalanceMode = Literal["auto", "off"]


class Collection:
    """A collection on disk. Made by `create` or `open`; closes at the end of a `with` block.

    Several threads may search one collection, and several processes may add to it and search it at once.

    Args:
        store: Its rows.
        door: To its model.

    Example:
        >>> with Collection.create("things", encoder=model) as things:  # doctest: +SKIP
        ...     things.add("~/photos", metadata={"owner": "Ada"})
        ...     for result in things.search("a dog in the snow", top_k=3, modality="image"):
        ...         print(result.path, round(result.score, 3))
    """

    def __init__(self, store: LanceStore, door: EncoderDoor) -> None:
        self._store = store
        self._door = door
        self._registry = Registry(store)
        self._rerankers: dict[str, CrossEncoder] = {}
        self._lock = threading.Lock()

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        encoder: Encoder | None = None,
        *,
        settings: IngestSettings | None = None,
        dtype: Literal["float32", "float16"] = "float32",
        index: IndexPolicy | None = None,
        device: str | None = None,
    ) -> Collection:
        """Make an empty collection.

        Args:
            path: A folder that is empty or not there yet.
            encoder: A model, its name or its folder; None for the built-in one.
            settings: How files are cut into records; fixed for the collection's life.
            dtype: How vectors are kept; `"float16"` takes half the room.
            index: How vectors are found; the standard policy by default.
            device: Where to load the model, if it is not loaded yet.

        Raises:
            StoreError: The folder holds something already, or cannot be written.
            InputError: The model was never saved, so that nobody could open the collection again.
            ModelError: The model cannot be loaded.
            MissingExtraError: LanceDB or the built-in model is not installed.
        """
        given = BUILTIN_ID if encoder is None else encoder
        model = load_encoder(given, device=device) if isinstance(given, (str, os.PathLike)) else given
        manifest = describe(model, dtype, first_ingestion(settings or IngestSettings()))
        return cls(LanceStore.create(expand_path(path), manifest, index=index), EncoderDoor(manifest, model))

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        encoder: Encoder | None = None,
        *,
        index: IndexPolicy | None = None,
        device: str | None = None,
    ) -> Collection:
        """Open a collection. Its model is loaded when it is first needed.

        Args:
            path: Its folder.
            encoder: Its model, or the model's name or folder; None for the one that the manifest names.
            index: How vectors are found; the standard policy by default.
            device: Where to load the model.

        Raises:
            StoreNotFoundError: There is no collection.
            StoreError: It cannot be read, or was made with another model; names both.
            MissingExtraError: LanceDB is not installed.
        """
        store = LanceStore.open(expand_path(path), index=index)
        try:
            return cls(store, EncoderDoor(store.manifest, encoder, device))
        except BaseException:
            store.close()
            raise

    # What it is

    @property
    def path(self) -> Path:
        """Its folder."""
        return self._store.path

    @property
    def store(self) -> LanceStore:
        """Its rows."""
        return self._store

    @property
    def manifest(self) -> Manifest:
        """What it was made with."""
        return self._store.manifest

    @property
    def settings(self) -> IngestSettings:
        """How files are cut into records."""
        return self._registry.settings

    @property
    def encoder(self) -> SentenceTransformer:
        """Its model, loaded now if it was not.

        Raises:
            ModelError: It cannot be loaded.
            StoreError: What was loaded is another model.
        """
        with self._lock:
            return self._door.load()

    @property
    def is_builtin_model(self) -> bool:
        """Whether its model is the built-in one."""
        return self.manifest.model_id == BUILTIN_ID

    # Adding and removing

    def add(
        self,
        items: Any,
        *,
        metadata: Mapping[str, Any] | None = None,
        root: str | os.PathLike[str] | None = None,
        on_progress: ProgressCallback | None = None,
    ) -> IndexReport:
        """Add files, folders and loose items; what is there already and has not changed costs nothing.

        It commits in steps. Stopped at any moment and called again, it goes on where it was.

        Args:
            items: A path, pattern or item, or an iterable of them. A `str` or path object is a path. Anything else is
                an item: `{"text": ...}`, `{"image": ..., "id": "7", "metadata": {...}}`, an image, an array of pixels,
                `{"array": samples, "sampling_rate": 16000}`; see `ingest.read_items`.
            metadata: Put on every record; an item's own wins over it.
            root: The folder to which keys of files are relative. If None, the folder given, or the one around a file.
            on_progress: Called with an `IndexProgress` often, in this thread.

        Returns:
            What was done, with the files that could not be read.

        Raises:
            InputError: Nothing to add, metadata that cannot be stored, a path outside `root`.
            DiskFullError: No room left; what was acknowledged is kept.
            StoreError: It cannot be written.
            ModelError: The model cannot be loaded.
        """
        begun = time.monotonic()
        checked = check_metadata(metadata, self._store.columns())
        intake = self._make_intake()
        walks = self._walks()
        folder = None if root is None else os.path.abspath(expand_path(root))

        def read() -> Iterator[list[Event]]:
            for is_path, some in split_items(items):
                if is_path:
                    yield from intake.read_files(
                        find_files((path for _, path in some), checked, folder, walks, self._registry)
                    )
                else:
                    yield from intake.read_items(some, checked)

        run = self._run(read(), list_paths(items), on_progress)
        return self._finish(run, begun)

    def update(self, *, on_progress: ProgressCallback | None = None) -> IndexReport:
        """Look again at everything that was added: read what is new or changed, remove what is gone.

        Records of files that are left out now (by a `.gitignore`, say) go too. Records stay where a folder is missing,
        empty or closed, since it may be on a disk that is not there today; the report names it. Loose items stay.

        Args:
            on_progress: As of `add`.

        Returns:
            What was done.

        Raises:
            StoreError: It cannot be written.
            ModelError: The model cannot be loaded.
        """
        begun = time.monotonic()
        intake = self._make_intake(is_update=True)
        self._registry.forget(find_lost(self._store, self._registry.refresh()))
        walks = self._walks()
        # The innermost first: a file has the metadata that it was last given by the nearest.
        added = sorted(self._registry.roots.added, key=lambda one: -len(one.path))
        found = (entry for one in added for entry in walks.find(one.path, from_plain(one.metadata)))
        run = self._run(intake.read_files(found), [one.path for one in added], on_progress)
        removed, kept = remove_gone(self._store, run.seen, walks.is_walked, walks.unlisted)
        run.removed += removed
        for problem in kept:
            run.note_problem(problem)
        return self._finish(run, begun)

    def delete(
        self,
        *,
        ids: Iterable[str] | None = None,
        path: str | os.PathLike[str] | None = None,
        where: Where | None = None,
    ) -> int:
        """Remove records by exactly one of their ids, their file or a condition. Files are not touched.

        An update does not bring them back before their file changes; `add` does.

        Args:
            ids: Of the records; those that are not there are no fault.
            path: Of the file whose records to remove.
            where: A condition; see `search`. `"true"` removes all.

        Returns:
            How many there were.

        Raises:
            InputError: Not exactly one is given, or a condition that cannot be used.
            StoreError: It cannot be written.
        """
        if path is not None:
            path = show_path(os.path.abspath(expand_path(path)))
        listed = None if ids is None else _as_ids(ids)
        if sum(one is not None for one in (listed, path, where)) == 1:
            condition: Where = {"id": listed} if listed is not None else {"path": path} if path is not None else where  # type: ignore[assignment]
            if listed != []:
                note_deletion(self._store, condition)
        removed = self._store.delete(ids=listed, path=path, where=where)
        refresh_balance(self._store)
        return removed

    def relocate(self, old: str | os.PathLike[str], new: str | os.PathLike[str]) -> None:
        """Say that a folder has moved. The next update finds its files there, and computes nothing anew.

        Args:
            old: Where the folder was when it was added, or one around it.
            new: Where it is now.
        """
        self._registry.move(expand_path(old), expand_path(new))

    def _make_intake(self, *, is_update: bool = False) -> Intake:
        self._registry.refresh()
        modalities = self.manifest.modalities
        return Intake(self._store, self.settings, modalities, self._registry, is_update=is_update)

    def _walks(self) -> Walks:
        return Walks(self.settings, self.path, self._registry)

    def _run(
        self, blocks: Iterator[list[Event]], paths: list[str] | None, on_progress: ProgressCallback | None
    ) -> Indexing:
        count = FileCount(self._walks())
        if on_progress is not None and paths is not None:
            count.begin(paths)
        run = Indexing(self._store, self._door, on_progress, count)
        try:
            run.run(blocks)
        finally:
            count.stop()
        return run

    def _finish(self, run: Indexing, begun: float) -> IndexReport:
        self._store.optimize(only_if_due=True)
        refresh_balance(self._store)
        return IndexReport(
            files=run.files,
            unchanged=run.unchanged,
            records=run.records,
            computed=run.computed,
            removed=run.removed,
            skipped=run.skipped,
            unreadable=tuple(run.problems),
            unreadable_count=run.problem_count,
            seconds=time.monotonic() - begun,
        )

    # Finding

    def search(
        self,
        query: Any,
        top_k: int = 10,
        *,
        modality: str | Sequence[str] | None = None,
        where: Where | None = None,
        reranker: CrossEncoder | str | os.PathLike[str] | None = None,
        hybrid: bool = True,
        balance: BalanceMode = "auto",
        rerank_top_k: int = 50,
        is_exact: bool = False,
    ) -> list[SearchResult]:
        """Find the records that suit a query best, whatever it is and whatever they are.

        Args:
            query: A `str`, always taken as text; a `pathlib.Path`, read by what the file holds; an image, a sound
                (`{"array": ..., "sampling_rate": ...}`), a clip, or a dict of several, as the model's `encode_query`
                takes them; a float array `[dim]`; or `{"id": ...}` of a record.
            top_k: Most results, from 1.
            modality: `"text"`, `"image"`, `"audio"`, `"video"`, or several; None for all.
            where: An SQL expression over the columns, or a mapping such as `{"year": (2020, None), "key":
                {"starts_with": "2024/"}}`. Applied before the search.
            reranker: A model that reads query and record together and puts the best `rerank_top_k` into its order, or
                its name or folder.
            hybrid: Whether the query's words are also looked for in the records' words, and both ranks fused.
            balance: `"auto"` makes scores of several modalities comparable, since in a shared space those within a
                modality are higher than those across; `"off"` compares cosines.
            rerank_top_k: How many records the reranker reads; at least `top_k`.
            is_exact: Compare every vector, also where there is an index.

        Returns:
            Results, best first; fewer than `top_k` if no more suit. A reranker puts those that it cannot read last.

        Raises:
            InputError: A query, number or condition that cannot be used.
            MediaError: The query's file cannot be read.
            StoreError: The collection cannot be read.
            ModelError: A model cannot be loaded.
        """
        if balance not in ("auto", "off"):
            raise InputError(f"balance={balance!r} is not usable: it must be 'auto' or 'off'.")
        check_top_k(top_k)
        if isinstance(rerank_top_k, bool) or not isinstance(rerank_top_k, int) or rerank_top_k < 1:
            raise InputError(f"rerank_top_k must be a whole number from 1, got {rerank_top_k!r}.")
        asked = self._read_query(query)
        scope = Scope(where=where, modality=_as_names(modality), is_exact=is_exact)
        count = top_k if reranker is None else max(top_k, rerank_top_k)
        ranked = find(
            self._store,
            asked,
            count,
            scope,
            read_balance(self._store.refresh_manifest()) if balance == "auto" else None,
            is_hybrid=hybrid,
        )
        if reranker is not None:
            ranked = self._rerank(asked, ranked, reranker)
        return to_results(self._store, ranked[:top_k], asked.text)

    def similar(
        self,
        id: str,
        top_k: int = 10,
        *,
        modality: str | Sequence[str] | None = None,
        where: Where | None = None,
        balance: BalanceMode = "auto",
    ) -> list[SearchResult]:
        """Find the records nearest to one of them, which is left out. Needs no model.

        Args:
            id: Of the record, as results have it.
            top_k: As of `search`, as are the others.

        Raises:
            InputError: No record has that id; as of `search`.
            StoreError: The collection cannot be read.
        """
        return self.search({"id": id}, top_k, modality=modality, where=where, balance=balance, hybrid=False)

    def context(self, query: Any, **options: Any) -> list[dict[str, Any]]:
        """Give the records that suit a question best as chat messages for a language model.

        Args:
            query: The question in words; or a dict with other media and the question under `"text"`.
            **options: As of `make_context`.

        Returns:
            A system message and a user message in OpenAI's form: passages between marks, pages, images and frames as
            data addresses, each with its key and place, and the question last.

        Raises:
            InputError: The question has no words; as of `search`.
        """
        return self.make_context(query, **options).messages

    def make_context(
        self, query: Any, *, max_images: int = 4, max_tokens: int = 4000, top_k: int = 8, **search_options: Any
    ) -> Context:
        """Give the messages of `context` together with their sources.

        Args:
            query: As of `context`.
            max_images: Most pictures; a page beyond them is shown by its words.
            max_tokens: Most tokens of all messages, estimated.
            top_k: How many records to look for.
            **search_options: As of `search`: `where`, `modality`, `reranker` and the like.

        Raises:
            InputError: As of `context`.
        """
        question = query.get("text", "") if isinstance(query, Mapping) else query
        results = self.search(query, top_k, **search_options)
        return make_context(question, results, self.content, max_images=max_images, max_tokens=max_tokens)

    def content(self, record: SearchResult | Row) -> Sample | None:
        """Give what was encoded for a record again: its passage, page, picture or segment, not decoded yet.

        Returns:
            A `media.Sample`; of a loose picture its thumbnail; None if its file is gone.

        Raises:
            MediaError: Its file can no longer be read.
        """
        return read_content(record, self.settings)

    def get(self, ids: Iterable[str]) -> dict[str, Row]:
        """Give id -> row, with vector and thumbnail, for those ids that are there.

        Raises:
            StoreError: The collection cannot be read.
        """
        return self._store.get(_as_ids(ids))

    def _read_query(self, query: Any) -> Query:
        with self._lock:
            return read_query(query, self._store, self._door, self.settings)

    def _rerank(
        self, asked: Query, ranked: list[Ranked], reranker: CrossEncoder | str | os.PathLike[str]
    ) -> list[Ranked]:
        model = self._load_reranker(reranker) if isinstance(reranker, (str, os.PathLike)) else reranker
        sample = asked.sample
        if asked.record_id is not None:
            row = self._store.get([asked.record_id]).get(asked.record_id)
            sample = None if row is None else self.content(row)
        return rerank(sample, ranked, model, self.content)

    def _load_reranker(self, name: str | os.PathLike[str]) -> CrossEncoder:
        from sensorium.encoders import CrossEncoder

        text = os.fspath(name)
        with self._lock:
            if text not in self._rerankers:
                self._rerankers[text] = CrossEncoder(text)
            return self._rerankers[text]

    # What is in it

    def stats(self) -> CollectionStats:
        """Count what is there.

        Raises:
            StoreError: The collection cannot be read.
        """
        return count_all(self._store, self._registry.refresh())

    def unreadable(self) -> Iterator[Unreadable]:
        """Go through the files that could not be read, wholly or in part, with the reasons. They are tried again when
        they change.

        Raises:
            StoreError: The collection cannot be read.
        """
        for note in self._store.sources.read(only_unreadable=True):
            yield Unreadable(key=note.key, path=note.path, reason=note.reason or "")

    def close(self) -> None:
        """Let go of files. Closing twice is no fault."""
        self._store.close()

    def __enter__(self) -> Collection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Collection({str(self.path)!r}, model_id={self.manifest.model_id!r})"


def _as_ids(ids: Iterable[str]) -> list[str]:
    if isinstance(ids, str):
        raise InputError(f"ids must be a list of ids, got the text {ids!r}. For one record, give [{ids!r}].")
    return list(ids)


def _as_names(modality: str | Sequence[str] | None) -> tuple[str, ...] | None:
    if modality is None:
        return None
    if not isinstance(modality, Iterable) or not modality:
        raise InputError(f"modality={modality!r} is not usable: it names none. For all, leave it away or give None.")
    names = (modality,) if isinstance(modality, str) else tuple(modality)
    for name in names:
        if not isinstance(name, str) or not set(name.split("+")) <= set(BASE_MODALITIES):
            raise InputError(
                f"modality={name!r} is not usable: it must be one of {', '.join(BASE_MODALITIES)}, a list of several, "
                "or the name of a mixture such as 'image+text'."
            )
    return names
