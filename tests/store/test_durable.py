"""What is new is synced, once; what replaces a file replaces all of it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from sensorium.errors import DiskFullError, StoreError
from sensorium.store import durable
from sensorium.store.durable import NewFiles, write_atomically


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the paths that are synced, in order."""
    paths: list[str] = []
    original = os.fsync

    def fsync(handle: int) -> None:
        paths.append(os.readlink(f"/proc/self/fd/{handle}"))
        original(handle)

    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("needs /proc to see what a handle is of")
    monkeypatch.setattr(os, "fsync", fsync)
    return paths


def test_new_files_are_synced_once_with_their_folders(tmp_path: Path, synced: list[str]) -> None:
    (tmp_path / "data" / "deep").mkdir(parents=True)
    (tmp_path / "data" / "deep" / "one").write_bytes(b"1")
    files = NewFiles(tmp_path)
    assert files.sync() == 1
    assert synced == [
        str(tmp_path),
        str(tmp_path / "data"),
        str(tmp_path / "data/deep/one"),
        str(tmp_path / "data/deep"),
    ]
    synced.clear()
    assert files.sync() == 0
    assert synced == []
    (tmp_path / "data" / "two").write_bytes(b"2")
    assert files.sync() == 1
    assert synced == [str(tmp_path / "data/two"), str(tmp_path / "data")]


def test_files_that_vanish_meanwhile_are_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").write_bytes(b"")
    (tmp_path / "left").write_bytes(b"")
    original = os.open

    def open_late(path: str, flags: int) -> int:
        if str(path).endswith("gone"):
            os.unlink(path)
        return original(path, flags)

    monkeypatch.setattr(durable.os, "open", open_late)
    assert NewFiles(tmp_path).sync() == 1
    assert NewFiles(tmp_path / "absent").sync() == 0


def test_a_device_that_fails_is_not_overlooked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one").write_bytes(b"1")
    files = NewFiles(tmp_path)

    def fail(handle: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="Input/output"):
            files.sync()
    assert files.sync() == 1  # it was not taken for synced


def test_atomic_writes_are_synced_before_and_after(tmp_path: Path, synced: list[str]) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"old")
    write_atomically(file, b"new")
    assert file.read_bytes() == b"new"
    assert len(synced) == 2
    assert Path(synced[0]).parent == tmp_path
    assert synced[1] == str(tmp_path)


@pytest.mark.parametrize(("number", "error"), [(errno.ENOSPC, DiskFullError), (errno.EIO, StoreError)])
def test_atomic_writes_that_fail_leave_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, error: type[StoreError]
) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"old")

    def fail(handle: int) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(error):
        write_atomically(file, b"new")
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]
