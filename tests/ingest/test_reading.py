"""Reading: every kind of file through one door, whatever some of them hold; the same records everywhere."""

from __future__ import annotations

import os
import shutil
import sys
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sensorium.errors import MediaError, MediaLimitError, MissingExtraError, MissingMediaError
from sensorium.ingest import (
    IngestSettings,
    Record,
    SkippedFile,
    SourceFile,
    UnreadableFile,
    read_all,
    read_records,
    walk,
)
from sensorium.ingest.reading import Entry
from sensorium.media import MediaLimits
from tests.ingest.made_files import make_pdf, write_tree
from tests.media.media_files import encode_image, encode_sound, encode_sound_with_av, noise_image, tone, write_clip

PNG = encode_image(noise_image(), "PNG")


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Give a folder with a file of each kind, most under a misleading name, and some that cannot be read."""
    root = write_tree(
        tmp_path / "mixed",
        {
            "notes.md": "# Soups\n\nCold ones.\n",
            "page.txt": "<!doctype html><p>Words of a page.",
            "deeper/photo.txt": PNG,
            "deeper/again.jpg": PNG,
            "sound.dat": encode_sound(tone(3.0)),
            "song.mp4": encode_sound_with_av(tone(1.0, 48_000), "aac", "mp4"),
            "paper.bin": make_pdf(["One", "Two"]),
            "empty.txt": "",
            "archive.png": b"PK\x03\x04" + bytes(50),
            "cut.png": PNG[:30],
            "cut.wav": encode_sound(tone(1.0))[:9000],
            "locked.pdf": make_pdf(["x"], is_locked=True),
            "odd.txt": b"\xff\xfea",
        },
    )
    write_clip(root / "clip", 10, form="mp4")
    return root


def show(entry: Entry) -> tuple[str, str]:
    kind = entry.modality if isinstance(entry, Record) else type(entry).__name__
    return entry.key, kind


def test_every_kind_of_file_is_read_by_its_content(mixed: Path) -> None:
    assert [show(entry) for entry in read_all(mixed)] == [
        ("archive.png", "SkippedFile"),
        ("clip", "video"),
        ("cut.png", "UnreadableFile"),
        ("cut.wav", "UnreadableFile"),
        ("empty.txt", "SkippedFile"),
        ("locked.pdf", "UnreadableFile"),
        ("notes.md", "text"),
        ("odd.txt", "UnreadableFile"),
        ("page.txt", "text"),
        ("paper.bin", "image"),
        ("paper.bin", "image"),
        ("song.mp4", "audio"),
        ("sound.dat", "audio"),
        ("deeper/again.jpg", "image"),
        ("deeper/photo.txt", "image"),
    ]


def test_what_cannot_be_read_has_its_path_reason_and_stamp(mixed: Path) -> None:
    found = {entry.key: entry for entry in read_all(mixed)}
    entry = found["locked.pdf"]
    assert isinstance(entry, UnreadableFile)
    path = mixed / "locked.pdf"
    assert (entry.path, entry.size, entry.mtime_ns) == (str(path), path.stat().st_size, path.stat().st_mtime_ns)
    assert "password" in entry.reason
    assert str(path) not in entry.reason
    assert isinstance(entry.error, MediaError)
    skipped = found["archive.png"]
    assert isinstance(skipped, SkippedFile)
    assert (skipped.size, "ZIP" in skipped.reason) == (54, True)


def test_records_are_the_same_in_another_place_order_and_time(mixed: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / "copy"
    shutil.copytree(mixed, other)
    for path in other.rglob("*"):
        os.utime(path, (1, 1))

    def names(root: Path, paths: list[Path] | None = None) -> set[tuple[str, str, str, object]]:
        entries = read_all(paths or root, root=root)
        return {(one.id, one.key, one.digest, one.place) for one in entries if isinstance(one, Record)}

    assert names(mixed) == names(other)
    assert names(mixed) == names(other, sorted(other.iterdir(), reverse=True))
    ids = [one.id for one in read_all(mixed) if isinstance(one, Record)]
    assert len(set(ids)) == len(ids)


def test_equal_content_under_two_paths_is_two_records_with_one_digest(mixed: Path) -> None:
    found = {entry.key: entry for entry in read_all(mixed) if isinstance(entry, Record)}
    one, other = found["deeper/again.jpg"], found["deeper/photo.txt"]
    assert one.digest == other.digest
    assert one.id != other.id


def test_settings_of_one_kind_leave_the_ids_of_others(mixed: Path) -> None:
    def ids(settings: IngestSettings) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for entry in read_all(mixed, settings):
            if isinstance(entry, Record):
                found.setdefault(entry.key, set()).add(entry.id)
        return found

    plain, cut = ids(IngestSettings()), ids(IngestSettings(audio_segment_s=1, audio_overlap_s=0))
    assert {key for key in plain if plain[key] != cut[key]} == {"sound.dat", "song.mp4"}
    assert ids(IngestSettings(excludes=("*.bin",), thumbnail_side=9)) == {
        key: value for key, value in plain.items() if key != "paper.bin"
    }


def test_metadata_travels_along(mixed: Path) -> None:
    for entry in read_all(mixed, metadata={"album": "x", "format": "mine"}):
        if isinstance(entry, Record):
            assert entry.metadata["album"] == "x"
            assert entry.metadata["format"] == "mine"


def test_a_known_digest_saves_reading_the_file(mixed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = {one.key: one for one in walk(mixed) if isinstance(one, SourceFile)}
    image = sources["deeper/photo.txt"]
    (plain,) = read_records(image)
    assert isinstance(plain, Record)
    for module in ("image_files", "pdf_pages", "audio_segments", "video_segments"):
        monkeypatch.setattr(f"sensorium.ingest.{module}.hash_file", lambda source: 1 / 0)
    (record,) = read_records(image, None, plain.digest)
    assert isinstance(record, Record)
    assert (record.digest, record.id) == (plain.digest, plain.id)
    for key in ("paper.bin", "sound.dat", "clip"):
        assert len(list(read_records(sources[key], None, "ab"))) > 0


def test_records_come_as_the_file_is_read(mixed: Path) -> None:
    entries = read_all([mixed / "paper.bin", mixed / "nosuch"])
    assert isinstance(entries, Iterator)
    assert show(next(entries)) == ("paper.bin", "image")


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_a_link_that_takes_a_files_place_is_not_followed(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "root", {"a": "words"})
    write_tree(tmp_path, {"secret": "secret words"})
    (source,) = walk(root)
    assert isinstance(source, SourceFile)
    (root / "a").unlink()
    (root / "a").symlink_to(tmp_path / "secret")
    with pytest.raises(MissingMediaError, match="taken its place"):
        list(read_records(source))


def test_a_file_that_goes_or_empties_on_the_way_is_reported(tmp_path: Path) -> None:
    root = write_tree(tmp_path, {"a": "words", "b": "words", "c": "words"})
    entries = read_all(root)
    assert show(next(entries)) == ("a", "text")
    (root / "b").unlink()
    (root / "c").write_bytes(b"")
    assert [show(entry) for entry in entries] in (
        [("b", "SkippedFile"), ("c", "SkippedFile")],
        [("b", "UnreadableFile"), ("c", "UnreadableFile")],
    )


def test_limits_are_kept(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a.txt": "words", "b.txt": "words" * 100})
    settings = IngestSettings(limits=MediaLimits(max_bytes=100))
    found = list(read_all(tmp_path, settings))
    assert [type(one) for one in found] == [Record, UnreadableFile]
    assert isinstance(found[1].error, MediaLimitError)  # type: ignore[union-attr]


def test_a_missing_package_is_the_reason_of_its_files_alone(mixed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    found = {entry.key: entry for entry in read_all(mixed)}
    entry = found["paper.bin"]
    assert isinstance(entry, UnreadableFile)
    assert isinstance(entry.error, MissingExtraError)
    assert "sensorium[pdf]" in entry.reason
    assert isinstance(found["notes.md"], Record)


def test_a_source_made_by_hand_is_read(tmp_path: Path) -> None:
    path = write_tree(tmp_path, {"a": "words"}) / "a"
    source = SourceFile(root=str(tmp_path), path=str(path), key="my/key", size=5, mtime_ns=0)
    (record,) = read_records(source)
    assert isinstance(record, Record)
    assert (record.key, record.text) == ("my/key", "words")
    (skipped,) = read_records(replace(source, size=0))
    assert isinstance(skipped, SkippedFile)


def test_a_long_text_is_read_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.md"
    with open(path, "w", encoding="utf-8") as file:
        for number in range(4500):
            file.write(
                f"## Part {number}\n\n" + f"A sentence of part {number}, which is not short at all. " * 40 + "\n\n"
            )
    size = path.stat().st_size
    assert size > 8 * 1024**2
    tracemalloc.start()
    count, covered = 0, 0
    for record in read_all(path):
        assert isinstance(record, Record)
        assert record.place.start is not None
        assert record.place.end is not None
        assert record.place.start <= covered
        count, covered = count + 1, record.place.end
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert covered == size
    assert count > 6000
    assert peak < 3 * 1024**2
