"""The thread budget of a call: our workers and torch's intra-op threads together never exceed the cores.

How `torch.set_num_threads` behaves, measured with torch 2.15 (OpenMP) on Linux by `get_num_threads`, by the number
of OS threads, and by CPU time during a matrix product:

- It sets the number of the calling thread, and a default for the whole process.
- A thread adopts the default when it first asks torch for its number or computes in parallel, and keeps it from then
  on, whatever other threads set. A thread that *sets* its number before it ever asked adopts the default after all,
  at its next computation: so ask first, then set.
- A worker that sets 1 leaves other threads that have computed before as they are, but every thread started later gets
  1, long after the call is over.

So a limit here is set on one thread, and the default is put back at once, by a short-lived thread that had adopted it.
Nothing is shared between calls: nested calls, and calls from several threads, each limit and restore only their own
thread. The price is one more thread per change, 0.1 to 0.3 ms; text on the CPU changes nothing and pays nothing.

torch is imported only by `limit_torch_threads`. Must not know what the threads do.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: More threads than this only wait for the interpreter's lock.
_MOST_WORKERS = 32

_change = threading.Lock()


@dataclass(frozen=True, slots=True)
class ThreadPlan:
    """Who gets the cores.

    Attributes:
        workers: Threads that load and collate; 0 does it on the calling thread.
        torch_threads: Intra-op threads of torch in the calling thread while it computes, at least 1. (In workers it
            is 1.)
        shares_cores: Whether workers and model use the same cores, and so must take turns (`RunOptions.shares_cores`).
    """

    workers: int
    torch_threads: int
    shares_cores: bool = False


class _Share:
    """How many cores this process may count on, if it is one of several; set once, by a worker process."""

    cores: int | None = None


def set_core_share(cores: int) -> None:
    """Make `count_cores` answer at most `cores` in this process from now on. For worker processes."""
    _Share.cores = max(1, cores)


def count_cores() -> int:
    """Return how many cores this process may use, at least 1.

    The affinity mask, and the processor quota of a container (rounded up), both count.
    """
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        cores = os.cpu_count() or 1
    limits = [limit for limit in (_read_quota(Path("/sys/fs/cgroup")), _Share.cores) if limit is not None]
    return max(1, min([cores, *limits]))


@functools.cache
def _read_quota(root: Path) -> int | None:
    """Return the quota of the control group mounted at `root`, in cores, or None.

    Source: Linux kernel documentation, admin-guide/cgroup-v2 (`cpu.max`: "$MAX $PERIOD") and scheduler/sched-bwc (v1).
    """
    try:
        quota, period = (root / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = (root / "cpu" / "cpu.cfs_quota_us").read_text().strip()
            period = (root / "cpu" / "cpu.cfs_period_us").read_text().strip()
        except OSError:
            return None
    if not (quota.isdecimal() and period.isdecimal() and int(period)):
        return None  # "max", or -1: no limit
    return max(1, -(-int(quota) // int(period)))


def plan_threads(is_cpu_model: bool, has_media: bool, cores: int | None = None) -> ThreadPlan:
    """Divide the cores between preparation and model.

    Args:
        is_cpu_model: Whether the model computes on the CPU, and so wants the same cores.
        has_media: Whether some inputs must be decoded. Text alone takes little to prepare: a CPU model then gets all.
        cores: Cores to divide; None for `count_cores()`.

    Returns:
        An accelerator leaves all cores but the caller's to workers, and one torch thread to the caller. A model on
        the CPU gets
        all cores; media are prepared by as many threads, the caller's included, and the two take turns
        (`RunOptions.shares_cores`).
    """
    cores = count_cores() if cores is None else max(1, cores)
    if is_cpu_model and not has_media:
        return ThreadPlan(workers=0, torch_threads=cores)
    workers = min(_MOST_WORKERS, cores - 1)
    if is_cpu_model:
        return ThreadPlan(workers, torch_threads=cores, shares_cores=True)
    return ThreadPlan(workers, torch_threads=1)


@contextlib.contextmanager
def limit_torch_threads(limit: int) -> Iterator[None]:
    """Let torch use at most `limit` intra-op threads in the calling thread, inside the `with` block.

    It never raises a number that the user has set lower, and leaves other threads alone. Afterwards the thread has its
    number back; leaving the block in another thread than it was entered in (a generator closed elsewhere) restores
    nothing.

    Args:
        limit: At least 1.
    """
    torch = sys.modules.get("torch")
    previous = limit if torch is None else torch.get_num_threads()
    if limit >= previous:
        yield
        return
    owner = threading.get_ident()
    _set_own_threads(max(1, limit))
    try:
        yield
    finally:
        if threading.get_ident() == owner:
            _set_own_threads(previous)


def use_one_torch_thread() -> None:
    """Keep torch, if it is loaded at all, to one thread in the calling thread for good. For threads that we start."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.get_num_threads() != 1:
        _set_own_threads(1)


def _set_own_threads(count: int) -> None:
    """Set the calling thread's number, and put the process's default back. The thread must have asked torch before."""
    import torch

    has_adopted, may_restore = threading.Event(), threading.Event()

    def keep_default() -> None:
        default = torch.get_num_threads()
        has_adopted.set()
        may_restore.wait()
        torch.set_num_threads(default)

    with _change:
        keeper = threading.Thread(target=keep_default, name="sensorium-torch-default", daemon=True)
        keeper.start()
        try:
            has_adopted.wait()
            torch.set_num_threads(count)
        finally:
            may_restore.set()
            keeper.join()
