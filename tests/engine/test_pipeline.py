"""Preparation overlaps the model, and what waits is bounded. Shown by events and live objects, not by clocks."""

from __future__ import annotations

import gc
import threading
import time
from typing import Any

import pytest

from sensorium.engine import RunOptions, run
from sensorium.engine.pipeline import ThreadedPreparation
from sensorium.errors import InputError
from tests.engine.fake import FakeSteps, engine_threads

PATIENCE_S = 60


def test_the_next_batches_are_prepared_while_the_first_computes() -> None:
    """The first compute returns only when two more batches are collated: without overlap this cannot end well."""
    collated = threading.Semaphore(0)
    is_first = True

    def watch(step: str, argument: Any) -> None:
        nonlocal is_first
        if step == "collate":
            collated.release()
        elif step == "compute" and is_first:
            is_first = False
            for _ in range(3):
                assert collated.acquire(timeout=PATIENCE_S), "nothing was prepared meanwhile"

    run(range(12), FakeSteps(on_step=watch), RunOptions(batch_size=2, workers=1, prefetch=2))
    assert not is_first


@pytest.mark.parametrize(("batch_size", "workers"), [(4, 4), (1, 4), (2, 3)])
def test_items_are_loaded_in_parallel(batch_size: int, workers: int) -> None:
    """All workers must be in `load` at one time, also where batches are smaller than their number."""
    together = threading.Barrier(workers)

    def meet(step: str, argument: Any) -> None:
        if step == "load" and argument < workers:
            together.wait(timeout=PATIENCE_S)

    steps = FakeSteps(on_step=meet, costs=lambda value: 100 - value)
    result = run(range(12), steps, RunOptions(batch_size=batch_size, workers=workers))
    assert len(result.rows) == 12


def test_a_slow_item_does_not_hold_up_other_batches() -> None:
    """Item 0 is first, and loads only when another batch has been computed."""
    has_computed = threading.Event()

    def watch(step: str, argument: Any) -> None:
        if step == "compute":
            has_computed.set()
        elif step == "load" and argument == 0:
            assert has_computed.wait(timeout=PATIENCE_S), "the batch behind waited for the slow one"

    steps = FakeSteps(on_step=watch, costs=lambda value: 100 - value)
    result = run(range(8), steps, RunOptions(batch_size=2, workers=2))
    assert result.rows == [("row", value) for value in range(8)]


@pytest.mark.parametrize(
    ("batch_size", "workers", "prefetch"), [(4, 2, 2), (4, 1, 1), (1, 4, 2), (3, 8, 3), (16, 2, 2)]
)
def test_what_waits_is_bounded(batch_size: int, workers: int, prefetch: int) -> None:
    """While the model works, count what is alive; give the workers every chance to run ahead."""
    most_loaded = most_batches = 0

    def count(step: str, argument: Any) -> None:
        nonlocal most_loaded, most_batches
        if step == "compute":
            for _ in range(20):
                threading.Event().wait(0.001)
                most_batches = max(most_batches, len(steps.alive_batches))
                most_loaded = max(most_loaded, len(steps.alive_loaded))

    steps = FakeSteps(on_step=count)
    run(
        range(60 if batch_size < 16 else 160),
        steps,
        RunOptions(batch_size=batch_size, workers=workers, prefetch=prefetch),
    )
    assert most_batches <= prefetch + 2, "waiting, with the model, and being finished"
    in_the_model = 2 * batch_size  # kept for a retry until finished
    waiting = max(prefetch * batch_size, workers + (prefetch + 1) * batch_size)
    assert most_loaded <= in_the_model + waiting


def test_memory_does_not_grow_with_the_input() -> None:
    most = {}
    for count in (200, 2000):
        steps = FakeSteps()

        def watch(step: str, argument: Any, steps: FakeSteps = steps, count: int = count) -> None:
            if step == "compute":
                most[count] = max(most.get(count, 0), len(steps.alive_loaded))

        steps.on_step = watch
        run(range(count), steps, RunOptions(batch_size=8, workers=2))
    assert most[2000] <= 8 * 6
    assert most[200] <= 8 * 6


@pytest.mark.parametrize("workers", [0, 3])
@pytest.mark.parametrize("bad", [{}, {5: "load", 17: "collate"}])
def test_nothing_is_kept_after_the_run(workers: int, bad: dict[int, str]) -> None:
    steps = FakeSteps(bad=bad)
    gc.disable()
    try:
        result = run(range(30), steps, RunOptions(batch_size=4, workers=workers, on_error="skip"))
        assert len(result.errors) == len(bad)
        assert (len(steps.alive_loaded), len(steps.alive_batches)) == (0, 0)
    finally:
        gc.enable()


def test_small_batches_do_not_pile_up() -> None:
    """Four batches of one are loaded at the same time; only two of them may be collated while the model works."""
    together = threading.Barrier(4)
    alive_in_compute: list[int] = []

    def watch(step: str, argument: Any) -> None:
        if step == "load" and argument < 4:
            together.wait(timeout=PATIENCE_S)
        elif step == "compute":
            threading.Event().wait(0.05)
            alive_in_compute.append(len(steps.alive_batches))

    steps = FakeSteps(on_step=watch, costs=lambda value: 100 - value)
    run(range(8), steps, RunOptions(batch_size=1, workers=4, prefetch=2))
    assert alive_in_compute[0] <= 1 + 2


def test_a_failing_load_waits_for_the_busy_worker_and_begins_nothing_more() -> None:
    is_busy, has_failed = threading.Event(), threading.Event()

    def hold(step: str, argument: Any) -> None:
        if step == "load" and argument == 0:
            assert is_busy.wait(timeout=PATIENCE_S)
            has_failed.set()
        elif step == "load" and argument == 1:
            is_busy.set()
            assert has_failed.wait(timeout=PATIENCE_S)
            threading.Event().wait(0.2)

    steps = FakeSteps(bad={0: "load"}, on_step=hold, costs=lambda value: 1000 - value)
    with pytest.raises(InputError) as caught:
        run(range(1000), steps, RunOptions(batch_size=2, workers=2))
    assert engine_threads() == []
    assert caught.value.index == 0
    assert sum(step == "load" for step, _ in steps.log) < 200


@pytest.mark.parametrize(("seconds", "is_several"), [(0.0, True), (0.003, False)])
def test_quick_items_are_claimed_several_at_once(
    monkeypatch: pytest.MonkeyPatch, seconds: float, is_several: bool
) -> None:
    """Thousands of texts must not pay for a lock each; media must be shared out one by one."""
    claims: list[int] = []
    load = ThreadedPreparation._load

    def count(self: ThreadedPreparation, slot: Any, claimed: range) -> None:
        claims.append(len(claimed))
        load(self, slot, claimed)

    monkeypatch.setattr(ThreadedPreparation, "_load", count)
    steps = FakeSteps(on_step=lambda step, argument: threading.Event().wait(seconds) if step == "load" else None)
    assert len(run(range(100), steps, RunOptions(batch_size=50, workers=2)).rows) == 100
    assert (max(claims) > 1) is is_several


def test_the_calling_thread_helps_while_nothing_is_ready() -> None:
    """Items that wait for each other: the only worker has one, so the calling thread must have the other.

    The first item is slow, so that a worker is started at all.
    """
    meeting = threading.Barrier(2, timeout=PATIENCE_S)
    threads = set()

    def watch(step: str, argument: Any) -> None:
        if step == "load" and argument == 0:
            time.sleep(0.05)
        elif step == "load":
            threads.add(threading.current_thread().name)
            meeting.wait()

    steps = FakeSteps(on_step=watch)
    result = run([0, 1, 2], steps, RunOptions(batch_size=3, workers=1, shares_cores=True))
    assert result.rows == run([0, 1, 2], FakeSteps(), RunOptions()).rows
    assert threading.current_thread().name in threads
    assert len(threads) == 2


def test_a_small_call_that_shares_cores_starts_no_thread() -> None:
    steps = FakeSteps()
    assert len(run(range(4), steps, RunOptions(batch_size=2, workers=3, shares_cores=True)).rows) == 4
    assert {thread for threads in steps.threads.values() for thread in threads} == {threading.get_ident()}


def test_workers_rest_while_the_model_computes_on_their_cores() -> None:
    """Nothing is loaded or collated between the begin and the end of `compute`."""
    events: list[str] = []

    def watch(step: str, argument: Any) -> None:
        if step == "compute":
            events.append("begin")
            time.sleep(0.02)
            events.append("end")
        elif step in ("load", "collate"):
            events.append(step)
            time.sleep(0.001)

    options = RunOptions(batch_size=2, workers=3, shares_cores=True)
    assert len(run(range(40), FakeSteps(on_step=watch), options).rows) == 40
    begins = [place for place, event in enumerate(events) if event == "begin"]
    assert len(begins) == 20
    assert all(events[place + 1] == "end" for place in begins)


def test_a_model_does_not_wait_long_for_a_slow_item() -> None:
    """One item is loaded by a worker all the time; the batches that are ready are computed meanwhile."""
    has_computed = threading.Event()

    def watch(step: str, argument: Any) -> None:
        if step == "compute":
            has_computed.set()
        elif step == "load" and threading.current_thread() is not threading.main_thread() and not has_computed.is_set():
            assert has_computed.wait(timeout=PATIENCE_S), "the model waited for the slow item"

    result = run(range(6), FakeSteps(on_step=watch), RunOptions(batch_size=1, workers=1, shares_cores=True))
    assert len(result.rows) == 6
