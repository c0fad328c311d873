"""Worker processes that share the inputs of a call, one per device.

Each worker has its own pair of pipes. A queue shared by all would be simpler, but a process that is killed while it
holds the queue's lock stops the others for ever; here, a death is an end-of-file on its own pipe and is noticed at
once. Chunks are pickled when a worker has room for them, not up front. What a run leaves behind when it fails is
recognised by its run number and dropped. Must not know what a model is, but for the name of its method.
"""

from __future__ import annotations

import math
import multiprocessing
import pickle
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any

from sensorium.engine.process import WorkerProcess
from sensorium.engine.progress import Progress
from sensorium.engine.report import EncodeResult, ItemError
from sensorium.engine.threads import count_cores
from sensorium.engine.worker import Answer, encode_message, serve
from sensorium.errors import InputError, WorkerError

#: Chunks that a worker has at most: one that it computes, one that waits for it.
_IN_FLIGHT = 2
_LARGEST_CHUNK = 5000
_CHUNKS_PER_WORKER = 10
#: How long the processes of a pool may take to end by themselves, and then after being told to.
_GRACE_S = 2.0
#: How often liveness is asked for. Pipes tell of a death at once, unless a fork of this process holds their other end.
_POLL_S = 2.0


class Pool(dict[str, Any]):
    """Running workers, as the dict that the compatible interface hands around.

    Keys: `"input"` and `"output"`, a tuple with one end of a pipe per worker; `"processes"`, the list of processes.
    """

    def __init__(self, workers: list[WorkerProcess]) -> None:
        super().__init__(
            input=tuple(worker.inbox for worker in workers),
            output=tuple(worker.outbox for worker in workers),
            processes=[worker.process for worker in workers],
        )
        self.workers = workers
        self.lock = threading.Lock()
        self.last_run = 0

    def living(self) -> list[WorkerProcess]:
        """Return the workers that can be sent chunks."""
        return [worker for worker in self.workers if worker.is_open]

    def bury_dead(self) -> None:
        """Take out workers that died while nobody was waiting for them."""
        for worker in self.living():
            if not worker.process.is_alive():
                worker.close()


def start_pool(model: Any, target_devices: Sequence[str], method: str = "encode") -> Pool:
    """Start one daemon process per device.

    Args:
        model: Sent to each process by pickling; tensors in it on the CPU travel through shared memory, once for all. It
            is not moved or changed otherwise. Its method is called as `method(chunk, device=device, **kwargs)`.
        target_devices: Such as `["cuda:0", "cuda:1"]` or `["cpu"] * 4`.
        method: The method's name.

    Returns:
        The pool; end it with `stop_pool`.

    Raises:
        InputError: No device is given.
    """
    if isinstance(target_devices, str) or not target_devices:
        raise InputError(f"target_devices={target_devices!r} is not usable. Give a list of at least one device.")
    context = multiprocessing.get_context("spawn")
    cores = max(1, count_cores() // len(target_devices))
    workers: list[WorkerProcess] = []
    try:
        for device in map(str, target_devices):
            their_inbox, inbox = context.Pipe(duplex=False)
            outbox, their_outbox = context.Pipe(duplex=False)
            arguments = (model, method, device, cores, their_inbox, their_outbox)
            process = context.Process(target=serve, args=arguments, daemon=True, name=f"sensorium-{device}")
            try:
                process.start()
            finally:
                their_inbox.close()  # only the worker may hold these, or its death would go unseen
                their_outbox.close()
            workers.append(WorkerProcess(process, device, inbox, outbox))
    except BaseException:
        stop_pool(Pool(workers))
        raise
    return Pool(workers)


def stop_pool(pool: Pool) -> None:
    """End a pool's processes: the idle at once, the busy after two seconds. A second call does nothing."""
    for worker in pool.workers:
        worker.close()
    processes = [worker.process for worker in pool.workers]
    _join(processes)
    for end in (BaseProcess.terminate, BaseProcess.kill):
        for process in processes:
            if process.is_alive():
                end(process)
        _join(processes)


def _join(processes: Sequence[BaseProcess]) -> None:
    deadline = time.monotonic() + _GRACE_S
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))


def choose_chunk_size(count: int, workers: int) -> int:
    """Return the default chunk size: ten chunks a worker, of 1 to 5,000 inputs."""
    return max(1, min(math.ceil(count / max(1, workers) / _CHUNKS_PER_WORKER), _LARGEST_CHUNK))


def run_in_pool(
    pool: Pool,
    inputs: Sequence[Any],
    chunk_size: int | None,
    kwargs: Mapping[str, Any],
    *,
    show_progress: bool = False,
) -> list[Any]:
    """Call the pool's method on chunks of the inputs.

    Several threads may share a pool; their runs take turns. A failed run leaves the pool usable, with the workers that
    are alive.

    Args:
        pool: From `start_pool`.
        inputs: Cut into chunks by slicing; empty gives no chunk.
        chunk_size: Inputs per chunk, at least 1; None for ten chunks a worker, of at most 5,000 inputs.
        kwargs: Given to every call of the method.
        show_progress: Whether to draw a progress bar that counts inputs.

    Returns:
        What the method returned for each chunk, in order. An `EncodeResult` has its errors' positions counted from the
        beginning of `inputs`.

    Raises:
        InputError: `chunk_size` is below 1; an input cannot be pickled (`index` says which); or the method raised it,
            with `index` counted from the beginning of `inputs`.
        WorkerError: A worker died over a chunk, or none is left.
        Exception: Whatever else the method raised, caused by a `WorkerError` with the worker's traceback.
    """
    if chunk_size is not None and chunk_size < 1:
        raise InputError(f"chunk_size={chunk_size!r} is out of range. Give a whole number of at least 1, or None.")
    with pool.lock, Progress(show_progress, len(inputs)) as progress:
        pool.last_run += 1
        pool.bury_dead()
        if chunk_size is None:
            chunk_size = choose_chunk_size(len(inputs), len(pool.living()))
        return _Run(pool, inputs, chunk_size, dict(kwargs), progress).collect()


class _Run:
    """One walk of the inputs through the pool."""

    def __init__(
        self, pool: Pool, inputs: Sequence[Any], chunk_size: int, kwargs: dict[str, Any], progress: Progress
    ) -> None:
        self._pool = pool
        self._number = pool.last_run
        self._inputs = inputs
        self._chunk_size = chunk_size
        self._kwargs = kwargs
        self._progress = progress
        self._offsets = range(0, len(inputs), chunk_size)
        self._unsent: Iterator[int] = iter(self._offsets)
        self._results: dict[int, Any] = {}

    def collect(self) -> list[Any]:
        """Send and receive until every chunk is answered."""
        while len(self._results) < len(self._offsets):
            self._send()
            workers = self._pool.living()
            if not workers:
                raise WorkerError("No worker of this pool is left. Stop it, and start a new one.")
            ready = wait([worker.outbox for worker in workers], timeout=_POLL_S)
            for worker in workers:
                if worker.outbox in ready:
                    self._receive(worker)
                elif not ready and not worker.process.is_alive() and not worker.outbox.poll():
                    self._bury(worker)
        return [self._results[offset] for offset in self._offsets]

    def _send(self) -> None:
        """Fill each worker's hands, the emptiest first."""
        for count in range(_IN_FLIGHT):
            for worker in self._pool.living():
                if len(worker.in_flight) == count:
                    offset = next(self._unsent, None)
                    if offset is None:
                        return
                    worker.send(self._number, offset, self._encode(offset))

    def _encode(self, offset: int) -> bytes:
        chunk = self._inputs[offset : offset + self._chunk_size]
        try:
            return encode_message((chunk, self._kwargs))
        except (pickle.PicklingError, TypeError, AttributeError) as exc:
            for index, value in enumerate(chunk, offset):
                _check_sendable(value, index)
            raise InputError(f"An argument cannot be sent to a worker process: {exc}") from exc

    def _receive(self, worker: WorkerProcess) -> None:
        received = worker.receive()
        if received is None:
            self._bury(worker)
            return
        run, offset, message = received
        if run != self._number:
            return  # left over from a run that failed
        answer = _decode(message, worker.device)
        if answer.error is not None:
            error = answer.error
            if isinstance(error, InputError) and error.index is not None:
                error.index += offset
            raise error from WorkerError(f"In a worker on {worker.device}:\n{answer.trace}", device=worker.device)
        self._results[offset] = _shift(answer.result, offset)
        self._progress.advance(min(self._chunk_size, len(self._inputs) - offset))

    def _bury(self, worker: WorkerProcess) -> None:
        """Take a dead worker out; raise if it had a chunk of this run."""
        worker.close()
        worker.process.join(_GRACE_S)
        if worker.process.is_alive():  # it closed its pipe and lives: of no use
            worker.kill()
            worker.process.join(_GRACE_S)
        lost = [offset for run, offset in worker.in_flight if run == self._number]
        worker.in_flight.clear()
        if not lost:
            return
        last = min(lost[0] + self._chunk_size, len(self._inputs)) - 1
        raise WorkerError(
            f"The worker on {worker.device} died with exit code {worker.process.exitcode} over inputs {lost[0]} to "
            f"{last}. A negative code is the signal that killed it; -9 is often a lack of memory. "
            f"{len(self._pool.living())} of {len(self._pool.workers)} workers are left.",
            device=worker.device,
        )


def _check_sendable(value: Any, index: int) -> None:
    try:
        encode_message(value)
    except (pickle.PicklingError, TypeError, AttributeError) as exc:
        raise InputError(
            f"{type(value).__name__} cannot be sent to a worker process ({exc}). Give a path, bytes or an array.",
            index=index,
            source=type(value).__name__,
        ) from exc


def _decode(message: bytes, device: str) -> Answer:
    try:
        return pickle.loads(message)
    except Exception as exc:  # classes fail to unpickle in every possible way
        raise WorkerError(f"What the worker on {device} returned cannot be read here: {exc}", device=device) from exc


def _shift(result: Any, offset: int) -> Any:
    """Count the positions in a chunk's report from the beginning of all inputs."""
    if not isinstance(result, EncodeResult) or not result.errors or not offset:
        return result
    return replace(result, errors=tuple(_shift_error(error, offset) for error in result.errors))


def _shift_error(error: ItemError, offset: int) -> ItemError:
    index = error.index + offset
    error.error.index = index
    return replace(error, index=index)
