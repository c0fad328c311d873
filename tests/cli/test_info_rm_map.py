"""`sensorium info`, `rm` and `map`."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sensorium.collection.results import Unreadable
from sensorium.errors import InputError
from tests.cli.fake_collection import FakeStore, make_result


def test_info(run: Any, there: Any, workplace: Path) -> None:
    there.results = [make_result()]
    there.problems = [Unreadable(key="b\x1b.png", path=None, reason="broken")]
    ended = run("info")
    assert ended.code == 0
    fields = dict(line.split("\t", 1) for line in ended.out.splitlines() if "\t" in line)
    assert fields["collection"] == str(workplace / ".sensorium")
    assert fields["model"] == "sensorium-mini, built in"
    assert fields["records"] == "1 (1 image)"
    assert fields["files"] == "3 read, 1 unreadable"
    assert fields["folder"] == "/data"
    assert fields["on disk"] == "12.3 kB"
    assert ended.out.splitlines()[-1] == "  b␛.png: broken"


def test_info_json(run: Any, there: Any) -> None:
    there.problems = [Unreadable(key=str(n), path=None, reason="broken") for n in range(30)]
    values = json.loads(run("info", "--json").out)
    assert values["dim"] == 384
    assert values["is_builtin_model"] is True
    assert values["unreadable"] == 30
    assert len(values["unreadable_files"]) == 30


@pytest.mark.parametrize(("arguments", "code"), [(["-c", "no"], 4), (["x"], 2), (["--collection"], 2)])
def test_info_wrong_arguments(run: Any, there: Any, arguments: list[str], code: int) -> None:
    assert run("info", *arguments).code == code


@pytest.mark.parametrize(
    ("arguments", "deleted"),
    [
        (["--id", "a", "--id", "b"], {"ids": ["a", "b"]}),
        (["--path", "x.png"], {"path": "x.png"}),
        (["--where", "year=2020"], {"where": {"year": 2020}}),
    ],
)
def test_rm(run: Any, there: Any, arguments: list[str], deleted: Any) -> None:
    ended = run("rm", *arguments, "--yes")
    assert ended.code == 0
    assert there.asked("delete") == deleted
    assert "Removed 2 records" in ended.out
    assert json.loads(run("rm", *arguments, "--yes", "--json").out)["removed"] == 2


def test_rm_without_anybody_to_ask(run: Any, there: Any) -> None:
    ended = run("rm", "--id", "a", stdin=b"y\n")
    assert ended.code == 2
    assert "--yes" in ended.err
    assert "2 records" in ended.err
    assert not any(name == "delete" for name, _ in there.calls)


@pytest.mark.parametrize(("answer", "code"), [(b"y\n", 0), (b"n\n", 1), (b"\n", 1), (b"", 1)])
def test_rm_asks(run: Any, there: Any, monkeypatch: pytest.MonkeyPatch, answer: bytes, code: int) -> None:
    from sensorium.cli import output

    monkeypatch.setattr(output, "is_input_terminal", lambda: True)
    ended = run("rm", "--where", "year=2020", stdin=answer)
    assert ended.code == code
    assert any(name == "delete" for name, _ in there.calls) == (code == 0)


def test_rm_of_nothing(run: Any, there: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeStore, "count", lambda self, where: 0)
    ended = run("rm", "--id", "a")
    assert ended.code == 0
    assert "no such record" in ended.out
    assert not any(name == "delete" for name, _ in there.calls)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 2),
        (["--yes"], 2),
        (["--id", "a", "--path", "b"], 2),
        (["--where", "year=soon"], 2),
        (["--id", "a", "-c", "no"], 4),
        (["a"], 2),
    ],
)
def test_rm_wrong_arguments(run: Any, there: Any, arguments: list[str], code: int) -> None:
    assert run("rm", *arguments).code == code
    assert not any(name == "delete" for name, _ in there.calls)


@dataclass
class _Report:
    points: int
    method: str


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Put a drawing function behind `map` that only notes what it was asked for."""
    calls: list[Any] = []

    def write_map(collection: Any, path: Path, *, method: str = "auto", **options: Any) -> _Report:
        calls.append((collection.path, path, method, options))
        path.write_text("<html>")
        return _Report(7, "pca\x1b")

    module = ModuleType("sensorium.collection.map_page")
    module.write_map = write_map  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sensorium.collection.map_page", module)
    return calls


def test_map(run: Any, there: Any, drawn: list[Any], workplace: Path) -> None:
    ended = run("map", ".sensorium", "-o", "page.html", "--method", "pca", "--max-points", "50")
    assert ended.code == 0
    assert drawn == [(workplace / ".sensorium", workplace / "page.html", "pca", {"max_points": 50})]
    assert str(workplace / "page.html") in ended.out
    assert "pca␛" in ended.out
    assert run("map").code == 0
    assert drawn[-1] == (workplace / ".sensorium", workplace / "map.html", "auto", {})
    assert json.loads(run("map", "--json").out) == {
        "page": str(workplace / "map.html"),
        "points": 7,
        "method": "pca\x1b",
    }


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["nowhere"], 4),
        (["-o", "nowhere/map.html"], 2),
        (["-o", "."], 2),
        (["--method", "magic"], 2),
        (["--max-points", "0"], 2),
    ],
)
def test_map_wrong_arguments(run: Any, there: Any, drawn: list[Any], arguments: list[str], code: int) -> None:
    assert run("map", *arguments).code == code
    assert drawn == []


def test_a_condition_that_the_store_refuses(run: Any, there: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def count(self: FakeStore, where: Any) -> int:
        raise InputError(f"no column of {where}")

    monkeypatch.setattr(FakeStore, "count", count)
    assert run("rm", "--where", "nonsense = 3", "--yes").code == 2
