"""The room's face: what it offers, and what loading it does not load."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sensorium import ingest

HEAVY = ("torch", "transformers", "av", "soundfile", "pypdfium2", "pathspec", "lancedb")


def test_every_name_is_there() -> None:
    assert sorted(ingest.__all__) == sorted(ingest._HOME_OF)
    for name in ingest.__all__:
        assert getattr(ingest, name).__module__.startswith("sensorium.ingest.")
    assert set(ingest.__all__) <= set(dir(ingest))
    with pytest.raises(AttributeError, match="nosuch"):
        _ = ingest.nosuch


def test_loading_all_of_it_loads_nothing_heavy() -> None:
    script = (
        "import sys, sensorium.ingest as ingest\n"
        "[getattr(ingest, name) for name in ingest.__all__]\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "[]"
