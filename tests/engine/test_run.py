"""A run gives what one at a time gives, in order; its failures name positions."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorium.engine import RunOptions, run, walk
from sensorium.errors import EngineError, InputError, MissingMediaError, UnknownArgumentError
from tests.engine.fake import FakeSteps, engine_threads

VALUES = st.lists(st.integers(0, 12), max_size=40)
FAULTS = st.dictionaries(st.integers(0, 12), st.sampled_from(["read", "cost", "load", "collate"]), max_size=4)


def _rows(values: list[Any], bad: dict[Any, str]) -> list[Any]:
    return [None if value in bad else ("row", value) for value in values]


@settings(max_examples=150, deadline=None)
@given(
    values=VALUES,
    bad=FAULTS,
    batch_size=st.integers(1, 6),
    budget=st.none() | st.integers(1, 30),
    workers=st.integers(0, 3),
    prefetch=st.integers(1, 3),
    memory=st.none() | st.integers(12, 40),
    is_short_in_finish=st.booleans(),
    has_keys=st.booleans(),
    keeps_order=st.booleans(),
)
def test_any_mixture_gives_the_rows_of_one_at_a_time(
    values: list[int],
    bad: dict[int, str],
    batch_size: int,
    budget: int | None,
    workers: int,
    prefetch: int,
    memory: int | None,
    is_short_in_finish: bool,
    has_keys: bool,
    keeps_order: bool,
) -> None:
    steps = FakeSteps(
        bad=bad,
        costs=lambda value: value,
        groups=lambda value: value % 3,
        memory=memory,
        is_short_in_finish=is_short_in_finish,
        has_keys=has_keys,
    )
    options = RunOptions(
        batch_size=batch_size,
        token_budget=budget,
        workers=workers,
        prefetch=prefetch,
        on_error="skip",
        keeps_order=keeps_order,
        stop_at_s=time.monotonic() + 3600,
    )
    result = run(values, steps, options)
    assert result.rows == _rows(values, bad)
    failed = [index for index, value in enumerate(values) if value in bad]
    assert [error.index for error in result.errors] == failed
    assert [error.error.index for error in result.errors] == failed
    if memory is None and has_keys:
        computed = [value for batch in steps.computed for value in batch]
        assert len(computed) == len(set(computed)), "an input was computed twice"


@settings(max_examples=60, deadline=None)
@given(values=VALUES, bad=FAULTS, batch_size=st.integers(1, 6), workers=st.integers(0, 3))
def test_raising_names_an_input_that_failed(
    values: list[int], bad: dict[int, str], batch_size: int, workers: int
) -> None:
    options = RunOptions(batch_size=batch_size, workers=workers)
    if not set(values) & set(bad):
        assert run(values, FakeSteps(bad=bad), options).rows == _rows(values, bad)
        return
    with pytest.raises(InputError) as caught:
        run(values, FakeSteps(bad=bad), options)
    index = caught.value.index
    assert index is not None
    assert values[index] in bad
    assert index == values.index(values[index]), "of duplicates, the first is to be named"
    early = [place for place, value in enumerate(values) if bad.get(value) in ("read", "cost")]
    if early:
        assert index == early[0]


@pytest.mark.parametrize("workers", [0, 2])
def test_empty(workers: int) -> None:
    result = run([], FakeSteps(), RunOptions(workers=workers))
    assert (result.rows, result.errors) == ([], ())


def test_without_workers_everything_happens_here() -> None:
    steps = FakeSteps()
    started: list[threading.Thread] = []
    steps.on_step = lambda step, argument: started.extend(set(threading.enumerate()) - before)
    before = set(threading.enumerate())
    run(range(50), steps, RunOptions(batch_size=4, workers=0))
    assert started == []
    assert set().union(*steps.threads.values()) == {threading.get_ident()}


def test_model_steps_stay_on_the_calling_thread_and_loading_leaves_it() -> None:
    steps = FakeSteps()
    run(range(50), steps, RunOptions(batch_size=4, workers=3))
    here = threading.get_ident()
    assert {step for step, threads in steps.threads.items() if here in threads} == {"read", "compute", "finish"}


def test_one_input_starts_no_thread() -> None:
    steps = FakeSteps()
    run(["a", "a"], steps, RunOptions(workers=8))
    assert steps.threads["load"] == {threading.get_ident()}


def test_duplicates_share_their_row() -> None:
    steps = FakeSteps()
    rows = run(["a", "b", "a", "a"], steps, RunOptions()).rows
    assert rows[0] is rows[2] is rows[3]
    assert sorted(steps.computed[0]) == ["a", "b"]


def test_a_batch_is_finished_after_the_next_was_issued() -> None:
    steps = FakeSteps()
    run([3, 2, 1], steps, RunOptions(batch_size=1))
    passes = [(step, values[0]) for step, values in steps.log if step in ("compute", "finish")]
    assert passes == [
        ("compute", 3),
        ("compute", 2),
        ("finish", 3),
        ("compute", 1),
        ("finish", 2),
        ("finish", 1),
    ]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("step", ["read", "load", "collate"])
def test_each_duplicate_of_a_failure_has_its_own_error(step: str, workers: int) -> None:
    result = run(["a", "b", "a"], FakeSteps(bad={"a": step}), RunOptions(on_error="skip", workers=workers))
    assert [error.index for error in result.errors] == [0, 2]
    assert [error.error.index for error in result.errors] == [0, 2]
    assert result.rows == [None, ("row", "b"), None]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_failure_keeps_its_kind_and_source(workers: int) -> None:
    steps = FakeSteps(bad={"b": "load"})
    with pytest.raises(MissingMediaError) as caught:
        run(["a", "b"], steps, RunOptions(workers=workers))
    assert (caught.value.index, caught.value.source) == (1, "b")
    result = run(["a", "b"], steps, RunOptions(workers=workers, on_error="skip"))
    assert (result.errors[0].index, result.errors[0].source) == (1, "b")
    assert isinstance(result.errors[0].error, MissingMediaError)


def test_the_guilty_of_a_batch_is_found_by_halving() -> None:
    steps = FakeSteps(bad={11: "collate"})
    result = run(range(16), steps, RunOptions(batch_size=16, on_error="skip"))
    assert [error.index for error in result.errors] == [11]
    assert sum(step == "collate" for step, _ in steps.log) == 9, "two at each of four levels, and the first"


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("step", ["read", "load", "collate", "compute", "finish"])
@pytest.mark.parametrize("error", [ZeroDivisionError("bug"), UnknownArgumentError("typo"), EngineError("broken")])
def test_what_blames_no_input_is_never_skipped(step: str, workers: int, error: Exception) -> None:
    def fail(name: str, argument: Any) -> None:
        if name == step:
            raise error

    with pytest.raises(type(error)) as caught:
        run(range(20), FakeSteps(on_step=fail), RunOptions(batch_size=2, workers=workers, on_error="skip"))
    assert caught.value is error


@pytest.mark.parametrize("step", ["compute", "finish"])
def test_an_input_error_of_the_model_is_not_skipped(step: str) -> None:
    def fail(name: str, argument: Any) -> None:
        if name == step:
            raise InputError("this model has no such output")

    with pytest.raises(InputError):
        run(range(4), FakeSteps(on_step=fail), RunOptions(on_error="skip"))


@pytest.mark.parametrize("workers", [0, 1, 4])
def test_an_interrupt_stops_the_workers(workers: int) -> None:
    def interrupt(name: str, argument: Any) -> None:
        if name == "compute":
            raise KeyboardInterrupt

    steps = FakeSteps(on_step=interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(range(10_000), steps, RunOptions(batch_size=4, workers=workers))
    assert sum(step == "load" for step, _ in steps.log) < 200, "the workers went on"


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Take interrupts, which a process started in the background ignores."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_reaches_a_call_that_waits_for_its_workers() -> None:
    def interrupt(name: str, argument: Any) -> None:
        if name == "load" and argument == 5:
            os.kill(os.getpid(), signal.SIGINT)
            threading.Event().wait(0.1)

    with pytest.raises(KeyboardInterrupt):
        run(range(1000), FakeSteps(on_step=interrupt), RunOptions(batch_size=100, workers=2))
    assert engine_threads() == []


def test_calls_from_several_threads_do_not_meet() -> None:
    answers: dict[int, list[Any]] = {}

    def call(number: int) -> None:
        values = range(number * 100, number * 100 + 100)
        answers[number] = run(values, FakeSteps(), RunOptions(batch_size=3, workers=2)).rows

    callers = [threading.Thread(target=call, args=(number,)) for number in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert answers == {number: [("row", number * 100 + place) for place in range(100)] for number in range(4)}


def test_one_input_costs_next_to_nothing() -> None:
    """The shortest of many calls, so that a busy machine does not count."""
    steps, options = FakeSteps(), RunOptions()
    seconds = []
    for _ in range(300):
        start = time.perf_counter()
        run(["a"], steps, options)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 100e-6


def test_an_early_failure_leaves_the_rest_alone() -> None:
    steps = FakeSteps(bad={0: "load"}, costs=lambda value: 10_000 - value)
    with pytest.raises(InputError):
        run(range(5000), steps, RunOptions(batch_size=4, workers=2))
    assert sum(step == "load" for step, _ in steps.log) < 500


def test_a_wrong_number_of_rows_is_the_models_fault() -> None:
    class Steps(FakeSteps):
        def finish(self, pending: Any) -> list[Any]:
            return [1]

    with pytest.raises(EngineError, match="1 rows for a batch of 2"):
        run([1, 2], Steps(), RunOptions())


def test_progress_counts_inputs(capsys: pytest.CaptureFixture[str]) -> None:
    run([1, 1, 2, 3], FakeSteps(bad={3: "load"}), RunOptions(batch_size=1, show_progress=True, on_error="skip"))
    drawn = capsys.readouterr().err
    assert "Batches: 100%" in drawn
    assert "4/4" in drawn


def test_no_progress_is_drawn_unasked(capsys: pytest.CaptureFixture[str]) -> None:
    run([1, 2], FakeSteps(), RunOptions())
    assert capsys.readouterr().err == ""


# In order, and in time


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 100.0
        monkeypatch.setattr(walk, "time", SimpleNamespace(monotonic=lambda: self.now_s))

    def tick(self, step: str, argument: Any) -> None:
        """Let a second pass in each pass of the model."""
        self.now_s += step == "compute"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_in_order_what_comes_first_is_computed_first() -> None:
    steps = FakeSteps(costs=lambda value: value)
    run([3, 9, 1, 7, 2], steps, RunOptions(batch_size=2, keeps_order=True))
    assert steps.computed == [[3, 9], [1, 7], [2]]


@pytest.mark.parametrize("workers", [0, 2])
def test_no_batch_is_begun_after_the_time_is_up(clock: Clock, workers: int) -> None:
    steps = FakeSteps(on_step=clock.tick, costs=lambda value: value)
    options = RunOptions(batch_size=2, workers=workers, keeps_order=True, stop_at_s=102.5)
    result = run(range(100), steps, options)
    assert result.errors == ()
    assert len(steps.computed) == 3, "at 100, 101 and 102 seconds"
    computed = {value for batch in steps.computed for value in batch}
    assert result.rows == [("row", value) if value in computed else None for value in range(100)]
    if not workers:
        assert computed == set(range(6))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_batch_that_was_begun_is_finished(clock: Clock, workers: int) -> None:
    steps = FakeSteps(on_step=clock.tick)
    result = run(range(10), steps, RunOptions(batch_size=5, workers=workers, stop_at_s=100.5))
    assert sum(row is not None for row in result.rows) == 5
    assert sum(step == "finish" for step, _ in steps.log) == 1


@pytest.mark.parametrize("stop_at_s", [0.0, 100.0, -1.0])
@pytest.mark.parametrize("workers", [0, 2])
def test_where_there_is_no_time_nothing_is_computed(clock: Clock, workers: int, stop_at_s: float) -> None:
    steps = FakeSteps()
    result = run(range(10), steps, RunOptions(batch_size=2, workers=workers, stop_at_s=stop_at_s))
    assert result.rows == [None] * 10
    assert result.errors == ()
    assert steps.computed == []


@pytest.mark.parametrize("keeps_order", [True, False])
def test_a_limit_that_is_not_reached_changes_nothing(clock: Clock, keeps_order: bool) -> None:
    steps = FakeSteps(on_step=clock.tick)
    result = run(range(10), steps, RunOptions(batch_size=2, keeps_order=keeps_order, stop_at_s=1000.0))
    assert result.rows == _rows(list(range(10)), {})


def test_duplicates_of_what_was_computed_have_its_row(clock: Clock) -> None:
    steps = FakeSteps(on_step=clock.tick)
    options = RunOptions(batch_size=2, keeps_order=True, stop_at_s=100.5)
    assert run(["a", "b", "c", "b", "c"], steps, options).rows == [("row", "a"), ("row", "b"), None, ("row", "b"), None]


def test_the_bad_and_the_late_are_told_apart(clock: Clock) -> None:
    """What cannot be read is known at once; what cannot be loaded, only where its turn came."""
    steps = FakeSteps(on_step=clock.tick, bad={1: "load", 7: "load", 9: "read"})
    options = RunOptions(batch_size=2, on_error="skip", keeps_order=True, stop_at_s=101.5)
    result = run(range(10), steps, options)
    assert [error.index for error in result.errors] == [1, 9]
    assert [index for index, row in enumerate(result.rows) if row is not None] == [0, 2, 3]


def test_memory_that_runs_out_is_halved_although_the_time_is_up(clock: Clock) -> None:
    """The batch was begun; what is left of it is no new one."""
    steps = FakeSteps(on_step=clock.tick, memory=2)
    result = run(range(8), steps, RunOptions(batch_size=4, keeps_order=True, stop_at_s=100.5))
    assert result.rows == [("row", value) for value in range(4)] + [None] * 4


def test_the_engine_imports_neither_torch_nor_numpy() -> None:
    program = (
        "import sys, sensorium.engine, sensorium.engine.pool, sensorium.engine.threads as threads\n"
        "threads.plan_threads(True, True)\n"
        "print({'torch', 'numpy', 'transformers', 'tqdm'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout.strip() == "set()"
