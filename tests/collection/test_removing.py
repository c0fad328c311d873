"""Records go when their file is certainly gone, and not before."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from sensorium.collection import removing
from sensorium.collection.intake import DELETED
from sensorium.collection.removing import find_lost, folder_of, note_deletion, remove_gone
from sensorium.collection.roots import Roots
from sensorium.ingest.listing import show_path
from sensorium.store import LanceStore, Row, SourceNote
from tests.collection.fakes import make_manifest, make_vector


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LanceStore]:
    with LanceStore.create(tmp_path / "collection", make_manifest()) as made:
        yield made


def put(store: LanceStore, *files: str, count: int = 2) -> None:
    """Store two records of each file, under its name as key."""
    for file in files:
        path, key = show_path(file), show_path(os.path.basename(file))
        store.write(
            Row(id=f"{key}-{n}", key=key, path=path, modality="text", digest=f"{key}-{n}", vector=make_vector(f"{n}"))
            for n in range(count)
        )
        store.sources.write([SourceNote(key, path, "now")])


def remove(
    store: LanceStore, seen: set[str], is_walked: Mapping[str, bool], unlisted: tuple[str, ...] = ()
) -> tuple[int, list[tuple[str, str]], set[str]]:
    """Give how many records were removed, what was said, and the keys that are left."""
    removed, problems = remove_gone(store, seen, is_walked, unlisted)
    left = {entry.key for entry in store.entries()}
    assert {note.key for note in store.sources.read()} == left
    return removed, [(one.key, one.reason) for one in problems], left


class TestGone:
    def test_what_a_walk_has_not_found_goes(self, store: LanceStore) -> None:
        put(store, "/f/a", "/f/b", "/f/deep/c")
        assert remove(store, {"a"}, {"/f": True}) == (4, [], {"a"})

    def test_many_at_a_time(self, store: LanceStore, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(removing, "_AT_ONCE", 2)
        put(store, *(f"/f/{number}" for number in range(5)))
        assert remove(store, set(), {"/f": True}) == (10, [], set())

    @pytest.mark.parametrize("is_walked", [{"/f": False}, {"/f": False, "/f/deep": True}])
    def test_where_nothing_is_found_all_stays(self, store: LanceStore, is_walked: dict[str, bool]) -> None:
        put(store, "/f/a", "/f/b")
        removed, said, left = remove(store, set(), is_walked)
        assert (removed, left) == (0, {"a", "b"})
        assert [key for key, _ in said] == ["/f"]
        assert "records of its 2 files stay" in said[0][1]

    def test_a_folder_that_is_away_inside_one_that_is_there(self, store: LanceStore) -> None:
        put(store, "/f/a", "/f/disk/b")
        assert remove(store, set(), {"/f": True, "/f/disk": False})[::2] == (2, {"b"})

    def test_what_could_not_be_listed_stays(self, store: LanceStore) -> None:
        put(store, "/f/a", "/f/closed/b", "/f/closedness/c")
        removed, said, left = remove(store, set(), {"/f": True}, ("/f/closed",))
        assert (removed, [key for key, _ in said], left) == (4, ["/f/closed"], {"b"})

    def test_a_pattern_speaks_of_the_folder_before_its_first_sign(self, store: LanceStore) -> None:
        put(store, "/f/a.txt", "/g/b.txt")
        assert remove(store, set(), {"/f/*.txt": True})[2] == {"b.txt"}
        put(store, "/f/a.txt")
        assert remove(store, set(), {"/f/*.txt": False})[2] == {"a.txt", "b.txt"}

    def test_loose_items_stay(self, store: LanceStore) -> None:
        store.write([Row(id="1", key="item", modality="text", digest="1", vector=make_vector("1"))])
        assert remove_gone(store, set(), {"/": True}, ()) == (0, [])
        assert store.count() == 1

    def test_a_file_that_nobody_walked_is_looked_for(self, store: LanceStore, tmp_path: Path) -> None:
        (tmp_path / "here").touch()
        put(store, str(tmp_path / "here"), str(tmp_path / "gone"), str(tmp_path / "away" / "x"))
        assert remove(store, set(), {})[::2] == (2, {"here", "x"})

    @pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are text there")
    def test_names_that_are_no_text(self, store: LanceStore, tmp_path: Path) -> None:
        for name in (b"caf\xe9", b"th\xe9"):
            folder = os.fsencode(tmp_path) + b"/" + name
            os.mkdir(folder)
            put(store, os.fsdecode(folder + b"/x-" + name))
        (tmp_path / os.fsdecode(b"caf\xe9") / os.fsdecode(b"x-caf\xe9")).touch()
        assert remove(store, set(), {})[::2] == (2, {"x-caf\\xe9"})
        assert remove(store, set(), {str(tmp_path / os.fsdecode(b"caf\xe9")): True})[::2] == (2, set())


class TestLost:
    def test_single_files_whose_folder_is_there(self, store: LanceStore, tmp_path: Path) -> None:
        (tmp_path / "f").mkdir()
        (tmp_path / "f" / "here").touch()
        names = ("f/here", "f/gone", "f/never", "away/x")
        paths = {name: str(tmp_path / name) for name in names}
        roots = Roots().with_folder(str(tmp_path / "f")).with_added(paths.values())
        store.sources.write(SourceNote(os.path.basename(path), path, "now") for path in list(paths.values())[:2])
        assert find_lost(store, roots) == [paths["f/gone"]]

    def test_folders_inside_one_that_was_added(self, store: LanceStore, tmp_path: Path) -> None:
        inside, alone, pattern = str(tmp_path / "f" / "gone"), str(tmp_path / "gone"), str(tmp_path / "f" / "*.txt")
        (tmp_path / "f").mkdir()
        roots = Roots().with_added([str(tmp_path / "f"), inside, alone, pattern])
        assert find_lost(store, roots) == [inside]


class TestDeletion:
    def test_sources_are_marked_once(self, store: LanceStore) -> None:
        put(store, "/f/a", "/f/b")
        store.sources.write([SourceNote("a", "/f/a", "now", "page 2: damaged.")])
        for _ in range(2):
            note_deletion(store, {"id": ["a-0", "a-1"]})
        notes = store.sources.find(["a", "b"])
        assert notes["a"] == SourceNote("a", "/f/a", f"{DELETED}now", "page 2: damaged.")
        assert notes["b"].stamp == "now"
        assert store.count() == 4, "removing them is the store's part"

    @pytest.mark.parametrize("where", ["key = 'b'", {"path": "/f/b"}])
    def test_any_condition(self, store: LanceStore, where: object) -> None:
        put(store, "/f/a", "/f/b")
        note_deletion(store, where)  # type: ignore[arg-type]
        assert [note.key for note in store.sources.read() if note.stamp.startswith(DELETED)] == ["b"]

    @pytest.mark.parametrize("where", ["", {}])
    def test_no_condition_marks_nothing(self, store: LanceStore, where: object) -> None:
        put(store, "/f/a")
        note_deletion(store, where)  # type: ignore[arg-type]
        assert [note.stamp for note in store.sources.read()] == ["now"]


@pytest.mark.skipif(sys.platform == "win32", reason="drives have letters there")
@pytest.mark.parametrize(
    ("place", "folder"),
    [("/f/a", "/f/a"), ("/f/*.txt", "/f"), ("/f/a?/b/*", "/f"), ("/*.txt", "/"), ("/", "/"), ("/f/[ab]", "/f")],
)
def test_the_folder_before_a_pattern(place: str, folder: str) -> None:
    assert folder_of(place) == folder


def test_a_name_with_signs_that_is_there_is_no_pattern(tmp_path: Path) -> None:
    (tmp_path / "a[1]").mkdir()
    assert folder_of(str(tmp_path / "a[1]")) == str(tmp_path / "a[1]")
    assert folder_of(str(tmp_path / "b[1]")) == str(tmp_path)
