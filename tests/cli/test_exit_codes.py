"""Every error of the tree ends the command line with a number that means something."""

from __future__ import annotations

import pytest

from sensorium import errors
from sensorium.cli import exit_codes


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InputError("x"), exit_codes.WRONG_USE),
        (errors.MediaError("x"), exit_codes.WRONG_USE),
        (errors.MissingMediaError("x"), exit_codes.NOT_FOUND),
        (errors.StoreNotFoundError("x"), exit_codes.NOT_FOUND),
        (errors.ModelNotFoundError("x"), exit_codes.NOT_FOUND),
        (errors.MissingExtraError("x"), exit_codes.NOT_INSTALLED),
        (errors.StoreError("x"), exit_codes.COLLECTION_UNUSABLE),
        (errors.DiskFullError("x"), exit_codes.COLLECTION_UNUSABLE),
        (errors.CheckpointError("x"), exit_codes.FAILED),
        (errors.EngineError("x"), exit_codes.FAILED),
        (errors.NotBuiltError("x"), exit_codes.FAILED),
    ],
)
def test_code_of(error: errors.SensoriumError, code: int) -> None:
    assert exit_codes.code_of(error) == code


def test_codes_are_the_documented_ones() -> None:
    codes = {name: value for name, value in vars(exit_codes).items() if name.isupper() and isinstance(value, int)}
    assert codes == {
        "DONE": 0,
        "FAILED": 1,
        "WRONG_USE": 2,
        "SOME_UNREADABLE": 3,
        "NOT_FOUND": 4,
        "NOT_INSTALLED": 5,
        "COLLECTION_UNUSABLE": 6,
        "INTERNAL_ERROR": 70,
        "INTERRUPTED": 130,
        "PIPE_CLOSED": 141,
    }
