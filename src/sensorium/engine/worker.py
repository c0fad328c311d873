"""What runs in a worker process: receive a chunk, call the model's method on it, send back what came of it.

A thread receives, so that the parent's sending never waits for the model; the main thread computes. A chunk that raises
is answered with its error and the process lives on. It ends when the parent closes its end, on purpose or by dying.
Must not know chunks' order, other workers, or what the method does.
"""

from __future__ import annotations

import pickle
import queue
import signal
import sys
import threading
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from sensorium.engine.threads import set_core_share
from sensorium.errors import WorkerError


@dataclass(frozen=True, slots=True)
class Answer:
    """A worker's word on one chunk.

    Attributes:
        result: What the method returned, if `error` is None.
        error: What it raised.
        trace: The worker's traceback as text, for the parent's message.
    """

    result: Any = None
    error: BaseException | None = None
    trace: str = ""


def encode_message(value: Any) -> bytes:
    """Pickle by value. (The pickler of multiprocessing would move tensors into memory that lives and dies with us.)"""
    return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)


def serve(model: Any, method: str, device: str, cores: int, inbox: Connection, outbox: Connection) -> None:
    """Answer chunks until the parent closes `inbox`.

    Args:
        model: Has `method`, called as `method(chunk, device=device, **kwargs)`.
        method: Its name.
        device: The device that this worker serves.
        cores: Cores that this process may count on.
        inbox: Gives a ticket (any bytes), then a pickled `(chunk, kwargs)`.
        outbox: Takes the ticket, then a pickled `Answer`.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent gets the interrupt, and closes `inbox`
    set_core_share(cores)
    if "torch" in sys.modules:
        torch = sys.modules["torch"]
        torch.set_num_threads(min(cores, torch.get_num_threads()))
    messages: queue.SimpleQueue[tuple[bytes, bytes] | None] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(inbox, messages), name="sensorium-inbox", daemon=True).start()
    while (message := messages.get()) is not None:
        ticket, chunk = message
        answer = _answer(model, method, device, chunk)
        try:
            outbox.send_bytes(ticket)
            outbox.send_bytes(answer)
        except OSError:  # the parent is gone
            return
        del message, chunk, answer


def _receive(inbox: Connection, messages: queue.SimpleQueue[tuple[bytes, bytes] | None]) -> None:
    """Move messages from the pipe to the queue. The parent sees to it that few are under way."""
    try:
        while True:
            messages.put((inbox.recv_bytes(), inbox.recv_bytes()))
    except (EOFError, OSError):
        messages.put(None)


def _answer(model: Any, method: str, device: str, message: bytes) -> bytes:
    try:
        chunk, kwargs = pickle.loads(message)
        return encode_message(Answer(result=getattr(model, method)(chunk, device=device, **kwargs)))
    except Exception as error:  # noqa: BLE001 - reported to the parent, which raises it
        return _encode_error(error, device)


def _encode_error(error: Exception, device: str) -> bytes:
    """Pickle an error, or, where it does not survive that, a `WorkerError` that tells of it."""
    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    try:
        message = encode_message(Answer(error=error, trace=trace))
        pickle.loads(message)
    except Exception:  # noqa: BLE001 - foreign classes fail to pickle in every possible way
        named = WorkerError(f"a worker on {device} raised {type(error).__name__}: {error}", device=device)
        return encode_message(Answer(error=named, trace=trace))
    return message
