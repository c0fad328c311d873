"""Fetch the bytes of a web address under a `FetchPolicy`.

The one place that speaks HTTP for media, and the one place where faults of sockets, TLS and HTTP become `FetchError`.
Each redirect is a new address: parsed, looked up, checked and connected from the start. Nothing is sent that belongs to
the caller: no cookies, no credentials, no referrer. Must not know what the bytes are.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
from http import HTTPStatus

from sensorium._version import __version__
from sensorium.errors import FetchError
from sensorium.media.connection import Deadline, connect, resolve
from sensorium.media.limits import FetchPolicy, MediaLimits
from sensorium.media.naming import show_url
from sensorium.media.url import Url, join_url, parse_url

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_WEB_PAGES = frozenset({"text/html", "application/xhtml+xml"})
_CHUNK = 64 * 1024
# What may arrive beside the body: headers (http.client reads at most 100 of 64 KiB), and the sizes between chunks.
_HEADERS_BYTES = 8 * 1024**2


def fetch(url: str, policy: FetchPolicy, limits: MediaLimits) -> bytes:
    """Fetch the body of a web address.

    Args:
        url: An `http` or `https` address.
        policy: Which addresses are allowed, and the time, size and redirects they may take.
        limits: Its `max_bytes` holds as well as the policy's; the smaller counts.

    Returns:
        The body, possibly empty.

    Raises:
        FetchError: The policy refuses the address or one it redirects to; it does not answer, answers with a status
            other than success, with a web page or a compressed body; or it takes too long or is too large. `source` is
            the address, without user name and password.
    """
    deadline = Deadline(policy.timeout_s)
    try:
        return _follow(url, policy, min(policy.max_bytes, limits.max_bytes), deadline)
    except FetchError as exc:
        exc.source = show_url(url)
        raise
    except (OSError, http.client.HTTPException, ValueError) as exc:
        raise FetchError(_explain_fault(exc, policy, deadline), source=show_url(url)) from exc


def _follow(address: str, policy: FetchPolicy, max_bytes: int, deadline: Deadline) -> bytes:
    if policy.allow == "none":
        raise FetchError(
            "addresses are not fetched under this policy. Download the file and give its path or bytes, or set "
            'FetchPolicy(allow="public").'
        )
    url = parse_url(address)
    visited = {url}
    while True:
        answer = _ask(url, policy, max_bytes, deadline)
        if isinstance(answer, bytes):
            return answer
        url = _check_redirect(url, answer, visited, policy)
        visited.add(url)


def _ask(url: Url, policy: FetchPolicy, max_bytes: int, deadline: Deadline) -> bytes | str:
    """Send one request; give the body, or the value of a redirect's Location header."""
    endpoints = resolve(url, policy, deadline)
    with connect(url, endpoints, policy, deadline, max_bytes + max_bytes // 8 + _HEADERS_BYTES) as connection:
        connection.putrequest("GET", url.target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", url.authority)
        connection.putheader("User-Agent", f"sensorium/{__version__}")
        connection.putheader("Accept", "*/*")
        connection.putheader("Accept-Encoding", "identity")
        connection.putheader("Connection", "close")
        connection.endheaders()
        with connection.getresponse() as response:
            location = response.headers.get("Location")
            if response.status in _REDIRECTS and location is not None:
                return location
            _check_response(response, url)
            return _read_body(response, max_bytes)


def _check_redirect(url: Url, location: str, visited: set[Url], policy: FetchPolicy) -> Url:
    if len(visited) > policy.max_redirects:
        raise FetchError(
            f"the address redirects more than {policy.max_redirects} times. Give the final address, or raise "
            "FetchPolicy(max_redirects=...)."
        )
    target = join_url(url, location)
    try:
        following = parse_url(target)
    except FetchError as exc:
        raise FetchError(f"it redirects to {show_url(target)}: {exc.reason}") from exc
    if url.scheme == "https" and following.scheme == "http":
        raise FetchError(f"it redirects from https to http ({show_url(target)}), where anyone could change the answer.")
    if following in visited:
        raise FetchError(f"it redirects in a circle, back to {show_url(target)}. Give the final address.")
    return following


def _check_response(response: http.client.HTTPResponse, url: Url) -> None:
    status = response.status
    if not 200 <= status < 300 or status == HTTPStatus.PARTIAL_CONTENT:
        raise FetchError(f"{url.host} answered {_describe_status(status)}. Open the address in a browser to check it.")
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind in _WEB_PAGES:
        raise FetchError(
            f"{url.host} answered with a web page ({kind}), not with media. Give the address of the file itself; for a "
            "video site, download the clip first and give its path."
        )
    coding = response.headers.get("Content-Encoding", "identity").strip().lower()
    transfer = response.headers.get("Transfer-Encoding", "chunked").strip().lower()
    if coding not in ("identity", "") or transfer not in ("chunked", "identity"):
        raise FetchError(
            f"{url.host} compressed the body ({coding if coding != 'identity' else transfer}) though asked not to, and "
            "it is not unpacked, since a small body can unpack to any size. Download the file and give its path."
        )


def _read_body(response: http.client.HTTPResponse, max_bytes: int) -> bytes:
    declared = response.length  # None if the body is chunked or ends with the connection
    if declared is not None and declared > max_bytes:
        raise FetchError(_explain_size(f"{declared} bytes", max_bytes))
    body = io.BytesIO()
    while chunk := response.read(min(_CHUNK, max_bytes + 1 - body.tell())):
        body.write(chunk)
        if body.tell() > max_bytes:
            raise FetchError(_explain_size(f"more than {max_bytes} bytes", max_bytes))
    if declared is not None and body.tell() != declared:
        raise FetchError(f"the connection ended after {body.tell()} of {declared} bytes. Try again.")
    return body.getvalue()


def _explain_size(size: str, max_bytes: int) -> str:
    return (
        f"the file is {size} long, and at most {max_bytes} are allowed. Give a smaller one, or raise "
        "FetchPolicy(max_bytes=...) and MediaLimits(max_bytes=...)."
    )


def _describe_status(status: int) -> str:
    try:
        return f"{status} ({HTTPStatus(status).phrase})"
    except ValueError:
        return str(status)


def _explain_fault(exc: Exception, policy: FetchPolicy, deadline: Deadline) -> str:
    """Say what a foreign error means. The order matters: many of these classes are kinds of OSError."""
    if deadline.has_passed:
        return (
            f"the answer was not complete after {policy.timeout_s:g} s. Try again, or raise FetchPolicy(timeout_s=...)."
        )
    if isinstance(exc, socket.gaierror):
        return f"the host was not found ({exc.strerror}). Check the spelling and the network."
    if isinstance(exc, TimeoutError):
        return (
            f"the server did not accept a connection within {policy.connect_timeout_s:g} s. Try again, or raise "
            "FetchPolicy(connect_timeout_s=...)."
        )
    if isinstance(exc, ssl.SSLCertVerificationError):
        return f"the server's certificate is not valid for this host ({exc.verify_message})."
    if isinstance(exc, ssl.SSLError):
        return f"no secure connection could be made ({exc.reason or exc})."
    if isinstance(exc, http.client.IncompleteRead):
        return "the connection ended before the body was complete. Try again."
    if isinstance(exc, OSError):
        return f"the connection failed ({exc.strerror or exc}). Check the address and the network, or try again."
    return f"the server's answer is not valid HTTP ({type(exc).__name__})."
