"""Look-up, check and connection are one: what was checked is what is connected to, and the name stays in TLS."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sensorium.errors import FetchError
from sensorium.media import connection
from sensorium.media.fetch import fetch
from sensorium.media.limits import FetchPolicy, MediaLimits
from tests.media.web_server import WebServer, answer, drip, redirect, serve

PUBLIC = FetchPolicy(timeout_s=5, connect_timeout_s=2)
LIMITS = MediaLimits()
REAL_LOOK_UP = socket.getaddrinfo


class Network:
    """A pretended network: names lead to scripted addresses, and every connection ends at the test's server."""

    def __init__(self, server: WebServer) -> None:
        self.names: dict[str, list[list[str]]] = {}
        self.looked_up: list[str] = []
        self.connected_to: list[tuple[Any, ...]] = []
        self.broken: set[str] = set()
        self.delay_s = 0.0
        self._port = server.port

    def look_up(self, host: str, port: int, *_: Any, **__: Any) -> list[tuple[Any, ...]]:
        self.looked_up.append(host)
        answers = self.names[host]
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [row for address in addresses for row in REAL_LOOK_UP(address, port, type=socket.SOCK_STREAM)]

    def patch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        network = self

        class Diverted(socket.socket):
            def connect(self, address: Any) -> None:
                network.connected_to.append(address)
                time.sleep(network.delay_s)
                if address[0] in network.broken:
                    raise ConnectionRefusedError(111, "Connection refused")
                if self.family == socket.AF_INET6:
                    raise OSError(101, "Network is unreachable")
                super().connect(("127.0.0.1", network._port))

        monkeypatch.setattr(socket, "getaddrinfo", self.look_up)
        monkeypatch.setattr(socket, "socket", Diverted)


@pytest.fixture
def server() -> Iterator[WebServer]:
    with serve() as running:
        yield running


@pytest.fixture
def network(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> Network:
    pretended = Network(server)
    pretended.patch(monkeypatch)
    return pretended


def test_a_public_name_is_looked_up_once_and_its_address_connected_to(server: WebServer, network: Network) -> None:
    network.names["media.example"] = [["93.184.216.34"]]
    server.answers["/a.png"] = answer(b"bytes")
    assert fetch("http://Media.Example./a.png", PUBLIC, LIMITS) == b"bytes"
    assert network.looked_up == ["media.example"]
    assert network.connected_to == [("93.184.216.34", 80)]
    assert server.header("Host") == "media.example"


def test_a_name_that_turns_private_after_the_check_gains_nothing(server: WebServer, network: Network) -> None:
    network.names["rebind.example"] = [["93.184.216.34"], ["127.0.0.1"]]
    server.answers["/a.png"] = answer(b"bytes")
    assert fetch("http://rebind.example:8080/a.png", PUBLIC, LIMITS) == b"bytes"
    assert network.looked_up == ["rebind.example"]
    assert network.connected_to == [("93.184.216.34", 8080)]
    assert server.header("Host") == "rebind.example:8080"


def test_each_redirect_is_looked_up_once_and_checked_again(server: WebServer, network: Network) -> None:
    network.names["rebind.example"] = [["93.184.216.34"], ["127.0.0.1"]]
    server.answers["/a.png"] = redirect("/b.png")
    with pytest.raises(FetchError, match=r"leads to 127\.0\.0\.1.*loopback"):
        fetch("http://rebind.example/a.png", PUBLIC, LIMITS)
    assert network.looked_up == ["rebind.example"] * 2
    assert network.connected_to == [("93.184.216.34", 80)]


def test_a_redirect_to_a_private_name_is_refused(server: WebServer, network: Network) -> None:
    network.names |= {"media.example": [["93.184.216.34"]], "intranet.example": [["10.1.2.3"]]}
    server.answers["/a.png"] = redirect("http://intranet.example/")
    with pytest.raises(FetchError, match=r"intranet\.example.*10\.1\.2\.3.*private"):
        fetch("http://media.example/a.png", PUBLIC, LIMITS)
    assert network.connected_to == [("93.184.216.34", 80)]


def test_one_private_address_among_public_ones_refuses_the_host(network: Network) -> None:
    network.names["mixed.example"] = [["93.184.216.34", "192.168.0.1"]]
    with pytest.raises(FetchError, match=r"192\.168\.0\.1"):
        fetch("http://mixed.example/", PUBLIC, LIMITS)
    assert network.connected_to == []


def test_the_next_checked_address_is_tried_when_one_does_not_answer(server: WebServer, network: Network) -> None:
    network.names["many.example"] = [["2606:4700:4700::1111", "93.184.216.34", "93.184.216.35"]]
    network.broken = {"93.184.216.34"}
    server.answers["/a.png"] = answer(b"bytes")
    assert fetch("http://many.example/a.png", PUBLIC, LIMITS) == b"bytes"
    assert [address[0] for address in network.connected_to] == [
        "2606:4700:4700::1111",
        "93.184.216.34",
        "93.184.216.35",
    ]


def test_the_fault_of_the_first_address_is_reported(network: Network) -> None:
    network.names["many.example"] = [["93.184.216.34", "2606:4700:4700::1111"]]
    network.broken = {"93.184.216.34"}
    with pytest.raises(FetchError, match="Connection refused"):
        fetch("http://many.example/a.png", PUBLIC, LIMITS)


@pytest.mark.parametrize(
    ("hosts", "is_allowed"),
    [(("media.example",), True), ((".example",), True), ((".media.example",), False), (("edia.example",), False)],
)
def test_allowed_hosts_match_whole_names(
    server: WebServer, network: Network, hosts: tuple[str, ...], is_allowed: bool
) -> None:
    network.names["media.example"] = [["93.184.216.34"]]
    server.answers["/"] = answer(b"bytes")
    policy = FetchPolicy(allowed_hosts=hosts)
    if is_allowed:
        assert fetch("http://media.example", policy, LIMITS) == b"bytes"
    else:
        with pytest.raises(FetchError, match="not among those allowed"):
            fetch("http://media.example", policy, LIMITS)
        assert network.looked_up == []


def test_an_allowed_host_still_has_to_be_public(network: Network) -> None:
    network.names["nas.example"] = [["192.168.0.9"]]
    with pytest.raises(FetchError, match="private"):
        fetch("http://nas.example/", FetchPolicy(allowed_hosts=("nas.example",)), LIMITS)


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "not found"),
        (UnicodeError("label too long"), "valid HTTP"),
        (None, "no internet address"),
    ],
)
def test_a_look_up_that_fails_is_a_fetch_error(monkeypatch: pytest.MonkeyPatch, fault: Exception, why: str) -> None:
    def look_up(*_: Any, **__: Any) -> list[Any]:
        if fault is not None:
            raise fault
        return [(socket.AF_UNIX, socket.SOCK_STREAM, 0, "", "/run/x")]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(FetchError, match=why):
        fetch("http://nowhere.example/", PUBLIC, LIMITS)


def test_a_look_up_that_hangs_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def look_up(*_: Any, **__: Any) -> list[Any]:
        release.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    start = time.monotonic()
    with pytest.raises(FetchError, match=r"not complete after 0\.2 s"):
        fetch("http://slow.example/", FetchPolicy(timeout_s=0.2), LIMITS)
    assert time.monotonic() - start < 2
    release.set()


HOSTILE = [
    ("http://127.0.0.1/", "loopback"),
    ("http://127.8.9.10:8000/a.png", "loopback"),
    ("http://localhost/", "loopback"),
    ("http://LOCALHOST./", "loopback"),
    ("http://localtest.example/", "loopback"),
    ("http://2130706433/", "loopback"),
    ("http://0x7f000001/", "loopback"),
    ("http://0x7f.1/", "loopback"),
    ("http://0177.0.0.1/", "loopback"),
    ("http://127.1/", "loopback"),
    ("http://①②⑦.⓪.⓪.①/", "loopback"),
    ("http://127。0。0。1/", "loopback"),
    ("http://0/", "unspecified"),
    ("http://0.0.0.0/", "unspecified"),
    ("http://10.0.0.5/", "private"),
    ("http://172.20.1.1/", "private"),
    ("http://192.168.1.1/", "private"),
    ("http://3232235777/", "private"),
    ("http://100.64.1.1/", "carrier"),
    ("http://169.254.1.1/", "link-local"),
    ("http://169.254.169.254/latest/meta-data/", "metadata"),
    ("http://2852039166/", "metadata"),
    ("http://100.100.100.200/", "metadata"),
    ("http://168.63.129.16/", "metadata"),
    ("http://metadata.google.internal/computeMetadata/v1/", "metadata"),
    ("http://METADATA.google.internal./", "metadata"),
    ("http://224.0.0.1/", "multicast"),
    ("http://255.255.255.255/", "reserved"),
    ("http://198.18.0.1/", "benchmarks"),
    ("http://[::]/", "unspecified"),
    ("http://[::1]/", "loopback"),
    ("http://[0:0:0:0:0:0:0:1]/", "loopback"),
    ("http://[::ffff:127.0.0.1]/", "loopback"),
    ("http://[::ffff:7f00:1]/", "loopback"),
    ("http://[::ffff:8.8.8.8]/", "IPv4-mapped"),
    ("http://[64:ff9b::7f00:1]/", "loopback"),
    ("http://[64:ff9b::a9fe:a9fe]/", "metadata"),
    ("http://[2002:7f00:1::]/", "loopback"),
    ("http://[2001:0:4136:e378:8000:63bf:f5ff:fffe]/", "private"),
    ("http://[fc00::1]/", "unique-local"),
    ("http://[fd00:ec2::254]/", "metadata"),
    ("http://[fe80::1]/", "link-local"),
    ("http://[fe80::1%25eth0]/", "host"),
    ("http://[fe80::1%eth0]/", "host"),
    ("http://[ff02::1]/", "multicast"),
    ("http://[::1", "host"),
    ("http://[::1]evil.example/", "host"),
    ("http://[127.0.0.1]/", "host"),
    ("http://media.example@127.0.0.1/", "user name"),
    ("http://127.0.0.1:80@media.example/", "user name"),
    ("http://media.example\\@127.0.0.1/", "backslash"),
    ("http://media.example\\.localhost/", "backslash"),
    ("http://media.example/\r\nHost: localhost", "control character"),
    ("http://media.example /", "space"),
    ("http://127.0.0.1%2f.example/", "host"),
    ("http://%31%32%37.0.0.1/", "host"),
    ("http://media.example:0/", "port"),
    ("http://media.example:65536/", "port"),
    ("http://media.example:8x/", "host"),
    ("http://media..example/", "host"),
    ("http:///a.png", "host"),
    ("http://", "host"),
    ("http:/127.0.0.1/", "web address"),
    ("file:///etc/passwd", "'file'"),
    ("gopher://127.0.0.1:6379/_FLUSHALL", "'gopher'"),
    ("ftp://media.example/a.png", "'ftp'"),
    ("https+unix://run/docker.sock", "'https+unix'"),
]


@pytest.mark.parametrize(("url", "why"), HOSTILE)
def test_hostile_addresses_are_refused_before_any_socket_opens(
    monkeypatch: pytest.MonkeyPatch, url: str, why: str
) -> None:
    names = {"localhost": "127.0.0.1", "localtest.example": "127.0.0.1", "media.example": "93.184.216.34"}
    opened: list[tuple[Any, ...]] = []

    def look_up(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        # AI_NUMERICHOST: the system reads odd numbers its own way, and nothing is asked of a name server.
        return REAL_LOOK_UP(names.get(host, host), port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)

    def open_socket(*arguments: Any, **_: Any) -> socket.socket:
        opened.append(arguments)
        raise OSError("a socket was opened")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket, "socket", open_socket)
    with pytest.raises(FetchError, match=re.escape(why)):
        fetch(url, PUBLIC, LIMITS)
    assert opened == []


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a file with a key and a certificate for media.example that is its own authority."""
    if shutil.which("openssl") is None:
        pytest.skip("makes its certificate with the openssl command, which is not here")
    folder = tmp_path_factory.mktemp("tls")
    extensions = ["subjectAltName=DNS:media.example", "keyUsage=critical,digitalSignature,keyCertSign"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        + ["-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
        + ["-days", "2", "-subj", "/CN=media.example"]
        + [part for extension in extensions for part in ("-addext", extension)],
        check=True,
        capture_output=True,
    )
    both = folder / "both.pem"
    both.write_text((folder / "key.pem").read_text() + (folder / "certificate.pem").read_text())
    return both


@pytest.fixture
def asked_names() -> list[str | None]:
    return []


@pytest.fixture
def tls_server(certificate: Path, asked_names: list[str | None]) -> Iterator[WebServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def note_name(_socket: Any, name: str | None, _context: ssl.SSLContext) -> None:
        asked_names.append(name)

    context.sni_callback = note_name
    with serve(context) as running:
        yield running


@pytest.fixture
def tls_network(tls_server: WebServer, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Network:
    pretended = Network(tls_server)
    pretended.names = {"media.example": [["93.184.216.34"]], "other.example": [["93.184.216.34"]]}
    pretended.patch(monkeypatch)
    trusting = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(connection, "_tls_context", lambda: trusting)
    return pretended


def test_tls_names_and_verifies_the_host_not_the_address(
    tls_server: WebServer, tls_network: Network, asked_names: list[str | None]
) -> None:
    tls_server.answers["/a.png"] = answer(b"secret bytes" * 10_000)
    assert fetch("https://media.example/a.png", PUBLIC, LIMITS) == b"secret bytes" * 10_000
    assert asked_names == ["media.example"]
    assert tls_network.connected_to == [("93.184.216.34", 443)]
    assert tls_server.header("Host") == "media.example"


def test_a_certificate_for_another_host_is_refused(tls_server: WebServer, tls_network: Network) -> None:
    with pytest.raises(FetchError, match="certificate is not valid for this host"):
        fetch("https://other.example/a.png", PUBLIC, LIMITS)
    assert tls_server.requests == []


def test_a_certificate_that_nobody_vouches_for_is_refused(
    tls_server: WebServer, tls_network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_tls_context", ssl.create_default_context)
    with pytest.raises(FetchError, match="certificate is not valid for this host"):
        fetch("https://media.example/a.png", PUBLIC, LIMITS)
    assert tls_server.requests == []


def test_the_default_context_verifies() -> None:
    context = connection._tls_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_a_redirect_from_https_to_http_is_refused(tls_server: WebServer, tls_network: Network) -> None:
    tls_server.answers["/a.png"] = redirect("http://media.example/b.png")
    with pytest.raises(FetchError, match="from https to http"):
        fetch("https://media.example/a.png", PUBLIC, LIMITS)
    assert len(tls_network.connected_to) == 1


def test_a_server_that_never_shakes_hands_is_left(network: Network) -> None:
    network.names["media.example"] = [["93.184.216.34"]]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        network._port = silent.getsockname()[1]
        network.delay_s = 0.25  # of the 0.3 s, so that little is left for the handshake
        start = time.monotonic()
        with pytest.raises(FetchError, match=r"within 0\.3 s"):
            fetch("https://media.example/", FetchPolicy(connect_timeout_s=0.3), LIMITS)
        assert time.monotonic() - start < 0.5


def test_a_tls_body_that_drips_is_cut_at_the_deadline(tls_server: WebServer, tls_network: Network) -> None:
    tls_server.answers["/a.png"] = drip(tls_server, answer(Content_Length=1000), pause_s=0.02)
    with pytest.raises(FetchError, match=r"not complete after 0\.5 s"):
        fetch("https://media.example/a.png", FetchPolicy(timeout_s=0.5), LIMITS)
