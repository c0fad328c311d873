"""Limits and policies: frozen, with working defaults, and refusing nonsense when they are made."""

from __future__ import annotations

import dataclasses
import pickle
from typing import Any

import pytest
from PIL import Image

from sensorium.errors import InputError
from sensorium.media.limits import FetchPolicy, MediaLimits, MediaSettings


def test_the_pixel_limit_is_the_one_at_which_pillow_raises() -> None:
    assert Image.MAX_IMAGE_PIXELS is not None
    assert MediaLimits().max_pixels == 2 * Image.MAX_IMAGE_PIXELS


def test_the_default_policy_fetches_public_addresses_only() -> None:
    assert MediaSettings().fetch == FetchPolicy(allow="public")


@pytest.mark.parametrize("value", [MediaLimits(), FetchPolicy(), MediaSettings()])
def test_values_are_frozen_hashable_and_picklable(value: Any) -> None:
    name = dataclasses.fields(value)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, name, getattr(value, name))
    assert hash(value) == hash(type(value)())
    assert pickle.loads(pickle.dumps(value)) == value


@pytest.mark.parametrize("name", [one.name for one in dataclasses.fields(MediaLimits)])
@pytest.mark.parametrize("value", [0, -1, "1", None, True, float("nan")])
def test_every_limit_must_be_positive(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=rf"MediaLimits\({name}="):
        MediaLimits(**{name: value})


@pytest.mark.parametrize("name", [one.name for one in dataclasses.fields(MediaLimits) if one.name != "max_seconds"])
def test_counts_are_whole_numbers(name: str) -> None:
    with pytest.raises(InputError, match="whole number"):
        MediaLimits(**{name: 1.5})


@pytest.mark.parametrize(
    "arguments",
    [
        {"allow": "private"},
        {"allow": None},
        {"timeout_s": 0},
        {"timeout_s": float("inf")},
        {"timeout_s": "3"},
        {"connect_timeout_s": -1},
        {"max_bytes": 0},
        {"max_redirects": -1},
        {"schemes": "https"},
        {"schemes": ()},
        {"schemes": ("ftp",)},
        {"schemes": (b"http",)},
        {"allowed_hosts": "example.org"},
        {"allowed_hosts": ()},
        {"allowed_hosts": ("",)},
        {"allowed_hosts": (".",)},
        {"allowed_hosts": ("https://example.org",)},
        {"allowed_hosts": ("*.example.org",)},
        {"allowed_hosts": ("example.org:8080",)},
        {"allowed_hosts": ("bücher.example",)},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=rf"FetchPolicy\({next(iter(arguments))}="):
        FetchPolicy(**arguments)


def test_hosts_and_schemes_are_kept_in_lower_case_tuples() -> None:
    policy = FetchPolicy(allowed_hosts=["Example.ORG.", ".cdn.example", "::1"], schemes=["HTTPS"])  # type: ignore[arg-type]
    assert policy.allowed_hosts == ("example.org", ".cdn.example", "::1")
    assert policy.schemes == ("https",)
    assert hash(policy) == hash(dataclasses.replace(policy))


@pytest.mark.parametrize("arguments", [{"limits": None}, {"fetch": "any"}, {"reduced_jpeg": 1}])
def test_settings_take_the_right_types(arguments: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=rf"MediaSettings\({next(iter(arguments))}="):
        MediaSettings(**arguments)
