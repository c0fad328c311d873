"""Jobs made ready for the model by worker threads, while the calling thread computes.

One lock, two conditions: workers wait on one for something to do, the calling thread on the other for a batch. Every
worker takes whichever act is most urgent: collate the first batch that is fully loaded, load an item of a batch
that is begun, begin a batch. Where the model shares their cores, the calling thread does so too while it has no batch,
and the workers rest while it computes. What waits is bounded: at most `prefetch` collated batches, and loaded items of
at most `prefetch` batches, or one item a worker where batches are smaller than that. A slow item holds up its own batch
only; batches behind it go first, since rows find their place by job. Must not know the model's side.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sensorium.engine.faults import is_skippable
from sensorium.engine.plan import Cutter, Job
from sensorium.engine.prepare import Failure, Prepared, collate_jobs, load_job
from sensorium.engine.steps import Steps
from sensorium.engine.threads import count_cores, limit_torch_threads, use_one_torch_thread
from sensorium.errors import InputError

#: Where items load faster than this, a worker claims several at once, so that texts do not pay a lock each.
_CLAIM_S = 0.001
_LARGEST_CLAIM = 64
#: How long the calling thread prepares alone, where it shares the workers' cores, before it starts them.
_WORTH_A_THREAD_S = 0.01
#: How long a model that shares the workers' cores waits for them to finish what they are at.
_PATIENCE_S = 0.3


@dataclass(slots=True, eq=False)
class _Slot:
    """A batch that is being loaded. `next` counts the jobs claimed, `left` those not loaded or failed yet."""

    jobs: list[Job]
    next: int = 0
    left: int = 0
    is_collating: bool = False
    loaded: dict[int, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.left = len(self.jobs)


class ThreadedPreparation:
    """Loads and collates ahead of the calling thread. Used by one thread; `close` must be called."""

    def __init__(
        self,
        steps: Steps,
        cutter: Cutter,
        fail: Callable[[Job, InputError], None],
        workers: int,
        prefetch: int,
        shares_cores: bool = False,
    ) -> None:
        self._steps = steps
        self._cutter = cutter
        self._fail = fail
        self._workers = workers
        self._prefetch = prefetch
        self._shares_cores = shares_cores
        self._is_resting = False
        self._busy = 0
        self._wanted = 0
        self._lock = threading.Lock()
        self._has_work = threading.Condition(self._lock)
        self._has_news = threading.Condition(self._lock)
        self._open: list[_Slot] = []
        self._ready: deque[Prepared] = deque()
        self._failures: list[Failure] = []
        self._fatal: BaseException | None = None
        self._is_closed = False
        self._claim = 1
        self._threads: list[threading.Thread] = []

    def feed(self, jobs: Sequence[Job]) -> None:
        """Take jobs on, and start as many workers as there is work for; where cores are shared, only once it is
        slow."""
        with self._lock:
            self._cutter.add(jobs)
            self._has_work.notify_all()
        self._wanted = min(self._workers, self._wanted + len(jobs))
        if self._threads or not self._shares_cores:
            self._start_workers()

    def _start_workers(self) -> None:
        while len(self._threads) < self._wanted:
            # Daemons, so that an interpreter that ends in the middle of a call does not wait for a download.
            thread = threading.Thread(target=self._serve, name=f"sensorium-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def take(self) -> Prepared | None:
        """Wait for the next batch; None once all jobs were taken or have failed.

        Raises:
            BaseException: Whatever a worker raised that blames no input.
        """
        while True:
            if self._shares_cores:
                self._help()
            with self._lock:
                while not (self._ready or self._failures or self._fatal) and (self._open or self._cutter):
                    self._has_news.wait()
                if self._fatal is not None:
                    raise self._fatal
                failures, self._failures = self._failures, []
                if not failures:
                    prepared = self._ready.popleft() if self._ready else None
                    self._has_work.notify_all()
                    return prepared
            for job, error in sorted(failures, key=_by_index):
                self._fail(job, error)

    def _help(self) -> None:
        """Load and collate on the calling thread while no batch is ready: its core would only wait.

        Workers are started when that has taken a while, so that a small call pays for none.
        """
        begin = time.perf_counter()
        while not self._threads and time.perf_counter() - begin < _WORTH_A_THREAD_S:
            if not self._act_here():
                return
        self._start_workers()
        with limit_torch_threads(1):  # a core each, like the workers
            while self._act_here():
                pass

    def _act_here(self) -> bool:
        """Do what is most urgent on the calling thread; False if a batch is ready or there is nothing to do."""
        with self._lock:
            if self._ready or self._failures or self._fatal or self._is_closed:
                return False
            claim = self._claim_work()
        if claim is None:
            return False
        self._do(*claim)
        return True

    @contextlib.contextmanager
    def computing(self) -> Iterator[None]:
        """Keep the workers from beginning anything while the model computes on their cores.

        What they are at is waited for, but not for long: it may be a download. Its threads are then taken off the
        model's.
        """
        if not self._shares_cores or not self._threads:
            yield
            return
        with self._lock:
            self._is_resting = True
            self._has_news.wait_for(lambda: not self._busy, _PATIENCE_S)
            busy = self._busy
        try:
            with limit_torch_threads(max(1, count_cores() - busy)):
                yield
        finally:
            with self._lock:
                self._is_resting = False
                self._has_work.notify_all()

    def close(self) -> None:
        """Stop the workers and wait for them: the acts under way are finished, and everything prepared is dropped."""
        with self._lock:
            self._is_closed = True
            self._open.clear()
            self._ready.clear()
            self._failures.clear()
            self._has_work.notify_all()
        for thread in self._threads:
            if thread.ident is not None:  # an interrupt may have come before its start
                thread.join()
        self._fatal = None

    def _serve(self) -> None:
        try:
            use_one_torch_thread()
            while self._act():
                pass
        except BaseException as error:  # noqa: BLE001 - the calling thread raises it; a thread has nobody to tell
            with self._lock:
                self._fatal = self._fatal or error
                self._is_closed = True
                self._has_work.notify_all()
                self._has_news.notify_all()

    def _act(self) -> bool:
        """Wait for something to do and do it; False to stop. A function of its own, so that its references end here."""
        with self._lock:
            claim = None
            while not self._is_closed and (self._is_resting or (claim := self._claim_work()) is None):
                self._has_work.wait()
            if self._is_closed or claim is None:
                return False
            self._busy += 1
        try:
            self._do(*claim)
        finally:
            with self._lock:
                self._busy -= 1
                if self._is_resting:
                    self._has_news.notify_all()
        return True

    def _claim_work(self) -> tuple[_Slot, range | None] | None:
        """Find what is most urgent and mark it as taken: a batch to collate, or some of its places to load."""
        slot = self._find_collatable()
        if slot is not None:
            slot.is_collating = True
            return slot, None
        slot = self._find_loadable()
        if slot is None:
            return None
        places = range(slot.next, min(slot.next + self._claim, len(slot.jobs)))
        slot.next = places.stop
        return slot, places

    def _do(self, slot: _Slot, places: range | None) -> None:
        if places is None:
            self._collate(slot)
        else:
            self._load(slot, places)

    def _find_collatable(self) -> _Slot | None:
        waiting = len(self._ready) + sum(slot.is_collating for slot in self._open)
        if waiting >= self._prefetch:
            return None
        return next((slot for slot in self._open if not slot.left and not slot.is_collating), None)

    def _find_loadable(self) -> _Slot | None:
        for slot in self._open:
            if slot.next < len(slot.jobs):
                return slot
        if not self._may_open() or not (jobs := self._cutter.cut()):
            return None
        self._open.append(_Slot(jobs))
        self._has_work.notify_all()
        return self._open[-1]

    def _may_open(self) -> bool:
        if len(self._open) + len(self._ready) < self._prefetch:
            return True
        return len(self._ready) < self._prefetch and sum(len(slot.jobs) for slot in self._open) < self._workers

    def _load(self, slot: _Slot, claimed: range) -> None:
        loaded: dict[int, Any] = {}
        failures: list[Failure] = []
        start = time.perf_counter()
        for place in claimed:
            try:
                loaded[place] = load_job(self._steps, slot.jobs[place])
            except InputError as error:
                if not is_skippable(error):
                    raise
                failures.append((slot.jobs[place], error))
        each = (time.perf_counter() - start) / len(claimed)
        with self._lock:
            self._claim = max(1, min(_LARGEST_CLAIM, int(_CLAIM_S / max(each, 1e-9))))
            slot.loaded.update(loaded)
            slot.left -= len(claimed)
            self._note(failures)
            if not slot.left and not slot.loaded:
                self._drop(slot)

    def _collate(self, slot: _Slot) -> None:
        places = sorted(slot.loaded)
        loaded = [slot.loaded.pop(place) for place in places]
        ready, failures = collate_jobs(self._steps, [slot.jobs[place] for place in places], loaded)
        with self._lock:
            if not self._is_closed:
                self._ready.extend(ready)
            self._note(failures)
            self._drop(slot)

    def _note(self, failures: list[Failure]) -> None:
        if failures:
            self._failures += failures
            self._has_news.notify_all()

    def _drop(self, slot: _Slot) -> None:
        """Forget a batch that is collated or has failed as a whole. (`close` may have been first.)"""
        if slot in self._open:
            self._open.remove(slot)
        self._has_news.notify_all()
        self._has_work.notify_all()


def _by_index(failure: Failure) -> int:
    return failure[0].index
