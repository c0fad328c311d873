"""The store: what is written is there, what is removed is not, and every door checks what comes in."""

from __future__ import annotations

import os
import threading
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest

from sensorium.errors import InputError, StoreError
from sensorium.store import Entry, LanceStore, Place, Row, VectorStore
from tests.store.rows import DIM, ids_of, make_manifest, make_row, make_store, make_vector


def test_it_is_a_vector_store(store: LanceStore) -> None:
    face: VectorStore = store  # for the type checker
    assert {name for name in vars(VectorStore) if not name.startswith("_")} <= set(dir(face))


def test_rows_are_there_when_it_is_opened_again(store: LanceStore) -> None:
    store.close()
    with LanceStore.open(store.path) as again:
        assert ids_of(again) == sorted(f"row-{number}" for number in range(20))
        row = again.get(["row-3"])["row-3"]
        np.testing.assert_array_equal(row.vector, make_vector(3))
        assert (row.text, row.path) == ("the quick red fox number3", "/files/file-0.txt")


def test_writing_replaces_by_id(store: LanceStore) -> None:
    assert store.write([make_row(3, text="other", vector=make_vector(99)), make_row(20), make_row(20)]) == 2
    assert store.count() == 21
    row = store.get(["row-3"])["row-3"]
    assert row.text == "other"
    np.testing.assert_array_equal(row.vector, make_vector(99))
    assert [hit.id for hit in store.search(make_vector(99), 1)] == ["row-3"]
    assert store.search_text("number3", 5) == []
    assert [hit.id for hit in store.search_text("other", 5)] == ["row-3"]


def test_a_replaced_row_keeps_nothing_of_the_older(store: LanceStore) -> None:
    store.write([make_row(0, metadata={"n": 1}, thumbnail=b"x", place=Place(page=3))])
    store.write([make_row(0)])
    row = store.get(["row-0"])["row-0"]
    assert (row.metadata, row.thumbnail, row.place) == ({}, None, Place())


def test_nothing_is_written_if_one_row_is_wrong(store: LanceStore) -> None:
    with pytest.raises(InputError) as caught:
        store.write([make_row(50), make_row(51, vector=np.zeros(DIM))])
    assert caught.value.index == 1
    with pytest.raises(InputError, match="as its first value did"):
        store.write([make_row(50, metadata={"n": 1})])
        store.write([make_row(51, metadata={"n": "x"})])
    assert "row-51" not in ids_of(store)


def test_no_rows_are_no_write(store: LanceStore) -> None:
    assert store.write([]) == 0
    assert store.write(iter(())) == 0


def test_metadata_becomes_typed_columns(store: LanceStore) -> None:
    noon = datetime(2024, 5, 1, 12, tzinfo=timezone.utc)
    store.write([make_row(0, metadata={"Camera": "Nikon Z", "iso": 200, "f": 1.8, "raw": True, "taken": noon})])
    store.write([make_row(1, metadata={"iso": 400, "f": 2})])
    kinds = {"Camera": "text", "iso": "whole", "f": "number", "raw": "yes/no", "taken": "time"}
    assert {name: kind for name, kind in store.columns().items() if name in kinds} == kinds
    assert ids_of(store, {"iso": {">": 200}}) == ["row-1"]
    assert ids_of(store, {"f": (1, 1.9), "taken": noon}) == ["row-0"]
    assert ids_of(store, "Camera = 'Nikon Z' AND raw") == ["row-0"]
    assert store.get(["row-1"])["row-1"].metadata == {"iso": 400, "f": 2.0}
    assert store.get(["row-2"])["row-2"].metadata == {}


def test_rows_are_removed_by_id_path_or_condition(store: LanceStore) -> None:
    assert store.delete(ids=["row-0", "row-0", "absent"]) == 1
    assert store.delete(path="/files/file-1.txt") == 7
    assert store.delete(where={"modality": "image", "key": "file-0.txt"}) == 3
    assert ids_of(store) == sorted(f"row-{n}" for n in range(20) if n % 3 != 1 and not (n % 2 == 0 and n % 3 == 0))
    assert store.delete(where="true") == 9
    assert store.count() == 0


def test_removing_needs_to_be_told_what(store: LanceStore) -> None:
    for given in ({}, {"ids": ["a"], "path": "b"}, {"path": "a", "where": "b"}):
        with pytest.raises(InputError, match="exactly one"):
            store.delete(**given)
    with pytest.raises(InputError, match="every row"):
        store.delete(where={})
    with pytest.raises(InputError, match="list of values"):
        store.delete(ids="row-1")
    assert store.count() == 20


def test_rows_are_given_by_id_in_the_order_asked(store: LanceStore) -> None:
    assert list(store.get(["row-9", "absent", "row-2", "row-9"])) == ["row-9", "row-2"]
    assert store.get([]) == {}
    bare = store.get(["row-9"], with_vectors=False, with_thumbnails=False)["row-9"]
    assert bare.vector is None


def test_vectors_are_given_by_digest(store: LanceStore) -> None:
    found = store.digests(["digest-4", "absent", "digest-5"])
    assert set(found) == {"digest-4", "digest-5"}
    np.testing.assert_array_equal(found["digest-4"], make_vector(4))
    assert found["digest-4"].dtype == np.float32
    assert store.digests([]) == {}


def test_many_ids_at_once(tmp_path: Path) -> None:
    with make_store(tmp_path, 2500) as store:
        wanted = [f"row-{number}" for number in range(2500)]
        assert list(store.get(wanted, with_vectors=False)) == wanted
        assert len(store.digests(f"digest-{number}" for number in range(2500))) == 2500
        assert len(list(store.scan())) == 2500
        assert store.delete(ids=wanted[:-1]) == 2499


def test_entries_tell_what_is_there(store: LanceStore) -> None:
    assert list(store.entries({"id": "row-4"})) == [Entry("row-4", "file-1.txt", "/files/file-1.txt", "digest-4")]


def test_modalities_are_counted_whoever_changes_them(store: LanceStore, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store.modalities() == {"image": 10, "text": 10}
    with LanceStore.open(store.path) as other:
        other.write([make_row(20, modality="image+text"), make_row(21, modality="audio"), make_row(22)])
        assert store.modalities() == {"audio": 1, "image": 11, "image+text": 1, "text": 10}
        other.delete(where={"modality": "audio"})
    assert store.modalities() == {"image": 11, "image+text": 1, "text": 10}
    monkeypatch.setattr(store._reader._table, "scan", None)  # what is known is counted without reading rows
    assert store.modalities() == {"image": 11, "image+text": 1, "text": 10}
    store.delete(where={"modality": ["image", "text", "image+text"]})
    assert store.modalities() == {}


def test_scans_give_what_is_asked_for(store: LanceStore) -> None:
    store.write([make_row(0, thumbnail=b"x")])
    bare = next(store.scan({"id": "row-0"}))
    assert (bare.vector, bare.thumbnail) == (None, None)
    full = next(store.scan({"id": "row-0"}, with_vectors=True, with_thumbnails=True))
    np.testing.assert_array_equal(full.vector, make_vector(0))
    assert full.thumbnail == b"x"


def test_rows_that_were_read_can_be_written_back(store: LanceStore) -> None:
    rows = list(store.scan(with_vectors=True, with_thumbnails=True))
    assert store.write(rows) == 20
    with pytest.raises(InputError, match="with_vectors=False"):
        store.write(store.scan())


def test_a_scan_sees_one_moment(tmp_path: Path) -> None:
    with make_store(tmp_path, 3000) as store:
        scan = store.entries()
        first = next(scan)
        store.delete(where="true")
        assert len({first.id, *(entry.id for entry in scan)}) == 3000
        assert store.count() == 0


def test_other_stores_see_what_was_acknowledged(store: LanceStore) -> None:
    with LanceStore.open(store.path) as other:
        assert other.count() == 20
        store.write([make_row(20, metadata={"new": 1})])
        assert other.count({"new": 1}) == 1
        other.write([make_row(21, metadata={"new": 2, "newer": "x"})])
        assert store.get(["row-21"])["row-21"].metadata == {"new": 2, "newer": "x"}


def test_the_manifest_is_changed_without_losing_others_changes(store: LanceStore) -> None:
    with LanceStore.open(store.path) as other:
        store.update_manifest(balance={"image": 1.5})
        other.update_manifest(ingestion={"a": 1})
        assert store.manifest.balance == {"image": 1.5}
        assert other.manifest.balance == {"image": 1.5}
    with pytest.raises(InputError, match="fixed"):
        store.update_manifest(dim=3)
    with LanceStore.open(store.path) as again:
        assert (again.manifest.balance, again.manifest.ingestion) == ({"image": 1.5}, {"a": 1})


def test_half_precision(tmp_path: Path) -> None:
    with LanceStore.create(tmp_path / "half", make_manifest(dtype="float16")) as store:
        store.write([make_row(number) for number in range(20)])
        expected = make_vector(3).astype(np.float16).astype(np.float32)
        np.testing.assert_array_equal(store.get(["row-3"])["row-3"].vector, expected)
        hit = store.search(make_vector(3), 1)[0]
        assert hit.id == "row-3"
        assert hit.score == pytest.approx(1.0, abs=1e-3)


def test_a_closed_store_says_so(store: LanceStore) -> None:
    store.close()
    store.close()
    for use in (store.count, store.optimize, lambda: store.write([make_row(0)]), lambda: next(store.scan())):
        with pytest.raises(StoreError, match="closed"):
            use()


def test_a_forked_process_is_told_to_open_it_again(store: LanceStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(StoreError, match="forked"):
        store.count()


def test_threads_may_share_a_store(store: LanceStore) -> None:
    faults: list[Exception] = []

    def work(number: int) -> None:
        try:
            for step in range(5):
                store.write([make_row(100 + number * 10 + step, metadata={f"m{number}": step})])
                store.search(make_vector(step), 3)
        except Exception as exc:  # noqa: BLE001 - handed to the test's thread
            faults.append(exc)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert store.count() == 40
    assert sum(row.metadata != {} for row in store.scan()) == 20


def test_it_shows_what_it_is(store: LanceStore) -> None:
    assert repr(store) == f"LanceStore({str(store.path)!r}, model_id='tiny')"
    assert "vector" not in repr(next(store.scan(with_vectors=True)))


def test_rows_are_what_they_are_annotated_to_be(store: LanceStore) -> None:
    assert type(next(store.scan())) is Row
