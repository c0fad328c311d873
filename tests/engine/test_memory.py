"""A batch that does not fit is halved until it does; what it held is gone before the retry."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from sensorium.engine import RunOptions, run, stream
from sensorium.errors import EngineError
from tests.engine.fake import FakeSteps, NoRoomError

BOTH_PLACES = pytest.mark.parametrize("is_short_in_finish", [False, True], ids=["compute", "finish"])


@BOTH_PLACES
@pytest.mark.parametrize("workers", [0, 2])
def test_halved_until_it_fits(is_short_in_finish: bool, workers: int) -> None:
    steps = FakeSteps(memory=3, is_short_in_finish=is_short_in_finish)
    result = run(range(40), steps, RunOptions(batch_size=16, workers=workers))
    assert result.rows == [("row", value) for value in range(40)]


def test_later_batches_are_cut_to_what_fitted() -> None:
    steps = FakeSteps(memory=4)
    run(range(40), steps, RunOptions(batch_size=16))
    lengths = [len(batch) for batch in steps.computed]
    assert lengths[:2] == [16, 8], "the first is halved twice"
    assert max(lengths[2:]) == 4


def test_a_batch_collated_before_the_lesson_is_cut_before_it_is_tried() -> None:
    steps = FakeSteps(memory=4)
    run(range(64), steps, RunOptions(batch_size=16, workers=2, prefetch=3))
    assert sum(len(batch) > 4 for batch in steps.computed) == 2


def test_one_group_does_not_slow_down_another() -> None:
    steps = FakeSteps(memory=20, costs=lambda value: 10 if value < 8 else 1, groups=lambda value: value < 8)
    run(range(40), steps, RunOptions(batch_size=8))
    assert max(len(batch) for batch in steps.computed if batch[0] >= 8) == 8


@BOTH_PLACES
@pytest.mark.parametrize("workers", [0, 2])
def test_an_input_that_never_fits_is_named(is_short_in_finish: bool, workers: int) -> None:
    steps = FakeSteps(
        memory=10, costs=lambda value: 99 if value == "huge" else 1, is_short_in_finish=is_short_in_finish
    )
    with pytest.raises(EngineError, match=r"Input 2 .*99 tokens") as caught:
        run(["a", "b", "huge", "c"], steps, RunOptions(workers=workers, on_error="skip"))
    assert isinstance(caught.value.__cause__, NoRoomError)
    assert caught.value.__cause__.__traceback__ is None


class _StrictSteps(FakeSteps):
    """Fails a retry if any batch but its own is alive: the failed one's, or one that waits to be finished."""

    def compute(self, batch: Any) -> Any:
        if self.computed and len(self.computed[-1]) > len(batch.values):
            assert list(self.alive_batches) == [batch]
        scratch = [batch]  # a local of the failing frame, as a model has many
        assert scratch
        return super().compute(batch)


@BOTH_PLACES
@pytest.mark.parametrize("count", [4, 16, 40])
def test_the_failed_batch_is_released_before_the_retry(count: int, is_short_in_finish: bool) -> None:
    steps = _StrictSteps(memory=2, is_short_in_finish=is_short_in_finish)
    gc.disable()
    try:
        result = run(range(count), steps, RunOptions(batch_size=16))
    finally:
        gc.enable()
    assert len(result.rows) == count


def test_reference_cycles_of_the_failed_pass_are_collected() -> None:
    class Steps(_StrictSteps):
        def compute(self, batch: Any) -> Any:
            cycle: list[Any] = [batch]
            cycle.append(cycle)
            return super().compute(batch)

    gc.disable()
    try:
        assert len(run(range(4), Steps(memory=2), RunOptions(batch_size=4)).rows) == 4
    finally:
        gc.enable()


def test_what_waits_is_finished_before_a_retry() -> None:
    """The first batch fits, the next does not: the first's output must be gone when halves of the next are tried."""
    steps = _StrictSteps(memory=8, costs=lambda value: 2 if value < 4 else 1, groups=lambda value: value < 4)
    result = run(range(20), steps, RunOptions(batch_size=16))
    assert result.rows == [("row", value) for value in range(20)]
    assert [len(batch) for batch in steps.computed] == [4, 16, 8, 8]


def test_other_errors_of_the_model_are_not_retried() -> None:
    def fail(step: str, argument: Any) -> None:
        if step == "compute":
            raise RuntimeError("shape mismatch")

    steps = FakeSteps(on_step=fail)
    with pytest.raises(RuntimeError, match="shape mismatch"):
        run(range(8), steps, RunOptions(batch_size=4))
    assert sum(step == "compute" for step, _ in steps.log) == 1


@BOTH_PLACES
def test_a_stream_remembers_across_windows(is_short_in_finish: bool) -> None:
    steps = FakeSteps(memory=4, is_short_in_finish=is_short_in_finish)
    rows = list(stream(range(200), steps, RunOptions(batch_size=16, window=32)))
    assert rows == [(value, ("row", value)) for value in range(200)]
    assert sum(len(batch) > 4 for batch in steps.computed) <= 4
