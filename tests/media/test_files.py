"""Files judged by their content: path objects, bytes, open files, records."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest

from sensorium.errors import InputError, MediaError, MissingMediaError
from sensorium.media.files import find_file_kind, is_file, is_file_record
from sensorium.media.formats import HEAD_BYTES
from sensorium.media.source import open_source
from tests.tiny.media import write_clip, write_image, write_sound


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("media")
    return {
        "image": write_image(folder / "cat.png", 1),
        "audio": write_sound(folder / "sound.wav", 1),
        "video": write_clip(folder / "clip.mp4", 1),
    }


def forms(path: Path) -> list[Any]:
    data = path.read_bytes()
    return [
        path,
        data,
        bytearray(data),
        memoryview(data),
        io.BytesIO(data),
        {"bytes": data, "path": None},
        {"bytes": data, "path": "elsewhere/unknown"},
        {"bytes": None, "path": str(path)},
        {"path": path},
        {"bytes": data},
        open_source(path),
    ]


@pytest.mark.parametrize("modality", ["image", "audio", "video"])
def test_every_form_of_a_file(media: dict[str, Path], modality: str) -> None:
    for value in forms(media[modality]):
        assert find_file_kind(value) == modality, type(value)
    with media[modality].open("rb") as file:
        assert find_file_kind(file) == modality


def test_an_open_file_is_left_where_it_stood(media: dict[str, Path]) -> None:
    data = b"prefix" + media["image"].read_bytes()
    file = io.BytesIO(data)
    file.seek(6)
    assert find_file_kind(file) == "image"
    assert file.tell() == 6


def test_only_the_beginning_of_an_open_file_is_read(media: dict[str, Path]) -> None:
    class Counting(io.BytesIO):
        count = 0

        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            self.count += len(data)
            return data

    file = Counting(media["audio"].read_bytes() + bytes(100_000))
    assert find_file_kind(file) == "audio"
    assert 0 < file.count <= HEAD_BYTES


def test_content_wins_over_the_ending(media: dict[str, Path], tmp_path: Path) -> None:
    wrong = tmp_path / "really-a-clip.jpg"
    wrong.write_bytes(media["video"].read_bytes())
    assert find_file_kind(wrong) == "video"
    assert find_file_kind({"bytes": media["image"].read_bytes(), "path": "cat.wav"}) == "image"


def test_the_ending_decides_where_the_content_can_be_either(media: dict[str, Path], tmp_path: Path) -> None:
    for name, expected in (("a.m4a", "audio"), ("a.MKA", "audio"), ("a.mp4", "video"), ("a", "video")):
        path = tmp_path / name
        path.write_bytes(media["video"].read_bytes())
        assert find_file_kind(path) == expected
        assert find_file_kind({"bytes": path.read_bytes(), "path": name}) == expected
    avi = write_clip(tmp_path / "a.avi", 1).rename(tmp_path / "b.m4a")
    assert find_file_kind(avi) == "video"


def test_unknown_bytes_go_by_their_ending(tmp_path: Path) -> None:
    path = tmp_path / "odd.mp3"
    path.write_bytes(b"\x00\x80\x81\x82" * 10)
    assert find_file_kind(path) == "audio"
    assert find_file_kind({"bytes": path.read_bytes(), "path": "odd.mp3"}) == "audio"
    with path.open("rb") as file:
        assert find_file_kind(file) == "audio"
    with pytest.raises(MediaError, match="no format that is known"):
        find_file_kind(path.read_bytes())


@pytest.mark.parametrize("name", ["notes.txt", "notes", "notes.mp4", "notes.jpg"])
@pytest.mark.parametrize("text", ["plain text", "naïve ünïcode " * 400, "文" * HEAD_BYTES])
def test_a_text_file_is_no_input(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    for value in (path, path.read_bytes(), {"bytes": None, "path": str(path)}):
        with pytest.raises(MediaError, match=r"plain text.*pass text as a str"):
            find_file_kind(value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"ffconcat version 1.0\nfile secret.txt\n", "ffconcat script"),
        (b"#EXTM3U\nsecret.ts\n", "HLS playlist"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript"),
        (b"\xd7\xcd\xc6\x9a\0\0", "WMF"),
        (b"<svg></svg>", "SVG"),
        (b"%PDF-1.7", "PDF"),
    ],
)
def test_what_hides_behind_an_ending_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    for name in ("a.mp4", "a.jpg", "a"):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(MediaError, match=f"of the kind {said}.*not opened") as caught:
            find_file_kind(path)
        assert caught.value.source == str(path)


def test_empty_files(tmp_path: Path) -> None:
    path = tmp_path / "empty.jpg"
    path.touch()
    for value in (path, b"", io.BytesIO(), {"bytes": b"", "path": "cat.jpg"}):
        with pytest.raises(MediaError, match="empty"):
            find_file_kind(value)


def test_what_is_missing_or_no_regular_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    for path in (tmp_path / "nothing.jpg", tmp_path, tmp_path / "pipe.mp4"):
        with pytest.raises(MissingMediaError):
            find_file_kind(path)
        with pytest.raises(MissingMediaError):
            find_file_kind({"bytes": None, "path": str(path)})


def test_open_text_and_closed_files(media: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello")
    with path.open() as file, pytest.raises(MediaError, match="open as text"):
        find_file_kind(file)
    with pytest.raises(MediaError, match="open as text"):
        find_file_kind(io.StringIO("hello"))
    file = media["image"].open("rb")
    file.close()
    with pytest.raises(MediaError, match="while it is open"):
        find_file_kind(file)


def test_addresses_in_records() -> None:
    assert find_file_kind({"bytes": None, "path": "https://example.org/cat.jpg"}) == "image"
    assert find_file_kind({"path": "data:audio/wav;base64,AAAA"}) == "audio"
    with pytest.raises(MediaError, match=r"does not say.*\{\"image\": "):
        find_file_kind({"path": "https://example.org/cat"})


@pytest.mark.parametrize(
    "record", [{"bytes": None, "path": None}, {"bytes": "text"}, {"path": 5}, {"bytes": 5, "path": "a"}]
)
def test_records_of_nothing(record: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="file record"):
        find_file_kind(record)


def test_memory_of_any_layout(media: dict[str, Path]) -> None:
    data = media["image"].read_bytes()
    spread = bytes(byte for one in data for byte in (one, 0))
    assert find_file_kind(memoryview(spread)[::2]) == "image"
    words = data + bytes(-len(data) % 4)
    assert find_file_kind(memoryview(words).cast("I")) == "image"


def test_path_like_objects(media: dict[str, Path]) -> None:
    class Where:
        def __fspath__(self) -> bytes:
            return os.fsencode(media["audio"])

    assert find_file_kind(Where()) == "audio"


def test_what_counts_as_a_file(tmp_path: Path) -> None:
    assert all(map(is_file, (tmp_path, b"", bytearray(), memoryview(b""), io.BytesIO())))
    assert not any(map(is_file, ("cat.jpg", None, 5, {}, [])))
    assert all(map(is_file_record, ({"bytes": b"", "path": None}, {"bytes": b""}, {"path": "x"})))
    assert not any(map(is_file_record, ({}, {"bytes": b"", "name": "x"}, {"image": "x"})))
