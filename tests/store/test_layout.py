"""A collection has a folder of its own, complete or not there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from sensorium import _optional
from sensorium.errors import MissingExtraError, StoreError, StoreNotFoundError
from sensorium.store import LanceStore
from sensorium.store.manifest import MANIFEST_FILE
from sensorium.store.table import Table
from sensorium.store.versions import list_versions
from tests.store.rows import make_manifest, make_row, make_store


def test_folders_are_made_as_needed(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b c ü"
    LanceStore.create(path, make_manifest()).close()
    with LanceStore.open(str(path)) as store:
        assert store.path == path
        assert store.count() == 0


def test_a_relative_path_is_meant_from_where_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with LanceStore.create("here", make_manifest()) as store:
        monkeypatch.chdir("/")
        store.write([make_row(0)])
        assert store.path == tmp_path / "here"


def test_a_collection_is_not_made_over_another(store: LanceStore) -> None:
    with pytest.raises(StoreError, match="holds a collection already"):
        LanceStore.create(store.path, make_manifest())
    assert store.count() == 20


def test_a_collection_is_not_made_among_other_files(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(StoreError, match="'photo.jpg'"):
        LanceStore.create(tmp_path, make_manifest())
    assert [file.name for file in tmp_path.iterdir()] == ["photo.jpg"]


def test_an_interrupted_creation_can_be_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "collection"

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("sensorium.store.layout.SourceLog.create", interrupt)
        with pytest.raises(KeyboardInterrupt):
            LanceStore.create(path, make_manifest(dim=99))
    assert (path / "rows.lance").is_dir()
    with pytest.raises(StoreNotFoundError):
        LanceStore.open(path)
    with LanceStore.create(path, make_manifest()) as store:
        assert store.write([make_row(0)]) == 1


def test_rows_without_a_manifest_are_not_written_over(tmp_path: Path) -> None:
    path = make_store(tmp_path, 2).path
    for file in path.glob("*.acknowledged"):
        file.unlink()
    (path / MANIFEST_FILE).rename(tmp_path / "kept")
    with pytest.raises(StoreError, match="a table 'rows' with rows"):
        LanceStore.create(path, make_manifest())
    newest = list_versions(path / "rows.lance")[0].file
    content = newest.read_bytes()
    newest.write_bytes(bytes(len(content)))  # which LanceDB takes for a table without rows
    with pytest.raises(StoreError, match="a table 'rows' with rows"):
        LanceStore.create(path, make_manifest())
    newest.write_bytes(content)
    (tmp_path / "kept").rename(path / MANIFEST_FILE)
    assert LanceStore.open(path).count() == 2


def test_a_manifest_that_cannot_be_written_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="plain values"):
        LanceStore.create(tmp_path / "new", make_manifest(balance={"x": float("nan")}))
    assert list(tmp_path.iterdir()) == []


def test_parts_of_two_collections_are_told_apart(store: LanceStore) -> None:
    file = store.path / MANIFEST_FILE
    for change in ({"dim": 9}, {"dtype": "float16"}):
        original = file.read_text(encoding="utf-8")
        file.write_text(json.dumps({**json.loads(original), **change}), encoding="utf-8")
        with pytest.raises(StoreError, match="of another collection"):
            LanceStore.open(store.path)
        file.write_text(original, encoding="utf-8")


def test_a_table_that_is_missing_is_named(store: LanceStore) -> None:
    shutil.rmtree(store.path / "sources.lance")
    with pytest.raises(StoreError, match="no table 'sources'"):
        LanceStore.open(store.path)


def test_what_is_missing_is_named_with_its_pip_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = _optional.importlib.import_module

    def import_module(name: str) -> object:
        if name in ("lancedb", "pyarrow"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return original(name)

    monkeypatch.setattr(_optional.importlib, "import_module", import_module)
    with pytest.raises(MissingExtraError, match=r'pip install "sensorium\[store\]"') as caught:
        LanceStore.create(tmp_path / "new", make_manifest())
    assert caught.value.package == "lancedb"


def test_the_key_is_declared_so_that_writers_cannot_double_it(store: LanceStore) -> None:
    for table, key in (("rows", "id"), ("sources", "key")):
        field = Table.open(store.path, table, key).schema().field(key)
        assert field.metadata
        assert not field.nullable
