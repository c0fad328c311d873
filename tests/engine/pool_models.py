"""What the pool's tests send to worker processes: it must be importable there."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np

from sensorium.engine.report import EncodeResult, ItemError
from sensorium.engine.threads import count_cores
from sensorium.errors import InputError, MediaError, UnknownArgumentError


class StayHomeError(Exception):
    """Pickles, and cannot be unpickled."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first + second)


class Bomb:
    """Pickles here, and raises when a worker unpickles it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return int, ("not a number",)


class Model:
    """Answers each input by what it says, or does what it says."""

    def __init__(self, offset: int = 0) -> None:
        self.offset = offset

    def encode(self, inputs: list[Any], *, device: str, **kwargs: Any) -> Any:
        """Return `(device, input, kwargs)` for each input, or an EncodeResult for `on_error="skip"`."""
        errors = []
        rows = []
        for index, value in enumerate(inputs):
            try:
                rows.append(self._encode_one(index, value, device, kwargs))
            except MediaError as error:
                if kwargs.get("on_error") != "skip":
                    raise
                rows.append(None)
                errors.append(ItemError(index, error.source, error))
        return EncodeResult(rows, tuple(errors)) if kwargs.get("on_error") == "skip" else rows

    def _encode_one(self, index: int, value: Any, device: str, kwargs: dict[str, Any]) -> Any:
        if isinstance(value, np.ndarray):
            return device, value, kwargs
        if value == "exit":
            os._exit(7)
        elif value == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif value == "bad":
            raise MediaError("is truncated", index=index, source="bad.jpg")
        elif value == "typo":
            raise UnknownArgumentError("no such argument", argument="btach_size")
        elif value == "bug":
            raise ZeroDivisionError("bug in the model")
        elif value == "foreign":
            raise StayHomeError("a", "b")
        elif value == "unpicklable":
            return lambda: None
        elif value == "pid":
            return os.getpid()
        elif value == "cores":
            return count_cores()
        elif isinstance(value, tuple) and value[0] == "sleep":
            time.sleep(value[1])
        elif isinstance(value, tuple) and value[0] == "note":
            Path(value[1], str(value[2])).touch()
        elif isinstance(value, tuple) and value[0] == "wait":
            while not Path(value[1]).exists():
                time.sleep(0.01)
        return device, value, kwargs

    def double(self, inputs: list[int], *, device: str) -> list[int]:
        """Another method, to be chosen by name."""
        return [2 * value + self.offset for value in inputs]

    def refuse(self, inputs: list[Any], *, device: str) -> None:
        """Raise an InputError that knows no position."""
        raise InputError("none of these")


class UnloadableModel:
    """Cannot be rebuilt in a worker, which dies at its start."""

    def __reduce__(self) -> tuple[Any, ...]:
        return int, ("not a number",)
