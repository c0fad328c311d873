"""Errors carry the caller's position, one copy for each input, and no frames."""

from __future__ import annotations

import gc
import weakref

import pytest

from sensorium.engine.faults import is_skippable, locate, release_frames, report
from sensorium.errors import EngineError, InputError, MediaError, MissingMediaError, UnknownArgumentError


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (InputError("no"), True),
        (MediaError("no"), True),
        (UnknownArgumentError("no"), False),
        (EngineError("no"), False),
        (ValueError("no"), False),
        (KeyboardInterrupt(), False),
    ],
    ids=repr,
)
def test_only_faults_of_inputs_are_skippable(error: BaseException, expected: bool) -> None:
    assert is_skippable(error) is expected


def test_an_error_speaks_for_one_input() -> None:
    error = MissingMediaError("is not there", source="a.jpg")
    error.__cause__ = cause = OSError("disk")
    first = locate(error, 3)
    second = locate(error, 5)
    assert first is error
    assert (first.index, second.index) == (3, 5)
    assert type(second) is MissingMediaError
    assert (second.reason, second.source, second.__cause__) == ("is not there", "a.jpg", cause)
    assert isinstance(second, FileNotFoundError)
    assert str(second) == "input 5 (a.jpg): is not there"


def test_a_report_names_position_and_source() -> None:
    record = report(MediaError("is empty", source="bytes"), 7)
    assert (record.index, record.source, record.error.index) == (7, "bytes", 7)


def test_released_errors_hold_no_locals() -> None:
    class Heavy:
        pass

    def fail() -> None:
        heavy = Heavy()
        seen.append(weakref.ref(heavy))
        try:
            raise OSError("inner")
        except OSError as exc:
            raise InputError("outer") from exc

    seen: list[weakref.ref] = []
    gc.disable()
    try:
        try:
            fail()
        except InputError as error:
            kept = error
        assert seen[0]() is not None
        release_frames(kept)
        assert seen[0]() is None
    finally:
        gc.enable()
    assert isinstance(kept.__cause__, OSError)
