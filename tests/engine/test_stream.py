"""A stream gives what a run gives, in order, and never holds more than its window."""

from __future__ import annotations

import gc
import itertools
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorium.engine import ItemError, RunOptions, run, stream
from sensorium.errors import InputError
from tests.engine.fake import FakeSteps, engine_threads

WORKERS = pytest.mark.parametrize("workers", [0, 2])


@settings(max_examples=120, deadline=None)
@given(
    values=st.lists(st.integers(0, 12), max_size=60),
    bad=st.dictionaries(st.integers(0, 12), st.sampled_from(["read", "cost", "load", "collate"]), max_size=3),
    batch_size=st.integers(1, 6),
    window=st.integers(1, 20),
    workers=st.integers(0, 2),
    memory=st.none() | st.integers(12, 40),
)
def test_a_stream_is_a_run(
    values: list[int], bad: dict[int, str], batch_size: int, window: int, workers: int, memory: int | None
) -> None:
    def steps() -> FakeSteps:
        return FakeSteps(bad=bad, costs=lambda value: value, groups=lambda value: value % 2, memory=memory)

    options = RunOptions(batch_size=batch_size, window=window, workers=workers, on_error="skip")
    result = run(values, steps(), options)
    errors = {error.index: error for error in result.errors}
    streamed = list(stream(iter(values), steps(), options))
    assert [index for index, _ in streamed] == list(range(len(values)))
    for index, row in streamed:
        if index in errors:
            assert isinstance(row, ItemError)
            assert (row.index, row.error.index, str(row.error)) == (index, index, str(errors[index].error))
        else:
            assert row == result.rows[index]


@WORKERS
@pytest.mark.parametrize("window", [1, 2, 7, 64])
def test_it_pulls_no_further_than_its_window(window: int, workers: int) -> None:
    pulled = 0

    def source() -> Iterator[int]:
        nonlocal pulled
        for value in range(200):
            pulled += 1
            yield value

    for index, _ in stream(source(), FakeSteps(), RunOptions(batch_size=4, window=window, workers=workers)):
        assert pulled <= index + window


@WORKERS
def test_an_endless_source(workers: int) -> None:
    rows = stream(itertools.count(), FakeSteps(), RunOptions(batch_size=4, window=16, workers=workers))
    assert [row for _, row in itertools.islice(rows, 100)] == [("row", value) for value in range(100)]
    rows.close()
    assert engine_threads() == []


def test_nothing_is_pulled_before_the_first_row_is_asked_for() -> None:
    source = iter([1, 2, 3])
    stream(source, FakeSteps())
    assert next(source) == 1


@WORKERS
def test_memory_does_not_grow_with_the_source(workers: int) -> None:
    steps = FakeSteps()
    most = 0
    options = RunOptions(batch_size=4, window=32, workers=workers)
    for _ in stream((str(value) for value in range(3000)), steps, options):
        steps.log.clear()
        most = max(most, len(steps.alive_loaded))
    assert most <= 32
    assert len(steps.alive_loaded) == 0


def test_rows_are_let_go_when_handed_over() -> None:
    class Row:
        pass

    class Steps(FakeSteps):
        def finish(self, pending: Any) -> list[Any]:
            rows = [Row() for _ in pending.values]
            alive.update(rows)
            return rows

    alive: weakref.WeakSet[Row] = weakref.WeakSet()
    most = 0
    for _ in stream(range(500), Steps(), RunOptions(batch_size=4, window=16)):
        most = max(most, len(alive))
    assert 0 < most <= 16 + 2, "the window, the one in our hands, and the one just asked for"


def test_duplicates_within_the_window_are_shared_and_others_computed_anew() -> None:
    steps = FakeSteps()
    values = ["a", "b", "a", "a", *map(str, range(40)), "a"]
    rows = [row for _, row in stream(values, steps, RunOptions(batch_size=2, window=8))]
    assert rows == [("row", value) for value in values]
    assert [value for batch in steps.computed for value in batch].count("a") == 2


def test_a_duplicate_of_a_row_that_waits_is_not_computed_again() -> None:
    """`a` is pulled again while its first row is done and not handed over, behind a row of the same window."""
    steps = FakeSteps()
    values = ["x", "a", "y", "z", "a", "a"]
    rows = [row for _, row in stream(values, steps, RunOptions(batch_size=2, window=5))]
    assert rows == [("row", value) for value in values]
    assert steps.computed == [["x", "a"], ["y", "z"]]


@WORKERS
def test_the_sources_error_comes_after_the_rows_before_it(workers: int) -> None:
    def source() -> Iterator[int]:
        yield from range(10)
        raise OSError("the disk went away")

    seen = []
    rows = stream(source(), FakeSteps(), RunOptions(batch_size=4, window=64, workers=workers))
    with pytest.raises(OSError, match="the disk went away"):
        seen.extend(index for index, _ in rows)
    assert seen == list(range(10))


@WORKERS
@pytest.mark.parametrize("step", ["read", "load", "collate"])
def test_raising_comes_in_order(step: str, workers: int) -> None:
    steps = FakeSteps(bad={7: step, 9: "read"}, costs=lambda value: value)
    seen: list[int] = []
    rows = stream(range(20), steps, RunOptions(batch_size=3, window=64, workers=workers))
    with pytest.raises(InputError) as caught:
        seen.extend(index for index, _ in rows)
    assert seen == list(range(7))
    assert caught.value.index == 7


def test_after_a_failure_nothing_more_is_pulled() -> None:
    source = iter(range(1000))
    with pytest.raises(InputError):
        list(stream(source, FakeSteps(bad={3: "read"}), RunOptions(batch_size=2, window=8)))
    assert next(source) == 4


@WORKERS
def test_a_fault_of_the_program_is_raised_at_once(workers: int) -> None:
    def fail(step: str, argument: Any) -> None:
        if step == "load" and argument == 5:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(stream(range(20), FakeSteps(on_step=fail), RunOptions(batch_size=2, workers=workers, on_error="skip")))


def test_closing_stops_the_workers() -> None:
    rows = stream(itertools.count(), FakeSteps(), RunOptions(batch_size=2, workers=3, window=32))
    next(rows)
    assert engine_threads() != []
    rows.close()
    assert engine_threads() == []


def test_an_error_in_the_consumer_stops_the_workers() -> None:
    def consume() -> None:
        for index, _ in stream(itertools.count(), FakeSteps(), RunOptions(batch_size=2, workers=3, window=32)):
            if index == 5:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        consume()
    gc.collect()
    assert engine_threads() == []


def test_values_are_pulled_in_the_consumers_thread() -> None:
    pullers = set()

    def source() -> Iterator[int]:
        for value in range(50):
            pullers.add(threading.get_ident())
            yield value

    list(stream(source(), FakeSteps(), RunOptions(batch_size=4, workers=2, window=16)))
    assert pullers == {threading.get_ident()}


def test_the_next_half_is_prepared_while_the_first_is_handed_over() -> None:
    """While the consumer holds row 0, the workers must load what lies behind it."""
    loaded: list[int] = []
    has_more = threading.Event()

    def note(step: str, argument: Any) -> None:
        if step == "load":
            loaded.append(argument)
            if len(loaded) > 8:
                has_more.set()

    rows = stream(range(100), FakeSteps(on_step=note), RunOptions(batch_size=4, workers=1, window=16))
    next(rows)
    assert has_more.wait(timeout=60)
    rows.close()


def test_progress_counts_rows(capsys: pytest.CaptureFixture[str]) -> None:
    list(stream(range(5), FakeSteps(), RunOptions(show_progress=True)))
    assert "Batches: 5input" in capsys.readouterr().err
