"""A torn newest version is put aside with a warning; whatever is not certainly torn is left alone."""

from __future__ import annotations

import errno
import os
import re
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from sensorium.errors import StoreError
from sensorium.store import LanceStore, versions
from sensorium.store.ledger import Ledger
from sensorium.store.recovery import repair_if_torn
from sensorium.store.versions import VersionFile, list_versions
from tests.store.rows import ids_of, make_row, make_store

TEARS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "half": lambda content: content[: len(content) // 2],
    "zeros": lambda content: bytes(len(content)),
    "zeros at the end": lambda content: content[:-20] + bytes(20),
    "another file": lambda content: b"not a manifest, but long enough to be one" * 3,
    "a message of zeros": lambda content: _with_message(content, lambda length: bytes(length)),
    "a message cut short": lambda content: _with_message(
        content, lambda length: b"\x0a\xff\x7f".ljust(length, b"\x08")
    ),
    "an end of group": lambda content: _with_message(content, lambda length: b"\x0c" * length),
}


def _with_message(content: bytes, make: Callable[[int], bytes]) -> bytes:
    position = int.from_bytes(content[-16:-8], "little")
    start = position + 4
    length = int.from_bytes(content[position:start], "little")
    return content[:start] + make(length) + content[start + length :]


def _newest(store: LanceStore, table: str = "rows") -> VersionFile:
    return list_versions(store.path / f"{table}.lance")[0]


@pytest.fixture
def torn(tmp_path: Path) -> tuple[Path, VersionFile]:
    """Give a closed collection of two writes, 3 and 2 rows, and the list of files of the second."""
    with make_store(tmp_path) as store:
        store.write([make_row(number) for number in range(3)])
        store.write([make_row(number) for number in (3, 4)])
        return store.path, _newest(store)


@pytest.mark.parametrize("tear", list(TEARS))
def test_the_last_whole_version_comes_back(torn: tuple[Path, VersionFile], tear: str) -> None:
    path, newest = torn
    content = TEARS[tear](newest.file.read_bytes())
    newest.file.write_bytes(content)
    message = re.escape(f"version {newest.version} of the table 'rows'") + ".*2 rows that it wrote are lost"
    with pytest.warns(RuntimeWarning, match=message):
        store = LanceStore.open(path)
    assert ids_of(store) == ["row-0", "row-1", "row-2"]
    (quarantined,) = (path / "quarantine").iterdir()
    assert quarantined.read_bytes() == content
    assert f"version-{newest.version}" in quarantined.name
    store.write([make_row(5)])
    store.close()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ids_of(LanceStore.open(path)) == ["row-0", "row-1", "row-2", "row-5"]


def test_lancedb_itself_would_not_notice_a_list_of_zeros(torn: tuple[Path, VersionFile]) -> None:
    """The reason for looking first; when this fails, LanceDB has learned to check, and the check here may go."""
    from sensorium.store.table import connect

    path, newest = torn
    newest.file.write_bytes(bytes(newest.file.stat().st_size))
    assert connect(path).open_table("rows").count_rows() == 0


def test_what_was_not_acknowledged_is_not_called_lost(torn: tuple[Path, VersionFile]) -> None:
    path, newest = torn
    (path / "rows.acknowledged").unlink()
    newest.file.write_bytes(b"")
    with pytest.warns(RuntimeWarning, match="no acknowledged rows are lost"):
        LanceStore.open(path).close()


def test_removed_rows_that_come_back_are_told(torn: tuple[Path, VersionFile]) -> None:
    path, _ = torn
    with LanceStore.open(path) as store:
        store.delete(ids=["row-0"])
        _newest(store).file.write_bytes(b"")
    with pytest.warns(RuntimeWarning, match="1 that it removed are back"):
        assert LanceStore.open(path).count() == 5


def test_several_torn_versions_are_put_aside(torn: tuple[Path, VersionFile]) -> None:
    path, _ = torn
    for one in list_versions(path / "rows.lance")[:2]:
        one.file.write_bytes(b"")
    with pytest.warns(RuntimeWarning) as caught:
        assert LanceStore.open(path).count() == 0
    assert len(caught) == 2
    assert len(list((path / "quarantine").iterdir())) == 2


def test_versions_torn_twice_do_not_replace_each_other(torn: tuple[Path, VersionFile]) -> None:
    path, newest = torn
    for number in range(3):
        newest.file.write_bytes(b"x" * number)
        with pytest.warns(RuntimeWarning):
            store = LanceStore.open(path)
        store.write([make_row(9)])
        assert _newest(store).version == newest.version
        store.close()
    assert sorted(file.read_bytes() for file in (path / "quarantine").iterdir()) == [b"", b"x", b"xx"]


def test_the_table_of_sources_is_repaired_too(tmp_path: Path) -> None:
    with make_store(tmp_path, 2) as store:
        _newest(store, "sources").file.write_bytes(b"")
    with pytest.warns(RuntimeWarning, match="'sources'"):
        again = LanceStore.open(store.path)
    assert list(again.sources.read()) == []
    assert again.count() == 2


def test_nothing_is_touched_when_no_version_is_whole(torn: tuple[Path, VersionFile]) -> None:
    path, _ = torn
    for one in list_versions(path / "rows.lance"):
        one.file.write_bytes(b"")
    before = sorted(str(file) for file in path.rglob("*"))
    with pytest.raises(StoreError, match="Restore the folder from a copy"):
        LanceStore.open(path)
    assert sorted(str(file) for file in path.rglob("*")) == before


def test_faults_of_the_device_are_raised_not_repaired(
    torn: tuple[Path, VersionFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, newest = torn
    for number, message in ((errno.EIO, "failed"), (errno.EACCES, "not permitted")):

        def fail(file: Path, number: int = number) -> bytes:
            raise OSError(number, os.strerror(number))

        with monkeypatch.context() as patch:
            patch.setattr(versions.Path, "read_bytes", fail)
            with pytest.raises(StoreError, match=message):
                LanceStore.open(path)
    assert newest.file.exists()
    assert not (path / "quarantine").exists()
    assert LanceStore.open(path).count() == 5


def test_a_version_repaired_by_another_process_is_not_touched_again(torn: tuple[Path, VersionFile]) -> None:
    """LanceDB could not open it, but under the lock it can: another process was here first."""
    path, newest = torn
    assert repair_if_torn(path, "rows", lambda: True) == 0
    assert newest.file.exists()
    with pytest.warns(RuntimeWarning):
        assert repair_if_torn(path, "rows", lambda: False) == 1
    assert not newest.file.exists()


def test_lists_that_only_lancedb_finds_torn_are_put_aside(torn: tuple[Path, VersionFile]) -> None:
    """The outline of the message is right, and what is inside of its first field is not."""
    path, newest = torn
    content = newest.file.read_bytes()
    start = int.from_bytes(content[-16:-8], "little") + 4
    assert content[start] == 0x0A
    newest.file.write_bytes(content[: start + 3] + b"\x07" + content[start + 4 :])
    assert newest.is_whole()
    with pytest.warns(RuntimeWarning, match="torn"):
        assert LanceStore.open(path).count() == 3


def test_whole_lists_are_whole(torn: tuple[Path, VersionFile]) -> None:
    path, newest = torn
    every = list_versions(path / "rows.lance")
    assert [one.version for one in every] == sorted((one.version for one in every), reverse=True)
    assert every[0] == newest
    assert all(one.is_whole() for one in every)


def test_every_cut_of_a_list_is_noticed(torn: tuple[Path, VersionFile], tmp_path: Path) -> None:
    content = torn[1].file.read_bytes()
    for length in range(0, len(content), 5):
        for kind, cut in (("short", content[:length]), ("zeros", content[:length].ljust(len(content), b"\x00"))):
            file = tmp_path / f"{kind}-{length}"
            file.write_bytes(cut)
            assert not VersionFile(1, file).is_whole(), file.name


def test_the_ledger_is_told_of_each_commit(tmp_path: Path) -> None:
    with make_store(tmp_path, 4) as store:
        book = Ledger(store.path, "rows")
        assert book.find(_newest(store).version) == (4, 0)
        store.delete(ids=["row-1", "row-2", "absent"])
        assert book.find(_newest(store).version) == (0, 2)
