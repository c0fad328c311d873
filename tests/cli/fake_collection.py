"""A collection that remembers what it was asked and answers what a test put in; no model, no store.

Put behind `sensorium.cli.opening.collection_class`, the one seam of the command line.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sensorium.collection.results import (
    CollectionStats,
    IndexProgress,
    IndexReport,
    ScoreParts,
    SearchResult,
    Unreadable,
)
from sensorium.errors import StoreError, StoreNotFoundError
from sensorium.hub.builtin import BUILTIN_ID
from sensorium.ingest.place import Place
from sensorium.ingest.settings import IngestSettings

COLUMNS = {"path": "text", "modality": "text", "year": "whole", "camera": "text", "is_old": "yes/no", "when": "time"}


def make_result(path: str | None = "/data/a.png", **changes: Any) -> SearchResult:
    values: dict[str, Any] = {
        "id": "0a1b",
        "key": "a.png" if path is None else path.rpartition("/")[2],
        "path": path,
        "place": Place(),
        "modality": "image",
        "score": 0.5,
        "parts": ScoreParts(cosine=0.5),
    }
    return SearchResult(**(values | changes))


def make_report(**changes: Any) -> IndexReport:
    values: dict[str, Any] = {
        "files": 3,
        "unchanged": 1,
        "records": 4,
        "computed": 2,
        "removed": 0,
        "skipped": 0,
        "unreadable": (),
        "unreadable_count": 0,
        "seconds": 1.5,
    }
    return IndexReport(**(values | changes))


class FakeStore:
    def __init__(self) -> None:
        self.matching = 2
        self.counted: list[Any] = []
        self.found: list[Any] = []

    def columns(self) -> dict[str, str]:
        return dict(COLUMNS)

    def count(self, where: Any = None) -> int:
        self.counted.append(where)
        return self.matching

    def entries(self, where: Any = None) -> Iterator[Any]:
        self.counted.append(where)
        return iter(self.found)


class FakeCollection:
    """Attributes set on the class before a command say what it answers; `calls` says what was asked."""

    calls: list[tuple[str, Any]]
    results: list[SearchResult]
    report: IndexReport
    problems: list[Unreadable]
    raises: BaseException | None
    progress: list[IndexProgress]

    @classmethod
    def fresh(cls) -> type[FakeCollection]:
        return type(
            "Fake",
            (cls,),
            {"calls": [], "results": [], "report": make_report(), "problems": [], "raises": None, "progress": []},
        )

    def __init__(self, path: Path, model_id: str, settings: IngestSettings | None = None) -> None:
        self.path = path
        self.manifest = SimpleNamespace(model_id=model_id)
        self.settings = settings or IngestSettings()
        self.store = FakeStore()
        self.is_closed = False

    @classmethod
    def create(cls, path: Path, encoder: Any = None, *, settings: Any = None, device: str | None = None) -> Any:
        cls.calls.append(("create", {"path": path, "encoder": encoder, "device": device}))
        path.mkdir()
        (path / "manifest.json").write_text((encoder or BUILTIN_ID) + "\n" + "\n".join(settings.excludes))
        return cls(path, encoder or BUILTIN_ID, settings)

    @classmethod
    def open(cls, path: Path, encoder: Any = None, *, device: str | None = None) -> Any:
        cls.calls.append(("open", {"path": path, "encoder": encoder, "device": device}))
        if not (path / "manifest.json").is_file():
            raise StoreNotFoundError(f"No collection in {str(path)!r}.")
        model_id, *excludes = (path / "manifest.json").read_text().splitlines()
        if encoder not in (None, model_id):
            raise StoreError(f"The collection was made with {model_id!r}, and cannot be used with {encoder!r}.")
        return cls(path, model_id, IngestSettings(excludes=tuple(excludes)))

    @property
    def is_builtin_model(self) -> bool:
        return self.manifest.model_id == BUILTIN_ID

    def add(self, items: Any, *, metadata: Any = None, on_progress: Any = None) -> IndexReport:
        self.calls.append(("add", {"items": items, "metadata": metadata}))
        return self._index(on_progress)

    def update(self, *, on_progress: Any = None) -> IndexReport:
        self.calls.append(("update", {}))
        return self._index(on_progress)

    def _index(self, on_progress: Any) -> IndexReport:
        for one in self.progress:
            on_progress(one)
        if self.raises is not None:
            raise self.raises
        return self.report

    def search(self, query: Any, top_k: int = 10, **options: Any) -> list[SearchResult]:
        self.calls.append(("search", {"query": query, "top_k": top_k, **options}))
        if self.raises is not None:
            raise self.raises
        return self.results[:top_k]

    def similar(self, id: str, top_k: int = 10, **options: Any) -> list[SearchResult]:
        self.calls.append(("similar", {"id": id, "top_k": top_k, **options}))
        if self.raises is not None:
            raise self.raises
        return self.results[:top_k]

    def delete(self, **how: Any) -> int:
        self.calls.append(("delete", how))
        return self.store.matching

    def stats(self) -> CollectionStats:
        return CollectionStats(
            path=self.path,
            model_id=self.manifest.model_id,
            revision=None,
            dim=384,
            dtype="float32",
            records=len(self.results),
            modalities={"image": len(self.results)} if self.results else {},
            files=3,
            unreadable=len(self.problems),
            roots=("/data",),
            metadata_columns=("year",),
            bytes_on_disk=12_345,
            library_version="0.1.0",
        )

    def unreadable(self) -> Iterator[Unreadable]:
        return iter(self.problems)

    def close(self) -> None:
        self.is_closed = True
        self.calls.append(("close", {}))

    @classmethod
    def asked(cls, name: str) -> Any:
        """What the last call of this name was given."""
        return next(given for called, given in reversed(cls.calls) if called == name)
