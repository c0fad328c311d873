"""What a collection remembers in its manifest, while other processes change it too."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from sensorium.collection.metadata import from_plain
from sensorium.collection.registry import Registry, first_ingestion
from sensorium.collection.roots import Added, Root
from sensorium.ingest import IngestSettings
from sensorium.media.limits import MediaLimits
from sensorium.store import LanceStore, Row
from tests.collection.fakes import make_manifest, make_vector


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LanceStore]:
    ingestion = first_ingestion(IngestSettings(passage_characters=900))
    with LanceStore.create(tmp_path / "collection", make_manifest(ingestion=ingestion)) as made:
        yield made


@pytest.fixture
def elsewhere(store: LanceStore) -> Iterator[Registry]:
    """The memory as another process has it."""
    with LanceStore.open(store.path) as other:
        yield Registry(other)


def test_how_files_are_cut_is_remembered(store: LanceStore) -> None:
    limits = MediaLimits(max_pixels=1000)
    assert Registry(store).settings == IngestSettings(passage_characters=900)
    assert Registry(store, limits).settings.limits == limits


def test_a_new_collection_knows_no_folders(store: LanceStore) -> None:
    assert (Registry(store).roots.folders, Registry(store).roots.added) == ((), ())


def test_a_folder_is_claimed_once(store: LanceStore) -> None:
    registry = Registry(store)
    assert registry.claim("/f/a/x.txt", "/f/a").folders == (Root("/f/a", ""),)
    stamp = os.stat(store.path / "manifest.json").st_mtime_ns
    assert registry.claim("/f/a/deep/y.txt", "/f/a/deep") is registry.roots
    assert os.stat(store.path / "manifest.json").st_mtime_ns == stamp
    assert registry.claim("/f/b", "/f/b").folders == (Root("/f/a", ""), Root("/f/b", "b/"))


def test_a_prefix_is_none_that_keys_have_already(store: LanceStore) -> None:
    registry = Registry(store)
    registry.claim("/f/a", "/f/a")
    store.write([Row(id="1", key="b/x.txt", modality="text", digest="1", vector=make_vector("1"))])
    assert registry.claim("/f/b", "/f/b").folders[1] == Root("/f/b", "b-2/")


def test_what_another_process_has_claimed_is_kept_and_used(store: LanceStore, elsewhere: Registry) -> None:
    registry = Registry(store)
    assert registry.roots.folders == ()
    elsewhere.claim("/f/a", "/f/a")
    assert registry.claim("/f/a/x.txt", "/f/a").folders == (Root("/f/a", ""),), "nobody else's keys are taken"
    registry.remember(["/f/a"], {})
    elsewhere.remember(["/f/b"], {})
    assert {one.path for one in registry.refresh().added} == {"/f/a", "/f/b"}


def test_it_is_as_last_read(store: LanceStore, elsewhere: Registry) -> None:
    registry = Registry(store)
    known = registry.roots
    elsewhere.claim("/f/a", "/f/a")
    assert registry.roots is known
    assert registry.refresh().folders == (Root("/f/a", ""),)


def test_what_was_added_is_remembered_with_its_metadata(store: LanceStore) -> None:
    registry = Registry(store)
    metadata = {"when": datetime(2026, 1, 1, tzinfo=timezone.utc), "most": float("inf"), "note": None}
    registry.remember(iter(["/f/a", "/f/b"]), metadata)
    with LanceStore.open(store.path) as again:
        added = Registry(again).roots.added
    assert [one.path for one in added] == ["/f/a", "/f/b"]
    assert [from_plain(one.metadata) for one in added] == [metadata, metadata]


def test_what_a_later_walk_has_reached_is_forgotten(store: LanceStore) -> None:
    registry = Registry(store)
    registry.remember(["/f/a/x.txt", "/f/c"], {})
    registry.remember(["/f/a"], {}, {"/f/a/x.txt"})
    assert [one.path for one in registry.roots.added] == ["/f/c", "/f/a"]


def test_forgetting(store: LanceStore) -> None:
    registry = Registry(store)
    registry.remember(["/f/a", "/f/b"], {})
    registry.forget(["/f/a", "/none"])
    assert registry.roots.added == (Added("/f/b"),)
    stamp = os.stat(store.path / "manifest.json").st_mtime_ns
    registry.forget([])
    registry.forget(["/none"])
    registry.remember(["/f/b"], {})
    assert os.stat(store.path / "manifest.json").st_mtime_ns == stamp, "what changes nothing writes nothing"


def test_a_folder_that_has_moved(store: LanceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry(store)
    old, new = str(tmp_path / "old"), str(tmp_path / "new")
    registry.claim(old, old)
    registry.remember([old, f"{old}/*.txt", "/f/b"], {})
    monkeypatch.chdir(tmp_path)
    registry.move("old", "new")
    assert registry.roots.folders == (Root(new, ""),)
    assert [one.path for one in registry.roots.added] == [new, f"{new}/*.txt", "/f/b"]


def test_what_others_keep_in_the_manifest_stays(store: LanceStore) -> None:
    store.update_manifest(balance={"version": 1}, ingestion={**store.manifest.ingestion, "later": "unknown"})
    Registry(store).claim("/f/a", "/f/a")
    assert store.refresh_manifest().balance == {"version": 1}
    assert store.manifest.ingestion["later"] == "unknown"
    assert IngestSettings.from_dict(store.manifest.ingestion["settings"]) == IngestSettings(passage_characters=900)
