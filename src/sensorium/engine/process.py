"""The parent's side of one worker process: send it a chunk, take an answer, end it.

Each chunk goes under a ticket, its run's number and its first input, and so comes its answer. Must not know what is in
either, nor that there are other workers.
"""

from __future__ import annotations

from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess


class WorkerProcess:
    """The parent's side of one process."""

    def __init__(self, process: BaseProcess, device: str, inbox: Connection, outbox: Connection) -> None:
        self.process = process
        self.device = device
        self.inbox = inbox
        self.outbox = outbox
        self.in_flight: list[tuple[int, int]] = []  # (run, first input), in the order sent
        self.is_open = True  # whether it can be sent to; a dead process is found out by `run_in_pool`

    def send(self, run: int, offset: int, message: bytes) -> None:
        """Send a chunk. A death in the middle of it is noticed when answers are awaited."""
        self.in_flight.append((run, offset))
        try:
            self.inbox.send_bytes(b"%d %d" % (run, offset))
            self.inbox.send_bytes(message)
        except OSError:
            pass
        except BaseException:
            self.kill()  # interrupted half-way: nobody could make sense of what comes next
            raise

    def receive(self) -> tuple[int, int, bytes] | None:
        """Take one answer: its run, its first input, and its message; None if there will be no more."""
        try:
            run, offset = map(int, self.outbox.recv_bytes().split())
            message = self.outbox.recv_bytes()
        except (EOFError, OSError):
            return None
        except BaseException:
            self.kill()
            raise
        self.in_flight.remove((run, offset))
        return run, offset, message

    def kill(self) -> None:
        """End the process without asking."""
        self.is_open = False
        self.process.kill()

    def close(self) -> None:
        """Close both pipes, which an idle worker takes as its end."""
        self.is_open = False
        self.inbox.close()
        self.outbox.close()
