"""Of every source and record it is found out what is there already, and what is wrong with it."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sensorium.collection import intake as intake_module
from sensorium.collection.adding import Walks
from sensorium.collection.events import Event, Pending, Problem, SourceDone, Unchanged
from sensorium.collection.indexing import Indexing
from sensorium.collection.intake import Intake
from sensorium.collection.registry import Registry, first_ingestion
from sensorium.collection.removing import note_deletion
from sensorium.errors import InputError, MissingExtraError
from sensorium.ingest import IngestSettings
from sensorium.store import LanceStore, Row
from tests.collection.fakes import DIM, FakeDoor, FakeModel, make_manifest, make_vector
from tests.ingest.made_files import make_pdf, write_tree

BROKEN = b"\x89PNG\r\n\x1a\n" + b"no picture" * 20
ALL = ("text", "image", "audio", "video")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LanceStore]:
    ingestion = first_ingestion(IngestSettings(passage_characters=100, passage_overlap=10))
    with LanceStore.create(tmp_path / "collection", make_manifest(ingestion=ingestion)) as made:
        yield made


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "files", {"a.txt": "A note about rivers.", "b.txt": "A note about hills."})


def paragraphs(count: int, word: str = "river") -> str:
    return "\n\n".join(f"Paragraph {number} tells of a {word}. " * 3 for number in range(count))


def make_intake(store: LanceStore, modalities: Iterable[str] = ALL, **options: Any) -> Intake:
    registry = Registry(store)
    return Intake(store, registry.settings, modalities, registry, **options)


def blocks(store: LanceStore, *paths: Path, metadata: Any = None, **options: Any) -> Iterator[list[Event]]:
    intake = make_intake(store, **options)
    walks = Walks(intake._settings, store.path, intake._registry)
    return intake.read_files(one for path in paths for one in walks.find(str(path), metadata or {}))


def item_blocks(store: LanceStore, *items: Any, metadata: Any = None, **options: Any) -> Iterator[list[Event]]:
    return make_intake(store, **options).read_items(enumerate(items), metadata or {})


def flat(some: Iterable[list[Event]]) -> list[Event]:
    return [event for block in some for event in block]


def save(store: LanceStore, some: Iterable[list[Event]]) -> Indexing:
    """Store what was read, as a call does."""
    vector = FakeModel(answer=lambda text: make_vector(text[:50]))
    made = Indexing(store, FakeDoor(vector))
    made.run(some)
    return made


def pending(events: Iterable[Event]) -> list[Pending]:
    return [event for event in events if isinstance(event, Pending)]


def problems(events: Iterable[Event]) -> list[tuple[str, str]]:
    return [(event.about.key, event.about.reason) for event in events if isinstance(event, Problem)]


def make_picture(color: str = "red") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (20, 10), color).save(stream, "PNG")
    return stream.getvalue()


class TestFiles:
    def test_a_new_one_gives_its_records_and_then_its_note(self, store: LanceStore, files: Path) -> None:
        (files / "a.txt").write_text(paragraphs(3))
        *records, done = flat(blocks(store, files / "a.txt"))
        assert len(records) > 2
        assert all(isinstance(one, Pending) and not one.is_ready for one in records)
        assert isinstance(done, SourceDone)
        assert done.note is not None
        assert (done.note.key, done.note.path, done.note.reason) == ("a.txt", str(files / "a.txt"), None)
        assert done.ids == {one.record.id for one in pending(records)}

    def test_one_that_has_not_changed_is_not_opened(
        self, store: LanceStore, files: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        save(store, blocks(store, files))
        monkeypatch.setattr(intake_module, "read_records", None)
        assert flat(blocks(store, files)) == [Unchanged("a.txt"), Unchanged("b.txt")]

    @pytest.mark.parametrize("change", ["size", "time", "metadata", "settings"])
    def test_one_that_has_is(self, store: LanceStore, files: Path, change: str) -> None:
        save(store, blocks(store, files / "a.txt"))
        if change == "size":
            (files / "a.txt").write_text("Another note about rivers.")
        elif change == "time":
            os.utime(files / "a.txt", ns=(1, 1))
        elif change == "settings":
            ingestion = {**store.manifest.ingestion, "settings": IngestSettings(passage_characters=500).as_dict()}
            store.update_manifest(ingestion=ingestion)
        metadata = {"year": 2024} if change == "metadata" else None
        one, _ = flat(blocks(store, files / "a.txt", metadata=metadata))
        assert isinstance(one, Pending)
        assert one.is_stored == (change == "time"), "a row that is as it would be is not written"
        assert (one.vector is not None) == (change in ("metadata", "settings")), "content that was there has its vector"

    def test_what_cannot_be_read_is_told_and_noted_and_left_until_it_changes(
        self, store: LanceStore, files: Path
    ) -> None:
        (files / "a.txt").write_bytes(BROKEN)
        events = flat(blocks(store, files / "a.txt"))
        ((key, reason),) = problems(events)
        done = events[-1]
        assert isinstance(done, SourceDone)
        assert done.note is not None
        assert (key, done.note.reason, done.ids) == ("a.txt", reason, None)
        save(store, iter([events]))
        assert flat(blocks(store, files / "a.txt")) == [Unchanged("a.txt")]

    def test_a_package_that_is_missing_is_asked_for_again(
        self, store: LanceStore, files: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*args: Any, **options: Any) -> Iterator[Any]:
            raise MissingExtraError("Reading it needs a package.", extra="pdf")
            yield

        monkeypatch.setattr(intake_module, "read_records", fail)
        for _ in range(2):
            events = flat(blocks(store, files / "a.txt"))
            assert problems(events) == [("a.txt", "Reading it needs a package.")]
            save(store, iter([events]))

    def test_a_damaged_page_is_named(self, store: LanceStore, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from sensorium.ingest import Place, UnreadableFile

        error = InputError("it is damaged.")

        def read(*args: Any, **options: Any) -> Iterator[Any]:
            for page in (2, 3):
                yield UnreadableFile(key="a.txt", path="x", reason=error.reason, error=error, place=Place(page=page))

        monkeypatch.setattr(intake_module, "read_records", read)
        events = flat(blocks(store, files / "a.txt"))
        assert problems(events) == [("a.txt", "page 2: it is damaged."), ("a.txt", "page 3: it is damaged.")]
        done = events[-1]
        assert isinstance(done, SourceDone)
        assert done.note is not None
        assert (done.note.reason, done.ids) == ("page 2: it is damaged.", frozenset())

    def test_one_that_holds_nothing_now_loses_its_records(self, store: LanceStore, files: Path) -> None:
        save(store, blocks(store, files))
        (files / "a.txt").write_text("")
        made = save(store, blocks(store, files))
        assert (made.skipped, made.removed, made.unchanged) == (1, 1, 1)
        assert [entry.key for entry in store.entries()] == ["b.txt"]

    def test_what_a_walk_says_is_passed_on(self, store: LanceStore, files: Path) -> None:
        events = flat(blocks(store, files / "none", files / "a.txt"))
        assert [key for key, _ in problems(events)] == [str(files / "none")]
        assert events[1] == SourceDone(None, None)

    def test_a_file_that_is_gone_since_it_was_found(self, store: LanceStore, files: Path) -> None:
        intake = make_intake(store)
        found = list(Walks(intake._settings, store.path, intake._registry).find(str(files / "a.txt"), {}))
        (files / "a.txt").unlink()
        (files / "a.txt").mkdir()
        events = flat(intake.read_files(found))
        assert [key for key, _ in problems(events)] == ["a.txt"]

    @pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are text there")
    def test_a_note_has_the_path_that_its_rows_have(self, store: LanceStore, tmp_path: Path) -> None:
        folder = os.fsencode(tmp_path) + b"/caf\xe9"
        os.mkdir(folder)
        with open(folder + b"/a.txt", "wb") as file:
            file.write(b"words")
        save(store, blocks(store, Path(os.fsdecode(folder))))
        (note,) = store.sources.read()
        (row,) = store.entries()
        assert note.path == row.path == f"{tmp_path}/caf\\xe9/a.txt"


class TestKeys:
    def test_two_files_of_one_key_in_a_call(self, store: LanceStore, tmp_path: Path) -> None:
        write_tree(tmp_path, {"first/b/a.txt": "one", "second/b/a.txt": "two"})
        events = flat(blocks(store, tmp_path / "first", tmp_path / "second" / "b"))
        ((key, reason),) = problems(events)
        assert key == "b/a.txt"
        assert str(tmp_path / "first" / "b" / "a.txt") in reason
        assert len(pending(events)) == 1

    def test_a_key_that_another_file_has(self, store: LanceStore, tmp_path: Path) -> None:
        write_tree(tmp_path, {"first/x.txt": "x", "second/b/a.txt": "two"})
        save(store, blocks(store, tmp_path / "first"))
        save(store, blocks(store, tmp_path / "second" / "b"))
        write_tree(tmp_path, {"first/b/a.txt": "one"})
        ((key, reason),) = problems(flat(blocks(store, tmp_path / "first")))
        assert (key, str(tmp_path / "second") in reason) == ("b/a.txt", True)
        (tmp_path / "second" / "b" / "a.txt").unlink()
        assert problems(flat(blocks(store, tmp_path / "first"))) == [], "one that is gone has none"

    def test_a_folder_that_has_moved_keeps_rows_and_vectors(self, store: LanceStore, files: Path) -> None:
        save(store, blocks(store, files))
        files.rename(files.parent / "moved")
        Registry(store).move(str(files), str(files.parent / "moved"))
        made = save(store, blocks(store, files.parent / "moved"))
        assert (made.records, made.computed, made.problem_count) == (2, 0, 0)
        assert {entry.path for entry in store.entries()} == {
            str(files.parent / "moved" / name) for name in ("a.txt", "b.txt")
        }


class TestDeleted:
    def delete_first(self, store: LanceStore) -> int:
        """Delete the first record of the only file, and give how many are left."""
        first = min(store.scan(), key=lambda row: row.place.start or 0)
        note_deletion(store, {"id": first.id})
        store.delete(ids=[first.id])
        return store.count()

    def test_an_update_leaves_it_out_and_adding_brings_it_back(self, store: LanceStore, files: Path) -> None:
        (files / "a.txt").write_text(paragraphs(3))
        whole = save(store, blocks(store, files / "a.txt")).records
        left = self.delete_first(store)
        assert flat(blocks(store, files / "a.txt", is_update=True)) == [Unchanged("a.txt")]
        save(store, blocks(store, files / "a.txt"))
        assert (left, store.count()) == (whole - 1, whole)
        assert flat(blocks(store, files / "a.txt", is_update=True)) == [Unchanged("a.txt")]

    def test_an_update_brings_it_back_when_the_file_changes(self, store: LanceStore, files: Path) -> None:
        (files / "a.txt").write_text(paragraphs(3))
        save(store, blocks(store, files / "a.txt"))
        left = self.delete_first(store)
        (files / "a.txt").write_text(paragraphs(4))
        save(store, blocks(store, files / "a.txt", is_update=True))
        assert store.count() > left + 1

    def test_an_update_leaves_it_out_where_its_folder_has_moved(self, store: LanceStore, files: Path) -> None:
        (files / "a.txt").write_text(paragraphs(3))
        save(store, blocks(store, files / "a.txt"))
        left = self.delete_first(store)
        moved = files.parent / "moved"
        files.rename(moved)
        Registry(store).move(str(files), str(moved))
        made = save(store, blocks(store, moved / "a.txt", is_update=True))
        assert (store.count(), made.computed, made.removed) == (left, 0, 0)
        assert {entry.path for entry in store.entries()} == {str(moved / "a.txt")}
        assert flat(blocks(store, moved / "a.txt", is_update=True)) == [Unchanged("a.txt")]


class TestItems:
    def test_one_that_cannot_be_used_has_its_position(self, store: LanceStore) -> None:
        events = flat(item_blocks(store, {"text": "fine"}, {"smell": 1}, {"image": BROKEN, "id": "x"}))
        (first, second) = problems(events)
        assert first[0] == "item 1"
        assert first[1].startswith("input 1: ")
        assert (second[0], second[1].startswith("input 2 ")) == ("x", True)

    def test_they_have_no_path_to_note(self, store: LanceStore) -> None:
        events = flat(item_blocks(store, {"text": "words", "id": 7}))
        assert isinstance(events[-1], SourceDone)
        assert events[-1].note is not None
        assert (events[-1].note.key, events[-1].note.path) == ("7", None)
        save(store, iter([events]))
        assert store.sources.count() == 0

    def test_again_they_are_stored(self, store: LanceStore) -> None:
        item = {"text": "words", "id": "a", "metadata": {"n": np.int64(3), "x": float("nan"), "y": None}}
        save(store, item_blocks(store, item, metadata={"z": 0.5}))
        (one,) = pending(flat(item_blocks(store, item, metadata={"z": np.float32(0.5)})))
        assert one.is_stored
        (one,) = pending(flat(item_blocks(store, {**item, "metadata": {"n": 4}})))
        assert (one.is_stored, one.vector is None) == (False, False)

    def test_of_one_id_given_twice_the_last_counts(self, store: LanceStore) -> None:
        long, short = {"text": paragraphs(9), "id": "a"}, {"text": "One line.", "id": "a"}
        count = save(store, item_blocks(store, long)).records
        filler = [{"text": f"number {n}", "id": f"f{n}"} for n in range(300)]  # so that they come in different steps
        save(store, item_blocks(store, short, *filler, long))
        assert store.count({"key": "a"}) == count > 3
        save(store, item_blocks(store, long, *filler, short))
        assert [row.text for row in store.scan({"key": "a"})] == ["One line."]

    def test_one_that_holds_nothing_now_loses_its_records(self, store: LanceStore) -> None:
        save(store, item_blocks(store, {"text": "words", "id": "a"}, {"text": "more", "id": "b"}))
        made = save(store, item_blocks(store, {"text": " \n", "id": "a"}))
        assert (made.skipped, made.removed) == (1, 1)
        assert [entry.key for entry in store.entries()] == ["b"]

    def test_one_that_cannot_be_used_now_keeps_them(self, store: LanceStore) -> None:
        save(store, item_blocks(store, {"text": "words", "id": "a"}))
        made = save(store, item_blocks(store, {"image": BROKEN, "id": "a"}))
        assert (made.problem_count, made.removed, store.count()) == (1, 0, 1)

    @pytest.mark.parametrize("value", [np.zeros(3), [1], object()])
    def test_metadata_that_cannot_be_stored_costs_only_its_item(self, store: LanceStore, value: Any) -> None:
        save(store, item_blocks(store, {"text": "words", "id": "a"}))
        items = [{"text": "words", "id": "a", "metadata": {"n": value}}, {"text": "fine", "id": "b"}]
        made = save(store, item_blocks(store, *items))
        assert [one.key for one in made.problems] == ["a"]
        assert "'n'" in made.problems[0].reason
        assert {entry.key for entry in store.entries()} == {"a", "b"}


class TestModalities:
    def test_what_the_model_does_not_take_is_told(self, store: LanceStore) -> None:
        (one,) = pending(flat(item_blocks(store, Image.new("RGB", (4, 4)), modalities=["text", "audio", "message"])))
        assert one.problem == "the collection's model does not take image; it takes audio, text."

    def test_a_page_is_its_words_where_no_pictures_are_taken(self, store: LanceStore, files: Path) -> None:
        (files / "p.pdf").write_bytes(make_pdf(["Words on the page."]))
        (as_words,) = pending(flat(blocks(store, files / "p.pdf", modalities=["text"])))
        assert (as_words.record.modality, as_words.record.content) == ("text", as_words.record.text)
        (as_picture,) = pending(flat(blocks(store, files / "p.pdf")))
        assert as_picture.record.modality == "image"
        assert as_picture.record.digest != as_words.record.digest
        assert as_picture.record.id == as_words.record.id

    def test_a_mixture_needs_all(self, store: LanceStore) -> None:
        item = {"image": Image.new("RGB", (4, 4)), "audio": {"array": np.ones(800, "f4"), "sampling_rate": 8000}}
        (one,) = pending(flat(item_blocks(store, item, modalities=["text", "image"])))
        assert one.problem is not None
        assert "does not take audio" in one.problem


class TestMetadata:
    def test_what_a_format_says_yields_to_a_column_of_another_type(self, store: LanceStore, files: Path) -> None:
        save(store, item_blocks(store, {"text": "words", "metadata": {"width": "wide", "format": 3}}))
        (files / "p.png").write_bytes(make_picture())
        (one,) = pending(flat(blocks(store, files / "p.png")))
        assert one.record.metadata == {"height": 10}
        (one,) = pending(flat(item_blocks(store, {"image": make_picture(), "metadata": {"height": "tall"}})))
        assert one.record.metadata == {"height": "tall"}, "the caller's own is left to the store"

    def test_the_callers_own_that_does_not_suit_is_told(self, store: LanceStore) -> None:
        save(store, item_blocks(store, {"text": "words", "metadata": {"year": 2024}}))
        made = save(store, item_blocks(store, {"text": "more", "id": "a", "metadata": {"year": "late"}}))
        assert [one.key for one in made.problems] == ["a"]
        assert "'year'" in made.problems[0].reason


class TestBlocks:
    def test_they_are_short(self, store: LanceStore) -> None:
        some = list(item_blocks(store, *({"text": f"number {n}"} for n in range(200))))
        assert max(len(pending(block)) for block in some) <= 64
        assert sum(len(pending(block)) for block in some) == 200

    def test_those_of_what_is_in_memory_are_shorter(self, store: LanceStore) -> None:
        taken = 0

        def items() -> Iterator[tuple[int, Any]]:
            nonlocal taken
            for number in range(100):
                taken += 1
                yield number, Image.new("RGB", (4, 4), (number, 0, 0))

        some = make_intake(store).read_items(items(), {})
        assert len(pending(next(some))) == taken == 8

    def test_what_is_known_comes_in_blocks_too(self, store: LanceStore, tmp_path: Path) -> None:
        files = write_tree(tmp_path / "many", {f"{n:03}.txt": "" for n in range(600)})
        some = list(blocks(store, files))
        assert max(map(len, some)) <= 256
        assert sum(map(len, some)) == 600

    def test_what_finds_the_files_is_closed_when_nobody_reads_on(self, store: LanceStore, files: Path) -> None:
        ended: list[bool] = []
        intake = make_intake(store)
        walks = Walks(intake._settings, store.path, intake._registry)

        def find() -> Iterator[Any]:
            try:
                yield from [*walks.find(str(files), {})] * 300
            finally:
                ended.append(True)

        found = find()
        some = intake.read_files(found)
        next(some)
        some.close()  # type: ignore[attr-defined]
        assert ended == [True]

    def test_equal_content_under_another_path_has_its_vector(self, store: LanceStore, files: Path) -> None:
        row = Row(id="1", key="z", modality="text", digest="d", vector=make_vector("known"))
        save(store, blocks(store, files / "a.txt"))
        store.write([row])
        (files / "c.txt").write_text("A note about rivers.")
        (one,) = pending(flat(blocks(store, files / "c.txt")))
        assert one.vector is not None
        assert one.vector.shape == (DIM,)
        assert not one.is_stored
