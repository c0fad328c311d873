"""The façade promises exactly what it loads: one list for programs, one for type checkers, one for `import *`."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import sensorium

FACADE = Path(sensorium.__file__)


def _type_checking_imports() -> dict[str, str]:
    """Return name -> home for the imports under `if TYPE_CHECKING:`."""
    homes: dict[str, str] = {}
    for node in ast.parse(FACADE.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for statement in node.body:
                assert isinstance(statement, ast.ImportFrom)
                assert statement.module is not None
                homes |= {alias.name: statement.module for alias in statement.names}
    return homes


def test_public_names_are_sorted_and_unique() -> None:
    assert sensorium.__all__ == sorted(set(sensorium.__all__))


def test_public_names_are_the_lazy_ones() -> None:
    assert set(sensorium.__all__) == {*sensorium._HOME_OF, *sensorium._ROOMS, "__version__"}


def test_type_checkers_are_told_the_same_homes() -> None:
    expected = {**sensorium._HOME_OF, **dict.fromkeys(sensorium._ROOMS, "sensorium")}
    assert _type_checking_imports() == expected


@pytest.mark.parametrize("name", sorted(sensorium._HOME_OF))
def test_name_is_the_object_in_its_home(name: str) -> None:
    home = importlib.import_module(sensorium._HOME_OF[name])
    assert getattr(sensorium, name) is getattr(home, name)


@pytest.mark.parametrize("name", sensorium._ROOMS)
def test_room_is_the_module(name: str) -> None:
    assert getattr(sensorium, name) is importlib.import_module(f"sensorium.{name}")


def test_every_error_of_the_tree_is_public() -> None:
    from sensorium import errors

    tree = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.SensoriumError)
    }
    assert tree <= set(sensorium.__all__)


def test_dir_lists_every_name() -> None:
    assert set(sensorium.__all__) <= set(dir(sensorium))


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'SentenceTransformers'"):
        sensorium.SentenceTransformers  # noqa: B018


@pytest.mark.parametrize(
    "statement",
    [
        "from sensorium import models",
        "import sensorium.models; models = sensorium.models",
        "import sensorium.models as models",
        "import importlib; models = importlib.import_module('sensorium.models')",
    ],
)
def test_models_is_modules(statement: str) -> None:
    """Each in a process of its own, for what was imported before decides how a name is found."""
    program = (
        f"{statement}\nimport sensorium.modules as modules\nassert models is modules, models\n"
        "from sensorium.models import Pooling\nassert Pooling is modules.Pooling\n"
        "import sensorium\nassert sensorium.models is sensorium.modules is modules"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr


def test_the_first_lines_of_the_peers_users_work() -> None:
    from sensorium import CrossEncoder, SentenceTransformer, SimilarityFunction, models, util

    assert SimilarityFunction.COSINE.value == "cosine"
    assert issubclass(models.Transformer, models.Module)
    assert callable(util.cos_sim)
    assert SentenceTransformer.__name__ == "SentenceTransformer"
    assert CrossEncoder.__name__ == "CrossEncoder"
