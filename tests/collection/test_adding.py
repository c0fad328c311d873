"""Which files and items an `add` is about, and under which keys."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sensorium.collection.adding import FileCount, Walks, expand_path, find_files, list_paths, split_items
from sensorium.collection.intake import FoundFile
from sensorium.collection.registry import Registry, first_ingestion
from sensorium.errors import InputError
from sensorium.ingest import IngestSettings, SkippedFile, UnreadableFile
from sensorium.store import LanceStore
from tests.collection.fakes import make_manifest, own_threads


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    manifest = make_manifest(ingestion=first_ingestion(IngestSettings()))
    with LanceStore.create(tmp_path / "collection", manifest) as store:
        yield Registry(store)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name in ("notes/a.txt", "notes/b.txt", "notes/deep/c.txt", "other/a.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def make_walks(registry: Registry, tmp_path: Path) -> Walks:
    return Walks(registry.settings, tmp_path / "collection", registry)


def find(registry: Registry, base: Path, *paths: Any, metadata: Any = None, root: str | None = None) -> list[Any]:
    return list(find_files(paths, metadata or {}, root, make_walks(registry, base), registry))


def keys(found: list[Any]) -> list[str]:
    return [one.file.key for one in found if isinstance(one, FoundFile)]


def split(items: Any) -> list[tuple[bool, list[tuple[int, Any]]]]:
    return [(is_path, list(run)) for is_path, run in split_items(items)]


class TestSplitting:
    def test_runs_of_paths_and_items_come_in_order_with_their_positions(self) -> None:
        given = ["a", Path("b"), {"text": "c"}, b"d", "e"]
        assert split(given) == [
            (True, [(0, "a"), (1, Path("b"))]),
            (False, [(2, {"text": "c"}), (3, b"d")]),
            (True, [(4, "e")]),
        ]

    @pytest.mark.parametrize(
        "item", ["a", Path("a"), {"text": "x"}, b"x", bytearray(b"x"), np.zeros((2, 2)), Image.new("L", (2, 2)), 7]
    )
    def test_one_is_not_gone_through(self, item: Any) -> None:
        ((is_path, run),) = split(item)
        assert is_path == isinstance(item, (str, Path))
        assert run[0][1] is item

    def test_an_open_file_is_one(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"x\ny")
        with open(tmp_path / "a", "rb") as file:
            assert split(file) == [(False, [(0, file)])]

    @pytest.mark.parametrize("items", [[], (), set(), iter(())])
    def test_nothing_is_an_error(self, items: Any) -> None:
        with pytest.raises(InputError, match="nothing to add"):
            split(items)

    def test_items_are_taken_as_they_come(self) -> None:
        taken: list[int] = []

        def items() -> Iterator[Any]:
            for number in range(3):
                taken.append(number)
                yield {"text": str(number)}

        ((_, run),) = list(_take_first(split_items(items())))
        next(run)
        assert taken == [0]

    def test_what_the_iterable_raises_comes_after_all_before_it(self) -> None:
        def items() -> Iterator[Any]:
            yield "a"
            yield {"text": "b"}
            raise OSError("the line is cut")

        seen: list[Any] = []
        with pytest.raises(OSError, match="the line is cut"):
            for _, run in split_items(items()):
                seen += [value for _, value in run]
        assert seen == ["a", {"text": "b"}]

    def test_one_that_raises_at_once_is_not_nothing(self) -> None:
        def items() -> Iterator[Any]:
            raise OSError("the line is cut")
            yield

        with pytest.raises(OSError, match="the line is cut"):
            split(items())


def _take_first(pairs: Iterator[Any]) -> Iterator[Any]:
    yield next(pairs)


class TestPaths:
    def test_home(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("USERPROFILE", str(tmp_path))
        monkeypatch.chdir(tmp_path)
        assert expand_path("~/notes") == os.path.join(str(tmp_path), "notes")
        (tmp_path / "~").mkdir()
        assert expand_path("~") == "~"
        assert expand_path("a~b") == "a~b"
        assert expand_path(Path("a")) == "a"

    def test_bytes_of_a_path_object_are_a_name(self, tmp_path: Path) -> None:
        (tmp_path / "a").touch()
        (entry,) = os.scandir(os.fsencode(tmp_path))
        assert expand_path(entry) == str(tmp_path / "a")

    def test_a_path_that_none_can_be(self) -> None:
        with pytest.raises(InputError, match="character of code 0"):
            expand_path("a\0b")

    def test_all_paths_are_known_where_nothing_has_to_be_waited_for(self) -> None:
        assert list_paths("a") == list_paths(Path("a")) == ["a"]
        assert list_paths(["a", Path("b")]) == list_paths(("a", "b")) == ["a", "b"]
        assert sorted(list_paths({"a", "b"}) or []) == ["a", "b"]
        for unknown in (iter(["a"]), ["a", {"text": "b"}], {"text": "a"}, np.zeros(2)):
            assert list_paths(unknown) is None


class TestFinding:
    def test_keys_are_relative_to_the_folder_given(self, registry: Registry, files: Path) -> None:
        found = find(registry, files, files / "notes", metadata={"year": 2024})
        assert keys(found) == ["a.txt", "b.txt", "deep/c.txt"]
        assert {tuple(one.metadata.items()) for one in found} == {(("year", 2024),)}
        assert [(one.path, one.metadata) for one in registry.roots.added] == [(str(files / "notes"), {"year": 2024})]

    def test_a_file_alone_has_the_folder_around_it(self, registry: Registry, files: Path) -> None:
        assert keys(find(registry, files, files / "notes" / "a.txt")) == ["a.txt"]
        assert [root.path for root in registry.roots.folders] == [str(files / "notes")]

    def test_of_a_root_that_is_named_all_keys_are_relative_to_it(self, registry: Registry, files: Path) -> None:
        found = find(registry, files, files / "notes", files / "other", root=str(files))
        assert keys(found) == ["notes/a.txt", "notes/b.txt", "notes/deep/c.txt", "other/a.txt"]
        with pytest.raises(InputError, match="outside root"):
            find(registry, files, files / "notes", root=str(files / "other"))

    def test_a_file_comes_once_with_the_metadata_that_it_was_given_first(self, registry: Registry, files: Path) -> None:
        assert keys(find(registry, files, files / "notes" / "a.txt", files / "notes")) == [
            "a.txt",
            "b.txt",
            "deep/c.txt",
        ]

    def test_what_was_added_alone_is_remembered_by_the_folder_that_reaches_it(
        self, registry: Registry, files: Path
    ) -> None:
        find(registry, files, files / "notes" / "a.txt", metadata={"year": 1})
        assert keys(find(registry, files, files / "notes")) == ["a.txt", "b.txt", "deep/c.txt"]
        assert [(one.path, one.metadata) for one in registry.roots.added] == [(str(files / "notes"), {})]

    def test_what_a_folder_does_not_reach_is_remembered_by_itself(self, registry: Registry, files: Path) -> None:
        (files / "notes" / ".gitignore").write_text("b.txt")
        for path in (files / "notes" / "b.txt", files / "notes"):
            find(registry, files, path)
        assert {one.path for one in registry.roots.added} == {str(files / "notes"), str(files / "notes" / "b.txt")}

    def test_a_pattern(self, registry: Registry, files: Path) -> None:
        pattern = str(files / "notes" / "*.txt")
        assert keys(find(registry, files, pattern)) == ["a.txt", "b.txt"]
        assert [one.path for one in registry.roots.added] == [pattern]

    def test_a_pattern_takes_the_place_of_a_file_that_it_reaches_only(self, registry: Registry, files: Path) -> None:
        find(registry, files, files / "notes" / "a.txt", files / "notes" / "deep")
        pattern = str(files / "notes" / "*.txt")
        find(registry, files, pattern)
        assert {one.path for one in registry.roots.added} == {pattern, str(files / "notes" / "deep")}

    def test_what_holds_nothing_is_not_remembered(self, registry: Registry, files: Path) -> None:
        (files / "hollow").mkdir()
        found = find(registry, files, files / "hollow", files / "nowhere")
        assert [type(one) for one in found] == [UnreadableFile]
        assert registry.roots.added == ()

    def test_what_was_begun_is_remembered_where_the_caller_stops(self, registry: Registry, files: Path) -> None:
        found = find_files([files / "notes", files / "other"], {}, None, make_walks(registry, files), registry)
        next(found)
        found.close()  # type: ignore[attr-defined]
        assert registry.roots.added == ()  # its end was not come to; the next call walks it anyway
        found = find_files([files / "notes", files / "other"], {}, None, make_walks(registry, files), registry)
        for _ in range(4):
            next(found)
        found.close()  # type: ignore[attr-defined]
        assert [one.path for one in registry.roots.added] == [str(files / "notes")]

    def test_many_single_files_are_few_notes(
        self, registry: Registry, files: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told: list[list[str]] = []
        remember = registry.remember
        monkeypatch.setattr(registry, "remember", lambda paths, *rest: (told.append(paths), remember(paths, *rest)))
        find(registry, files, *sorted((files / "notes").glob("*.txt")))
        assert [len(paths) for paths in told] == [2]

    def test_an_empty_path_is_an_error(self, registry: Registry, files: Path) -> None:
        with pytest.raises(InputError, match="no path"):
            find(registry, files, "")


class TestWalks:
    def test_the_collections_own_files_are_left_out(self, registry: Registry, files: Path) -> None:
        found = find(registry, files, files)
        assert len(keys(found)) == 4
        assert not [one for one in found if not isinstance(one, FoundFile)]
        (refused,) = find(registry, files, files / "collection" / "manifest.json")
        assert "folder of the collection itself" in refused.reason

    @pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
    def test_the_collection_is_known_behind_a_link(self, registry: Registry, files: Path) -> None:
        (files / "notes" / "link").symlink_to(files / "collection" / "manifest.json")
        (files / "door").symlink_to(files / "collection")
        for path in (files / "door", files / "notes" / "link"):
            (refused,) = find(registry, files, path)
            assert "folder of the collection itself" in refused.reason
        assert not [key for key in keys(find(registry, files, files)) if "link" in key]

    @pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
    def test_a_link_out_of_the_folder_is_not_followed_and_one_that_is_named_is(
        self, registry: Registry, files: Path
    ) -> None:
        (files / "notes" / "link.txt").symlink_to(files / "other" / "a.txt")
        found = find(registry, files, files / "notes")
        assert "link.txt" not in keys(found)
        assert [one.key for one in found if isinstance(one, SkippedFile)] == ["link.txt"]
        assert keys(find(registry, files, files / "notes" / "link.txt")) == ["link.txt"]

    def test_a_file_in_the_place_of_a_folder_that_was_added_has_a_key(self, registry: Registry, files: Path) -> None:
        find(registry, files, files / "other", files / "notes")
        (files / "other" / "a.txt").unlink()
        (files / "other").rmdir()
        (files / "other").write_text("a file now")
        assert keys(find(registry, files, files / "other")) == [f"{files.name}/other"]

    def test_whether_it_was_walked(self, registry: Registry, files: Path) -> None:
        (files / "hollow").mkdir()
        walks = make_walks(registry, files)
        for name in ("notes", "hollow", "nowhere"):
            list(walks.find(str(files / name), {}))
        assert [walks.is_walked[str(files / name)] for name in ("notes", "hollow", "nowhere")] == [True, False, False]
        list(walks.find(str(files / "notes" / "a.txt"), {}))
        assert walks.is_walked[str(files / "notes" / "a.txt")], "it was found before, and is there"

    def test_what_could_not_be_listed(self, registry: Registry, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        listed = os.scandir

        def closed(path: str) -> Any:
            if path.endswith("deep"):
                raise PermissionError(13, "Permission denied", path)
            return listed(path)

        monkeypatch.setattr("sensorium.ingest.listing.os.scandir", closed)
        walks = make_walks(registry, files)
        list(walks.find(str(files / "notes"), {}))
        assert walks.unlisted == [str(files / "notes" / "deep")]


class TestCount:
    def test_it_counts_all_that_a_walk_gives(self, registry: Registry, files: Path) -> None:
        count = FileCount(make_walks(registry, files))
        assert count() is None
        count.begin([str(files / "notes"), str(files / "nowhere"), str(files / "other")])
        count._thread.join(10)  # type: ignore[union-attr]
        assert count() == 5
        count.stop()
        assert registry.roots.folders == (), "counting claims nothing"

    def test_what_cannot_be_counted_stays_unknown(self, registry: Registry, files: Path) -> None:
        count = FileCount(make_walks(registry, files))
        count.begin([""])
        count.stop()
        assert count() is None

    def test_it_ends_in_the_middle(self, files: Path) -> None:
        is_begun, go_on = threading.Event(), threading.Event()

        class Endless:
            def walk(self, path: str) -> Iterator[int]:
                while True:
                    is_begun.set()
                    go_on.wait(10)
                    yield 1

        count = FileCount(Endless())  # type: ignore[arg-type]
        count.begin([str(files)])
        assert is_begun.wait(10)
        threading.Timer(0.05, go_on.set).start()
        count.stop()
        assert (count(), own_threads()) == (None, [])

    def test_one_that_was_never_begun_can_be_stopped(self, registry: Registry, files: Path) -> None:
        FileCount(make_walks(registry, files)).stop()
