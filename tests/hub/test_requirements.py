from __future__ import annotations

import logging
import platform
from importlib.metadata import version
from typing import Any

import numpy
import pytest
import torch
from sentence_transformers.util.environment import check_version_requirements as peer_check

from sensorium.hub import check_requirements
from sensorium.hub.requirements import installed_version


@pytest.mark.parametrize(
    "requirements",
    [
        {"numpy": ">=99"},
        {"numpy": ">=99", "torch": ">=1", "no-such-package": "", "zzz": ">=1"},
        {"numpy": {"specifier": ">=99", "reason": "It needs ufuncs."}, "pytorch": ">=99", "python": ">=9"},
        {"python": ">=9"},
        {"numpy": {"specifier": ">=99", "reason": "It needs ufuncs"}},
    ],
)
@pytest.mark.parametrize("source", [None, "org/name"])
def test_unmet_requirements_read_as_the_peer_words_them(requirements: dict[str, Any], source: str | None) -> None:
    with pytest.raises(ImportError) as theirs:
        peer_check(requirements, source)
    with pytest.raises(ImportError) as ours:
        check_requirements(requirements, source)
    # The peer asks torch itself for its version, build included; the hub room never imports it.
    assert str(ours.value) == str(theirs.value).replace(torch.__version__, version("torch"))


@pytest.mark.parametrize(
    "requirements", [None, {}, {"numpy": ">=1"}, {"numpy": ""}, {"numpy": {"reason": "x"}}, {"python": ">=3.10"}]
)
def test_met_requirements_say_nothing(requirements: dict[str, Any] | None, caplog: Any) -> None:
    check_requirements(requirements)
    assert caplog.text == ""


@pytest.mark.parametrize(
    "requirements", [{"numpy": "abc"}, {"numpy": 3}, {"numpy": None}, {"a b": ">=1"}, {"x": "===`id`"}, {"": ""}]
)
def test_unparsable_requirements_are_warned_about(requirements: dict[str, Any], caplog: Any) -> None:
    with caplog.at_level(logging.WARNING, logger="sensorium.hub"):
        check_requirements(requirements, "org/name")
    assert "Could not verify" in caplog.text


def test_something_else_than_a_dictionary_is_warned_about(caplog: Any) -> None:
    with caplog.at_level(logging.WARNING, logger="sensorium.hub"):
        check_requirements(["numpy"], "org/name")  # type: ignore[arg-type]
    assert "expected a dictionary" in caplog.text


def test_prereleases_count_as_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sensorium.hub.requirements.installed_version", lambda package: "6.0.0.dev0")
    check_requirements({"anything": ">=5"})
    with pytest.raises(ImportError, match=r"anything==6\.0\.0\.dev0 is installed"):
        check_requirements({"anything": ">=6.1"})


def test_installed_versions() -> None:
    assert installed_version("numpy") == numpy.__version__
    assert installed_version("torch") == version("torch")
    assert installed_version("python") == platform.python_version()
    assert installed_version("no-such-package") is None
