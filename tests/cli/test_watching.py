"""`sensorium index --watch`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sensorium.cli.watching import list_folders
from sensorium.errors import InputError


def test_folders(workplace: Path) -> None:
    (workplace / "a" / "b").mkdir(parents=True)
    (workplace / "a" / "x.txt").write_text("x")
    found = list_folders(["a/b", "a/x.txt", "a/b/**/*.png", "a/b"])
    assert found == [str(workplace / "a" / "b"), str(workplace / "a")]
    with pytest.raises(InputError, match="no folder to watch"):
        list_folders(["nowhere"])


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A watch that reports what a test says, then is interrupted."""
    note = SimpleNamespace(changes=[], folders=None, options=None, is_begun=False)

    def watch(*folders: str, **options: Any) -> Iterator[Any]:
        note.folders, note.options, note.is_begun = folders, options, True
        yield set()
        yield from note.changes
        raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "watchfiles", SimpleNamespace(watch=watch))
    return note


def test_updates_on_every_change(run: Any, fake: Any, watched: Any, workplace: Path) -> None:
    (workplace / "files").mkdir()
    watched.changes = [set(), {(1, "a")}, set(), {(1, "a"), (2, "b")}]
    ended = run("index", "files", "--watch")
    assert ended.code == 0
    assert [name for name, _ in fake.calls] == ["create", "add", "update", "update", "close"]
    assert watched.folders == (str(workplace / "files"),)
    assert ended.out.count("Indexed into") == 3
    assert "1 change seen" in ended.err
    assert "2 changes seen" in ended.err
    assert "Stopped watching" in ended.err
    is_taken = watched.options["watch_filter"]
    assert is_taken(None, str(workplace / "files" / "x.png"))
    assert not is_taken(None, str(workplace / ".sensorium" / "rows.lance"))
    assert not is_taken(None, str(workplace / ".sensorium"))


def test_the_watch_begins_before_the_first_indexing(run: Any, fake: Any, watched: Any, workplace: Path) -> None:
    (workplace / "files").mkdir()
    seen: list[bool] = []

    def add(self: Any, items: Any, **_: Any) -> Any:
        seen.append(watched.is_begun)
        return self.report

    fake.add = add
    run("index", "files", "--watch")
    assert seen == [True]


def test_without_a_path_the_folders_of_the_collection(run: Any, there: Any, watched: Any, monkeypatch: Any) -> None:
    os.makedirs("data")
    stats = replace(there(Path("x"), "m").stats(), roots=(os.path.abspath("data"),))
    monkeypatch.setattr(there, "stats", lambda self: stats)
    assert run("index", "--watch").code == 0
    assert watched.folders == (os.path.abspath("data"),)


def test_interrupted_while_indexing(run: Any, fake: Any, watched: Any, workplace: Path) -> None:
    (workplace / "files").mkdir()
    fake.raises = KeyboardInterrupt()
    assert run("index", "files", "--watch").code == 130


def test_watchfiles_is_missing(run: Any, fake: Any, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workplace / "files").mkdir()
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    ended = run("index", "files", "--watch")
    assert ended.code == 5
    assert "pip install" in ended.err
