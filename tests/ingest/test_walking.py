"""Walks: what is found, under which key and in which order; what is left out, refused and reported."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sensorium.errors import InputError, MissingExtraError, MissingMediaError
from sensorium.ingest import IngestSettings, SkippedFile, SourceFile, UnreadableFile, walk
from tests.ingest.made_files import write_tree

IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


def keys(paths: Any, settings: IngestSettings | None = None, **kwargs: Any) -> list[str]:
    found = list(walk(paths, settings, **kwargs))
    assert all(isinstance(one, SourceFile) for one in found), found
    return [one.key for one in found]


def test_a_folder_is_walked_in_the_order_of_names(tmp_path: Path) -> None:
    write_tree(tmp_path, {"b.txt": "1", "B.txt": "2", "a/z": "3", "a/c/d": "4", "ä": "5", "a.txt": "6"})
    assert keys(tmp_path) == ["B.txt", "a.txt", "b.txt", "ä", "a/z", "a/c/d"]


def test_a_file_is_described(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a/b.txt": "four"})
    (found,) = walk(str(tmp_path))
    assert isinstance(found, SourceFile)
    path = tmp_path / "a" / "b.txt"
    assert (found.key, found.path, found.root, found.size) == ("a/b.txt", str(path), str(tmp_path), 4)
    assert found.mtime_ns == path.stat().st_mtime_ns
    assert found.real_path == os.path.realpath(path)


@given(st.lists(st.sampled_from(["a", "b", "c/d", "c/e", "c/f/g", "h/i"]), unique=True, min_size=1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
def test_keys_rest_on_neither_root_nor_order(tmp_path: Path, names: list[str]) -> None:
    tried = len(list(tmp_path.iterdir()))
    one = write_tree(tmp_path / f"{tried}-one", dict.fromkeys(names, "x"))
    other = write_tree(tmp_path / f"{tried}-other" / "deeper", dict.fromkeys(reversed(names), "x"))
    assert keys(one) == keys(other)
    assert set(keys([one / name for name in names], root=one)) == set(keys(one)) == set(names)


def test_hidden_files_are_passed_over_unless_they_are_named(tmp_path: Path) -> None:
    write_tree(tmp_path, {".a": "1", ".git/b": "2", "c/.d": "3", "e": "4"})
    assert keys(tmp_path) == ["e"]
    assert keys(tmp_path, IngestSettings(is_hidden_included=True)) == [".a", "e", ".git/b", "c/.d"]
    assert keys(tmp_path / ".a") == [".a"]
    assert keys(tmp_path / ".git") == ["b"]


def test_patterns_work_as_in_git(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            ".gitignore": "*.log\n/build/\n!keep.log\n# comment\n\ndeep/*\n!deep/c\n",
            "a.log": "",
            "keep.log": "",
            "build/a": "",
            "src/build/a": "",
            "src/a.log": "",
            "src/.gitignore": "!a.log\n*.tmp\n",
            "src/b.tmp": "",
            "b.tmp": "",
            "deep/a": "",
            "deep/c": "",
        },
    )
    assert keys(tmp_path) == ["b.tmp", "keep.log", "deep/c", "src/a.log", "src/build/a"]
    assert "a.log" in keys(tmp_path, IngestSettings(ignore_files=()))
    assert keys(tmp_path / "a.log") == ["a.log"]


def test_our_own_file_of_patterns_wins_over_that_of_git(tmp_path: Path) -> None:
    write_tree(tmp_path, {".gitignore": "*.jpg\n", ".sensoriumignore": "!*.jpg\n*.md\n", "a.jpg": "", "a.md": ""})
    assert keys(tmp_path) == ["a.jpg"]


def test_the_callers_patterns_win_over_all(tmp_path: Path) -> None:
    write_tree(tmp_path, {".gitignore": "!*.jpg\n", "a.jpg": "", "b/c.jpg": "", "b/d": "", "e/f": ""})
    assert keys(tmp_path, IngestSettings(excludes=("*.jpg", "/e/"))) == ["b/d"]
    assert keys(tmp_path, root=tmp_path.parent, settings=IngestSettings(excludes=("/e/",)))[-1].endswith("b/d")


def test_a_line_that_is_no_pattern_is_passed_over_and_that_of_the_caller_is_an_error(tmp_path: Path) -> None:
    write_tree(tmp_path, {".gitignore": "!\n*.log\n", "a.log": "", "b": ""})
    assert keys(tmp_path) == ["b"]
    with pytest.raises(InputError, match="as in .gitignore"):
        walk(tmp_path, IngestSettings(excludes=("!",)))


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_links_are_followed_to_files_inside_alone(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "root", {"a/b": "x", "c": "y"})
    write_tree(tmp_path, {"outside/secret": "z"})
    for name, target in {
        "inside": root / "a" / "b",
        "folder": root / "a",
        "out": tmp_path / "outside" / "secret",
        "outfolder": tmp_path / "outside",
        "dead": root / "nosuch",
        "self": root,
    }.items():
        (root / name).symlink_to(target)
    (root / "loop").symlink_to(root / "loop")
    found = {one.key: one for one in walk(root)}
    assert {key for key, one in found.items() if isinstance(one, SourceFile)} == {"a/b", "c", "inside"}
    reasons = {key: one.reason for key, one in found.items() if not isinstance(one, SourceFile)}
    for key, words in {
        "out": "out of the folder",
        "outfolder": "out of the folder",
        "folder": "to a folder",
        "self": "to a folder",
        "dead": "nowhere",
    }.items():
        assert words in reasons[key]
    assert isinstance(found["loop"], UnreadableFile)


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_a_path_that_is_a_link_itself_is_followed(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "root", {"a": "x"})
    (tmp_path / "link").symlink_to(root)
    (tmp_path / "file").symlink_to(root / "a")
    assert keys(tmp_path / "link") == ["a"]
    assert keys(tmp_path / "file") == ["file"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes there")
def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(tmp_path)  # the path of a socket must be short
        server.bind("socket")
        found = {one.key: one for one in walk([tmp_path, tmp_path / "pipe"])}
    assert {key: type(one) for key, one in found.items()} == {"pipe": SkippedFile, "socket": SkippedFile}
    for key, one in found.items():
        assert f"a {key}" in one.reason  # type: ignore[union-attr]


@pytest.mark.skipif(IS_ROOT or sys.platform == "win32", reason="nothing is forbidden to root")
def test_a_folder_that_may_not_be_listed_is_reported(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a/b": "x", "c": "y"})
    (tmp_path / "a").chmod(0)
    try:
        found = list(walk(tmp_path))
    finally:
        (tmp_path / "a").chmod(0o700)
    assert [type(one) for one in found] == [SourceFile, UnreadableFile]


def test_a_folder_that_cannot_be_listed_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tree(tmp_path, {"a/b": "x", "c": "y", "d/e": "z"})
    scandir = os.scandir

    def refuse(path: str) -> Any:
        if path.endswith("a"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = {one.key: one for one in walk(tmp_path)}
    assert isinstance(found["a"], UnreadableFile)
    assert "Permission denied" in found["a"].reason
    assert [key for key, one in found.items() if isinstance(one, SourceFile)] == ["c", "d/e"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_a_folder_whose_patterns_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    write_tree(tmp_path, {"root/a/b": "x", "root/c": "y", "patterns": "*"})
    (tmp_path / "root" / "a" / ".gitignore").symlink_to(tmp_path / "patterns")
    found = {one.key: one for one in walk(tmp_path / "root")}
    assert set(found) == {"c", "a"}
    assert "not known" in found["a"].reason  # type: ignore[union-attr]
    (tmp_path / "root" / ".gitignore").mkdir()
    (only,) = walk(tmp_path / "root")
    assert isinstance(only, UnreadableFile)


def test_what_is_missing_is_reported_and_the_rest_is_walked(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a": "x"})
    found = list(walk([tmp_path / "nosuch", tmp_path / "no*", tmp_path]))
    assert [type(one) for one in found] == [UnreadableFile, UnreadableFile, SourceFile]
    assert isinstance(found[0].error, MissingMediaError)  # type: ignore[union-attr]
    assert "matches" in found[1].reason  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        ("*.jpg", ["a.jpg"]),
        ("**/*.jpg", ["a.jpg", "b/c.jpg", "b/d/e.jpg"]),
        ("*/*.jpg", ["b/c.jpg"]),
        ("b", ["c.jpg", "d/e.jpg", "d/e.txt"]),
        ("b*", ["b/c.jpg", "b/d/e.jpg", "b/d/e.txt"]),
        ("b/d/?.txt", ["e.txt"]),
        ("b/*/[a-e].txt", ["d/e.txt"]),
        ("[x]*", ["[x].txt"]),
    ],
)
def test_globs(tmp_path: Path, pattern: str, matched: list[str]) -> None:
    write_tree(tmp_path, dict.fromkeys(["a.jpg", "b/c.jpg", "b/d/e.jpg", "b/d/e.txt", ".h.jpg"], ""))
    if "x" in pattern:
        write_tree(tmp_path, {"[x].txt": "", "x": ""})
        matched = ["x"] if pattern == "[x]*" else matched
    assert keys(f"{tmp_path}/{pattern}") == matched


def test_a_name_with_signs_of_a_pattern_is_a_name_where_it_exists(tmp_path: Path) -> None:
    write_tree(tmp_path, {"[x].txt": "", "x.txt": ""})
    assert keys(tmp_path / "[x].txt") == ["[x].txt"]


def test_a_glob_enters_no_folder_in_vain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tree(tmp_path, {"a.jpg": "", "b/c/d.jpg": ""})
    scandir, listed = os.scandir, []
    monkeypatch.setattr(os, "scandir", lambda path: (listed.append(path), scandir(path))[1])
    assert keys(f"{tmp_path}/*.jpg") == ["a.jpg"]
    assert listed == [str(tmp_path)]


def test_several_paths_give_no_file_twice_and_no_key_to_two(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a/x": "1", "b/x": "2", "a/sub/y": "3"})
    found = list(walk([tmp_path / "a", tmp_path / "a" / "sub", tmp_path / "b", tmp_path / "b" / "x"]))
    assert [(type(one), one.key) for one in found] == [(SourceFile, "x"), (SourceFile, "sub/y"), (UnreadableFile, "x")]
    assert "root=" in found[-1].reason  # type: ignore[union-attr]
    assert keys([tmp_path / "a", tmp_path / "b"], root=tmp_path) == ["a/x", "a/sub/y", "b/x"]


def test_a_path_outside_the_root_is_refused(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a/x": "1", "ab/x": "1"})
    for outside in ("ab", "a/../ab", "."):
        with pytest.raises(InputError, match="outside root"):
            walk(tmp_path / outside, root=tmp_path / "a")


@pytest.mark.parametrize("paths", [[], "", [b"a"], 7, [None]])
def test_what_is_no_path_is_refused(paths: Any) -> None:
    with pytest.raises((InputError, TypeError)):
        walk(paths)


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes there alone")
def test_names_are_text_that_can_be_stored(tmp_path: Path) -> None:
    bytes_name = os.path.join(os.fsencode(tmp_path), b"a\xff.txt")
    with open(bytes_name, "wb") as file:
        file.write(b"x")
    write_tree(tmp_path, {"e\u0301.txt": "x"})
    found = list(walk(tmp_path))
    assert [one.key for one in found] == ["a\\xff.txt", "\u00e9.txt"]
    write_tree(tmp_path, {"\u00e9.txt": "x"})
    found = list(walk(tmp_path))
    assert [type(one) for one in found] == [SourceFile, SourceFile, UnreadableFile]
    assert "composed" in found[-1].reason  # type: ignore[union-attr]


def test_a_deep_tree_is_walked(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(400):
        folder = folder / "d"
    folder.mkdir(parents=True)
    (folder / "x").write_text("")
    assert keys(tmp_path) == ["d/" * 400 + "x"]


def test_patterns_without_the_package_name_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tree(tmp_path, {"a": "x"})
    monkeypatch.setitem(sys.modules, "pathspec", None)
    assert keys(tmp_path) == ["a"]
    with pytest.raises(MissingExtraError, match="pip install"):
        walk(tmp_path, IngestSettings(excludes=("a",)))
