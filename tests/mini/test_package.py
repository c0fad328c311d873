"""The distribution `sensorium-mini`: it builds, it is small, it installs alone, and it names whom it learned from."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tools.mini.attribution import make_attribution
from tools.mini.evaluate import Figure, make_table
from tools.mini.sets import OTHERS, PICTURES

PACKAGE = Path(__file__).parents[2] / "models" / "mini"
PERMISSIVE = {"Apache-2.0", "MIT", "ISC", "CC0-1.0", "CC-BY-3.0", "CC-BY-4.0"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(PACKAGE)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert result.returncode == 0, result.stderr
    (path,) = folder.glob("*.whl")
    return path


def test_a_wheel_is_under_75_megabytes(wheel):
    assert wheel.stat().st_size < 75e6
    names = zipfile.ZipFile(wheel).namelist()
    assert "sensorium_mini/model/modules.json" in names
    assert "sensorium_mini/figures.json" in names
    assert any(name.endswith("licenses/ATTRIBUTION.md") for name in names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert [name for name in names if name.endswith(".py")] == ["sensorium_mini/__init__.py"]


def test_it_installs_alone(wheel, tmp_path):
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--target", str(tmp_path), str(wheel)]
    subprocess.run(install, check=True, capture_output=True, timeout=120)
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from sensorium import builtin_model; "
        "assert 'torch' not in sys.modules; print(builtin_model())"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.strip() == str(tmp_path / "sensorium_mini" / "model")


def test_the_attribution_names_every_set():
    text = (PACKAGE / "ATTRIBUTION.md").read_text("utf-8")
    assert text == make_attribution()
    for which in (*PICTURES, *OTHERS):
        (row,) = [line for line in text.splitlines() if re.match(rf"\| \[?{re.escape(which.name)}[\] ]", line)]
        assert which.package in row
        assert which.author in row
        assert which.licence in row


def test_nothing_is_trained_on_under_another_kind_of_licence():
    assert {which.licence for which in PICTURES if which.role in ("train", "sample")} <= PERMISSIVE
    tests = {which.name for which in (*PICTURES, *OTHERS) if which.role == "test"}
    assert {"openmoji", "tuxpaint-stamps", "flite voice slt"} == tests


def test_the_card_states_the_measured_figures():
    figures = [
        Figure(**figure) for figure in json.loads((PACKAGE / "src/sensorium_mini/figures.json").read_text("utf-8"))
    ]
    card = (PACKAGE / "README.md").read_text("utf-8")
    assert make_table(figures) in card
    goals = {figure.name: figure for figure in figures if figure.goal is not None}
    assert len(goals) == 7
    missed = [figure for figure in goals.values() if figure.reached < figure.goal]
    assert ("Goals not reached" in card) == bool(missed)
    for figure in missed:
        assert f"{figure.title} ({figure.reached:.1f} of {figure.goal:.0f})" in card
