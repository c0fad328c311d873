"""Steps in pure Python for the engine's tests: small, counted, and failing where they are told to."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

from sensorium.errors import InputError, MissingMediaError


class NoRoomError(RuntimeError):
    """What a device raises when a batch does not fit."""


class Loaded:
    """A decoded item, which a weak reference can follow."""

    def __init__(self, value: Any) -> None:
        self.value = value


class Batch:
    """A collated batch, which a weak reference can follow."""

    def __init__(self, values: list[Any]) -> None:
        self.values = values


@dataclass
class FakeSteps:
    """Steps whose row for `value` is `("row", value)`.

    Attributes:
        bad: Values that fail, with the step in which they do: `"read"`, `"cost"`, `"load"` or `"collate"`.
        costs: Tokens of a value; 1 if absent.
        groups: Group of a value; None if absent.
        memory: Most tokens, padding counted, that one pass may hold, or None.
        is_short_in_finish: Whether memory runs out in `finish` rather than in `compute`.
        has_keys: Whether equal values are computed once.
        on_step: Called with the step's name and its argument before the step acts.
    """

    bad: dict[Any, str] = field(default_factory=dict)
    costs: Callable[[Any], int] = lambda value: 1
    groups: Callable[[Any], Hashable] = lambda value: None
    memory: int | None = None
    is_short_in_finish: bool = False
    has_keys: bool = True
    on_step: Callable[[str, Any], None] = lambda step, argument: None
    computed: list[list[Any]] = field(default_factory=list)
    log: list[tuple[str, Any]] = field(default_factory=list)
    threads: dict[str, set[int]] = field(default_factory=dict)
    alive_loaded: weakref.WeakSet[Loaded] = field(default_factory=weakref.WeakSet)
    alive_batches: weakref.WeakSet[Batch] = field(default_factory=weakref.WeakSet)

    def _enter(self, step: str, argument: Any) -> None:
        self.log.append((step, argument))
        self.threads.setdefault(step, set()).add(threading.get_ident())
        self.on_step(step, argument)

    def _refuse(self, step: str, value: Any) -> None:
        if self.bad.get(value) == step:
            if step == "load":
                raise MissingMediaError(f"{value!r} cannot be loaded", source=str(value))
            raise InputError(f"{value!r} is bad in {step}")

    def read(self, value: Any) -> Any:
        self._enter("read", value)
        self._refuse("read", value)
        return value

    def key(self, item: Any) -> Hashable | None:
        return item if self.has_keys else None

    def cost(self, item: Any) -> int:
        self._refuse("cost", item)
        return self.costs(item)

    def group(self, item: Any) -> Hashable:
        return self.groups(item)

    def load(self, item: Any) -> Loaded:
        self._enter("load", item)
        self._refuse("load", item)
        loaded = Loaded(item)
        self.alive_loaded.add(loaded)
        return loaded

    def collate(self, loaded: list[Loaded]) -> Batch:
        values = [one.value for one in loaded]
        self._enter("collate", values)
        if any(self.bad.get(value) == "collate" for value in values):
            raise InputError("one of these cannot be collated")
        batch = Batch(values)
        self.alive_batches.add(batch)
        return batch

    def compute(self, batch: Batch) -> Batch:
        self._enter("compute", batch.values)
        self.computed.append(batch.values)
        if not self.is_short_in_finish:
            self._check_memory(batch.values)
        return batch

    def finish(self, pending: Batch) -> list[Any]:
        self._enter("finish", pending.values)
        if self.is_short_in_finish:
            self._check_memory(pending.values)
        return [("row", value) for value in pending.values]

    def _check_memory(self, values: list[Any]) -> None:
        if self.memory is not None and max(map(self.costs, values)) * len(values) > self.memory:
            raise NoRoomError(f"{len(values)} do not fit")

    def is_out_of_memory(self, error: BaseException) -> bool:
        return isinstance(error, NoRoomError)


def engine_threads() -> list[threading.Thread]:
    """Return the engine's threads that are alive."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("sensorium")]
