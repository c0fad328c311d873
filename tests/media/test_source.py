"""Every kind of value that names or holds a file, and every reason not to open one."""

from __future__ import annotations

import base64
import gzip
import io
import os
import pickle
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sensorium.errors import FetchError, MediaError, MediaLimitError, MissingMediaError
from sensorium.media.limits import FetchPolicy, MediaLimits, MediaSettings
from sensorium.media.source import Source, open_source
from tests.media.web_server import answer, serve

DATA = bytes(range(256)) * 20
SMALL = MediaSettings(limits=MediaLimits(max_bytes=100), fetch=FetchPolicy(allow="any"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "cat.jpg"
    file.write_bytes(DATA)
    return file


class _PathObject:
    def __init__(self, path: str | bytes) -> None:
        self._path = path

    def __fspath__(self) -> str | bytes:
        return self._path


# Values that are read


def test_a_path_in_any_form_is_a_file_on_disk(path: Path) -> None:
    for value in (path, str(path), _PathObject(str(path)), _PathObject(os.fsencode(path)), {"path": str(path)}):
        source = open_source(value)
        assert (source.path, source.data) == (str(path), None)
        assert (source.name, source.size) == (str(path), len(DATA))
        assert source.read() == DATA


def test_bytes_in_any_form_are_held() -> None:
    for value in (DATA, bytearray(DATA), memoryview(DATA), {"bytes": DATA}, {"bytes": bytearray(DATA), "path": None}):
        source = open_source(value)
        assert (source.path, source.data) == (None, DATA)
        assert (source.name, source.size) == ("bytes", len(DATA))
    assert open_source(memoryview(DATA)[::2]).read() == DATA[::2]


def test_buffers_are_copied() -> None:
    buffer = bytearray(DATA)
    source = open_source(buffer)
    buffer[:] = bytes(len(DATA))
    assert source.read() == DATA


def test_a_record_prefers_its_bytes_and_keeps_the_name() -> None:
    source = open_source({"bytes": b"abc", "path": "gone/cat.jpg"})
    assert (source.data, source.path, source.name) == (b"abc", None, "gone/cat.jpg")


def test_a_source_is_returned_as_it_is(path: Path) -> None:
    source = open_source(path)
    assert open_source(source, SMALL) is source


def test_sources_pickle_and_do_not_print_their_bytes() -> None:
    source = open_source(DATA)
    assert pickle.loads(pickle.dumps(source)) == source
    assert len(repr(source)) < 100


def test_a_data_address_is_decoded() -> None:
    source = open_source("data:image/png;base64," + base64.b64encode(DATA).decode())
    assert source.read() == DATA
    assert source.name == "data:image/png;base64,... (6850 characters)"


@pytest.mark.parametrize("scheme", ["http", "HTTP"])
def test_a_web_address_is_fetched(scheme: str) -> None:
    with serve() as server:
        server.answers["/a.png"] = answer(DATA)
        url = server.url("/a.png").replace("http", scheme)
        source = open_source(url, MediaSettings(fetch=FetchPolicy(allow="any")))
        assert (source.data, source.name, source.size) == (DATA, url, len(DATA))
        assert len(server.requests) == 1


def test_a_path_object_is_never_an_address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingMediaError, match="no such file"):
        open_source(_PathObject("http://127.0.0.1/a.png"), SMALL)


def test_every_source_opens_seekable_at_its_beginning_and_gives_its_head(path: Path) -> None:
    for value in (path, DATA):
        source = open_source(value)
        assert source.head(4) == DATA[:4]
        assert source.head(10**6) == DATA
        for _ in range(2):
            with source.open() as file:
                assert file.read(3) == DATA[:3]
                file.seek(-5, os.SEEK_END)
                assert file.read() == DATA[-5:]


def test_links_are_followed(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.jpg"
    link.symlink_to(path)
    assert open_source(link).read() == DATA


# Open files


def test_an_open_file_is_read_from_where_it_stands_and_put_back(path: Path) -> None:
    with path.open("rb") as file:
        file.seek(100)
        source = open_source(file)
        assert file.tell() == 100
        assert source.read() == DATA[100:]
        assert source.name == str(path)


@pytest.mark.parametrize("wrap", [io.BytesIO, lambda data: io.BufferedReader(io.BytesIO(data))])
def test_files_in_memory_are_read(wrap: Any) -> None:
    file = wrap(DATA)
    assert open_source(file).read() == DATA
    assert file.tell() == 0
    assert open_source(file).name == "open file"


def test_unbuffered_temporary_and_compressed_files_are_read(path: Path, tmp_path: Path) -> None:
    with path.open("rb", buffering=0) as raw:
        assert open_source(raw).read() == DATA
    with tempfile.SpooledTemporaryFile() as spooled:
        spooled.write(DATA)
        spooled.seek(0)
        assert open_source(spooled).read() == DATA
    packed = tmp_path / "cat.jpg.gz"
    packed.write_bytes(gzip.compress(DATA))
    with gzip.open(packed) as unpacking:
        assert open_source(unpacking).read() == DATA


def test_a_stream_that_cannot_seek_is_read_once() -> None:
    reader, writer = os.pipe()
    os.write(writer, DATA)
    os.close(writer)
    with open(reader, "rb") as stream:
        source = open_source(stream)
    assert (source.read(), source.name) == (DATA, "open file")


class _SlowFile(io.BytesIO):
    def read(self, count: int | None = -1) -> bytes:
        time.sleep(0.001)
        return super().read(min(count or 0, 1000))


def test_one_file_given_to_many_threads_is_whole_in_each() -> None:
    file = _SlowFile(DATA)
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(open_source(file).read())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [DATA] * 8


class _Reader:
    """A file-like object whose `read` gives what a test says."""

    def __init__(self, *given: Any, name: Any = None) -> None:
        self._given = list(given)
        self.name = name

    def read(self, _count: int) -> Any:
        given = self._given.pop(0) if self._given else b""
        if isinstance(given, Exception):
            raise given
        return given


def test_short_reads_are_put_together() -> None:
    assert open_source(_Reader(b"ab", bytearray(b"c"), b"d", name="x.png")).read() == b"abcd"


@pytest.mark.parametrize("name", [3, None, "<fdopen>", ""])
def test_a_name_that_is_no_path_is_not_used(name: Any) -> None:
    assert open_source(_Reader(b"ab", name=name)).name == "open file"


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (io.StringIO("text"), "open as text"),
        (_Reader("text"), "open as text"),
        (_Reader(None), "no bytes ready"),
        (_Reader(5), "gave int, not bytes"),
        (_Reader(b"a", OSError(5, "Input/output error")), "Input/output error"),
        (_Reader(b""), "is empty"),
        (io.BytesIO(), "is empty"),
        (_Reader(b"a" * 60, b"a" * 41), "more than the 100 bytes"),
        (io.BytesIO(bytes(101)), "more than the 100 bytes"),
    ],
)
def test_open_files_that_cannot_be_used(file: Any, why: str) -> None:
    with pytest.raises(MediaError, match=why) as caught:
        open_source(file, SMALL)
    assert caught.value.source == "open file"


def test_a_file_at_its_end_or_closed_says_so(path: Path) -> None:
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        with pytest.raises(MediaError, match=r"seek\(0\)"):
            open_source(file)
    with pytest.raises(MediaError, match="closed file"):
        open_source(file)
    with path.open(encoding="latin-1") as text, pytest.raises(MediaError, match='"rb"'):
        open_source(text)


def test_an_endless_file_is_read_up_to_the_limit() -> None:
    with open("/dev/zero", "rb", buffering=0) as file, pytest.raises(MediaLimitError):
        open_source(file, SMALL)


# Paths that are not opened


@pytest.fixture
def special(tmp_path: Path) -> Iterator[dict[str, Path]]:
    places = {"folder": tmp_path, "pipe": tmp_path / "pipe", "device": Path("/dev/zero"), "socket": tmp_path / "socket"}
    os.mkfifo(places["pipe"])
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(places["socket"]))
        yield places


@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "socket"])
def test_only_regular_files_are_opened(special: dict[str, Path], kind: str) -> None:
    start = time.monotonic()
    with pytest.raises(MissingMediaError, match=f"this is a {kind}; only regular files"):
        open_source(special[kind])
    assert time.monotonic() - start < 1


def test_a_pipe_that_takes_the_place_of_a_file_is_not_opened(path: Path) -> None:
    source = open_source(path)
    path.unlink()
    os.mkfifo(path)
    for use in (source.open, source.read, source.head):
        with pytest.raises(MissingMediaError, match="this is a pipe"):
            use()


def test_a_pipe_that_appears_between_look_and_opening_is_not_waited_for(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = os.stat

    def look_and_swap(name: Any, *arguments: Any, **keywords: Any) -> os.stat_result:
        seen = look(name, *arguments, **keywords)
        if str(name) == str(path):
            os.unlink(path)
            os.mkfifo(path)
        return seen

    monkeypatch.setattr(os, "stat", look_and_swap)
    with pytest.raises(MissingMediaError, match="this is a pipe"):
        open_source(path)


def test_a_file_that_vanishes_or_grows_is_an_error(path: Path) -> None:
    path.write_bytes(bytes(100))
    source = open_source(path, SMALL)
    path.write_bytes(bytes(101))
    with pytest.raises(MediaLimitError, match="101 bytes long, and at most 100"):
        source.read()
    path.unlink()
    with pytest.raises(MissingMediaError):
        source.read()


@pytest.mark.parametrize(
    ("value", "kind", "why"),
    [
        ("gone.jpg", MissingMediaError, "current folder"),
        ("/gone/cat.jpg", MissingMediaError, "no such file"),
        ("/etc/passwd/cat.jpg", MissingMediaError, "no such file"),
        ("", MissingMediaError, "empty string"),
        ("iVBORw0KGgo" * 10, MissingMediaError, "base64"),
        ("a\0b.jpg", MediaError, "cannot be a path"),
        ("x" * 5000 + ".jpg", MediaError, "File name too long"),
        (b"", MediaError, "is empty"),
        (bytearray(), MediaError, "is empty"),
        ({"bytes": b"", "path": "cat.jpg"}, MediaError, "cat.jpg: is empty"),
        ("data:image/png;base64,", MediaError, "is empty"),
        (bytes(101), MediaLimitError, "101 bytes long, and at most 100"),
        ({"bytes": bytes(101)}, MediaLimitError, "101 bytes"),
        (memoryview(bytes(200)).cast("H"), MediaLimitError, "200 bytes"),
        ("data:," + "a" * 101, MediaLimitError, "101 bytes"),
        ("data:image/png;base64,???", MediaError, "not base64"),
        ("file:///etc/passwd", FetchError, "without file://"),
        ("file:/etc/passwd", FetchError, "without file://"),
        ("FILE://localhost/etc/passwd", FetchError, "without file://"),
        ("ftp://host/cat.jpg", FetchError, "'ftp'"),
        ("s3://me:secret@bucket/cat.jpg", FetchError, "'s3'"),
        ("rtsp://host/live", FetchError, "'rtsp'"),
        ("http://me:secret@host/cat.jpg", FetchError, "user name"),
        ({"bytes": None, "path": None}, MediaError, "bytes=NoneType, path=NoneType"),
        ({"bytes": "text"}, MediaError, "bytes=str"),
        ({"array": [0.0]}, MediaError, "keys"),
        (None, MediaError, "NoneType: this value neither"),
        (7, MediaError, "int: this value neither"),
        ([b"a"], MediaError, "list: this value neither"),
    ],
)
def test_values_that_cannot_be_opened(value: Any, kind: type[MediaError], why: str) -> None:
    with pytest.raises(MediaError, match=why) as caught:
        open_source(value, SMALL)
    assert type(caught.value) is kind
    assert caught.value.source is not None
    assert caught.value.index is None
    assert "secret" not in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(("size", "kind"), [(0, MediaError), (101, MediaLimitError)])
def test_a_file_on_disk_obeys_the_limits(path: Path, size: int, kind: type[MediaError]) -> None:
    path.write_bytes(bytes(size))
    with pytest.raises(MediaError) as caught:
        open_source(path, SMALL)
    assert type(caught.value) is kind
    assert caught.value.source == str(path)


def test_a_sparse_file_is_measured_and_not_read(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(3 * 1024**3)
    with pytest.raises(MediaLimitError, match="3221225472 bytes long, and at most 2147483648"):
        open_source(path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may open every file")
def test_a_file_that_may_not_be_read_says_so(path: Path) -> None:
    path.chmod(0)
    with pytest.raises(MediaError, match="Permission denied"):
        open_source(path)


def test_faults_of_the_system_are_translated(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(MediaError, match=r"cat\.jpg: cannot be opened or read \(Permission denied\)") as caught:
        open_source(path)
    assert isinstance(caught.value.__cause__, PermissionError)


def test_no_descriptor_is_left_open(path: Path, special: dict[str, Path]) -> None:
    before = len(os.listdir("/dev/fd"))
    for value in (path, *special.values(), "gone.jpg"):
        try:
            source: Source = open_source(value)
            source.head()
            source.read()
        except MediaError:
            continue
    assert len(os.listdir("/dev/fd")) == before
