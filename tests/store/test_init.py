"""The room costs nothing until it is used, and never brings torch."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys

import pytest

import sensorium.store

USE = """
import sys, tempfile
from sensorium.store import LanceStore, Manifest
with tempfile.TemporaryDirectory() as folder, LanceStore.create(folder, Manifest(model_id="m", dim=2)) as store:
    store.count()
"""


@pytest.mark.parametrize(
    ("program", "absent", "present"),
    [
        ("import sensorium.store", {"torch", "transformers", "lancedb", "pyarrow", "filelock"}, set()),
        (USE, {"torch", "transformers", "pandas"}, {"lancedb"}),
    ],
)
def test_what_is_imported(program: str, absent: set[str], present: set[str]) -> None:
    ending = "\nimport json, sys; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    run = subprocess.run([sys.executable, "-c", program + ending], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    loaded = set(json.loads(run.stdout))
    assert loaded & absent == set()
    assert loaded >= present
    assert run.stderr == ""


def test_every_public_name_is_documented() -> None:
    for name in sensorium.store.__all__:
        value = getattr(sensorium.store, name)
        if inspect.isclass(value):
            assert inspect.getdoc(value), name
