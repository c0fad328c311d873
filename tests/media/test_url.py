"""Web addresses taken apart, and put together again for a redirect."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorium.errors import FetchError
from sensorium.media.naming import show_data_address, show_url
from sensorium.media.url import Url, is_web_address, join_url, parse_url


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://a.example", Url("http", "a.example", 80, "/")),
        ("HTTPS://A.Example.:443/b?c=d&e#f", Url("https", "a.example", 443, "/b?c=d&e")),
        ("http://a.example:8080?q", Url("http", "a.example", 8080, "/?q")),
        ("http://a.example:/x", Url("http", "a.example", 80, "/x")),
        ("http://[2606:4700:0:0::1111]:81/", Url("http", "2606:4700::1111", 81, "/")),
        ("http://bücher.example/", Url("http", "xn--bcher-kva.example", 80, "/")),
        ("http://my_bucket.example/a@b:c", Url("http", "my_bucket.example", 80, "/a@b:c")),
        ('http://a.example/"<>|é%20%zz', Url("http", "a.example", 80, "/%22%3C%3E%7C%C3%A9%20%zz")),
        ("http://a.example/?a?b=/é", Url("http", "a.example", 80, "/?a?b=/%C3%A9")),
    ],
)
def test_addresses_are_taken_apart(text: str, expected: Url) -> None:
    assert parse_url(text) == expected


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        (Url("http", "a.example", 80, "/"), "a.example"),
        (Url("http", "a.example", 443, "/"), "a.example:443"),
        (Url("https", "2606::1", 443, "/"), "[2606::1]"),
        (Url("https", "2606::1", 80, "/"), "[2606::1]:80"),
    ],
)
def test_the_host_header_leaves_out_the_schemes_own_port(url: Url, authority: str) -> None:
    assert url.authority == authority
    assert parse_url(str(url)) == url


@pytest.mark.parametrize("text", ["http://" + "a" * 64 + ".example/", "http://" + "a." * 127 + "aa/", "http://ü..x/"])
def test_names_that_dns_cannot_hold_are_refused(text: str) -> None:
    with pytest.raises(FetchError, match="not a valid name"):
        parse_url(text)


@given(st.text(max_size=40))
def test_any_text_parses_or_is_refused(tail: str) -> None:
    try:
        url = parse_url("http://" + tail)
    except FetchError:
        return
    assert url.host.isascii()
    assert not set(url.host) & set("/?#@\\ %[]")
    assert url.target.isascii()
    assert not set(url.target) & set(" \r\n\t#")
    assert parse_url(str(url)) == url


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/b", "http://a.example/b"),
        ("b?c=%20", "http://a.example/x/b?c=%20"),
        ("//b.example/", "http://b.example/"),
        ("https://[2606::1]/é".encode().decode("latin-1"), "https://[2606::1]/%C3%A9"),
        ("/a b", "http://a.example/a%20b"),
        ("", "http://a.example/x/y"),
    ],
)
def test_redirects_join_as_browsers_join_them(location: str, expected: str) -> None:
    assert join_url(Url("http", "a.example", 80, "/x/y"), location) == expected


def test_the_scheme_alone_makes_a_web_address() -> None:
    assert all(map(is_web_address, ["http://", "https://x", "HTTP://X"]))
    assert not any(map(is_web_address, ["http:/x", " http://x", "httpss://x", "ftp://http://", ""]))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://a.example/b@c", "http://a.example/b@c"),
        ("https://me:secret@a.example/b@c", "https://a.example/b@c"),
        ("https://me:se@cret@a.example", "https://a.example"),
        ("http:///me:secret@a.example", "http:///a.example"),
    ],
)
def test_shown_addresses_have_no_credentials(text: str, shown: str) -> None:
    assert show_url(text) == shown


def test_shown_addresses_are_short() -> None:
    assert show_url("http://a.example/" + "b" * 10_000).endswith("b... (10017 characters)")
    assert len(show_url("http://a.example/" + "b" * 10_000)) < 250
    assert show_data_address("data:image/png;base64," + "A" * 5000) == "data:image/png;base64,... (5022 characters)"
    assert len(show_data_address("data:" + "x" * 5000)) < 100
