"""A lock that a model may carry: it is not copied with the model, each copy has its own.

Why at all: a fast tokenizer keeps padding and truncation as state, set anew on each call, so two threads calling one
tokenizer with different lengths raise "Already borrowed" or pad wrongly.
"""

from __future__ import annotations

import contextlib
import threading
from typing import Any


class SharedLock:
    """A re-entrant lock that pickles and copies as a new one."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> bool:
        return self._lock.__enter__()

    def __exit__(self, *exc_info: Any) -> None:
        self._lock.release()

    def when(self, condition: bool) -> contextlib.AbstractContextManager[Any]:
        """Return the lock where `condition` holds, otherwise a context that locks nothing."""
        return self if condition else contextlib.nullcontext()

    def __reduce__(self) -> tuple[type[SharedLock], tuple[()]]:
        return SharedLock, ()
