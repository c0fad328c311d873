"""Commits are tried again after conflicts, and writers that add one key at once make one row."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from sensorium.errors import InputError, StoreError
from sensorium.store import LanceStore, table
from sensorium.store.table import Table
from tests.store.rows import make_row, make_store

CONFLICT = "lance error: Retryable commit conflict for version 17: preempted by concurrent transaction Update"


class _Contended:
    """Stands for LanceDB's table: other writers' commits come first a number of times."""

    name = "rows"

    def __init__(self, conflicts: int) -> None:
        self.left = conflicts
        self.tries = 0

    def delete(self, where: str) -> SimpleNamespace:
        self.tries += 1
        if self.left > 0:
            self.left -= 1
            raise RuntimeError(CONFLICT)
        return SimpleNamespace(version=3, num_deleted_rows=7)


def test_a_commit_is_tried_again_until_it_is_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(table.time, "sleep", pauses.append)
    contended = _Contended(5)
    assert Table(contended, tmp_path, "id").delete("true", []) == 7
    assert contended.tries == 6
    assert len(pauses) == 5
    assert pauses[-1] > pauses[0]
    assert max(pauses) <= 1.5


def test_a_commit_is_not_tried_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "CONFLICT_TIMEOUT_S", 0.0)
    with pytest.raises(StoreError, match="conflict"):
        Table(_Contended(10**6), tmp_path, "id").delete("true", [])


def test_other_faults_are_not_tried_again(tmp_path: Path) -> None:
    contended = _Contended(0)
    contended.delete = lambda where: (_ for _ in ()).throw(RuntimeError("broken"))
    with pytest.raises(StoreError, match="broken"):
        Table(contended, tmp_path, "id").delete("true", [])


def test_work_that_no_row_shows_gives_way(tmp_path: Path) -> None:
    contended = _Contended(1)
    Table(contended, tmp_path, "id").change("joining", lambda lance: lance.delete("true"))
    assert contended.tries == 1
    with pytest.raises(StoreError, match="broken"):
        Table(contended, tmp_path, "id").change("joining", lambda lance: (_ for _ in ()).throw(RuntimeError("broken")))


def test_faults_of_rows_are_not_faults_of_the_table(store: LanceStore) -> None:
    def make(schema: object) -> object:
        raise InputError("a row is wrong")

    with pytest.raises(InputError, match="a row is wrong"):
        Table.open(store.path, "rows", "id").upsert(make)


def test_writers_of_one_key_make_one_row(tmp_path: Path) -> None:
    writers, rounds = 4, 12
    path = make_store(tmp_path).path
    barrier = threading.Barrier(writers)
    faults: list[Exception] = []

    def write(writer: int) -> None:
        try:
            with LanceStore.open(path) as store:
                for step in range(rounds):
                    barrier.wait(timeout=60)
                    store.write([make_row(step, text=f"writer {writer}"), make_row(1000 + writer * rounds + step)])
        except Exception as exc:  # noqa: BLE001 - handed to the test's thread
            faults.append(exc)
            barrier.abort()

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    with LanceStore.open(path) as store:
        counts = Counter(entry.id for entry in store.entries())
    assert set(counts.values()) == {1}
    assert len(counts) == rounds + writers * rounds
