"""The import contracts in pyproject.toml can fail: each is broken on purpose in an empty copy of the rooms.

The copy holds every room that the contracts name and nothing else, so these tests say whether the contracts mean what
the design says; `make check` says whether the source keeps them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "pyproject.toml"
ROOMS = ("__main__", "cli", "server", "jobs", "util", "models", "collection", "training", "encoders", "store", "ingest")
ROOMS += ("engine", "modules", "media", "hub", "scoring", "types", "_optional", "errors", "_version")
WITHOUT_TORCH = ("media", "hub", "store", "ingest", "types", "_optional", "errors", "_version")


def _contract(contract_id: str) -> str:
    """Return the text of one contract. (`tomllib` is not in Python 3.10.)"""
    tables = CONFIG.read_text(encoding="utf-8").split("[[tool.importlinter.contracts]]")
    (found,) = [table for table in tables if f'id = "{contract_id}"' in table]
    return found


def _lint(folder: Path, sources: dict[str, str]) -> subprocess.CompletedProcess[str]:
    package = folder / "sensorium"
    package.mkdir()
    (package / "__init__.py").write_text("")
    for room in {*ROOMS, *sources}:
        (package / f"{room}.py").write_text(sources.get(room, ""))
    linter = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [str(linter), "--config", str(CONFIG), "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize(
    "sources",
    [
        {},
        {"encoders": "import sensorium.engine\nimport sensorium.modules\nimport torch"},
        {"media": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch"},
        {"_optional": "from sensorium.errors import MissingExtraError"},
        {"models": "from sensorium import modules"},
    ],
    ids=["empty", "down", "type-checking", "floor-0", "submodule-from-root"],
)
def test_what_the_design_allows_passes(tmp_path: Path, sources: dict[str, str]) -> None:
    result = _lint(tmp_path, sources)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("sources", "broken"),
    [
        ({"scoring": "import sensorium.encoders"}, "lower floors"),
        ({"engine": "import sensorium.modules"}, "lower floors"),
        ({"media": "def f():\n    from sensorium.hub import x"}, "lower floors"),
        ({"brand_new": ""}, "lower floors"),
        ({"modules": "from sensorium import SentenceTransformer"}, "façade"),
        ({"util": "import sensorium"}, "façade"),
        ({"hub": "import torch"}, "never see torch"),
        ({"media": "def f():\n    import transformers"}, "never see torch"),
        ({"media": "import sensorium.scoring", "scoring": "import torch"}, "never see torch"),
        ({"scoring": "import scipy.stats"}, "does not bring"),
    ],
    ids=["up", "sideways", "in-a-function", "undeclared", "name", "root", "torch", "lazy", "indirect", "scipy"],
)
def test_what_the_design_forbids_fails(tmp_path: Path, sources: dict[str, str], broken: str) -> None:
    result = _lint(tmp_path, sources)
    assert result.returncode == 1, result.stdout + result.stderr
    assert re.search(rf"{broken}.* BROKEN", result.stdout), result.stdout + result.stderr


def test_every_room_that_must_not_see_torch_is_listed() -> None:
    listed = set(re.findall(r'"sensorium\.(\w+)"', _contract("no-torch")))
    built = {path.stem for path in (ROOT / "src" / "sensorium").iterdir()}
    assert listed == set(WITHOUT_TORCH) & built
