"""The table of IP addresses that are not of the public internet."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from sensorium.media.addresses import find_metadata_refusal, find_refusal

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "93.184.216.34",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2a00:1450:4001:82a::200e",
    "2001:4860:4860::8888",
    "64:ff9b::808:808",  # 8.8.8.8 as a network without IPv4 sees it
]

REFUSED = [
    ("0.0.0.0", "unspecified"),
    ("0.1.2.3", "unspecified"),
    ("10.0.0.1", "private"),
    ("10.255.255.255", "private"),
    ("100.64.0.1", "carrier"),
    ("100.127.255.255", "carrier"),
    ("127.0.0.1", "loopback"),
    ("127.255.255.254", "loopback"),
    ("169.254.1.1", "link-local"),
    ("172.16.0.1", "private"),
    ("172.31.255.255", "private"),
    ("192.0.0.8", "reserved"),
    ("192.0.2.1", "documentation"),
    ("192.88.99.1", "6to4"),
    ("192.168.1.1", "private"),
    ("198.18.0.1", "benchmarks"),
    ("198.51.100.1", "documentation"),
    ("203.0.113.1", "documentation"),
    ("224.0.0.1", "multicast"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.255", "reserved"),
    ("::", "unspecified"),
    ("::1", "loopback"),
    ("::7f00:1", "loopback"),  # IPv4-compatible
    ("::ffff:127.0.0.1", "loopback"),
    ("::ffff:10.0.0.1", "private"),
    ("::ffff:8.8.8.8", "IPv4-mapped"),
    ("::ffff:0:127.0.0.1", "loopback"),  # IPv4-translated
    ("64:ff9b::7f00:1", "loopback"),
    ("64:ff9b::10.1.2.3", "private"),
    ("64:ff9b:1::808:808", "NAT64"),
    ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "documentation"),  # Teredo: the client is 192.0.2.45
    ("2001:0:808:808:0:0:8080:fefe", "loopback"),  # Teredo: the client is 127.127.1.1
    ("2001:0:808:808:0:0:f7f7:f7f7", "Teredo"),  # Teredo between public addresses
    ("2001:2::1", "protocols"),
    ("2001:db8::1", "documentation"),
    ("2002:7f00:1::1", "loopback"),
    ("2002:808:808::1", "6to4"),
    ("2a00::5efe:10.0.0.1", "private"),  # ISATAP
    ("2a00::200:5efe:10.0.0.1", "private"),
    ("3fff::1", "documentation"),
    ("4000::1", "reserved"),
    ("100::1", "reserved"),
    ("fc00::1", "unique-local"),
    ("fd12:3456::1", "unique-local"),
    ("fe80::1", "link-local"),
    ("fe80::1%eth0", "network card"),
    ("2606:4700:4700::1111%eth0", "network card"),
    ("fec0::1", "site-local"),
    ("ff02::1", "multicast"),
]

METADATA = [
    "169.254.169.254",
    "169.254.170.2",
    "100.100.100.200",
    "168.63.129.16",
    "fd00:ec2::254",
    "fd00:ec2::254%eth0",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "2a00::5efe:169.254.169.254",
]


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_pass(text: str) -> None:
    assert find_refusal(ip_address(text)) is None
    assert find_metadata_refusal(ip_address(text)) is None


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_other_addresses_are_refused_for_what_they_are(text: str, reason: str) -> None:
    assert reason in str(find_refusal(ip_address(text)))


@pytest.mark.parametrize("text", METADATA)
def test_metadata_services_are_refused_under_every_policy(text: str) -> None:
    assert "metadata" in str(find_metadata_refusal(ip_address(text)))
    assert "metadata" in str(find_refusal(ip_address(text)))


@pytest.mark.parametrize("text", ["127.0.0.1", "10.0.0.1", "::1", "fe80::1%eth0", "::ffff:10.0.0.1"])
def test_a_private_address_is_not_a_metadata_service(text: str) -> None:
    assert find_metadata_refusal(ip_address(text)) is None


def test_what_python_calls_private_is_refused() -> None:
    # Sampled over the whole space: our table must refuse at least what ipaddress does.
    for first in range(256):
        for second in range(0, 256, 5):
            address = ip_address(f"{first}.{second}.7.9")
            if not address.is_global or address.is_multicast:
                assert find_refusal(address) is not None, address
