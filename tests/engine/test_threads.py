"""The thread budget adds up, and torch's settings are the user's again afterwards, in every thread."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from sensorium.engine import RunOptions, run, stream
from sensorium.engine import threads as engine_threads_room
from sensorium.engine.threads import ThreadPlan, count_cores, limit_torch_threads, plan_threads
from tests.engine.fake import FakeSteps


@pytest.fixture(autouse=True)
def _four_torch_threads() -> Iterator[None]:
    """Four, whatever the machine has, so that a limit below is one. The value is a number; nothing is computed."""
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


def _in_thread(act: Callable[[], Any]) -> Any:
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(act()))
    thread.start()
    thread.join()
    return answers[0]


@pytest.mark.parametrize("cores", [1, 2, 3, 4, 8, 31, 64])
@pytest.mark.parametrize("is_cpu_model", [True, False])
@pytest.mark.parametrize("has_media", [True, False])
def test_the_budget_adds_up(cores: int, is_cpu_model: bool, has_media: bool) -> None:
    plan = plan_threads(is_cpu_model, has_media, cores)
    assert plan.workers >= 0
    assert plan.torch_threads >= 1
    # Threads that are busy at one time: those that take turns with the model count beside the caller, not beside torch.
    assert (plan.workers + 1 if plan.shares_cores else plan.workers + plan.torch_threads) <= cores
    assert plan.torch_threads <= cores


@pytest.mark.parametrize(
    ("is_cpu_model", "has_media", "cores", "plan"),
    [
        (True, False, 8, ThreadPlan(workers=0, torch_threads=8)),
        (True, True, 8, ThreadPlan(workers=7, torch_threads=8, shares_cores=True)),
        (True, True, 2, ThreadPlan(workers=1, torch_threads=2, shares_cores=True)),
        (True, True, 1, ThreadPlan(workers=0, torch_threads=1, shares_cores=True)),
        (False, True, 8, ThreadPlan(workers=7, torch_threads=1)),
        (False, False, 8, ThreadPlan(workers=7, torch_threads=1)),
        (False, True, 1, ThreadPlan(workers=0, torch_threads=1)),
    ],
)
def test_who_gets_the_cores(is_cpu_model: bool, has_media: bool, cores: int, plan: ThreadPlan) -> None:
    assert plan_threads(is_cpu_model, has_media, cores) == plan


def test_cores_are_those_this_process_may_use() -> None:
    assert 1 <= count_cores() <= (os.cpu_count() or 1)
    assert plan_threads(True, False) == ThreadPlan(0, count_cores())


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ({}, None),
    ],
    ids=["v2", "v2-part", "v2-none", "v1", "v1-none", "no-files"],
)
def test_a_containers_quota_counts(tmp_path: Path, files: dict[str, str], cores: int | None) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert engine_threads_room._read_quota(tmp_path) == cores


def test_a_share_of_the_cores_is_kept_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_threads_room._Share, "cores", None)
    engine_threads_room.set_core_share(1)
    assert count_cores() == 1


def test_a_limit_holds_inside_and_is_lifted_after() -> None:
    with limit_torch_threads(2):
        assert torch.get_num_threads() == 2
    assert torch.get_num_threads() == 4


def test_a_limit_never_raises_what_the_user_has_set() -> None:
    with limit_torch_threads(8):
        assert torch.get_num_threads() == 4


def test_a_limit_is_lifted_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), limit_torch_threads(2):
        raise ZeroDivisionError
    assert torch.get_num_threads() == 4


def test_nested_limits() -> None:
    with limit_torch_threads(3):
        with limit_torch_threads(1):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 3
        with limit_torch_threads(4):
            assert torch.get_num_threads() == 3
    assert torch.get_num_threads() == 4


def test_threads_born_under_a_limit_get_the_users_number() -> None:
    with limit_torch_threads(1):
        assert _in_thread(torch.get_num_threads) == 4
    assert _in_thread(torch.get_num_threads) == 4


def test_concurrent_limits_that_end_in_the_order_they_began() -> None:
    """A begins, B begins, A ends, B ends: with a shared setting, B would put A's limit back for good."""
    is_b_inside, is_a_out = threading.Event(), threading.Event()
    seen: dict[str, int] = {}

    def limit_b() -> None:
        with limit_torch_threads(2):
            seen["B inside"] = torch.get_num_threads()
            is_b_inside.set()
            is_a_out.wait(60)
        seen["B after"] = torch.get_num_threads()

    b = threading.Thread(target=limit_b)
    with limit_torch_threads(1):
        b.start()
        is_b_inside.wait(60)
        seen["A inside"] = torch.get_num_threads()
    is_a_out.set()
    b.join()
    assert seen == {"A inside": 1, "B inside": 2, "B after": 4}
    assert torch.get_num_threads() == 4
    assert _in_thread(torch.get_num_threads) == 4


def test_a_limit_left_in_another_thread_changes_neither() -> None:
    def limited() -> Iterator[None]:
        with limit_torch_threads(1):
            yield

    generator = limited()
    next(generator)
    assert torch.get_num_threads() == 1

    def close_elsewhere() -> int:
        assert torch.get_num_threads() == 4
        generator.close()  # type: ignore[attr-defined]
        return torch.get_num_threads()

    assert _in_thread(close_elsewhere) == 4
    assert torch.get_num_threads() == 1, "its own number cannot be set from there"


def test_workers_use_one_torch_thread_and_leave_no_trace() -> None:
    seen: dict[str, set[int]] = {}

    def note(step: str, argument: Any) -> None:
        seen.setdefault(step, set()).add(torch.get_num_threads())

    run(range(20), FakeSteps(on_step=note), RunOptions(batch_size=2, workers=3, torch_threads=2))
    assert seen["load"] == {1}
    assert seen["collate"] == {1}
    assert seen["compute"] == {2}
    assert torch.get_num_threads() == 4
    assert _in_thread(torch.get_num_threads) == 4


def test_workers_really_compute_with_one_thread() -> None:
    """Not only the number that torch reports: a matrix product in a worker must start no helper thread."""
    started: set[int] = set()
    matrix = torch.ones(400, 400)

    def multiply(step: str, argument: Any) -> None:
        if step == "load":
            before = len(os.listdir("/proc/self/task"))
            torch.mm(matrix, matrix)
            started.add(len(os.listdir("/proc/self/task")) - before)

    if not Path("/proc/self/task").exists():
        pytest.skip("counts threads by /proc")
    run(range(4), FakeSteps(on_step=multiply), RunOptions(batch_size=2, workers=1))
    assert max(started) <= 0


def test_a_suspended_stream_leaves_the_consumer_its_threads() -> None:
    seen = set()

    def note(step: str, argument: Any) -> None:
        if step == "compute":
            seen.add(torch.get_num_threads())

    options = RunOptions(batch_size=2, workers=1, torch_threads=1)
    for _ in stream(range(20), FakeSteps(on_step=note), options):
        assert torch.get_num_threads() == 4
    assert seen == {1}
