"""Which IP addresses a caller's address may lead to: the public internet, and no way into the network around us.

The tables are our own, because what `ipaddress` calls private has changed between patch releases of Python. Must not
know names, sockets or HTTP: it judges one numeric address.

Source: the IANA special-purpose address registries for IPv4 and IPv6 (RFC 6890), and the RFCs named beside the rows.
"""

from __future__ import annotations

from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

IPAddress = IPv4Address | IPv6Address

_V4_REFUSED: tuple[tuple[str, str], ...] = (
    ("0.0.0.0/8", "unspecified"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "shared by a carrier's customers (RFC 6598)"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "reserved for protocols"),
    ("192.0.2.0/24", "reserved for documentation"),
    ("192.88.99.0/24", "a 6to4 relay"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "reserved for benchmarks"),
    ("198.51.100.0/24", "reserved for documentation"),
    ("203.0.113.0/24", "reserved for documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
)

# First match wins; what matches no row must lie in 2000::/3, all that is given out as global unicast (RFC 4291, 2.4).
_V6_REFUSED: tuple[tuple[str, str], ...] = (
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("::ffff:0:0/96", "an IPv4-mapped address"),
    ("64:ff9b:1::/48", "a local NAT64 address (RFC 8215)"),
    ("2001::/32", "a Teredo tunnel (RFC 4380)"),
    ("2001:db8::/32", "reserved for documentation"),
    ("2001::/23", "reserved for protocols"),
    ("2002::/16", "a 6to4 tunnel (RFC 3056)"),
    ("3fff::/20", "reserved for documentation"),
    ("fc00::/7", "unique-local"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
)

#: Where cloud machines are told their credentials. Refused under every policy that fetches at all.
_METADATA = frozenset(
    {
        "169.254.169.254",  # AWS, Google, Azure, OpenStack, Oracle, DigitalOcean
        "169.254.170.2",  # AWS container credentials
        "169.254.170.23",  # AWS pod identity
        "169.254.42.42",  # Scaleway
        "168.63.129.16",  # Azure's host agent: outside every special range
        "100.100.100.200",  # Alibaba
        "192.0.0.192",  # Oracle, classic
        "fd00:ec2::254",  # AWS
        "fd00:ec2::23",  # AWS pod identity
        "fd20:ce::254",  # Google
        "fd00:c1::a9fe:a9fe",  # Oracle
        "fd00:42::42",  # Scaleway
    }
)

#: Names that machines in a cloud resolve to the same services.
METADATA_HOSTS = frozenset(
    {"metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"}
)

_NAT64 = IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR = IPv6Network("2002::/16")
_TEREDO = IPv6Network("2001::/32")
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_LOW_V4 = tuple(
    IPv6Network(text)
    for text in (
        "::/96",  # IPv4-compatible
        "::ffff:0:0/96",  # IPv4-mapped
        "::ffff:0:0:0/96",  # IPv4-translated (RFC 2765)
        "64:ff9b::/96",  # NAT64 (RFC 6052)
    )
)
# The upper half of an ISATAP interface identifier, with the universal bit clear or set (RFC 5214, 6.1).
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})


def find_refusal(address: IPAddress) -> str | None:
    """Tell why an address is not one of the public internet.

    Args:
        address: The numeric address that a connection would be made to.

    Returns:
        What the address is ("loopback", "private", ...), or None if it is public. An IPv6 address that carries an IPv4
        address is public only if it is a NAT64 address (which networks without IPv4 use for every IPv4 host) and the
        address inside is public too.
    """
    metadata = find_metadata_refusal(address)
    if metadata is not None:
        return metadata
    if isinstance(address, IPv4Address):
        return next((reason for network, reason in _v4_table() if address in network), None)
    if address.scope_id is not None:
        return "bound to one network card"
    for inner in _inner_addresses(address):
        reason = find_refusal(inner)
        if reason is not None:
            return f"{reason} ({inner}, inside an IPv6 address)"
    if address in _NAT64:
        return None
    reason = next((reason for network, reason in _v6_table() if address in network), None)
    if reason is None and address not in _GLOBAL_UNICAST:
        return "reserved"
    return reason


def find_metadata_refusal(address: IPAddress) -> str | None:
    """Tell whether an address is, or carries, that of a cloud's metadata service.

    Args:
        address: The numeric address that a connection would be made to.

    Returns:
        What the address is, or None if it is not such a service.
    """
    candidates: list[IPAddress] = [address]
    if isinstance(address, IPv6Address):
        candidates = [IPv6Address(int(address)), *_inner_addresses(address)]  # through int: without the zone
    if any(str(one) in _METADATA for one in candidates):
        return "the metadata service of a cloud machine"
    return None


def _inner_addresses(address: IPv6Address) -> list[IPv4Address]:
    """List the IPv4 addresses that an IPv6 address carries for a gateway or tunnel to unpack."""
    number = int(address)
    inner: list[IPv4Address] = []
    # ::/96 also holds :: and ::1, which carry nothing and have rows of their own.
    if any(address in network for network in _LOW_V4) and number > 1:
        inner.append(IPv4Address(number & 0xFFFFFFFF))
    if address in _SIX_TO_FOUR:
        inner.append(IPv4Address((number >> 80) & 0xFFFFFFFF))
    if address in _TEREDO:
        inner.append(IPv4Address((number >> 64) & 0xFFFFFFFF))  # the server
        inner.append(IPv4Address((number & 0xFFFFFFFF) ^ 0xFFFFFFFF))  # the client, its bits inverted
    if (number >> 32) & 0xFFFFFFFF in _ISATAP:
        inner.append(IPv4Address(number & 0xFFFFFFFF))
    return inner


@cache
def _v4_table() -> tuple[tuple[IPv4Network, str], ...]:
    return tuple((IPv4Network(text), reason) for text, reason in _V4_REFUSED)


@cache
def _v6_table() -> tuple[tuple[IPv6Network, str], ...]:
    return tuple((IPv6Network(text), reason) for text, reason in _V6_REFUSED)
