"""Steps become rows, removals and notes, in this order; what the store refuses costs only itself."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from PIL import Image

from sensorium.collection.writing import Step, Writer, keep_picture
from sensorium.errors import InputError, MediaError, StoreError
from sensorium.ingest import read_items
from sensorium.store import Row
from tests.collection.fakes import FakeStore, make_done, make_pending, make_record, own_threads


def write(store: FakeStore, *steps: Step) -> Writer:
    writer = Writer(store)
    for step in steps:
        writer.put(step)
    writer.close()
    return writer


def refuse(is_bad: Callable[[Row], bool], *, has_index: bool) -> Callable[[list[Row]], None]:
    def check(rows: list[Row]) -> None:
        bad = [index for index, row in enumerate(rows) if is_bad(row)]
        if bad:
            raise InputError("it is refused.", index=bad[0] if has_index else None)

    return check


def test_rows_come_before_removals_and_these_before_notes() -> None:
    store = FakeStore()
    write(store, Step([make_pending("a", 0), make_pending("a", 1)], [make_done("a", ["a-0", "a-1"])]))
    writer = write(store, Step([make_pending("a", 0, "new")], [make_done("a", ["a-0"])]))
    assert [what for what, _ in store.log[-3:]] == ["rows", "delete", "notes"]
    assert (set(store.rows), writer.records, writer.removed) == ({"a-0"}, 1, 1)


def test_steps_are_written_one_after_the_other() -> None:
    store = FakeStore()
    writer = write(store, *(Step([make_pending("a", number)]) for number in range(20)))
    assert store.written("rows") == [f"a-{number}" for number in range(20)]
    assert writer.records == 20


def test_a_source_that_could_not_be_read_keeps_what_is_stored() -> None:
    store = FakeStore()
    write(store, Step([make_pending("a", 0), make_pending("b", 0)]))
    writer = write(store, Step([], [make_done("a", None), make_done("b", [])]))
    assert (set(store.rows), writer.removed) == ({"a-0"}, 1)


def test_of_one_source_given_twice_in_a_step_the_last_counts() -> None:
    store = FakeStore()
    first = [make_pending("a", number) for number in range(3)]
    done = [make_done("a", ["a-0", "a-1", "a-2"]), make_done("a", ["a-0"])]
    write(store, Step([*first, make_pending("a", 0, "again")], done))
    assert [row.text for row in store.rows.values()] == ["again"]


def test_loose_items_have_no_note() -> None:
    store = FakeStore()
    write(store, Step([make_pending("a", 0, path=None)], [make_done("a", ["a-0"], path=None)]))
    assert (store.notes, set(store.rows)) == ({}, {"a-0"})


def test_only_what_was_computed_counts_as_computed() -> None:
    computed, known = make_pending("a", 0), make_pending("a", 1)
    computed.is_computed = True
    writer = write(FakeStore(), Step([computed, known]))
    assert (writer.records, writer.computed) == (2, 1)


@pytest.mark.parametrize("has_index", [True, False])
def test_rows_that_the_store_refuses_cost_only_themselves(has_index: bool) -> None:
    bad = {"a-3", "a-4", "a-9"}
    store = FakeStore(refuse(lambda row: row.id in bad, has_index=has_index))
    rows = [make_pending("a", number) for number in range(10)]
    writer = write(store, Step(rows, [make_done("a", [one.record.id for one in rows])]))
    assert store.written("rows") == [f"a-{number}" for number in range(10) if f"a-{number}" not in bad]
    assert (writer.records, writer.problem_count) == (7, 3)
    assert [(one.key, one.path, one.reason) for one in writer.problems] == [("a", "/files/a", "it is refused.")] * 3
    assert store.notes["a"].reason == "it is refused."


def test_one_bad_row_among_many_takes_few_writes() -> None:
    tries: list[int] = []
    refusing = refuse(lambda row: row.id == "a-77", has_index=False)

    def check(rows: list[Row]) -> None:
        tries.append(len(rows))
        refusing(rows)

    store = FakeStore(check)
    write(store, Step([make_pending("a", number) for number in range(256)]))
    assert len(store.rows) == 255
    assert len(tries) < 20


def test_a_refusal_is_in_the_note_that_comes_in_a_later_step() -> None:
    store = FakeStore(refuse(lambda row: row.id == "a-0", has_index=True))
    write(store, Step([make_pending("a", 0)]), Step([make_pending("a", 1)], [make_done("a", None)]))
    assert store.notes["a"].reason == "it is refused."
    assert set(store.rows) == {"a-1"}


def test_a_reason_of_the_source_itself_stays_and_refusals_do_not_spill_over() -> None:
    store = FakeStore(refuse(lambda row: row.id == "a-0", has_index=True))
    done = [make_done("a", None, reason="page 3: damaged."), make_done("b", None)]
    write(store, Step([make_pending("a", 0), make_pending("b", 0)], done))
    assert (store.notes["a"].reason, store.notes["b"].reason) == ("page 3: damaged.", None)


def test_the_first_thousand_refusals_are_kept_and_all_counted() -> None:
    store = FakeStore(refuse(lambda row: True, has_index=True))
    writer = write(store, *(Step([make_pending(f"{step}", one) for one in range(110)]) for step in range(10)))
    assert (len(writer.problems), writer.problem_count, writer.records) == (1000, 1100, 0)


def test_a_store_that_fails_ends_the_writing() -> None:
    def fail(rows: list[Row]) -> None:
        if rows[0].id == "a-1":
            raise StoreError("the disk is gone.")

    store = FakeStore(fail)
    writer = Writer(store)
    writer.put(Step([make_pending("a", 0)]))
    with pytest.raises(StoreError, match="the disk is gone"):
        for number in range(1, 100):
            writer.put(Step([make_pending("a", number)], [make_done("a", None)]))
    writer.close()  # does not raise it
    with pytest.raises(StoreError):
        writer.check()
    assert (set(store.rows), store.notes) == ({"a-0"}, {})
    assert own_threads() == []


def test_two_steps_wait_while_one_is_written() -> None:
    go_on, is_begun = threading.Event(), threading.Event()

    def wait(rows: list[Row]) -> None:
        is_begun.set()
        assert go_on.wait(10)

    writer = Writer(FakeStore(wait))
    writer.put(Step([make_pending("a", 0)]))
    assert is_begun.wait(10)
    for number in (1, 2):
        writer.put(Step([make_pending("a", number)]))
    fourth = threading.Thread(target=writer.put, args=(Step([make_pending("a", 3)]),))
    fourth.start()
    fourth.join(0.1)
    assert fourth.is_alive()
    go_on.set()
    fourth.join(10)
    writer.close()
    assert writer.records == 4


def test_an_empty_step_is_none() -> None:
    assert not Step()
    assert Step([make_pending()])
    assert Step([], [make_done()])


class _Undrawable:
    def value(self) -> None:
        return None

    def thumbnail(self, side: int) -> bytes | None:
        raise MediaError("it is gone.")


def test_a_row_whose_picture_cannot_be_drawn_is_written_without() -> None:
    store = FakeStore()
    write(store, Step([make_pending("a", 0, held=_Undrawable())]))
    assert store.rows["a-0"].thumbnail is None


def test_of_an_item_in_memory_the_small_picture_is_kept() -> None:
    (record,) = read_items([Image.new("RGB", (600, 300), "red")])
    kept = keep_picture(record)
    assert kept.content is None
    assert kept.thumbnail() == record.thumbnail() is not None
    assert (kept.id, kept.digest, kept.modality) == (record.id, record.digest, "image")
    assert keep_picture(make_record(held=_Undrawable())).thumbnail() is None
