"""What is counted of a collection."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sensorium.collection.roots import Roots
from sensorium.collection.statistics import count_all
from sensorium.store import LanceStore, Row, SourceNote
from tests.collection.fakes import make_manifest, make_vector


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LanceStore]:
    manifest = make_manifest(revision="abc", dtype="float16", library_version="0.0.1")
    with LanceStore.create(tmp_path / "collection", manifest) as made:
        yield made


def test_an_empty_collection(store: LanceStore) -> None:
    stats = count_all(store, Roots())
    assert (stats.records, stats.modalities, stats.files, stats.unreadable) == (0, {}, 0, 0)
    assert (stats.roots, stats.metadata_columns) == ((), ())


def test_what_is_there(store: LanceStore) -> None:
    store.write(
        Row(id=str(n), key="a", modality=modality, digest=str(n), vector=make_vector(str(n)), metadata={"year": 2024})
        for n, modality in enumerate(("text", "image", "text", "image+text"))
    )
    notes = [SourceNote("a", "/f/a", "1"), SourceNote("b", "/f/b", "1"), SourceNote("c", "/f/c", "1", "broken")]
    store.sources.write(notes)
    stats = count_all(store, Roots().with_folder("/f").with_folder("/caf\udce9"))
    assert stats.modalities == {"image": 1, "image+text": 1, "text": 2}
    assert (stats.records, stats.files, stats.unreadable) == (4, 2, 1)
    assert stats.metadata_columns == ("year",)
    assert stats.roots == ("/f", "/caf\\xe9")
    assert (stats.path, stats.model_id, stats.revision) == (store.path, "some/model", "abc")
    assert (stats.dim, stats.dtype, stats.library_version) == (4, "float16", "0.0.1")
    size = sum(file.stat().st_size for file in store.path.rglob("*") if file.is_file())
    assert stats.bytes_on_disk == size > 0


def test_files_that_vanish_meanwhile_are_not_counted(store: LanceStore, monkeypatch: pytest.MonkeyPatch) -> None:
    look = os.lstat

    def vanish(path: str) -> os.stat_result:
        if path.endswith(".json"):
            raise NotADirectoryError(path)
        return look(path)

    whole = count_all(store, Roots()).bytes_on_disk
    monkeypatch.setattr("sensorium.collection.statistics.os.lstat", vanish)
    assert 0 < count_all(store, Roots()).bytes_on_disk < whole
