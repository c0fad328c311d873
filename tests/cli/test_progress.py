"""How far an indexing has come."""

from __future__ import annotations

import sys

import pytest

from sensorium.cli.progress import IndexingProgress, Rate
from sensorium.collection.results import IndexProgress


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_rate_is_that_of_the_last_seconds() -> None:
    clock = Clock()
    rate = Rate(clock)
    assert rate.per_second() == (0.0, 0.0)
    rate.note(0, 0)
    assert rate.per_second() == (0.0, 0.0)
    for second in range(1, 101):
        clock.now = 100.0 + second
        rate.note(second if second <= 50 else 50 + 10 * (second - 50), second)
    files, records = rate.per_second()
    assert files == pytest.approx(10)
    assert records == pytest.approx(1)


def test_lines_are_sparse(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with IndexingProgress(clock=clock) as progress:
        for second in range(1, 70):
            clock.now = 100.0 + second
            progress.update(IndexProgress(files=second, records=2 * second, unreadable=1, total_files=100))
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert len(lines) == 3
    assert lines[0] == "5 of 100 files, 10 records, 2.0 items/s, 1:35 left, 1 error"


def test_what_is_not_known_is_not_said(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with IndexingProgress(clock=clock) as progress:
        clock.now += 6
        progress.update(IndexProgress(files=3, records=1, total_files=None))
    assert capsys.readouterr().err == "3 files, 1 record, 0.2 items/s, 0 errors\n"


def test_quiet(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    clock = Clock()
    with IndexingProgress(is_quiet=True, clock=clock) as progress:
        clock.now += 100
        progress.update(IndexProgress(files=3))
    assert capsys.readouterr() == ("", "")
