"""`sensorium.util` names things that exist, tells type checkers the same, and costs nothing to import."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from sensorium import util


@pytest.mark.parametrize("name", util.__all__)
def test_name_is_the_object_in_its_home(name) -> None:
    home = importlib.import_module(util._HOMES.get(name, "sensorium.scoring"))
    assert getattr(util, name) is getattr(home, name)


def test_names_are_sorted_and_listed() -> None:
    assert util.__all__ == sorted(set(util.__all__))
    assert set(util.__all__) <= set(dir(util))


def test_all_that_scoring_offers_is_here() -> None:
    from sensorium import scoring

    assert set(scoring.__all__) == set(util.__all__) - set(util._HOMES)


def test_type_checkers_are_told_the_same_names() -> None:
    tree = ast.parse(Path(util.__file__).read_text(encoding="utf-8"))
    [block] = [node for node in tree.body if isinstance(node, ast.If)]
    names = {alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert names == set(util.__all__)


def test_unknown_names_are_unknown() -> None:
    with pytest.raises(AttributeError, match="no_such_thing"):
        util.no_such_thing  # noqa: B018


def test_importing_it_loads_neither_torch_nor_numpy() -> None:
    code = "import sys, sensorium.util; print(sorted({'torch', 'numpy', 'transformers'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.strip() == "[]"


def test_scoring_does_not_load_transformers() -> None:
    code = "import sys, sensorium.scoring; print(sorted({'transformers', 'scipy', 'sklearn'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert result.stdout.strip() == "[]"
