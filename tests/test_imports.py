"""What an import costs and what it loads, measured in fresh processes."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

import pytest

import sensorium

HEAVY = ("torch", "transformers", "numpy", "PIL", "huggingface_hub", "av", "soundfile")


def _run(program: str) -> str:
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    return result.stdout


def _heavy_after(statement: str) -> set[str]:
    program = f"import json, sys\n{statement}\nprint(json.dumps(sorted({{n.split('.')[0] for n in sys.modules}})))"
    return set(json.loads(_run(program))) & set(HEAVY)


def test_import_takes_under_a_tenth_of_a_second() -> None:
    program = "import time; start = time.perf_counter(); import sensorium; print(time.perf_counter() - start)"
    seconds = [float(_run(program)) for _ in range(5)]
    assert statistics.median(seconds) < 0.1, seconds


def test_import_loads_nothing_heavy() -> None:
    assert _heavy_after("import sensorium") == set()


@pytest.mark.parametrize("name", sensorium._HOMES["sensorium.errors"])
def test_an_error_class_loads_nothing_heavy(name: str) -> None:
    assert _heavy_after(f"from sensorium import {name}") == set()


def test_dir_loads_nothing_heavy() -> None:
    assert _heavy_after("import sensorium; dir(sensorium)") == set()


@pytest.mark.parametrize("room", ["media", "hub"])
def test_rooms_without_torch_load_none(room: str) -> None:
    assert _heavy_after(f"import sensorium.{room}").isdisjoint({"torch", "transformers"})


def test_settings_load_no_torch() -> None:
    assert _heavy_after("from sensorium import MediaSettings; MediaSettings()").isdisjoint({"torch", "transformers"})


def test_import_changes_nothing_around_it() -> None:
    program = """
import logging, os, warnings
before = dict(os.environ), list(warnings.filters), logging.getLogger().level, list(logging.getLogger().handlers)
import sensorium
after = dict(os.environ), list(warnings.filters), logging.getLogger().level, list(logging.getLogger().handlers)
assert before == after, (before, after)
assert logging.getLogger("sensorium").handlers == []
"""
    _run(program)
