"""A connection to the very address that was checked, with one deadline over everything that waits.

The host is looked up once; every address that comes back is judged; the socket connects to one of those numbers. A
second look-up, which a hostile name server would answer differently (DNS rebinding), never happens, since nothing below
this file is given a name to look up. The name lives on where it belongs: in the Host header and in the TLS handshake.

Proxies named in the environment are not used: a proxy looks the name up itself, so that what was checked here would say
nothing about where the request ends.

Must not know statuses, redirects or bodies.
"""

from __future__ import annotations

import http.client
import io
import queue
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from typing import Any

from sensorium.errors import FetchError
from sensorium.media.addresses import METADATA_HOSTS, find_metadata_refusal, find_refusal
from sensorium.media.limits import FetchPolicy
from sensorium.media.url import Url


class Deadline:
    """A moment after which nothing waits any longer.

    Args:
        seconds: From now on.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def has_passed(self) -> bool:
        return time.monotonic() >= self._end

    def remaining(self, at_most: float = float("inf")) -> float:
        """Give the seconds left, above 0 and no more than `at_most`; raise TimeoutError if there are none."""
        left = min(self._end - time.monotonic(), at_most)
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return left


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A checked address: the socket family, and what `socket.connect` takes."""

    family: int
    sockaddr: tuple[Any, ...]


def resolve(url: Url, policy: FetchPolicy, deadline: Deadline) -> list[Endpoint]:
    """Look a host up, once, and check every address that comes back.

    Args:
        url: Where to.
        policy: Which hosts and addresses are allowed.
        deadline: Until when to wait for the look-up.

    Returns:
        The addresses in the resolver's order, at least one.

    Raises:
        FetchError: The host, or one of its addresses, is refused, or it has none. One bad address refuses the host: a
            name that leads both outside and inside is a trap or a mistake.
        OSError: The look-up failed (`socket.gaierror`) or took too long (`TimeoutError`).
    """
    _check_host(url, policy)
    endpoints = []
    for family, _, _, _, sockaddr in _look_up(url.host, url.port, deadline):
        if family not in (socket.AF_INET, socket.AF_INET6):
            continue
        address = ip_address(sockaddr[0])
        reason = find_refusal(address) if policy.allow == "public" else find_metadata_refusal(address)
        if reason is not None:
            raise FetchError(_explain_refusal(url.host, str(address), reason, policy))
        endpoints.append(Endpoint(family, (str(address), url.port, *sockaddr[2:])))
    if not endpoints:
        raise FetchError(f"the host {url.host!r} has no internet address.")
    return endpoints


@contextmanager
def connect(
    url: Url, endpoints: list[Endpoint], policy: FetchPolicy, deadline: Deadline, max_received: int
) -> Iterator[http.client.HTTPConnection]:
    """Open a connection to the first of the checked addresses that answers, TLS included, and close it afterwards.

    Args:
        url: Where to; its host is the name that a certificate must carry.
        endpoints: From `resolve`.
        policy: Gives the time for one attempt.
        deadline: Until when anything on this connection may wait: connecting, the handshake, each read and write.
        max_received: Most bytes that may arrive, headers included: a bound under the HTTP parser, whatever it is told.

    Yields:
        A connection that is open and cannot open itself again.

    Raises:
        OSError: No address answered; the first one's fault.
    """
    first_fault: OSError | None = None
    for endpoint in endpoints:
        try:
            sock = _open_socket(url, endpoint, policy, deadline)
        except OSError as exc:
            first_fault = first_fault or exc
            continue
        with closing(sock):
            connection = http.client.HTTPConnection(url.host, url.port)
            connection.auto_open = 0  # a lost connection must not be opened again by name
            # http.client asks of a socket only the three methods that _TimedSocket has.
            connection.sock = _TimedSocket(sock, deadline, max_received)
            yield connection
        return
    assert first_fault is not None, "resolve returns at least one endpoint"
    raise first_fault


def _check_host(url: Url, policy: FetchPolicy) -> None:
    if url.scheme not in policy.schemes:
        raise FetchError(
            f"the scheme {url.scheme!r} is not among those allowed, {list(policy.schemes)}. Use another address, or "
            "set FetchPolicy(schemes=...)."
        )
    hosts = policy.allowed_hosts
    if hosts is not None and not any(
        url.host == one or (one.startswith(".") and url.host.endswith(one)) for one in hosts
    ):
        raise FetchError(
            f"the host {url.host!r} is not among those allowed, {list(hosts)}. Add it to "
            "FetchPolicy(allowed_hosts=...)."
        )
    if url.host in METADATA_HOSTS:
        raise FetchError(f"the host {url.host!r} is the metadata service of a cloud machine, which is never fetched.")


def _explain_refusal(host: str, address: str, reason: str, policy: FetchPolicy) -> str:
    where = f"the host {host!r}" if host == address else f"the host {host!r} leads to {address}, which"
    if policy.allow == "any":
        return f"{where} is {reason}, which is never fetched."
    return (
        f"{where} is not of the public internet ({reason}). If you trust every address you are given, set "
        'FetchPolicy(allow="any"); otherwise download the file and give its path or bytes.'
    )


def _look_up(host: str, port: int, deadline: Deadline) -> list[tuple[Any, ...]]:
    # getaddrinfo takes no timeout, so it runs in a thread that can be left behind; the resolver's own timeout ends it.
    answers: queue.SimpleQueue[list[tuple[Any, ...]] | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as exc:
            answers.put(exc)

    threading.Thread(target=look_up, name="sensorium-look-up", daemon=True).start()
    try:
        answer = answers.get(timeout=deadline.remaining())
    except queue.Empty as exc:
        raise TimeoutError("the look-up took too long") from exc
    if isinstance(answer, Exception):
        raise answer
    return answer


def _open_socket(url: Url, endpoint: Endpoint, policy: FetchPolicy, deadline: Deadline) -> socket.socket:
    attempt = Deadline(deadline.remaining(policy.connect_timeout_s))
    with ExitStack() as stack:
        sock = stack.enter_context(socket.socket(endpoint.family, socket.SOCK_STREAM))
        sock.settimeout(attempt.remaining())
        sock.connect(endpoint.sockaddr)
        if url.scheme == "https":
            sock.settimeout(attempt.remaining())
            sock = stack.enter_context(_tls_context().wrap_socket(sock, server_hostname=url.host))
        stack.pop_all()
        return sock


@cache
def _tls_context() -> ssl.SSLContext:
    # Loading the system's certificates takes tens of milliseconds; a context is safe to share between threads.
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


class _TimedSocket:
    """A socket as `http.client` uses one, whose every wait ends at the deadline."""

    def __init__(self, sock: socket.socket, deadline: Deadline, max_received: int) -> None:
        self._sock = sock
        self._deadline = deadline
        self._max_received = max_received

    def sendall(self, data: bytes) -> None:
        self._sock.settimeout(self._deadline.remaining())
        self._sock.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._sock, self._deadline, self._max_received), 64 * 1024)

    def close(self) -> None:
        """Leave the socket open: http.client closes it before the body is read, and `connect` closes it anyway."""


class _TimedReader(io.RawIOBase):
    """The bytes of a socket, up to a deadline and a count."""

    def __init__(self, sock: socket.socket, deadline: Deadline, max_received: int) -> None:
        self._sock = sock
        self._deadline = deadline
        self._left = max_received

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._left <= 0:
            raise FetchError("the server sent more than is allowed. Raise FetchPolicy(max_bytes=...).")
        self._sock.settimeout(self._deadline.remaining())
        count = self._sock.recv_into(buffer, min(len(buffer), self._left))
        self._left -= count
        return count
