"""What a collection acknowledged is there, whatever ends the process, whoever else adds, and when the disk is full."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from sensorium.collection import Collection
from sensorium.encoders import SentenceTransformer
from sensorium.errors import DiskFullError
from sensorium.store import Row
from tests.collection.crashing_indexer import INTERRUPTED, Job, tell_acknowledged
from tests.collection.made_folder import change_folder, make_folder

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 120.0
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither kill -9 nor fork")


class Server:
    """The process that forks children which index."""

    def __init__(self, model: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.collection.crashing_indexer", str(model)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "LANCE_LOG": "error", "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"},
        )

    def await_ready(self) -> None:
        assert self._process.stdout.readline() == "ready\n"

    def start(self, job: Job) -> int:
        """Have a child do a job, and give its process number."""
        return self._ask(dataclasses.asdict(job))

    def wait(self, child: int) -> int:
        """Wait for a child's end, and give its exit status."""
        return self._ask(child)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()

    def _ask(self, told: object) -> int:
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


class Log:
    """What one child said was acknowledged."""

    def __init__(self, file: Path) -> None:
        file.touch()
        self.file = file

    def lines(self) -> list[str]:
        """Give the whole lines: the last one may be cut off."""
        return [line[:-1] for line in self.file.read_text("utf-8").splitlines(keepends=True) if line.endswith("\n")]

    def ids(self) -> list[str]:
        """Give the ids of the records that were acknowledged, in order."""
        return self._named("+")

    def keys(self) -> list[str]:
        """Give the keys of the sources that were."""
        return self._named("=")

    def await_records(self, count: int) -> None:
        """Wait until the child has begun and so many records are acknowledged, or it has said nothing for long."""
        deadline = time.monotonic() + TIMEOUT_S
        while not self.lines() or len(self.ids()) < count:
            assert time.monotonic() < deadline, self.lines()
            time.sleep(0.002)

    def _named(self, sign: str) -> list[str]:
        return [one[1:] for line in self.lines() for one in line.split("\t") if one.startswith(sign)]


@dataclasses.dataclass(frozen=True)
class Expected:
    """What a collection of a folder holds that was made without a crash."""

    rows: dict[str, Row]
    notes: dict[str, str | None]

    @classmethod
    def of(cls, path: Path) -> Expected:
        with Collection.open(path) as collection:
            notes = {note.key: note.reason for note in collection.store.sources.read()}
            return cls({row.id: row for row in collection.store.scan(with_vectors=True)}, notes)

    def check(self, path: Path, *, is_whole: bool = True) -> dict[str, Row]:
        """Check that a collection has these rows, or some of them, each once, and no others."""
        rows = _read_rows(path)
        assert set(rows) == set(self.rows) if is_whole else set(rows) <= set(self.rows)
        for row in rows.values():
            expected = self.rows[row.id]
            assert (row.key, row.path, row.digest, row.place, row.modality, row.text) == (
                expected.key,
                expected.path,
                expected.digest,
                expected.place,
                expected.modality,
                expected.text,
            )
            np.testing.assert_allclose(row.vector, expected.vector, atol=1e-5, rtol=0)
        return rows

    def check_notes(self, path: Path, rows: dict[str, Row], *, is_whole: bool = True) -> set[str]:
        """Check that every source that is said to be done has all its rows; give the keys of those."""
        with Collection.open(path) as collection:
            notes = {note.key: note.reason for note in collection.store.sources.read()}
        assert notes == self.notes if is_whole else notes.items() <= self.notes.items()
        assert {row.id for row in self.rows.values() if row.key in notes} <= set(rows)
        return set(notes)


def _read_rows(path: Path) -> dict[str, Row]:
    """Give the rows of a collection by id, and check that each is there once."""
    with Collection.open(path) as collection:
        rows = list(collection.store.scan(with_vectors=True))
    assert {id: count for id, count in Counter(row.id for row in rows).items() if count > 1} == {}
    return {row.id: row for row in rows}


def _check_search(path: Path, encoder: SentenceTransformer, rows: dict[str, Row]) -> None:
    """Check that a search by vector and one by words find a record again."""
    with Collection.open(path, encoder) as collection:
        if not rows:
            assert collection.search("amber") == []
            return
        pictures = [one for one in rows.values() if one.key.endswith(".png")]  # pages look alike to so small a model
        for row in pictures[-1:]:
            best = collection.search(row.vector, 3, balance="off")
            assert best[0].parts.cosine == pytest.approx(1.0, abs=1e-4)
            assert row.digest in {rows[one.id].digest for one in best}
        for row in [one for one in rows.values() if one.text][-1:]:
            rare = re.search(r"x\d{9}", row.text)[0]
            assert rare in collection.search(rare, 3)[0].text


@pytest.fixture(scope="module")
def checkpoint(tiny: Callable[..., Path]) -> Path:
    return tiny("clip")


@pytest.fixture(scope="module")
def server(checkpoint: Path) -> Iterator[Server]:
    server = Server(checkpoint)
    try:
        server.await_ready()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def encoder(checkpoint: Path, server: Server) -> SentenceTransformer:
    return SentenceTransformer(str(checkpoint), device="cpu")


def _index(path: Path, encoder: SentenceTransformer, *folders: Path) -> Expected:
    with Collection.create(path, encoder) as collection:
        collection.add(list(folders))
    return Expected.of(path)


def _kill_while_indexing(
    server: Server, encoder: SentenceTransformer, tmp_path: Path, files: int, kills: int, seed: int
) -> None:
    """Index a folder, killed `kills` times at moments drawn from a seed, and compare with one that was not."""
    folder = make_folder(tmp_path / "files", files)
    expected = _index(tmp_path / "whole", encoder, folder)
    path, generator = tmp_path / "killed", random.Random(seed)
    acknowledged: list[str] = []
    done = attempts = 0
    while done < kills:
        attempts += 1
        log = Log(tmp_path / f"log-{attempts}")
        child = server.start(Job(str(path), str(log.file), [str(folder)], generator.choice([4, 8, 32])))
        # At most so many records that all kills find something left to do.
        log.await_records(generator.randrange(max(1, len(expected.rows) * 2 // 3 // kills)))
        time.sleep(generator.uniform(0.0, 0.15))
        os.kill(child, signal.SIGKILL)
        status = server.wait(child)
        acknowledged += log.ids()
        if status == 0:  # it was faster
            expected.check(path)
            shutil.rmtree(path)
            acknowledged = []
            assert attempts < 3 * kills
            continue
        assert status == -signal.SIGKILL
        done += 1
        if not (path / "manifest.json").exists():  # killed while it was made
            assert acknowledged == []
            continue
        rows = expected.check(path, is_whole=False)
        assert set(acknowledged) <= set(rows)
        assert len(set(acknowledged)) == len(acknowledged), "what was acknowledged was written again"
        assert set(log.keys()) <= expected.check_notes(path, rows, is_whole=False)
        _check_search(path, encoder, rows)
    assert acknowledged
    log = Log(tmp_path / "log-last")
    assert server.wait(server.start(Job(str(path), str(log.file), [str(folder)]))) == 0
    rows = expected.check(path)
    assert not set(acknowledged) & set(log.ids())
    expected.check_notes(path, rows)
    _check_search(path, encoder, rows)


@pytest.mark.timeout(300)
def test_an_indexer_killed_at_any_moment_goes_on_where_it_was(server, encoder, tmp_path):
    _kill_while_indexing(server, encoder, tmp_path, files=200, kills=6, seed=20261124)


@pytest.mark.long
@pytest.mark.timeout(1500)
def test_an_indexer_of_2_000_files_killed_20_times_goes_on_where_it_was(server, encoder, tmp_path):
    _kill_while_indexing(server, encoder, tmp_path, files=2000, kills=20, seed=5)


@pytest.mark.timeout(300)
def test_a_collection_killed_while_it_is_made_is_made_by_the_next(server, encoder, tmp_path):
    folder = make_folder(tmp_path / "files", 12)
    expected = _index(tmp_path / "whole", encoder, folder)
    generator = random.Random(7)
    path = tmp_path / "killed"
    for number in range(4):
        log = Log(tmp_path / f"log-{number}")
        child = server.start(Job(str(path), str(log.file), [str(folder)]))
        log.await_records(0)
        time.sleep(generator.uniform(0.0, 0.06))
        os.kill(child, signal.SIGKILL)
        assert server.wait(child) in (0, -signal.SIGKILL)
        if (path / "manifest.json").exists():
            expected.check(path, is_whole=False)
            shutil.rmtree(path)
    last = Job(str(path), str(tmp_path / "log-last"), [str(folder)])
    assert server.wait(server.start(last)) == 0
    expected.check(path)


@pytest.mark.timeout(300)
def test_an_update_killed_at_any_moment_goes_on_where_it_was(server, encoder, tmp_path):
    folder = make_folder(tmp_path / "files", 120)
    path, generator = tmp_path / "killed", random.Random(3)
    before = _index(path, encoder, folder)
    change_folder(folder)
    expected = _index(tmp_path / "whole", encoder, folder)
    kills = 0
    for number in range(4):
        log = Log(tmp_path / f"log-{number}")
        child = server.start(Job(str(path), str(log.file), None, step_rows=4))
        log.await_records(0)
        time.sleep(generator.uniform(0.1, 0.8))
        os.kill(child, signal.SIGKILL)
        kills += server.wait(child) == -signal.SIGKILL
        rows = _read_rows(path)
        assert set(log.ids()) <= set(rows)
        assert set(rows) <= set(before.rows) | set(expected.rows)
        _check_search(path, encoder, rows)
    assert kills
    last = Job(str(path), str(tmp_path / "log-last"), None)
    assert server.wait(server.start(last)) == 0
    expected.check_notes(path, expected.check(path))


@pytest.mark.timeout(300)
def test_ctrl_c_keeps_what_was_acknowledged_and_add_goes_on(server, encoder, tmp_path):
    folder = make_folder(tmp_path / "files", 150)
    expected = _index(tmp_path / "whole", encoder, folder)
    path, log = tmp_path / "interrupted", Log(tmp_path / "log")
    child = server.start(Job(str(path), str(log.file), [str(folder)], step_rows=4))
    log.await_records(1)
    os.kill(child, signal.SIGINT)
    assert server.wait(child) == INTERRUPTED
    rows = expected.check(path, is_whole=False)
    assert set(log.ids()) == set(rows)
    assert 0 < len(rows) < len(expected.rows)
    expected.check_notes(path, rows, is_whole=False)
    with Collection.open(path, encoder) as collection:
        report = collection.add(folder)
    assert report.records == len(expected.rows) - len(rows)
    expected.check_notes(path, expected.check(path))


@pytest.mark.timeout(300)
def test_two_that_add_at_once_lose_nothing_and_double_nothing(server, encoder, tmp_path):
    own = [make_folder(tmp_path / "one", 50, seed=1), make_folder(tmp_path / "two", 50, seed=2)]
    shared = make_folder(tmp_path / "shared", 60, seed=3)
    expected = _index(tmp_path / "whole", encoder, *own, shared)
    path = tmp_path / "both"
    Collection.create(path, encoder).close()
    orders = ([own[0], shared], [shared, own[1]])
    jobs = [Job(str(path), str(tmp_path / f"log-{n}"), [str(one) for one in order]) for n, order in enumerate(orders)]
    children = [server.start(job) for job in jobs]
    assert [server.wait(child) for child in children] == [0, 0]
    rows = _read_rows(path)

    # Who comes first has the keys without a prefix, so that ids differ from run to run; what they stand for does not.
    def describe(row: Row) -> tuple[object, ...]:
        return (row.path, row.place, row.modality, row.digest, row.text)

    assert Counter(map(describe, rows.values())) == Counter(map(describe, expected.rows.values()))
    vectors = {describe(row): row.vector for row in expected.rows.values()}
    for row in rows.values():
        np.testing.assert_allclose(row.vector, vectors[describe(row)], atol=1e-5, rtol=0)
    said = {id for job in jobs for id in Log(Path(job.log)).ids()}
    assert said == set(rows)
    with Collection.open(path, encoder) as collection:
        assert set(collection.stats().roots) == {str(folder) for folder in (*own, shared)}
        assert collection.stats().files + collection.stats().unreadable == 160
        again = collection.update()
    assert (again.records, again.removed, again.unchanged) == (0, 0, 160)
    _check_search(path, encoder, rows)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a folder on a device of 3 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    if not sys.platform.startswith("linux"):
        pytest.skip("mounts a tmpfs")
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"a small device cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.timeout(300)
def test_a_full_disk_is_said_and_add_goes_on_once_there_is_room(encoder, tmp_path, small_disk, monkeypatch):
    monkeypatch.setattr("sensorium.collection.indexing._STEP_ROWS", 16)
    folder = make_folder(tmp_path / "files", 400)
    expected = _index(tmp_path / "whole", encoder, folder)
    path = small_disk / "collection"
    told: list[str] = []
    with Collection.create(path, encoder) as collection:
        tell_acknowledged(collection, lambda line: told.extend(line.split("\t")))
        with pytest.raises(DiskFullError, match="make room"):
            collection.add(folder)
        with contextlib.suppress(DiskFullError):  # what was written may fit into what failed commits left free
            collection.add(folder)
    acknowledged = {one[1:] for one in told if one.startswith("+")}
    rows = expected.check(path, is_whole=False)
    assert 16 <= len(acknowledged) < len(expected.rows)
    assert acknowledged <= set(rows)
    expected.check_notes(path, rows, is_whole=False)
    _check_search(path, encoder, rows)

    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    with Collection.open(path, encoder) as collection:
        report = collection.add(folder)
    assert report.records == len(expected.rows) - len(rows)
    expected.check_notes(path, expected.check(path))
