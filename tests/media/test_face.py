"""The room's public face: every name is there, is the object in its home, and is told to type checkers."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from sensorium import media


def _type_checking_imports() -> dict[str, str]:
    homes: dict[str, str] = {}
    for node in ast.parse(Path(media.__file__).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for statement in node.body:
                assert isinstance(statement, ast.ImportFrom)
                assert statement.module is not None
                homes |= {alias.name: statement.module.removeprefix("sensorium.media.") for alias in statement.names}
    return homes


def test_names_are_sorted_and_the_same_everywhere() -> None:
    assert media.__all__ == sorted(set(media.__all__))
    assert set(media.__all__) == set(media._HOME_OF)
    assert _type_checking_imports() == media._HOME_OF
    assert set(media.__all__) <= set(dir(media))


@pytest.mark.parametrize("name", media.__all__)
def test_name_is_the_object_in_its_home(name: str) -> None:
    home = importlib.import_module(f"sensorium.media.{media._HOME_OF[name]}")
    assert getattr(media, name) is getattr(home, name)


def test_no_name_hides_a_file_of_the_room() -> None:
    files = {path.stem for path in Path(media.__file__).parent.glob("*.py")}
    assert not files & set(media.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = media.nothing


def test_limits_cost_neither_numpy_nor_pillow() -> None:
    code = "import sys; from sensorium.media import MediaLimits; print({'numpy', 'PIL'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
