"""A processor whose tokenizer takes turns, so that several threads can prepare images with it at once.

A processor prepares a prompt's media and then tokenises its text, in one call; only the second part must not be done by
two threads at a time (see `shared_lock`), and it takes microseconds where an image takes milliseconds. Must not know
what is prepared.
"""

from __future__ import annotations

import copy
import functools
from typing import Any

from sensorium.modules.processors import find_tokenizer, is_processor
from sensorium.modules.shared_lock import SharedLock


def lock_tokenizer(processor: Any, lock: SharedLock) -> Any:
    """Return a processor that works as `processor` does and holds `lock` while it tokenises.

    Args:
        processor: It is not changed; its parts are shared, the tokenizer's tables included. One that is itself a
            tokenizer comes back as it is, and is for the caller to lock.
        lock: Held for each call of the tokenizer.
    """
    tokenizer = find_tokenizer(processor)
    if tokenizer is None or not is_processor(processor):
        return processor
    twin = copy.copy(tokenizer)
    twin.__class__ = _locked(type(tokenizer))  # type: ignore[arg-type, assignment]
    twin.__dict__["_call_lock"] = lock
    processor = copy.copy(processor)
    processor.tokenizer = twin
    return processor


@functools.lru_cache(maxsize=64)
def _locked(tokenizer_class: type) -> type:
    """Make a subclass of a tokenizer's class whose instances hold their lock while they are called."""

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        with self._call_lock:
            return tokenizer_class.__call__(self, *args, **kwargs)  # type: ignore[operator]

    return type(
        tokenizer_class.__name__, (tokenizer_class,), {"__call__": call, "__module__": tokenizer_class.__module__}
    )
