"""Fewer heaps for the process of the command line. Must not know any command.

The C library of most Linux systems gives threads heaps of their own, up to eight a core, and what was freed in one of
them no other uses. Indexing has many threads that come and go: memory grows for as long as it runs.
"""

from __future__ import annotations

import ctypes
import os
import sys

#: Of `mallopt`, in glibc's malloc.h.
_M_ARENA_MAX = -8
_HEAPS = 2
#: What a user sets who wants another number.
_VARIABLE = "MALLOC_ARENA_MAX"


def limit_heaps() -> bool:
    """Let the threads of this process share two heaps, unless its environment says how many.

    Only for a process that is ours, before it has threads: a library leaves the memory of its callers alone.

    Returns:
        Whether they do; not every C library can be told.

    Source: mallopt(3). Measured by part (d) of `bench/collection.py`.
    """
    if not sys.platform.startswith("linux") or _VARIABLE in os.environ:
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl's library has none
    return mallopt is not None and mallopt(_M_ARENA_MAX, _HEAPS) == 1
