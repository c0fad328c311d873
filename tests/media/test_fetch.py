"""Fetching from a real server on this machine: redirects, sizes, times, and answers that are not what was asked for."""

from __future__ import annotations

import socket
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace

import pytest

from sensorium.errors import FetchError, MediaError
from sensorium.media.fetch import fetch
from sensorium.media.limits import FetchPolicy, MediaLimits
from tests.media.web_server import WebServer, answer, drip, redirect, reset, serve

TRUSTING = FetchPolicy(allow="any", timeout_s=5, connect_timeout_s=2, max_bytes=100_000)
LIMITS = MediaLimits()
BODY = bytes(range(256)) * 300


@pytest.fixture
def server() -> Iterator[WebServer]:
    with serve() as running:
        yield running


def _fetch_fault(url: str, policy: FetchPolicy = TRUSTING) -> FetchError:
    with pytest.raises(FetchError) as caught:
        fetch(url, policy, LIMITS)
    return caught.value


def test_a_body_arrives_whole(server: WebServer) -> None:
    server.answers["/cat.jpg?size=2"] = answer(BODY, Content_Type="image/jpeg")
    assert fetch(server.url("/cat.jpg?size=2#top"), TRUSTING, LIMITS) == BODY


def test_the_request_names_the_host_and_nothing_of_the_caller(server: WebServer) -> None:
    server.answers["/a"] = answer(b"x")
    fetch(server.url("/a"), TRUSTING, LIMITS)
    assert server.header("Host") == f"127.0.0.1:{server.port}"
    assert server.header("Accept-Encoding") == "identity"
    assert {line.partition(":")[0] for line in server.requests[0].strip().split("\r\n")[1:]} == {
        "Host",
        "User-Agent",
        "Accept",
        "Accept-Encoding",
        "Connection",
    }


def test_other_scripts_are_escaped_and_escapes_kept(server: WebServer) -> None:
    server.answers["/b%C3%BC%20cher.jpg?q=%C3%A9%2B"] = answer(b"x")
    assert fetch(server.url("/bü%20cher.jpg?q=é%2B"), TRUSTING, LIMITS) == b"x"


@pytest.mark.parametrize("length", ["none", "chunked"])
def test_a_body_without_a_declared_length_arrives_whole(server: WebServer, length: str) -> None:
    if length == "chunked":
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (BODY[:1000], BODY[1000:70000], BODY[70000:]))
        body, headers = chunks + b"0\r\n\r\n", {"Transfer_Encoding": "chunked"}
    else:
        body, headers = BODY, {}
    server.answers["/a"] = answer(body, Content_Length=None, **headers)
    assert fetch(server.url("/a"), TRUSTING, LIMITS) == BODY


def test_no_proxy_of_the_environment_is_used(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        server.answers["/a"] = answer(b"direct")
        assert fetch(server.url("/a"), TRUSTING, LIMITS) == b"direct"
        assert proxy.requests == []


# Redirects


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"])
def test_redirects_are_followed(server: WebServer, status: str) -> None:
    server.answers |= {"/a/b": redirect("../c", status), "/c": redirect(server.url("/d"), status), "/d": answer(BODY)}
    assert fetch(server.url("/a/b"), TRUSTING, LIMITS) == BODY
    assert len(server.requests) == 3


def test_a_redirect_in_raw_bytes_or_with_spaces_is_escaped(server: WebServer) -> None:
    server.answers |= {"/a": redirect("/ü b.png"), "/%C3%BC%20b.png": answer(BODY)}
    assert fetch(server.url("/a"), TRUSTING, LIMITS) == BODY


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("http://169.254.169.254/latest/meta-data/", "metadata"),
        ("//169.254.169.254/", "metadata"),
        ("http://[::ffff:169.254.169.254]/", "metadata"),
        ("http://metadata.google.internal/", "metadata"),
        ("file:///etc/passwd", "redirects to file:///etc/passwd"),
        ("ftp://127.0.0.1/a", "'ftp'"),
        ("http://me:secret@127.0.0.1/", "user name"),
        ("http://127.0.0.1:99999/", "port"),
        ("http://[fe80::1%25eth0]/", "host"),
        ("http://[::1/", "valid HTTP"),
    ],
)
def test_a_redirect_is_checked_like_an_address(server: WebServer, location: str, why: str) -> None:
    server.answers["/a"] = redirect(location)
    error = _fetch_fault(server.url("/a"))
    assert why in error.reason
    assert "secret" not in str(error)
    assert error.source == server.url("/a")
    assert len(server.requests) == 1


def test_a_redirect_out_of_the_allowed_hosts_is_refused(server: WebServer) -> None:
    server.answers |= {"/a": redirect(f"http://localhost:{server.port}/b"), "/b": answer(BODY)}
    assert fetch(server.url("/a"), TRUSTING, LIMITS) == BODY
    error = _fetch_fault(server.url("/a"), replace(TRUSTING, allowed_hosts=("127.0.0.1",)))
    assert "'localhost' is not among those allowed" in error.reason


def test_a_circle_of_redirects_ends_at_once(server: WebServer) -> None:
    server.answers |= {"/a": redirect("/b"), "/b": redirect("/a#again")}
    assert "circle" in _fetch_fault(server.url("/a")).reason
    assert len(server.requests) == 2


def test_redirects_are_counted(server: WebServer) -> None:
    server.answers |= {f"/{step}": redirect(f"/{step + 1}") for step in range(9)}
    assert "more than 3 times" in _fetch_fault(server.url("/0"), replace(TRUSTING, max_redirects=3)).reason
    assert len(server.requests) == 4
    server.answers["/3"] = answer(BODY)
    assert fetch(server.url("/0"), replace(TRUSTING, max_redirects=3), LIMITS) == BODY
    assert "more than 0 times" in _fetch_fault(server.url("/0"), replace(TRUSTING, max_redirects=0)).reason


# Answers that are not media


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (answer(b"gone", "404 Not Found"), "404 (Not Found)"),
        (answer(b"no", "403 Forbidden"), "403 (Forbidden)"),
        (answer(b"oops", "500 Internal Server Error"), "500"),
        (answer(b"?", "799 \x1b[31mred"), "answered 799."),
        (answer(b"part", "206 Partial Content"), "206"),
        (answer(b"same", "304 Not Modified"), "304"),
        (answer(b"moved", "302 Found"), "302"),
        (answer(b"<html>", Content_Type="text/html; charset=utf-8"), "web page"),
        (answer(b"<html>", Content_Type="Application/XHTML+XML"), "web page"),
        (answer(b"\x1f\x8b", Content_Encoding="gzip"), "compressed"),
        (answer(b"\x1f\x8b", Content_Length=None, Transfer_Encoding="gzip, chunked"), "compressed"),
        (answer(b"half", Content_Length=8), "after 4 of 8 bytes"),
        (answer(b"5\r\nab", Content_Length=None, Transfer_Encoding="chunked"), "before the body was complete"),
        (answer(b"zz\r\nab", Content_Length=None, Transfer_Encoding="chunked"), "before the body was complete"),
        (answer(b"-5\r\nab", Content_Length=None, Transfer_Encoding="chunked"), ""),  # Pythons differ in what they say
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 300 + b"\r\n", "valid HTTP"),
        (b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70_000 + b"\r\n\r\n", "valid HTTP"),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "valid HTTP"),
        (b"", "connection failed"),
        (reset(b""), "connection failed"),
        (reset(answer(b"half", Content_Length=8)), "connection"),
    ],
)
def test_an_answer_that_is_no_file_is_refused(server: WebServer, reply: bytes, why: str) -> None:
    server.answers["/a"] = reply
    error = _fetch_fault(server.url("/a"))
    assert why in error.reason
    assert error.source == server.url("/a")
    assert "\x1b" not in str(error)


def test_a_closed_port_is_a_failed_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = _fetch_fault(f"http://127.0.0.1:{port}/a")
    assert "connection failed (Connection refused)" in error.reason
    assert isinstance(error.__cause__, ConnectionRefusedError)
    assert isinstance(error, MediaError)
    assert isinstance(error, ValueError)


# Size


def test_a_declared_length_over_the_limit_is_refused_before_the_body(server: WebServer) -> None:
    server.answers["/a"] = drip(server, answer(Content_Length=100_001), pause_s=5)
    start = time.monotonic()
    assert "100001 bytes long" in _fetch_fault(server.url("/a")).reason
    assert time.monotonic() - start < 2


@pytest.mark.parametrize("max_bytes", [100_000, 99_999])
def test_the_limit_is_exact(server: WebServer, max_bytes: int) -> None:
    server.answers["/a"] = answer(bytes(100_000), Content_Length=None)
    policy = replace(TRUSTING, max_bytes=max_bytes)
    if max_bytes == 100_000:
        assert len(fetch(server.url("/a"), policy, LIMITS)) == 100_000
    else:
        assert "more than 99999 bytes" in _fetch_fault(server.url("/a"), policy).reason


def test_the_smaller_of_both_limits_counts(server: WebServer) -> None:
    server.answers["/a"] = answer(bytes(1000))
    with pytest.raises(FetchError, match="1000 bytes long, and at most 999"):
        fetch(server.url("/a"), TRUSTING, MediaLimits(max_bytes=999))


@pytest.mark.parametrize(
    "head",
    [
        answer(Content_Length=None),
        answer(Content_Length=-1),
        answer(Content_Length="many"),
        # A chunk of negative size makes http.client read to the end of the stream, however far that is.
        answer(b"-1\r\n", Content_Length=None, Transfer_Encoding="chunked"),
        answer(b"ffffffffffff\r\n", Content_Length=None, Transfer_Encoding="chunked"),
    ],
    ids=["no-length", "negative", "not-a-number", "negative-chunk", "endless-chunk"],
)
def test_an_endless_body_is_cut_at_the_limit(server: WebServer, head: bytes) -> None:
    def flood(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(bytes(1_000_000))

    server.answers["/a"] = flood
    tracemalloc.start()
    try:
        error = _fetch_fault(server.url("/a"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    if not head.endswith(b"-1\r\n"):  # which Pythons notice at different moments
        assert "max_bytes" in error.reason
    assert peak < 40_000_000  # the limit, and what headers are allowed beside it


# Time


@pytest.mark.parametrize(
    "first",
    [b"", b"HTTP/1.1 200 OK\r\nX-Slow: ", answer(Content_Length=90_000), answer(Content_Length=None)],
    ids=["no-answer", "headers", "body", "body-without-length"],
)
def test_a_server_that_drips_is_cut_at_the_deadline(server: WebServer, first: bytes) -> None:
    server.answers["/a"] = drip(server, first, pause_s=0.02 if first else 30)
    start = time.monotonic()
    error = _fetch_fault(server.url("/a"), replace(TRUSTING, timeout_s=0.4))
    assert 0.3 < time.monotonic() - start < 2
    assert "not complete after 0.4 s" in error.reason


def test_redirects_share_one_deadline(server: WebServer) -> None:
    def slow(connection: socket.socket) -> None:
        server.stopping.wait(0.15)
        connection.sendall(redirect(f"/{len(server.requests)}"))

    server.answers |= {f"/{step}": slow for step in range(50)}
    start = time.monotonic()
    error = _fetch_fault(server.url("/0"), replace(TRUSTING, timeout_s=0.5, max_redirects=40))
    assert time.monotonic() - start < 2
    assert "not complete after 0.5 s" in error.reason


# The policy


def test_a_policy_that_allows_nothing_fetches_nothing(server: WebServer) -> None:
    error = _fetch_fault(server.url("/a"), FetchPolicy(allow="none"))
    assert 'FetchPolicy(allow="public")' in error.reason
    assert server.requests == []


def test_this_machine_is_not_public(server: WebServer) -> None:
    error = _fetch_fault(server.url("/a"), FetchPolicy())
    assert "loopback" in error.reason
    assert 'FetchPolicy(allow="any")' in error.reason
    assert server.requests == []


def test_only_allowed_schemes_are_fetched(server: WebServer) -> None:
    error = _fetch_fault(server.url("/a"), replace(TRUSTING, schemes=("https",)))
    assert "'http' is not among those allowed" in error.reason
    assert server.requests == []


def test_messages_never_carry_credentials() -> None:
    error = _fetch_fault("http://alice:hunter2@127.0.0.1/a")
    assert "hunter2" not in str(error)
    assert "alice" not in str(error)
    assert error.source == "http://127.0.0.1/a"
