"""Files are put in order on their own, and no answer changes by it."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

import numpy as np
import pytest

from sensorium.errors import StoreError
from sensorium.store import IndexPolicy, LanceStore, Manifest, SourceNote, UpkeepPolicy, lock
from sensorium.store.table import Table
from tests.store.rows import ids_of, make_manifest, make_row, make_store, make_vector


def _indices(store: LanceStore) -> set[str]:
    return {one.name for one in Table.open(store.path, "rows", "id").lance.list_indices()}


def _vector_indices(store: LanceStore) -> list[str]:
    return sorted(name for name in _indices(store) if name.startswith("vector"))


def _count_files(store: LanceStore, table: str = "rows") -> int:
    return len(list((store.path / f"{table}.lance" / "data").glob("*")))


def _fill(store: LanceStore, numbers: range) -> None:
    store.write([make_row(number) for number in numbers])


def test_small_files_are_joined_after_some_commits(tmp_path: Path) -> None:
    with make_store(tmp_path, upkeep=UpkeepPolicy(pieces=9, growth=0, keep_versions_s=0)) as store:
        for number in range(9):
            _fill(store, range(number, number + 1))
        assert _count_files(store) == 9
        _fill(store, range(9, 10))
        assert _count_files(store) == 1
        assert ids_of(store) == [f"row-{number}" for number in range(10)]


def test_old_versions_are_kept_for_a_while(tmp_path: Path) -> None:
    with make_store(tmp_path, upkeep=UpkeepPolicy(pieces=9, growth=0)) as store:
        for number in range(10):
            _fill(store, range(number, number + 1))
        assert _count_files(store) == 11  # the joined one, and those of versions that a reader may still use


def test_notes_on_sources_are_joined_too(tmp_path: Path) -> None:
    with make_store(tmp_path, upkeep=UpkeepPolicy(keep_versions_s=0)) as store:
        for number in range(5):
            store.sources.write([SourceNote(f"{number}", None, "s")])
        store.optimize()
        assert _count_files(store, "sources") == 1
        assert store.sources.count() == 5


def test_files_of_the_last_version_do_not_go_with_the_work_that_replaces_them(tmp_path: Path) -> None:
    """Their replacement is synced only after it; until then a power cut must find them."""
    with make_store(tmp_path, upkeep=UpkeepPolicy(keep_versions_s=0.5)) as store:
        for number in range(3):
            _fill(store, range(number, number + 1))
        time.sleep(0.6)  # the last version is now older than what is kept
        before = set((store.path / "rows.lance" / "data").iterdir())
        store.optimize()
        assert before < set((store.path / "rows.lance" / "data").iterdir())
        time.sleep(0.6)
        store.optimize()
        assert before.isdisjoint((store.path / "rows.lance" / "data").iterdir())


def test_files_that_earlier_processes_left_count(tmp_path: Path) -> None:
    path = make_store(tmp_path).path
    policy = UpkeepPolicy(pieces=9, growth=0, keep_versions_s=0)
    for number in range(10):
        with LanceStore.open(path, upkeep=policy) as store:
            assert _count_files(store) == number
            _fill(store, range(number, number + 1))
    assert _count_files(store) == 1


def test_work_that_is_not_due_can_be_left(tmp_path: Path) -> None:
    with make_store(tmp_path, upkeep=UpkeepPolicy(pieces=3, growth=10, keep_versions_s=0)) as store:
        _fill(store, range(5))
        store.optimize()
        for number in range(5, 9):
            _fill(store, range(number, number + 1))
        store.optimize(only_if_due=True)
        assert _count_files(store) == 5
        store.optimize()
        store.optimize()
        assert _count_files(store) == 1


def test_an_index_is_built_when_there_are_enough_rows(tmp_path: Path) -> None:
    index = IndexPolicy(exact_below=300)
    with make_store(tmp_path, index=index, upkeep=UpkeepPolicy(rows=200, scalar_index_from=300)) as store:
        _fill(store, range(250))
        assert _indices(store) == {"text"}
        _fill(store, range(250, 500))
        assert _indices(store) == {"text", "id", "digest", "key", "path", "modality", "vector_ivf_rq_500"}
        hits = store.search(make_vector(321), 3)
        assert hits[0].id == "row-321"
        assert list(store.get(["row-321"])) == ["row-321"]
        assert store.write([make_row(321)]) == 1
        assert store.count() == 500


def test_an_index_is_built_anew_when_rows_have_multiplied(tmp_path: Path) -> None:
    index = IndexPolicy(exact_below=300, rebuild_growth=2.0)
    with make_store(tmp_path, index=index) as store:
        _fill(store, range(400))
        store.optimize()
        assert _vector_indices(store) == ["vector_ivf_rq_400"]
        _fill(store, range(400, 799))
        store.optimize()
        assert _vector_indices(store) == ["vector_ivf_rq_400"]
        _fill(store, range(799, 800))
        store.optimize()
        assert _vector_indices(store) == ["vector_ivf_rq_800"]
        assert store.search(make_vector(777), 1)[0].id == "row-777"


def test_another_kind_of_index_takes_the_place_of_the_first(tmp_path: Path) -> None:
    with make_store(tmp_path, 400, index=IndexPolicy(exact_below=300)) as store:
        store.optimize()
    for kind, expected in (("hnsw_sq", ["vector_hnsw_sq_400"]), ("none", [])):
        with LanceStore.open(store.path, index=IndexPolicy(kind=kind, exact_below=300)) as again:
            again.optimize()
            assert _vector_indices(again) == expected
            assert again.search(make_vector(77), 1)[0].id == "row-77"


def test_fewer_rows_than_an_index_was_built_for_are_compared_exactly(tmp_path: Path) -> None:
    index = IndexPolicy(exact_below=300, probes=1, refine=1, least_candidates=1)
    with make_store(tmp_path, 400, index=index) as store:
        store.optimize()
        store.delete(ids=[f"row-{number}" for number in range(200)])
        left = np.stack([make_vector(number) for number in range(200, 400)])
        query = make_vector(5)
        order = np.argsort(-(left @ query) / np.linalg.norm(left, axis=1))[:10]
        assert [hit.id for hit in store.search(query, 10)] == [f"row-{200 + number}" for number in order]


def test_a_text_index_that_is_gone_is_made_again(store: LanceStore) -> None:
    Table.open(store.path, "rows", "id").lance.drop_index("text")
    store.optimize()
    assert store.search_text("number7", 1)[0].id == "row-7"


def test_work_that_fails_does_not_fail_the_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with make_store(tmp_path, upkeep=UpkeepPolicy(pieces=1)) as store:

        def fail(*_: object) -> None:
            raise StoreError("no room for order")

        monkeypatch.setattr("sensorium.store.upkeep.compact", fail)
        with caplog.at_level(logging.WARNING, "sensorium.store"):
            for number in range(3):
                _fill(store, range(number, number + 1))
        assert ["no room for order" in record.getMessage() for record in caplog.records] == [True, True]
        assert store.count() == 3
        with pytest.raises(StoreError, match="no room for order"):
            store.optimize()


def test_work_that_another_process_does_is_left_to_it(tmp_path: Path) -> None:
    with make_store(tmp_path, upkeep=UpkeepPolicy(pieces=1, growth=0, keep_versions_s=0)) as store:
        with lock.try_upkeep(store.path):
            for number in range(4):
                _fill(store, range(number, number + 1))
        assert _count_files(store) == 4
        _fill(store, range(4, 6))
        assert _count_files(store) == 1


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc to see what a handle is of")
def test_every_file_of_a_version_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: set[str] = set()
    original = os.fsync

    def fsync(handle: int) -> None:
        synced.add(os.readlink(f"/proc/self/fd/{handle}"))
        original(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    index = IndexPolicy(exact_below=300)
    with LanceStore.create(tmp_path / "c", make_manifest(), index=index) as store:
        _fill(store, range(400))
        store.delete(ids=["row-0"])
        store.optimize()
        store.sources.write([SourceNote("a", None, "s")])
        assert isinstance(store.manifest, Manifest)
        files = {str(file) for table in ("rows", "sources") for file in (store.path / f"{table}.lance").rglob("*")}
        assert {str(Path(file).parent.name) for file in files} >= {"data", "_versions", "_transactions", "_deletions"}
        assert files - synced == set()
