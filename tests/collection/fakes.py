"""A model, a store and records for tests of the adding side: quick, in memory, and failing where they are told to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from sensorium.collection.events import Pending, SourceDone
from sensorium.errors import InputError
from sensorium.ingest import Place, Record, hash_text
from sensorium.ingest.text_files import HeldText
from sensorium.store import Manifest, Row, SourceNote
from sensorium.store.rows import Entry

DIM = 4


def make_manifest(**fields: Any) -> Manifest:
    return Manifest(**{"model_id": "some/model", "dim": DIM, "modalities": ("text", "image"), **fields})


def make_vector(text: str) -> np.ndarray:
    """Give a vector that is this text's alone."""
    return np.random.default_rng(list(text.encode())).normal(size=DIM).astype(np.float32)


def make_record(key: str = "a", number: int = 0, content: str | None = None, **fields: Any) -> Record:
    words = f"{key} {number}" if content is None else content
    given: dict[str, Any] = {
        "id": f"{key}-{number}",
        "key": key,
        "path": f"/files/{key}",
        "place": Place(),
        "modality": "text",
        "digest": hash_text(words),
        "text": words,
        "held": HeldText(words),
    }
    return Record(**{**given, **fields})


def make_pending(key: str = "a", number: int = 0, content: str | None = None, **fields: Any) -> Pending:
    """Give a record whose vector is known."""
    record = make_record(key, number, content, **fields)
    return Pending(record, make_vector(str(record.text)))


def make_done(key: str = "a", ids: Iterable[str] | None = (), **fields: Any) -> SourceDone:
    note = SourceNote(**{"key": key, "path": f"/files/{key}", "stamp": "now", **fields})
    return SourceDone(note, None if ids is None else frozenset(ids))


class FakeModel:
    """Gives texts their vectors, some at a time.

    Args:
        window: How many it takes before it gives the first.
        answer: Given text, gives the vector, or an `InputError` to put into its row; raises what the model raises.
    """

    def __init__(self, window: int = 4, answer: Callable[[str], Any] = make_vector) -> None:
        self.window = window
        self.answer = answer
        self.texts: list[str] = []

    def encode_document_stream(
        self, samples: Iterable[Any], *, on_error: str, return_report: bool
    ) -> Iterator[SimpleNamespace]:
        assert (on_error, return_report) == ("skip", True)
        taken: list[str] = []
        errors: list[Exception] = []
        for sample in _until_error(samples, errors):
            taken.append(str(sample.parts[0].value))
            if len(taken) >= self.window:
                yield self._compute(taken.pop(0))
        while taken:
            yield self._compute(taken.pop(0))
        if errors:
            raise errors[0]  # after the rows of all before it, as the real one does

    def _compute(self, text: str) -> SimpleNamespace:
        self.texts.append(text)
        given = self.answer(text)
        is_error = isinstance(given, InputError)
        return SimpleNamespace(embedding=None if is_error else given, error=given if is_error else None)


def _until_error(samples: Iterable[Any], errors: list[Exception]) -> Iterator[Any]:
    try:
        yield from samples
    except Exception as error:  # noqa: BLE001 - the encoder hands on whatever its samples raise, and so does this
        errors.append(error)


class FakeDoor:
    """Gives a model, and counts how often it was asked for one."""

    def __init__(self, model: FakeModel | None = None) -> None:
        self.model = model or FakeModel()
        self.loads = 0

    def load(self) -> FakeModel:
        self.loads += 1
        return self.model


class FakeStore:
    """Keeps rows and notes, and a log of what was done in which order.

    Args:
        check: Called with the rows of each write before they are kept; raises what the store raises.
    """

    def __init__(self, check: Callable[[list[Row]], None] = lambda rows: None) -> None:
        self._check = check
        self.rows: dict[str, Row] = {}
        self.notes: dict[str, SourceNote] = {}
        self.log: list[tuple[str, tuple[str, ...]]] = []
        self.sources = SimpleNamespace(write=self._write_notes)

    def write(self, rows: Iterable[Row]) -> int:
        listed = list(rows)
        self._check(listed)
        self.rows.update((row.id, row) for row in listed)
        self.log.append(("rows", tuple(row.id for row in listed)))
        return len(listed)

    def delete(self, *, ids: Iterable[str]) -> int:
        gone = [one for one in ids if self.rows.pop(one, None) is not None]
        self.log.append(("delete", tuple(gone)))
        return len(gone)

    def entries(self, where: dict[str, list[str]]) -> Iterator[Entry]:
        for row in list(self.rows.values()):
            if row.key in where["key"]:
                yield Entry(row.id, row.key, row.path, row.digest)

    def _write_notes(self, notes: Iterable[SourceNote]) -> None:
        listed = list(notes)
        self.notes.update((note.key, note) for note in listed)
        self.log.append(("notes", tuple(note.key for note in listed)))

    def written(self, kind: str) -> list[str]:
        """Give what was written, in order: the ids of `"rows"`, or the keys of `"notes"`."""
        return [one for what, names in self.log if what == kind for one in names]


def own_threads() -> list[str]:
    """Give the names of the threads of collections that are alive."""
    return [one.name for one in threading.enumerate() if one.name.startswith("sensorium-collection")]
