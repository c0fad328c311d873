from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from sensorium.collection.roots import Root, Roots

PHOTOS = Roots().with_folder("/home/ada/photos")


def test_keys_of_the_first_folder_are_paths_below_it():
    assert PHOTOS.find("/home/ada/photos/2024/cat.jpg").key_of("/home/ada/photos/2024/cat.jpg") == "2024/cat.jpg"


def test_a_further_folder_puts_its_name_before_its_keys():
    both = PHOTOS.with_folder("/home/ada/notes")
    assert both.find("/home/ada/notes/cat.md").key_of("/home/ada/notes/cat.md") == "notes/cat.md"


def test_two_folders_of_one_name_do_not_share_keys():
    three = PHOTOS.with_folder("/a/notes").with_folder("/b/notes")
    assert [root.prefix for root in three.folders] == ["", "notes/", "notes-2/"]


def test_a_prefix_that_keys_begin_with_already_is_not_taken():
    assert PHOTOS.with_folder("/a/2024", is_taken=lambda prefix: prefix == "2024/").folders[1].prefix == "2024-2/"


def test_a_file_belongs_to_the_innermost_folder_that_is_known():
    both = PHOTOS.with_folder("/home/ada")
    assert both.find("/home/ada/photos/cat.jpg") == Root("/home/ada/photos", "")
    assert both.find("/home/ada/cv.pdf").key_of("/home/ada/cv.pdf") == "ada/cv.pdf"
    assert both.find("/home/bob/cv.pdf") is None
    assert both.find("/home/ada/photosynthesis.txt").path == "/home/ada"


def test_a_folder_that_is_there_stays_what_it_is():
    assert PHOTOS.with_folder("/home/ada/photos") == PHOTOS


def test_what_was_asked_for_by_itself_is_remembered_beside_the_folder_around():
    roots = Roots().with_added(["/a"]).with_added(["/a/.hidden/notes.txt"])
    assert [one.path for one in roots.added] == ["/a", "/a/.hidden/notes.txt"]
    assert roots.with_added(["/a"]) is roots


def test_what_a_later_walk_has_reached_is_remembered_by_that():
    roots = Roots().with_added(["/a/b/c.txt", "/a/.hidden/notes.txt"], {"year": 2024})
    later = roots.with_added(["/a"], {"year": 2026}, reached={"/a/b/c.txt"})
    assert [(one.path, one.metadata) for one in later.added] == [
        ("/a/.hidden/notes.txt", {"year": 2024}),
        ("/a", {"year": 2026}),
    ]


def test_metadata_of_its_own_is_remembered_beside_the_folder_around():
    roots = Roots().with_added(["/a"], {"year": 2024}).with_added(["/a/b"], {"year": 2025})
    assert [(one.path, one.metadata) for one in roots.added] == [("/a", {"year": 2024}), ("/a/b", {"year": 2025})]
    assert [one.path for one in roots.without_added("/a").added] == ["/a/b"]
    assert roots.without_added("/a", "/a/b").added == ()


def test_a_path_whose_bytes_are_no_text_survives_the_manifest():
    roots = Roots().with_folder("/a/caf\udce9").with_added(["/a/caf\udce9"])
    json.dumps(roots.as_dict(), ensure_ascii=False).encode("utf-8")
    assert Roots.from_dict(json.loads(json.dumps(roots.as_dict()))) == roots


def test_a_folder_that_moved_keeps_its_keys():
    roots = PHOTOS.with_folder("/home/ada/notes").with_added(["/home/ada/photos", "/srv/x"])
    moved = roots.moved("/home/ada", "/mnt/backup")
    assert [(root.path, root.prefix) for root in moved.folders] == [
        ("/mnt/backup/photos", ""),
        ("/mnt/backup/notes", "notes/"),
    ]
    assert [one.path for one in moved.added] == ["/mnt/backup/photos", "/srv/x"]


_FOLDERS = st.lists(st.sampled_from(["/a", "/b", "/a/b", "/b/a", "/c/a", "/c/b", "/c"]), unique=True, min_size=1)


@given(_FOLDERS, st.lists(st.sampled_from(["a", "b", "x"]), unique=True, min_size=2, max_size=2))
def test_two_files_never_have_one_key_unless_the_first_folder_grows_a_folder_of_that_name(folders, names):
    roots = Roots()
    for folder in folders:
        roots = roots.with_folder(folder)
    files = [f"{folder}/{name}.txt" for folder in folders for name in names]
    keys = [roots.find(file).key_of(file) for file in files]
    assert len(set(keys)) == len(files)


@given(_FOLDERS)
def test_it_survives_the_manifest(folders):
    roots = Roots()
    for folder in folders:
        roots = roots.with_folder(folder).with_added(folder)
    assert Roots.from_dict(roots.as_dict()) == roots
