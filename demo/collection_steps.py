"""The first step of the demo: a folder of mixed files becomes a collection, and answers questions across modalities.

Must not know what is asked; that is `searches`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demo.searches import ACROSS, CONTEXT, FILTERED, HYBRID, RERANKED, TOP, Search
from demo.table import Column, Table, paragraph
from sensorium import Collection
from sensorium.errors import SensoriumError

if TYPE_CHECKING:
    from sensorium import CrossEncoder, IndexReport, SearchResult, SentenceTransformer

_TABLE = Table(
    Column("", 5),
    Column("score", 6, is_number=True),
    Column("kind", 5),
    Column("file", 36),
    Column("place", 17),
    Column("words", 25),
)


class CollectionSteps:
    """Indexes a folder, asks, and remembers what is wrong.

    Args:
        samples: The folder that is indexed.
        scratch: Where the collection is made.
        model: The built-in model.
        reranker: Reads question and passage together; its weights need mean nothing.
    """

    def __init__(self, samples: Path, scratch: Path, model: SentenceTransformer, reranker: CrossEncoder) -> None:
        self._samples = samples
        self._folder = scratch / "collection"
        self._model = model
        self._reranker = reranker
        #: What is wrong, in sentences.
        self.problems: list[str] = []

    def run(self) -> None:
        """Index and ask; prints as it goes."""
        with Collection.create(self._folder, self._model) as collection:
            self._show_report(collection, collection.add(self._samples))
            again = collection.add(self._samples)
            print(paragraph(f"Again: {again.unchanged} files unchanged, {again.computed} vectors computed."))
            if again.unchanged != again.files or again.records:
                self.problems.append(f"indexing the same folder again stored {again.records} records.")
            for search in filter(self._can_ask, (*ACROSS, HYBRID, FILTERED)):
                self._ask(collection, search)
            if self._can_ask(RERANKED):
                self._ask(collection, RERANKED, reranker=self._reranker)
                words = "(The reranker has random weights: it shows the machinery, and its order means nothing.)"
                print(paragraph(words))
            if self._can_ask(CONTEXT):
                self._show_context(collection)

    def _show_report(self, collection: Collection, report: IndexReport) -> None:
        stats = collection.stats()
        counts = ", ".join(f"{count} {name}" for name, count in stats.modalities.items())
        print(
            paragraph(
                f"{report.files} files of {self._samples.name}/ became {stats.records} records ({counts}) in "
                f"{report.seconds:.1f} s, {report.records / max(report.seconds, 1e-9):.0f} a second; "
                f"{stats.bytes_on_disk / 1e6:.1f} MB on disk."
            )
        )
        self.problems += [f"{one.key} was not read: {one.reason}" for one in report.unreadable]
        if not stats.records:
            self.problems.append(f"{self._samples} gave no records.")

    def _can_ask(self, search: Search) -> bool:
        """Tell whether a question is about this folder: somebody may show the demo one of their own."""
        needed = [search.expected, *([str(search.query)] if isinstance(search.query, Path) else [])]
        missing = [name for name in needed if not (self._samples / name).exists()]
        if missing:
            print(paragraph(f"{search.title}: left out, {self._samples} has no {missing[0]}."))
        return not missing

    def _ask(self, collection: Collection, search: Search, **options: Any) -> None:
        begun = time.perf_counter()
        try:
            results = collection.search(self._query(search), TOP, **search.options, **options)
        except SensoriumError as error:
            self.problems.append(f"{search.title}: {error}")
            return
        took = (time.perf_counter() - begun) * 1000
        print()
        print(paragraph(f"{search.title}: {search.asked}  ({took:.0f} ms)"))
        for result in results:
            print(_describe(result, search.expected), flush=True)
        self._check(search, [result.key for result in results])

    def _query(self, search: Search) -> str | Path:
        return self._samples / search.query if isinstance(search.query, Path) else search.query

    def _show_context(self, collection: Collection) -> None:
        context = collection.make_context(CONTEXT.query, top_k=TOP, max_images=1, max_tokens=2000)
        print()
        print(paragraph(f"{CONTEXT.title}: {CONTEXT.asked}"))
        for message in context.messages:
            for line in _describe_message(message):
                print(paragraph(line))
        for source in context.sources:
            print(paragraph(f"[{source.number}] {source.key} {source.place}"))
        self._check(CONTEXT, [source.key for source in context.sources])

    def _check(self, search: Search, found: Sequence[str]) -> None:
        if search.expected not in found[:TOP]:
            self.problems.append(f"{search.title}: {search.expected} is not among {list(found[:TOP])}.")


def _describe(result: SearchResult, expected: str) -> str:
    mark = "right" if result.key == expected else ""
    words = (result.snippet or "").replace("…", "...")  # the demo prints ASCII alone
    return _TABLE.line(mark, f"{result.score:.3f}", result.modality, result.key, str(result.place), words)


def _describe_message(message: dict[str, Any]) -> list[str]:
    content = message["content"]
    parts: list[dict[str, Any]] = [{"type": "text", "text": content}] if isinstance(content, str) else content
    lines = []
    for part in parts:
        if part["type"] == "text":
            text = " ".join(part["text"].split())
            lines.append(f"{message['role']}: {text[:90]}{'...' if len(text) > 90 else ''}")
        else:
            length = len(part["image_url"]["url"])
            lines.append(f"{message['role']}: a picture as a data address of {length} characters")
    return lines
