"""The ledger knows what was acknowledged, or says that it does not."""

from __future__ import annotations

from pathlib import Path

from sensorium.store import ledger
from sensorium.store.ledger import Ledger


def test_commits_are_found_by_version(tmp_path: Path) -> None:
    book = Ledger(tmp_path, "rows")
    assert book.find(1) is None
    book.note(3, 10, 0)
    Ledger(tmp_path, "rows").note(4, 0, 2)
    assert (book.find(3), book.find(4), book.find(34)) == ((10, 0), (0, 2), None)
    assert Ledger(tmp_path, "sources").find(3) is None


def test_torn_lines_are_passed_over(tmp_path: Path) -> None:
    book = Ledger(tmp_path, "rows")
    book.note(3, 10, 0)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes() + b"4 1\xff\n\x00\x00\n5")
    assert (book.find(3), book.find(4), book.find(5)) == ((10, 0), None, None)


def test_long_ledgers_lose_their_older_half(tmp_path: Path, monkeypatch) -> None:
    book = Ledger(tmp_path, "rows")
    book.shorten()
    for version in range(100):
        book.note(version, 1, 0)
    book.shorten()
    assert book.find(0) == (1, 0)
    monkeypatch.setattr(ledger, "_LONGEST", 100)
    book.shorten()
    assert book.find(0) is None
    assert book.find(99) == (1, 0)
    assert [file.name for file in tmp_path.iterdir()] == ["rows.acknowledged"]
