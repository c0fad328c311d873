"""The heaps of the command line's process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sensorium.cli import heaps

#: Gives how many heaps 16 threads got memory from. A bit before a piece tells whether it is of the first one; the
#: others begin at multiples of 64 MiB.
_COUNT = """
import ctypes, threading
from sensorium.cli.heaps import limit_heaps
print(limit_heaps())
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
found, together = set(), threading.Barrier(16)
def take():
    together.wait()
    piece = library.malloc(ctypes.c_size_t(2000))
    is_other = ctypes.c_size_t.from_address(piece - 8).value & 4
    found.add(piece >> 26 if is_other else 0)
    together.wait()
threads = [threading.Thread(target=take) for _ in range(16)]
[thread.start() for thread in threads], [thread.join() for thread in threads]
print(len(found))
"""


def _count(**environment: str) -> tuple[bool, int]:
    given = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"} | environment
    done = subprocess.run([sys.executable, "-c", _COUNT], capture_output=True, text=True, check=True, env=given)
    was_set, count = done.stdout.split()
    return was_set == "True", int(count)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the C library of Linux alone has such heaps")
def test_threads_share_two_unless_somebody_said_otherwise() -> None:
    was_set, count = _count()
    if not was_set:
        pytest.skip("this C library has no heaps to limit")
    assert count <= 2
    was_set, count = _count(MALLOC_ARENA_MAX="16")
    assert not was_set
    assert count > 2


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(heaps, "ctypes", None)
    assert not heaps.limit_heaps()


def test_a_library_without_such_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    monkeypatch.setattr(heaps.ctypes, "CDLL", lambda name: object())
    assert not heaps.limit_heaps()
