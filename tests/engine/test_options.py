"""Options are checked where they are made, and results cannot be changed."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from sensorium.engine import EncodeResult, ItemError, RunOptions, RunResult
from sensorium.errors import InputError


@pytest.mark.parametrize(
    "wrong",
    [
        {"batch_size": 0},
        {"batch_size": -1},
        {"token_budget": 0},
        {"workers": -1},
        {"prefetch": 0},
        {"window": 0},
        {"torch_threads": 0},
        {"on_error": "ignore"},
    ],
    ids=str,
)
def test_a_value_out_of_range_is_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        RunOptions(**wrong)


@pytest.mark.parametrize(("given", "window"), [({}, 512), ({"batch_size": 100}, 1600), ({"window": 3}, 3)])
def test_window_of_a_stream(given: dict[str, Any], window: int) -> None:
    assert RunOptions(**given).stream_window == window


@pytest.mark.parametrize(
    "record", [RunOptions(), EncodeResult([]), RunResult([]), ItemError(0, None, InputError("no"))], ids=repr
)
def test_records_are_frozen(record: Any) -> None:
    name = dataclasses.fields(record)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(record, name, None)
