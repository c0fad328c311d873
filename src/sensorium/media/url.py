"""A web address taken apart: scheme, host, port and what is asked of the host. No look-up, no socket.

There is one reading of an address, made here, and both the check and the connection use its result: two parsers that
disagree about where the host ends are how a refused host gets in. So the grammar is narrow (RFC 3986, appendix B), and
what it does not know (user names, backslashes, zones, control characters) is refused rather than repaired.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address
from urllib.parse import quote, urljoin

from sensorium.errors import FetchError

DEFAULT_PORTS = {"http": 80, "https": 443}

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#.*)?", re.DOTALL)
_AUTHORITY = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:%]+))(?::([0-9]{0,5}))?")
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\]")
_UNRESERVED = "/:@!$&'()*+,;=~%-._"  # what RFC 3986 allows in a path, and the percent sign of escapes already made
_PRINTABLE = _UNRESERVED + "?#[]"


@dataclass(frozen=True, slots=True)
class Url:
    """An address that is well formed, and not yet allowed.

    Attributes:
        scheme: Lower case, `"http"` or `"https"`.
        host: Lower case and ASCII: a name without its final dot, or an IP address without brackets.
        port: As given, or the scheme's own.
        target: Path and query, as they stand in the request line.
    """

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """Host and port as the Host header has them: brackets around IPv6, no port if it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


def is_web_address(text: str) -> bool:
    """Tell whether a text begins like an `http` or `https` address, in any case."""
    return text[:8].lower().startswith(("http://", "https://"))


def parse_url(text: str) -> Url:
    """Take a web address apart.

    Args:
        text: The address. Other scripts are allowed: in the host they become punycode (IDNA 2003), elsewhere escapes.

    Returns:
        Its parts. The fragment is dropped, as it is never sent.

    Raises:
        FetchError: The address is malformed, of another scheme, or holds a user name. `source` is left None.
    """
    if _FORBIDDEN.search(text):
        raise FetchError("the address holds a space, a backslash or a control character. Write them as %20, %5C.")
    match = _URL.fullmatch(text)
    if match is None:
        raise FetchError("this is not a web address. Write http://host/path or https://host/path.")
    scheme, authority, path, query = match.groups()
    scheme = scheme.lower()
    if scheme not in DEFAULT_PORTS:
        raise FetchError(
            f"the scheme {scheme!r} is not fetched, only http and https. Download the file, give its path."
        )
    if "@" in authority:
        raise FetchError(
            "the address holds a user name or password, which are not sent. Remove what stands before the @, or "
            "download the file and give its path or bytes."
        )
    host, port = _parse_authority(authority)
    target = quote(path or "/", safe=_UNRESERVED)
    if query is not None:
        target += "?" + quote(query, safe=_UNRESERVED + "?")
    return Url(scheme, host, DEFAULT_PORTS[scheme] if port is None else port, target)


def join_url(base: Url, location: str) -> str:
    """Give the address that a redirect leads to.

    Args:
        base: The address that answered with the redirect.
        location: The header's value as `http.client` gives it, one character a byte.

    Returns:
        An absolute address, unchecked.

    Raises:
        ValueError: The value cannot be joined to an address.
    """
    return urljoin(str(base), quote(location.encode("latin-1"), safe=_PRINTABLE))


def _parse_authority(authority: str) -> tuple[str, int | None]:
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise FetchError("the address has no usable host. Write http://host/path; IPv6 in brackets, without a zone.")
    ipv6, name, port_text = match.groups()
    port = int(port_text) if port_text else None
    if port is not None and not 1 <= port <= 65535:
        raise FetchError(f"the address names port {port}; ports go from 1 to 65535.")
    try:
        host = str(IPv6Address(ipv6)) if ipv6 is not None else _encode_name(name)
    except ValueError as exc:  # UnicodeError, which idna raises, is one
        raise FetchError(f"the address names the host {ipv6 or name!r}, which is not a valid name.") from exc
    return host, port


def _encode_name(name: str) -> str:
    host = (name if name.isascii() else name.encode("idna").decode("ascii")).lower()
    host = host.removesuffix(".")
    if not _HOST.fullmatch(host):
        raise ValueError(host)
    return host
