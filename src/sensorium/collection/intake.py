"""The reading side of an `add`: sources become records, and of each record it is found out what is there already.

Everything is a stream: a block of sources is looked up at a time, then a block of records. Must not know how vectors
are computed or rows are written.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from sensorium.collection.events import Event, Pending, Problem, SourceDone, Unchanged, is_held
from sensorium.collection.metadata import digest_metadata
from sensorium.collection.results import Unreadable
from sensorium.errors import InputError, MissingExtraError
from sensorium.ingest import (
    IngestSettings,
    Record,
    SkippedFile,
    SourceFile,
    UnreadableFile,
    hash_text,
    read_items,
    read_records,
)
from sensorium.ingest.listing import show_path
from sensorium.ingest.text_files import HeldText
from sensorium.store import SourceNote
from sensorium.store.columns import clean_value, fit

if TYPE_CHECKING:
    from sensorium.collection.registry import Registry
    from sensorium.store import LanceStore
    from sensorium.store.rows import Metadata, Row

Item = TypeVar("Item")
#: Before the stamp of a source of which a user deleted records.
DELETED = "deleted "
#: Sources that are looked up together, and records.
_SOURCES_AT_ONCE = 256
_RECORDS_AT_ONCE = 64
#: Items that hold a picture or a sound in memory, of which fewer wait.
_HELD_AT_ONCE = 8


@dataclasses.dataclass(frozen=True, slots=True)
class FoundFile:
    """A file to read, under its key in the collection, and the caller's metadata for it."""

    file: SourceFile
    metadata: Metadata


class Intake:
    """Finds out what has to be stored.

    Args:
        store: Where it will be stored.
        settings: How files are cut.
        modalities: What the model takes.
        registry: Knows the folders to which keys are relative.
        is_update: Whether files whose records a user deleted stay out until they change.
    """

    def __init__(
        self,
        store: LanceStore,
        settings: IngestSettings,
        modalities: Iterable[str],
        registry: Registry,
        *,
        is_update: bool = False,
    ) -> None:
        self._store = store
        self._registry = registry
        #: Key -> path of the files of this call; ids of its items, and those that came more than once.
        self._met: dict[str, str] = {}
        self._met_items: set[str] = set()
        self._repeated: set[str] = set()
        self._columns = store.columns()
        self._settings = settings
        self._modalities = frozenset(modalities)
        self._digest = settings.digest()
        self._is_update = is_update

    def read_files(self, found: Iterable[FoundFile | SkippedFile | UnreadableFile]) -> Iterator[list[Event]]:
        """Read files that are new or changed.

        Args:
            found: Files, and what a walk says of others.

        Yields:
            Events in order, in blocks.
        """
        return self._look_up(self._read_new(found))

    def read_items(self, items: Iterable[tuple[int, Any]], metadata: Metadata) -> Iterator[list[Event]]:
        """Read loose items.

        Args:
            items: As of `ingest.read_items`, each with its position in the call, for errors.
            metadata: Put on every record.

        Yields:
            Events in order, in blocks.
        """
        return self._look_up(event for index, item in items for event in self._read_item(item, index, metadata))

    def _read_new(self, found: Iterable[FoundFile | SkippedFile | UnreadableFile]) -> Generator[Event, None, None]:
        with contextlib.closing(found) if isinstance(found, Generator) else contextlib.nullcontext():
            for block in _in_blocks(found, _SOURCES_AT_ONCE):
                notes = self._store.sources.find(one.file.key for one in block if isinstance(one, FoundFile))
                for one in block:
                    if isinstance(one, FoundFile):
                        yield from self._read_file(one, notes.get(one.file.key))
                    elif isinstance(one, UnreadableFile):
                        yield Problem(Unreadable(key=one.key, path=one.path, reason=one.reason))
                        yield SourceDone(None, None)
                    else:
                        yield SourceDone(None, None, is_skipped=True)

    def _read_file(self, found: FoundFile, note: SourceNote | None) -> Iterator[Event]:
        source = found.file
        stamp = f"{source.size}-{source.mtime_ns}-{self._digest}-{digest_metadata(found.metadata)}"
        path = show_path(source.path)
        other = self._find_other(source.key, path, note)
        if other is not None:
            yield Problem(_describe_clash(source.key, path, other))
            yield SourceDone(None, None)
            return
        wanted: Collection[str] | None = None
        if note is not None and self._is_update and note.stamp == f"{DELETED}{stamp}":
            stamp = note.stamp
            if note.path != path:  # the folder has moved: what a user deleted stays out
                wanted = {entry.id for entry in self._store.entries({"key": source.key})}
        if note is not None and note.stamp == stamp and note.path == path:
            yield Unchanged(source.key)
            return
        ids: set[str] = set()
        reason: str | None = None
        is_whole, is_skipped = True, False
        try:
            for entry in read_records(source, self._settings, metadata=found.metadata):
                if isinstance(entry, Record):
                    if wanted is None or entry.id in wanted:
                        ids.add(entry.id)
                        yield self._fit(entry, found.metadata)
                elif isinstance(entry, SkippedFile):
                    is_skipped = True
                else:
                    place = f"{entry.place}: " if str(entry.place) else ""
                    reason = reason or f"{place}{entry.reason}"
                    yield Problem(Unreadable(key=source.key, path=path, reason=f"{place}{entry.reason}"))
        except (InputError, MissingExtraError) as exc:
            is_whole, reason = False, str(getattr(exc, "reason", exc))
            if isinstance(exc, MissingExtraError):
                stamp = ""  # no file has it: to be read again when the package may be there
            yield Problem(Unreadable(key=source.key, path=path, reason=reason))
        note = SourceNote(source.key, path, stamp, reason)
        yield SourceDone(note, frozenset(ids) if is_whole else None, is_skipped)

    def _find_other(self, key: str, path: str, note: SourceNote | None) -> str | None:
        """Give another file that is there and has a key; one in a folder that has moved away has none."""
        before = self._met.setdefault(key, path)
        if before != path:
            return before
        other = None if note is None else note.path
        if other is None or other == path or not os.path.lexists(other):
            return None
        root = self._registry.roots.find(os.path.dirname(other))
        return other if root is not None and root.key_of(other) == key else None

    def _read_item(self, item: Any, index: int, metadata: Metadata) -> Iterator[Event]:
        ids: set[str] = set()
        key = self._meet(item)
        given = {*metadata, *_own_metadata(item)}
        is_whole, is_skipped = True, False
        for entry in read_items([item], self._settings, metadata=metadata):
            if isinstance(entry, Record):
                key = entry.key
                ids.add(entry.id)
                yield self._fit(entry, given)
            elif isinstance(entry, SkippedFile):
                is_skipped = True
            else:
                is_whole = is_whole and bool(str(entry.place))
                yield Problem(_describe_item(entry, index))
        note = None if key is None else SourceNote(key, None, "")
        yield SourceDone(note, frozenset(ids) if is_whole else None, is_skipped)

    def _meet(self, item: Any) -> str | None:
        """Give the id that an item has, if any, and remember which come twice."""
        name = item.get("id") if isinstance(item, Mapping) else None
        if isinstance(name, bool) or not isinstance(name, (str, int)) or name == "":
            return None
        key = str(name)
        if key in self._met_items:
            self._repeated.add(key)
        self._met_items.add(key)
        return key

    def _fit(self, record: Record, given: Collection[str]) -> Pending:
        """Bring a record to what the model takes: a page becomes its words where the model reads no pictures.

        Args:
            record: The record.
            given: Names of metadata that are the caller's; what a format says under other names is left out where
                its column holds something else.
        """
        unfit = [name for name, value in record.metadata.items() if name not in given and not self._suits(name, value)]
        if unfit:
            metadata = {name: value for name, value in record.metadata.items() if name not in unfit}
            record = dataclasses.replace(record, metadata=metadata)
        wanted = set(record.modality.split("+"))
        if wanted <= self._modalities:
            return Pending(record)
        if record.text and "text" in self._modalities:
            text = HeldText(record.text)
            return Pending(dataclasses.replace(record, modality="text", digest=hash_text(record.text), held=text))
        missing = " and ".join(sorted(wanted - self._modalities))
        takes = ", ".join(sorted(self._modalities & {"text", "image", "audio", "video"}))
        return Pending(record, problem=f"the collection's model does not take {missing}; it takes {takes}.")

    def _suits(self, name: str, value: Any) -> bool:
        column = self._columns.get(name)
        try:
            cleaned = clean_value(value, name)
            if column is not None:
                fit(cleaned, column, name)
        except InputError:
            return False
        return True

    def _look_up(self, events: Generator[Event, None, None]) -> Iterator[list[Event]]:
        block: list[Event] = []
        waiting: list[Pending] = []
        held = 0
        with contextlib.closing(events):
            for event in events:
                block.append(event)
                if isinstance(event, Pending):
                    waiting.append(event)
                    held += is_held(event.record)
                is_full = len(waiting) >= _RECORDS_AT_ONCE or held >= _HELD_AT_ONCE
                if is_full or len(block) >= 4 * _RECORDS_AT_ONCE:
                    self._find_known(waiting)
                    yield block
                    block, waiting, held = [], [], 0
        self._find_known(waiting)
        if block:
            yield block

    def _find_known(self, waiting: list[Pending]) -> None:
        open_ones = [one for one in waiting if one.problem is None]
        if not open_ones:
            return
        ids = [one.record.id for one in open_ones]
        rows = self._store.get(ids, with_vectors=False, with_thumbnails=False)
        for one in open_ones:
            row = rows.get(one.record.id)
            # A row that an earlier item of this call replaces or removes is not what it will be.
            one.is_stored = row is not None and row.key not in self._repeated and _is_same(row, one.record)
        unknown = [one for one in open_ones if not one.is_stored]
        vectors = self._store.digests(one.record.digest for one in unknown) if unknown else {}
        for one in unknown:
            one.vector = vectors.get(one.record.digest)


def _is_same(row: Row, record: Record) -> bool:
    return (
        row.digest == record.digest
        and row.path == record.path
        and row.modality == record.modality
        and row.place.as_dict() == record.place.as_dict()
        and _clean(row.metadata) == _clean(record.metadata)
    )


def _clean(metadata: Mapping[str, Any]) -> dict[str, object] | None:
    """Give metadata as it is read back; None if it cannot be stored, which the store will say."""
    try:
        cleaned = {name: clean_value(value, name) for name, value in metadata.items()}
    except InputError:
        return None
    return {name: value for name, value in cleaned.items() if value is not None}


def _own_metadata(item: Any) -> Iterable[str]:
    own = item.get("metadata") if isinstance(item, Mapping) else None
    return own if isinstance(own, Mapping) else ()


def _describe_item(entry: UnreadableFile, index: int) -> Unreadable:
    """Say which item of the call cannot be read; it was the first of its own. One without an id has its position."""
    if isinstance(entry.error, InputError) and entry.error.index is not None:
        entry.error.index = index
    key = f"item {index}" if entry.key == "item 0" else entry.key
    return Unreadable(key=key, path=entry.path, reason=str(entry.error))


def _describe_clash(key: str, path: str, other: str) -> Unreadable:
    return Unreadable(
        key=key,
        path=path,
        reason=f"it would have the key {key!r}, which {other} has already: the collection's first folder holds a "
        "folder of the same name as a later one. Rename one of them, or index it into a collection of its own.",
    )


def _in_blocks(values: Iterable[Item], size: int) -> Iterator[list[Item]]:
    source = iter(values)
    while block := list(islice(source, size)):
        yield block
