"""Worker processes: chunks in order, errors with the caller's positions, and no death that is waited for."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sensorium.engine.pool import Pool, choose_chunk_size, run_in_pool, start_pool, stop_pool
from sensorium.errors import InputError, MediaError, UnknownArgumentError, WorkerError
from tests.engine.pool_models import Bomb, Model, UnloadableModel

pytestmark = pytest.mark.timeout(120)  # what waits for ever must fail


@pytest.fixture(scope="module")
def shared_pool() -> Iterator[Pool]:
    """Two workers, for tests that leave them alive."""
    pool = start_pool(Model(), ["cpu", "cpu"])
    yield pool
    stop_pool(pool)


@pytest.fixture
def pool() -> Iterator[Pool]:
    """Two workers, for tests that kill."""
    pool = start_pool(Model(), ["cpu:0", "cpu:1"])
    run_in_pool(pool, ["up", "up"], 1, {})
    yield pool
    stop_pool(pool)


def _values(results: list[Any]) -> list[Any]:
    return [value for result in results for _, value, _ in result]


@pytest.mark.parametrize(
    ("count", "workers", "size"),
    [(0, 2, 1), (1, 4, 1), (100, 2, 5), (101, 2, 6), (10**6, 4, 5000), (100_000, 2, 5000), (1000, 0, 100)],
)
def test_default_chunk_size(count: int, workers: int, size: int) -> None:
    assert choose_chunk_size(count, workers) == size


@pytest.mark.parametrize("chunk_size", [None, 1, 3, 100])
@pytest.mark.parametrize("count", [0, 1, 10])
def test_results_come_in_order(shared_pool: Pool, count: int, chunk_size: int | None) -> None:
    inputs = list(range(count))
    results = run_in_pool(shared_pool, inputs, chunk_size, {"prompt": "p"})
    assert _values(results) == inputs
    assert all(kwargs == {"prompt": "p"} for result in results for _, _, kwargs in result)
    if chunk_size is not None:
        assert [len(result) for result in results] == [
            len(inputs[at : at + chunk_size]) for at in range(0, count, chunk_size)
        ]


@pytest.mark.parametrize("chunk_size", [0, -1])
def test_a_chunk_size_below_one_is_refused(shared_pool: Pool, chunk_size: int) -> None:
    with pytest.raises(ValueError, match="chunk_size"):
        run_in_pool(shared_pool, [1], chunk_size, {})


@pytest.mark.parametrize("devices", [[], "cpu"], ids=repr)
def test_devices_must_be_a_list(devices: Any) -> None:
    with pytest.raises(InputError, match="target_devices"):
        start_pool(Model(), devices)


def test_it_has_the_shape_of_the_compatible_dict(shared_pool: Pool) -> None:
    assert isinstance(shared_pool, dict)
    assert set(shared_pool) == {"input", "output", "processes"}
    assert all(process.daemon and process.is_alive() for process in shared_pool["processes"])


def test_all_workers_work(shared_pool: Pool) -> None:
    results = run_in_pool(shared_pool, [("sleep", 0.2), "pid", ("sleep", 0.2), "pid"], 2, {})
    pids = {result[1] for result in results}
    assert pids == {process.pid for process in shared_pool["processes"]}


def test_workers_share_the_cores(shared_pool: Pool) -> None:
    cores = len(os.sched_getaffinity(0))
    assert run_in_pool(shared_pool, ["cores"], 1, {})[0] in ([max(1, cores // 2)], [1])


def test_large_chunks_both_ways(shared_pool: Pool) -> None:
    """Larger than any pipe's buffer, and more of them than are in flight: neither side may wait for the other."""
    inputs = [np.full(200_000, number, dtype=np.float32) for number in range(12)]
    results = run_in_pool(shared_pool, inputs, 1, {})
    for number, ((_, array, _),) in enumerate(results):
        np.testing.assert_array_equal(array, inputs[number])


def test_few_chunks_are_under_way_at_a_time(shared_pool: Pool, tmp_path: Path) -> None:
    """Inputs are pickled when a worker has room, not up front."""
    pickled = []

    class Inputs(list):
        def __getitem__(self, place: Any) -> Any:
            pickled.append(place.start)
            return list.__getitem__(self, place)

    gate = tmp_path / "gate"
    inputs = Inputs([("wait", str(gate))] * 4 + list(range(38)))
    seen_while_waiting: list[int] = []

    def open_gate() -> None:
        time.sleep(1.0)
        seen_while_waiting.append(len(pickled))
        gate.touch()

    opener = threading.Thread(target=open_gate)
    opener.start()
    results = run_in_pool(shared_pool, inputs, 1, {})
    opener.join()
    assert len(results) == 42
    assert seen_while_waiting == [4], "two for each of two workers"


def test_positions_are_the_callers(shared_pool: Pool) -> None:
    inputs: list[Any] = [0, 1, 2, 3, 4, "bad", 6]
    with pytest.raises(MediaError) as caught:
        run_in_pool(shared_pool, inputs, 2, {})
    assert (caught.value.index, caught.value.source, caught.value.reason) == (5, "bad.jpg", "is truncated")
    assert isinstance(caught.value.__cause__, WorkerError)
    assert "pool_models.py" in str(caught.value.__cause__), "the worker's traceback"


def test_skipped_errors_have_the_callers_positions(shared_pool: Pool) -> None:
    results = run_in_pool(shared_pool, ["bad", 1, 2, 3, "bad", 5], 2, {"on_error": "skip"})
    errors = [error for result in results for error in result.errors]
    assert [(error.index, error.error.index) for error in errors] == [(0, 0), (4, 4)]
    assert [row is None for result in results for row in result.embeddings] == [True, False, False, False, True, False]


@pytest.mark.parametrize(
    ("value", "kind"), [("typo", UnknownArgumentError), ("bug", ZeroDivisionError), ("bad", MediaError)]
)
def test_a_worker_that_raises_lives_on(shared_pool: Pool, value: str, kind: type[Exception]) -> None:
    for _ in range(3):
        with pytest.raises(kind):
            run_in_pool(shared_pool, [value] * 5, 1, {})
        assert _values(run_in_pool(shared_pool, [1, 2, 3], 1, {})) == [1, 2, 3]
    assert len(shared_pool.living()) == 2


def test_an_error_that_cannot_be_pickled_is_told(shared_pool: Pool) -> None:
    with pytest.raises(WorkerError, match="StayHomeError: ab") as caught:
        run_in_pool(shared_pool, ["foreign"], 1, {})
    assert caught.value.device == "cpu"


def test_a_result_that_cannot_be_pickled_is_told(shared_pool: Pool) -> None:
    with pytest.raises(Exception, match=r"(?i)pickle"):
        run_in_pool(shared_pool, ["unpicklable"], 1, {})
    assert _values(run_in_pool(shared_pool, [1], 1, {})) == [1]


def test_an_input_that_cannot_be_pickled_is_named(shared_pool: Pool) -> None:
    with pytest.raises(InputError, match="cannot be sent to a worker process") as caught:
        run_in_pool(shared_pool, [0, 1, 2, lambda: None], 2, {})
    assert (caught.value.index, caught.value.source) == (3, "function")
    assert _values(run_in_pool(shared_pool, [1], 1, {})) == [1]


def test_an_argument_that_cannot_be_pickled_is_told(shared_pool: Pool) -> None:
    with pytest.raises(InputError, match="argument") as caught:
        run_in_pool(shared_pool, [0], 2, {"hook": lambda: None})
    assert caught.value.index is None


def test_an_input_that_cannot_be_unpickled_does_not_end_the_worker(shared_pool: Pool) -> None:
    with pytest.raises(ValueError, match="not a number"):
        run_in_pool(shared_pool, [Bomb()], 1, {})
    assert len(shared_pool.living()) == 2
    assert _values(run_in_pool(shared_pool, [1], 1, {})) == [1]


def test_what_a_failed_run_left_behind_is_not_mixed_in(shared_pool: Pool) -> None:
    """The first run ends by an error while three of its chunks are under way; their answers come during the second."""
    for number in range(5):
        with pytest.raises(MediaError):
            run_in_pool(shared_pool, ["bad", ("sleep", 0.1), "old", "old", "old"], 1, {})
        inputs = [f"new {number} {place}" for place in range(8)]
        assert _values(run_in_pool(shared_pool, inputs, 1, {})) == inputs


def test_runs_from_two_threads_take_turns(shared_pool: Pool) -> None:
    answers: dict[str, list[Any]] = {}

    def ask(name: str) -> None:
        answers[name] = _values(run_in_pool(shared_pool, [f"{name}{number}" for number in range(20)], 1, {}))

    threads = [threading.Thread(target=ask, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {name: [f"{name}{number}" for number in range(20)] for name in "abc"}


@pytest.mark.parametrize(("value", "code"), [("exit", 7), ("kill", -signal.SIGKILL)])
def test_a_death_is_reported_and_the_others_go_on(pool: Pool, value: str, code: int) -> None:
    with pytest.raises(WorkerError, match=f"exit code {code} over inputs 2 to 3") as caught:
        run_in_pool(pool, [("sleep", 0.05), 1, value, 3, 4, 5], 2, {})
    assert caught.value.device in ("cpu:0", "cpu:1")
    assert len(pool.living()) == 1
    assert _values(run_in_pool(pool, [1, 2, 3], 1, {})) == [1, 2, 3]
    with pytest.raises(WorkerError):
        run_in_pool(pool, [value], 1, {})
    with pytest.raises(WorkerError, match="No worker of this pool is left"):
        run_in_pool(pool, [1], 1, {})


def test_a_worker_killed_while_idle_is_not_missed(pool: Pool) -> None:
    process = pool["processes"][0]
    process.kill()
    process.join()
    assert _values(run_in_pool(pool, [1, 2, 3], 1, {})) == [1, 2, 3]
    assert len(pool.living()) == 1


def test_a_death_during_a_large_send_is_reported(pool: Pool) -> None:
    big = np.zeros(5_000_000, dtype=np.float32)
    with pytest.raises(WorkerError, match="died"):
        run_in_pool(pool, ["exit", big, "exit", big, big, big], 1, {})


def test_a_model_that_cannot_be_rebuilt_ends_its_worker(capfd: pytest.CaptureFixture[str]) -> None:
    pool = start_pool(UnloadableModel(), ["cpu"])
    try:
        with pytest.raises(WorkerError, match="exit code 1"):
            run_in_pool(pool, [1], 1, {})
    finally:
        stop_pool(pool)
    assert "not a number" in capfd.readouterr().err


def test_a_model_that_cannot_be_pickled_leaves_no_process() -> None:
    with pytest.raises((AttributeError, TypeError, Exception), match=r"(?i)pickle"):
        start_pool(lambda: None, ["cpu", "cpu"])


def test_another_method_and_stopping(pool: Pool) -> None:
    other = start_pool(Model(offset=1), ["cpu"], method="double")
    try:
        assert run_in_pool(other, [1, 2, 3], 2, {}) == [[3, 5], [7]]
    finally:
        stop_pool(other)
    assert not any(process.is_alive() for process in other["processes"])
    assert [process.exitcode for process in other["processes"]] == [0], "an idle worker ends by itself"
    stop_pool(other)
    with pytest.raises(WorkerError, match="No worker"):
        run_in_pool(other, [1], 1, {})


def test_an_error_without_a_position_keeps_none(shared_pool: Pool) -> None:
    pool = start_pool(Model(), ["cpu"], method="refuse")
    try:
        with pytest.raises(InputError, match="none of these") as caught:
            run_in_pool(pool, [1, 2], 1, {})
        assert caught.value.index is None
    finally:
        stop_pool(pool)


def test_busy_workers_are_stopped_too(pool: Pool) -> None:
    with pytest.raises(MediaError):
        run_in_pool(pool, ["bad", ("sleep", 60), ("sleep", 60), ("sleep", 60)], 1, {})
    start = time.monotonic()
    stop_pool(pool)
    assert time.monotonic() - start < 20
    assert not any(process.is_alive() for process in pool["processes"])


def test_an_interrupt_of_the_terminal_does_not_end_workers(shared_pool: Pool) -> None:
    for process in shared_pool["processes"]:
        os.kill(process.pid, signal.SIGINT)
    assert _values(run_in_pool(shared_pool, [1, 2, 3], 1, {})) == [1, 2, 3]


def test_progress_counts_inputs(shared_pool: Pool, capsys: pytest.CaptureFixture[str]) -> None:
    run_in_pool(shared_pool, [1, 2, 3], 2, {}, show_progress=True)
    assert "3/3" in capsys.readouterr().err
