"""What was acknowledged is there, whatever ends the process, whoever else writes, and when the disk is full."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sensorium.errors import DiskFullError
from sensorium.store import LanceStore, Manifest
from tests.store import writer
from tests.store.rows import make_manifest, make_row

ROOT = Path(__file__).parents[2]
KILLS = 4


def _start(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.store.writer", str(path), name, str(count)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "LANCE_LOG": "error"},
    )


@contextlib.contextmanager
def _started(path: Path, names: list[str], count: int) -> Iterator[list[subprocess.Popen[str]]]:
    processes = [_start(path, name, count) for name in names]
    try:
        for process in processes:
            assert process.stdout.readline() == "ready\n"
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()


def _begin(process: subprocess.Popen[str]) -> None:
    process.stdin.write("go\n")
    process.stdin.flush()


def _create(path: Path) -> None:
    LanceStore.create(path, Manifest(model_id="tiny", dim=writer.DIM)).close()


def _check(path: Path, name: str, last: int) -> None:
    """Check that every batch up to `last`, which was acknowledged, is there once, and later ones wholly or not."""
    with LanceStore.open(path) as store:
        rows = list(store.scan(with_vectors=True))
        counts = Counter(row.id for row in rows)
        assert set(counts.values()) <= {1}
        for row in rows:
            np.testing.assert_array_equal(row.vector, writer.vector_of(row.id))
        batches = Counter(row.id.split("-")[1] for row in rows if row.id.startswith(f"{name}-"))
        assert set(batches.values()) <= {writer.BATCH}
        for batch in range(last + 1):
            if not writer.is_removed(batch, last):
                assert str(batch) in batches or writer.is_removed(batch, last + 2), batch
            else:
                assert str(batch) not in batches
        assert {note.key for note in store.sources.read()} >= {f"{name}-{batch}" for batch in range(last + 1)}
        if rows:
            assert store.search(rows[-1].vector, 1)[0].id == rows[-1].id
            assert store.search_text(rows[-1].text, 1) != []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no kill -9")
def test_a_killed_writer_loses_nothing_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "collection"
    _create(path)
    generator = random.Random(20261123)
    count, last = 400, -1
    with _started(path, ["a"] * KILLS, count) as processes:
        for process in processes:
            _begin(process)
            line = process.stdout.readline()
            time.sleep(generator.uniform(0.0, 0.4))
            process.kill()
            lines = [line, *process.stdout]
            acknowledged = [int(one) for one in lines if one.endswith("\n")]
            assert acknowledged, "it ended before it was killed"
            assert acknowledged[0] in (last + 1, last + 2)  # what was written is not written again
            last = acknowledged[-1]
            _check(path, "a", last)
    assert 0 < last < count - 1


def test_two_writers_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "collection"
    _create(path)
    count = 24
    with _started(path, ["a", "b"], count) as processes:
        for process in processes:
            _begin(process)
        outputs = [process.communicate(timeout=120)[0] for process in processes]
    assert outputs == ["".join(f"{batch}\n" for batch in range(count))] * 2
    with LanceStore.open(path) as store:
        ids = Counter(entry.id for entry in store.entries())
        assert set(ids.values()) == {1}
        expected = {
            f"{name}-{batch}-{number}"
            for name in "ab"
            for batch in range(count)
            for number in range(writer.BATCH)
            if not writer.is_removed(batch, count - 1)
        }
        assert {id for id in ids if not id.startswith("shared")} == expected
        assert store.sources.count() == 2 * count
        assert {"added0", "added1", "added2"} <= set(store.columns())
        for row in store.scan({"key": "a-23"}):
            assert row.metadata == {"added2": 23, "writer": "a"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a folder on a device of 4 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a small device cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mounts a tmpfs")
def test_a_full_disk_is_said_and_takes_nothing_back(small_disk: Path) -> None:
    path = small_disk / "collection"
    store = LanceStore.create(path, make_manifest(dim=64))
    generator = np.random.default_rng(0)
    acknowledged = 0

    def batch(number: int) -> list:
        return [
            make_row(number * 100 + row, vector=generator.normal(size=64), thumbnail=generator.bytes(500))
            for row in range(100)
        ]

    with pytest.raises(DiskFullError, match="make room") as caught:
        for number in range(1000):
            store.write(batch(number))
            acknowledged = number + 1
    assert isinstance(caught.value, OSError)
    assert acknowledged > 3
    assert acknowledged * 100 <= store.count() <= acknowledged * 100 + 100
    with pytest.raises(DiskFullError):
        store.write(batch(acknowledged + 1))
    with contextlib.suppress(DiskFullError):
        store.optimize()
    store.close()

    with LanceStore.open(path) as again:
        assert again.count({"id": [f"row-{number}" for number in range(acknowledged * 100)]}) == acknowledged * 100
        row = next(again.scan(with_vectors=True))
        assert again.search(row.vector, 1)[0].id == row.id
        subprocess.run(["mount", "-o", "remount,size=32m", str(small_disk)], check=True)
        assert again.write(batch(acknowledged)) == 100
        again.optimize()
        assert again.count({"id": [f"row-{number}" for number in range(acknowledged * 100 + 100)]}) == (
            acknowledged * 100 + 100
        )


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mounts a tmpfs")
def test_a_full_disk_at_creation_is_said(small_disk: Path) -> None:
    filler = small_disk / "filler"
    with pytest.raises(OSError, match="No space"):
        filler.write_bytes(bytes(8 * 2**20))
    with pytest.raises(DiskFullError):
        LanceStore.create(small_disk / "collection", make_manifest())
    filler.unlink()
    with LanceStore.create(small_disk / "collection", make_manifest()) as store:
        assert store.write([make_row(0)]) == 1
