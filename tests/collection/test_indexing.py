"""One call's records from reading to writing: in order, each content computed once, whatever fails on the way."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sensorium.collection import indexing
from sensorium.collection.events import Event, Pending, Problem, SourceDone, Unchanged
from sensorium.collection.indexing import Ahead, Indexing
from sensorium.collection.results import IndexProgress, Unreadable
from sensorium.collection.writing import Step, Writer
from sensorium.errors import EngineError, InputError, StoreError
from sensorium.ingest import Place
from sensorium.ingest.text_files import HeldText
from tests.collection.fakes import (
    FakeDoor,
    FakeModel,
    FakeStore,
    make_done,
    make_pending,
    make_record,
    make_vector,
    own_threads,
)


@pytest.fixture(autouse=True)
def no_thread_outlives_the_call() -> Iterator[None]:
    yield
    assert own_threads() == []


def unknown(key: str = "a", number: int = 0, content: str | None = None, **fields: Any) -> Pending:
    return Pending(make_record(key, number, content, **fields))


def run(
    events: Iterable[Event], store: FakeStore | None = None, model: FakeModel | None = None, **options: Any
) -> Indexing:
    made = Indexing(store or FakeStore(), FakeDoor(model), **options)
    made.run([event] for event in events)
    return made


def about(key: str) -> Unreadable:
    return Unreadable(key=key, path=None, reason="broken")


class TestOrder:
    @pytest.mark.parametrize("window", [1, 7, 1000])
    def test_rows_keep_it_and_a_note_comes_after_its_rows(self, monkeypatch: pytest.MonkeyPatch, window: int) -> None:
        monkeypatch.setattr(indexing, "_STEP_ROWS", 16)
        events: list[Event] = []
        for source in range(40):
            key = f"s{source}"
            kinds: list[Callable[..., Pending]] = [unknown, make_pending, unknown]
            events += [kinds[number](key, number, "same" if number == 2 else None) for number in range(3)]
            events.append(make_done(key, [f"{key}-{number}" for number in range(3)]))
        store = FakeStore()
        made = run(events, store, FakeModel(window))
        assert store.written("rows") == [one.record.id for one in events if isinstance(one, Pending)]
        assert store.written("notes") == [f"s{source}" for source in range(40)]
        seen: set[str] = set()
        for what, names in store.log:
            if what == "rows":
                seen.update(names)
            for key in names if what == "notes" else ():
                assert {f"{key}-{number}" for number in range(3)} <= seen
        assert (made.files, made.records, made.computed) == (40, 120, 41)

    def test_a_step_is_written_when_it_is_old(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(indexing, "_STEP_SECONDS", 0.0)
        store = FakeStore()
        run((make_pending("a", number) for number in range(5)), store)
        assert [names for what, names in store.log if what == "rows"] == [(f"a-{number}",) for number in range(5)]

    def test_sources_without_rows_are_noted_in_steps_too(self) -> None:
        store = FakeStore()
        run((make_done(str(number)) for number in range(1500)), store)
        assert [len(names) for what, names in store.log if what == "notes"] == [1024, 476]


class TestTwins:
    def test_equal_content_is_computed_once(self) -> None:
        store, model = FakeStore(), FakeModel()
        made = run([unknown("a", number, "same") for number in range(30)], store, model)
        assert model.texts == ["same"]
        assert (made.records, made.computed) == (30, 1)
        for row in store.rows.values():
            np.testing.assert_array_equal(row.vector, make_vector("same"))

    def test_one_that_fails_takes_no_other_with_it(self) -> None:
        answers = iter([InputError("its file is gone."), InputError("its file is gone."), make_vector("same")])
        store = FakeStore()
        events = [unknown(key, 0, "same") for key in "abcd"]
        made = run(events, store, FakeModel(100, lambda text: next(answers)))
        assert store.written("rows") == ["c-0", "d-0"]
        assert [(one.key, one.reason) for one in made.problems] == [
            ("a", "its file is gone."),
            ("b", "its file is gone."),
        ]

    def test_where_all_fail_each_has_the_reason(self) -> None:
        model = FakeModel(3, lambda text: InputError("it is no picture."))
        made = run([unknown(key, 0, "same") for key in "abcde"], model=model)
        assert [one.key for one in made.problems] == list("abcde")
        assert (made.records, made.problem_count) == (0, 5)

    def test_what_is_forgotten_is_computed_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(indexing, "_REMEMBERED", 2)
        model = FakeModel(1)
        run([unknown("a", number, words) for number, words in enumerate("xyzx")], model=model)
        assert model.texts == ["x", "y", "z", "x"]


class TestModel:
    def test_it_is_not_loaded_for_what_is_known(self) -> None:
        store = FakeStore()
        made = Indexing(store, door := FakeDoor())
        stored = make_pending("b")
        stored.is_stored = True
        made.run([[make_pending("a"), make_done("a"), stored, make_done("b"), Unchanged("c")]])
        assert door.loads == 0
        assert (made.records, made.computed, made.files, made.unchanged) == (1, 0, 3, 1)
        assert store.written("rows") == ["a-0"]
        assert made.seen == {"a", "b", "c"}

    @pytest.mark.parametrize(
        ("vector", "words"),
        [
            (np.array([1, np.nan, 0, 0], np.float32), "not of finite numbers"),
            (np.array([1, np.inf, 0, 0], np.float32), "not of finite numbers"),
            (np.zeros(4, np.float32), "no direction"),
        ],
    )
    def test_a_vector_that_is_none_is_a_problem_of_its_record(self, vector: np.ndarray, words: str) -> None:
        model = FakeModel(answer=lambda text: vector if text == "a 1" else make_vector(text))
        store = FakeStore()
        made = run([*(unknown("a", number) for number in range(3)), make_done("a")], store, model)
        assert store.written("rows") == ["a-0", "a-2"]
        assert words in made.problems[0].reason
        assert store.notes["a"].reason == made.problems[0].reason

    def test_where_it_breaks_what_was_computed_before_is_written(self) -> None:
        def answer(text: str) -> np.ndarray:
            if text == "a 7":
                raise RuntimeError("out of memory")
            return make_vector(text)

        store = FakeStore()
        with pytest.raises(RuntimeError, match="out of memory"):
            run([*(unknown("a", number) for number in range(20)), make_done("a")], store, FakeModel(4, answer))
        assert store.written("rows") == [f"a-{number}" for number in range(7)]
        assert store.notes == {}

    def test_one_that_gives_too_few_vectors_is_not_waited_for(self) -> None:
        model = FakeModel()

        def stream(samples: Iterable[Any], **options: Any) -> Iterator[Any]:
            yield from list(samples)[:0]

        model.encode_document_stream = stream  # type: ignore[method-assign, assignment]
        with pytest.raises(EngineError, match="no vector for 3"):
            run([unknown("a", number) for number in range(3)], model=model)

    def test_content_that_cannot_be_opened_is_a_problem(self) -> None:
        class Gone(HeldText):
            def value(self) -> Any:
                raise InputError("its file is gone.")

        store = FakeStore()
        made = run([unknown("a", 0, held=Gone("")), unknown("a", 1), make_done("a")], store)
        assert store.written("rows") == ["a-1"]
        assert (made.problems[0].reason, store.notes["a"].reason) == ("its file is gone.", "its file is gone.")

    def test_what_is_known_behind_a_record_is_not_piled_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(indexing, "_MOST_WAITING", 10)
        model = FakeModel(window=10**9)  # computes nothing before it must
        computed_by: list[int] = []

        def events() -> Iterator[Event]:
            yield unknown("first")
            for number in range(100):
                computed_by.append(len(model.texts))
                yield make_pending("known", number)

        store = FakeStore()
        run(events(), store, model)
        assert computed_by[-1] == 1
        assert len(store.rows) == 101


class TestFiles:
    def test_one_that_changes_while_it_is_computed_is_a_problem(self, tmp_path: Path) -> None:
        file = tmp_path / "a.png"
        file.write_bytes(b"before")
        seen = file.stat()
        fields = {"path": str(file), "modality": "image", "size": seen.st_size, "mtime_ns": seen.st_mtime_ns}

        def answer(text: str) -> np.ndarray:
            if text == "second":
                file.write_bytes(b"after it")
            return make_vector(text)

        store = FakeStore()
        events = [unknown("a", 0, "first", **fields), unknown("a", 1, "second", **fields), make_done("a")]
        made = run(events, store, FakeModel(1, answer))
        assert store.written("rows") == ["a-0"]
        assert "written to while it was read" in made.problems[0].reason
        assert store.notes["a"].reason == made.problems[0].reason

    def test_one_that_is_gone_by_then_is_kept(self, tmp_path: Path) -> None:
        fields = {"path": str(tmp_path / "gone.png"), "modality": "image", "size": 1, "mtime_ns": 1}
        assert run([unknown("a", **fields)]).records == 1

    def test_a_text_is_what_was_read(self, tmp_path: Path) -> None:
        file = tmp_path / "a.txt"
        file.write_text("other")
        assert run([unknown("a", path=str(file), size=1, mtime_ns=1)]).records == 1


class TestFailing:
    def test_what_the_source_raises_comes_after_what_came_before(self) -> None:
        def events() -> Iterator[Event]:
            yield from (unknown("a", number) for number in range(9))
            raise KeyError("the caller's own")

        store = FakeStore()
        with pytest.raises(KeyError, match="the caller's own"):
            run(events(), store)
        assert len(store.rows) == 9

    @pytest.mark.parametrize("kind", [KeyboardInterrupt, RuntimeError])
    def test_what_ends_it_leaves_what_was_computed(self, kind: type[BaseException]) -> None:
        def stop(progress: IndexProgress) -> None:
            if len(model.texts) >= 12:
                raise kind

        store, model = FakeStore(), FakeModel(4)
        with pytest.raises(kind):
            run((unknown("a", number) for number in range(100)), store, model, on_progress=stop)
        assert len(store.rows) >= 11
        assert store.written("rows") == [f"a-{number}" for number in range(len(store.rows))]

    def test_an_interrupt_while_a_step_is_handed_over_does_not_lose_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        put, interrupts = Writer.put, iter([KeyboardInterrupt()])

        def interrupted(writer: Writer, step: Step) -> None:
            for one in interrupts:
                raise one
            put(writer, step)

        monkeypatch.setattr(indexing, "_STEP_ROWS", 5)
        monkeypatch.setattr(Writer, "put", interrupted)
        store = FakeStore()
        with pytest.raises(KeyboardInterrupt):
            run((make_pending("a", number) for number in range(50)), store)
        assert store.written("rows") == [f"a-{number}" for number in range(5)]

    def test_a_store_that_fails_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(indexing, "_STEP_ROWS", 2)

        def fail(rows: list[Any]) -> None:
            raise StoreError("the disk is gone.")

        for count in (1, 100):
            with pytest.raises(StoreError, match="the disk is gone"):
                run((unknown("a", number) for number in range(count)), FakeStore(fail))

    def test_a_source_is_closed_when_the_call_ends_early(self) -> None:
        ended: list[bool] = []

        def blocks() -> Iterator[list[Event]]:
            try:
                for number in range(1000):
                    yield [unknown("a", number)]
            finally:
                ended.append(True)

        def stop(progress: IndexProgress) -> None:
            raise RuntimeError("no more")

        with pytest.raises(RuntimeError):
            Indexing(FakeStore(), FakeDoor(), stop).run(blocks())
        assert ended == [True]


class TestCounting:
    def test_every_kind_of_event(self) -> None:
        def check(rows: list[Any]) -> None:
            if any(row.id == "r-0" for row in rows):
                raise InputError("it is refused.", index=[row.id for row in rows].index("r-0"))

        told: list[IndexProgress] = []
        refused = Pending(make_record("x"), problem="the model does not take it.")
        events: list[Event] = [
            *(make_pending("a"), make_done("a", ["a-0"])),
            *(Problem(about("b")), SourceDone(None, None)),
            SourceDone(None, None, is_skipped=True),
            Unchanged("d"),
            *(make_pending("r"), make_done("r", ["r-0"])),
            *(refused, make_done("x", ["x-0"])),
        ]
        store = FakeStore(check)
        made = run(events, store, on_progress=told.append, count_files=lambda: 6)
        assert (made.files, made.unchanged, made.skipped, made.records, made.removed) == (6, 1, 1, 1, 0)
        assert made.problem_count == 3
        assert {one.key for one in made.problems} == {"b", "r", "x"}
        assert made.seen == {"a", "d", "r", "x"}
        assert told[-1] == IndexProgress(
            files=6, unchanged=1, records=1, computed=0, unreadable=3, total_files=6, current="x"
        )
        assert [one.files for one in told] == sorted(one.files for one in told)
        assert store.notes["x"].reason == "the model does not take it."

    def test_the_reason_names_the_place(self) -> None:
        made = run([Pending(make_record("a", place=Place(page=3)), problem="it is black."), make_done("a")])
        assert made.problems[0].reason == "page 3: it is black."

    def test_a_source_keeps_its_own_reason_and_the_next_has_none(self) -> None:
        store = FakeStore()
        bad = Pending(make_record("a"), problem="not taken.")
        run([bad, make_done("a", reason="page 2: damaged."), make_pending("b"), make_done("b")], store)
        assert (store.notes["a"].reason, store.notes["b"].reason) == ("page 2: damaged.", None)

    def test_the_first_thousand_problems_are_kept_and_all_counted(self) -> None:
        made = run([Problem(about(str(number))) for number in range(1300)])
        assert (len(made.problems), made.problems[-1].key, made.problem_count) == (1000, "999", 1300)


class _Heavy:
    """What a caller holds in memory."""

    def value(self) -> str:
        return "heavy"

    def thumbnail(self, side: int) -> bytes | None:
        return b"small"


def test_items_in_memory_are_let_go_of_before_they_are_written() -> None:
    alive: weakref.WeakSet[_Heavy] = weakref.WeakSet()
    most = 0

    def events() -> Iterator[Event]:
        for number in range(200):
            alive.add(held := _Heavy())
            yield make_pending("a", number, path=None, modality="image", held=held)
            del held

    def watch(progress: IndexProgress) -> None:
        nonlocal most
        gc.collect(0)
        most = max(most, len(alive))

    store = FakeStore()
    run(events(), store, on_progress=watch)
    assert most < 20 < len(store.rows) == 200
    assert {row.thumbnail for row in store.rows.values()} == {b"small"}


class TestAhead:
    def test_it_gives_what_the_source_gives(self) -> None:
        blocks: list[list[Event]] = [[Unchanged(str(number))] for number in range(50)]
        assert list(Ahead(blocks)) == blocks

    def test_it_reads_a_few_ahead_and_no_more(self) -> None:
        taken = 0

        def blocks() -> Iterator[list[Event]]:
            nonlocal taken
            for number in range(1000):
                taken += 1
                yield [Unchanged(str(number))]

        ahead = Ahead(blocks())
        given = iter(ahead)
        for _ in range(100):
            next(given)
        assert 100 <= taken <= 100 + indexing._BLOCKS_AHEAD + 2
        ahead.stop()
        assert taken < 120

    def test_one_that_was_never_begun_can_be_stopped(self) -> None:
        Ahead([]).stop()
