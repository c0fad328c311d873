"""A web server on this machine that answers with exactly the bytes a test wants, malformed ones included."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field

Answer = Callable[[socket.socket], None]


@dataclass
class WebServer:
    """Where it listens, the request heads it got, and what it answers: path -> bytes, or a function of the socket."""

    port: int
    answers: dict[str, bytes | Answer] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def header(self, name: str, request: int = -1) -> str | None:
        """Give one header of a request, by default of the last."""
        for line in self.requests[request].split("\r\n")[1:]:
            key, _, value = line.partition(": ")
            if key.lower() == name.lower():
                return value
        return None


def answer(body: bytes = b"", status: str = "200 OK", **headers: str | int | None) -> bytes:
    """Build an answer; `Content_Length=None` leaves the length out."""
    lines: dict[str, str | int | None] = {"Content-Length": len(body)}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value is not None)
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


def redirect(location: str, status: str = "302 Found") -> bytes:
    return answer(b"moved", status, Location=location)


@contextmanager
def serve(tls: ssl.SSLContext | None = None) -> Iterator[WebServer]:
    """Run a server until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = WebServer(listener.getsockname()[1])
    threads: list[threading.Thread] = []

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            if server.stopping.is_set():
                client.close()
                return
            threads.append(threading.Thread(target=_talk, args=(server, client, tls), daemon=True))
            threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield server
    finally:
        server.stopping.set()
        # Closing a socket does not wake the thread that accepts on it; a connection does.
        with suppress(OSError), closing(_UNPATCHED_SOCKET(socket.AF_INET, socket.SOCK_STREAM)) as waker:
            waker.connect(("127.0.0.1", server.port))
        acceptor.join(5)
        listener.close()
        for thread in threads:
            thread.join(5)


_UNPATCHED_SOCKET = socket.socket


def _talk(server: WebServer, client: socket.socket, tls: ssl.SSLContext | None) -> None:
    with suppress(OSError), closing(client):
        client.settimeout(5)
        connection = client if tls is None else tls.wrap_socket(client, server_side=True)
        with closing(connection):
            head = b""
            while b"\r\n\r\n" not in head:
                received = connection.recv(65536)
                if not received:
                    return
                head += received
            server.requests.append(head.decode())
            path = head.split(b" ")[1].decode()
            reply = server.answers.get(path, answer(b"nothing here", "404 Not Found"))
            if callable(reply):
                reply(connection)
            else:
                connection.sendall(reply)


def drip(server: WebServer, first: bytes, pause_s: float = 0.05) -> Answer:
    """Build an answer that sends `first`, then a byte every `pause_s` until the client has had enough."""

    def send(connection: socket.socket) -> None:
        connection.sendall(first)
        while not server.stopping.wait(pause_s):
            connection.sendall(b"x")

    return send


def reset(first: bytes) -> Answer:
    """Build an answer that sends `first`, then breaks the connection with a reset instead of an end."""

    def send(connection: socket.socket) -> None:
        connection.sendall(first)
        linger_for_no_time = b"\x01\x00\x00\x00\x00\x00\x00\x00"
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_for_no_time)

    return send
