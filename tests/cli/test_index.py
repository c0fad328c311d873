"""`sensorium index`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from sensorium.collection.results import IndexProgress, Unreadable
from tests.cli.fake_collection import make_report


@pytest.fixture
def files(workplace: Path) -> Path:
    folder = workplace / "files"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    return folder


def test_makes_a_collection_with_the_builtin_model(run: Any, fake: Any, files: Path, workplace: Path) -> None:
    ended = run("index", "files")
    assert ended.code == 0
    assert fake.asked("create") == {"path": workplace / ".sensorium", "encoder": None, "device": None}
    assert fake.asked("add") == {"items": ["files"], "metadata": None}
    assert ended.out == (
        f"Indexed into {workplace}/.sensorium: 3 files in 1.5 s, 1 unchanged, 4 records stored (2 computed).\n"
    )
    assert "built-in model sensorium-mini" in ended.err
    assert "Qwen/Qwen3-VL-Embedding-2B" in ended.err
    assert fake.calls[-1][0] == "close"


def test_goes_on_with_the_same_command(run: Any, fake: Any, files: Path) -> None:
    for verb in ("create", "open"):
        assert run("index", "files", "--exclude", "*.tmp").code == 0
        assert [call for call, _ in fake.calls if call in ("create", "open")][-1] == verb


def test_names_a_model(run: Any, fake: Any, files: Path) -> None:
    ended = run("index", "files", "--model", "some/model", "--device", "cpu", "-c", "col")
    assert ended.code == 0
    assert fake.asked("create")["encoder"] == "some/model"
    assert fake.asked("create")["device"] == "cpu"
    assert "built-in" not in ended.err
    assert (Path("col") / "manifest.json").is_file()


def test_another_model_is_refused(run: Any, there: Any, files: Path) -> None:
    ended = run("index", "files", "--model", "other/model")
    assert ended.code == 6
    assert "sensorium-mini" in ended.err
    assert "other/model" in ended.err


def test_other_excludes_are_refused(run: Any, there: Any, files: Path) -> None:
    ended = run("index", "files", "--exclude", "*.tmp")
    assert ended.code == 2
    assert ".sensoriumignore" in ended.err


def test_collection_from_the_environment(run: Any, fake: Any, files: Path, workplace: Path) -> None:
    os.environ["SENSORIUM_COLLECTION"] = "elsewhere"
    run("index", "files")
    assert fake.asked("create")["path"] == workplace / "elsewhere"


def test_metadata(run: Any, fake: Any, files: Path) -> None:
    assert run("index", "files", "--metadata", "year=2020", "--metadata", "owner=Ada").code == 0
    assert fake.asked("add")["metadata"] == {"year": 2020, "owner": "Ada"}


def test_without_a_path_it_is_brought_up_to_date(run: Any, there: Any) -> None:
    assert run("index").code == 0
    assert there.asked("update") == {}


def test_a_pattern_is_left_to_the_collection(run: Any, fake: Any) -> None:
    assert run("index", "photos/*.jpg").code == 0
    assert fake.asked("add")["items"] == ["photos/*.jpg"]


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["nowhere"], 4, "nowhere"),
        ([""], 2, "empty"),
        ([], 2, "Name the folders"),
        (["files", "--metadata", "year"], 2, "year=2020"),
        (["--metadata", "year=1"], 2, "name the folders"),
        (["files", "--watch", "--json"], 2, "--watch"),
    ],
)
def test_wrong_arguments(run: Any, fake: Any, files: Path, arguments: list[str], code: int, word: str) -> None:
    ended = run("index", *arguments)
    assert ended.code == code
    assert word in ended.err
    assert not any(name in ("create", "add") for name, _ in fake.calls)


def test_unreadable_files_are_listed(run: Any, fake: Any, files: Path) -> None:
    problems = [
        Unreadable(key=f"{n}.png", path=f"/x/{n}\x1b.png", reason=f"/x/{n}\x1b.png: bad [red]") for n in range(25)
    ]
    fake.report = make_report(unreadable=tuple(problems), unreadable_count=30, skipped=2, removed=1)
    ended = run("index", "files")
    assert ended.code == 3
    lines = ended.out.splitlines()
    assert "1 record removed, 2 skipped" in lines[0]
    assert lines[1].startswith("30 ")
    assert lines[2] == "  /x/0␛.png: bad [red]"
    assert len(lines) == 23
    assert "10 more" in lines[-1]


def test_files_that_were_unreadable_before_are_not_forgotten(run: Any, there: Any, files: Path) -> None:
    there.problems = [Unreadable(key="a", path=None, reason="bad")] * 2
    ended = run("index", "files")
    assert ended.code == 0
    assert "2 files could not be read earlier" in ended.err


def test_json(run: Any, fake: Any, files: Path, workplace: Path) -> None:
    fake.report = make_report(unreadable=(Unreadable(key="a", path=None, reason="\x1b"),), unreadable_count=1)
    ended = run("index", "files", "--json")
    assert ended.code == 3
    assert "\x1b" not in ended.out
    report = json.loads(ended.out)
    assert report["collection"] == str(workplace / ".sensorium")
    assert report["records"] == 4
    assert report["unreadable"] == [{"key": "a", "path": None, "reason": "\x1b"}]


def test_interrupted(run: Any, fake: Any, files: Path) -> None:
    fake.raises = KeyboardInterrupt()
    ended = run("index", "files")
    assert ended.code == 130
    assert "run the same command again" in ended.err
    assert fake.calls[-1][0] == "close"


def test_a_bar_on_a_terminal(run: Any, fake: Any, files: Path, terminal: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    fake.progress = [IndexProgress(files=1, records=2, unreadable=1, total_files=4, current="[red]\x1b]0;x\x07")]
    ended = run("index", "files")
    assert ended.code == 0
    assert "1/4" in ended.err
    assert "2 records" in ended.err
    assert "1 error" in ended.err
    assert "[red]␛]0;x␇" in ended.err
    assert "\x1b]0;x" not in ended.err
