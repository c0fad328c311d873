"""Loose items: every form, their keys and digests, and what cannot be used."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sensorium.errors import UnknownArgumentError
from sensorium.ingest import (
    IngestSettings,
    Place,
    Record,
    SkippedFile,
    UnreadableFile,
    hash_file,
    hash_text,
    read_items,
)
from sensorium.media import Frames, MediaSettings, Waveform, open_source, probe_sample
from tests.ingest.made_files import make_pdf
from tests.media.media_files import encode_image, encode_sound, noise_image, tone, write_clip

IMAGE = noise_image()
PNG = encode_image(IMAGE, "PNG")


def read_one(item: Any, **kwargs: Any) -> Record:
    (record,) = read_items([item], **kwargs)
    assert isinstance(record, Record), record
    return record


def test_a_string_is_a_text_whatever_it_looks_like(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    for text in ("A tabby.", str(path), "http://10.0.0.1/a.png", "data:image/png;base64,AAAA"):
        record = read_one(text)
        assert (record.modality, record.content, record.text) == ("text", text, text)
        assert record.key == record.digest == hash_text(text)
        part = record.to_sample().parts[0]
        assert (part.modality, part.value, part.is_loaded) == ("text", text, True)


def test_a_long_text_is_cut_and_an_empty_one_skipped() -> None:
    entries = list(read_items(["Sentence. " * 40, " "], IngestSettings(passage_characters=100, passage_overlap=0)))
    assert [one.place.start for one in entries[:-1]] == [0, 100, 200, 300]  # type: ignore[union-attr]
    assert len({one.key for one in entries[:-1]}) == 1
    assert isinstance(entries[-1], SkippedFile)


@pytest.mark.parametrize(
    ("item", "modality"),
    [
        (IMAGE, "image"),
        (PNG, "image"),
        (BytesIO(PNG), "image"),
        ({"bytes": PNG, "path": "nosuch.png"}, "image"),
        ({"image": PNG}, "image"),
        ({"image": IMAGE}, "image"),
        (np.zeros((5, 4, 3), np.uint8), "image"),
        (tone(0.1), "audio"),
        ({"array": tone(0.1), "sampling_rate": 16_000}, "audio"),
        ({"audio": {"array": tone(0.1), "sampling_rate": 16_000}}, "audio"),
        (Waveform(tone(0.1), 16_000), "audio"),
        (encode_sound(tone(0.1)), "audio"),
        (np.zeros((2, 5, 4, 3), np.uint8), "video"),
        ({"video": [IMAGE, IMAGE]}, "video"),
        (Frames(np.zeros((2, 5, 4, 3), np.uint8), None, False), "video"),
        ({"text": "words"}, "text"),
        (make_pdf(["words"]), "image"),
    ],
)
def test_an_item_of_any_form(item: Any, modality: str) -> None:
    record = read_one(item)
    assert record.modality == modality
    assert len(record.digest) == 32
    assert record.to_sample().modality == modality
    probe_sample(record.to_sample(), MediaSettings())
    record.thumbnail()


def test_equal_content_has_one_digest_whatever_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(PNG)
    digests = {
        read_one(item).digest
        for item in (PNG, path, {"image": str(path)}, {"bytes": PNG}, BytesIO(PNG), bytearray(PNG))
    }
    assert digests == {hash_file(open_source(PNG))}
    assert read_one(IMAGE).digest == read_one(IMAGE.copy()).digest != read_one(PNG).digest
    assert read_one(tone(0.1)).digest != read_one(tone(0.1, hertz=300)).digest
    assert read_one("words").digest == read_one({"text": "words"}).digest


def test_ids_become_keys() -> None:
    one, other = read_one({"id": "doc-1", "image": PNG}), read_one({"id": 7, "image": PNG})
    assert (one.key, other.key) == ("doc-1", "7")
    assert one.id != other.id
    assert one.digest == other.digest
    assert read_one({"id": "a", "bytes": PNG}).key == "a"
    assert read_one({"id": "a", "array": tone(0.1), "sampling_rate": 8_000}).modality == "audio"


def test_metadata_is_put_on_every_record_and_the_items_own_wins() -> None:
    record = read_one({"text": "words", "metadata": {"year": 1999}}, metadata={"year": 2000, "by": "me"})
    assert record.metadata == {"year": 1999, "by": "me"}
    assert read_one(PNG, metadata={"format": "mine"}).metadata["format"] == "mine"


def test_a_path_object_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "notes.md"
    path.write_text("# Soups\n\n" + "Words. " * 10)
    record = read_one(path)
    assert (record.path, record.size, record.modality) == (str(path), path.stat().st_size, "text")
    assert record.mtime_ns == path.stat().st_mtime_ns
    assert record.key == hash_file(open_source(path))


def test_a_clip_under_its_name_is_cut_as_a_file(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", 40)
    settings = IngestSettings(video_segment_s=2)
    places = [one.place for one in read_items([{"video": str(path)}], settings)]  # type: ignore[union-attr]
    assert places == [Place(start_s=0.0, end_s=2.0), Place(start_s=2.0, end_s=4.0)]


def test_a_mixture_is_one_record(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    record = read_one({"id": "a", "text": "A tabby.", "image": str(path)})
    assert (record.modality, record.text, record.place) == ("image+text", "A tabby.", Place())
    assert record.content == {"text": "A tabby.", "image": str(path)}
    assert record.to_sample().modality == ("image", "text")
    assert record.thumbnail() is not None
    elsewhere = tmp_path / "b.png"
    elsewhere.write_bytes(PNG)
    assert read_one({"text": "A tabby.", "image": str(elsewhere)}).digest == record.digest
    assert read_one({"text": "A cat.", "image": str(path)}).digest != record.digest


def test_an_address_is_kept_and_not_fetched() -> None:
    record = read_one({"image": "http://10.0.0.1/a.png"})
    assert record.content == "http://10.0.0.1/a.png"
    assert record.thumbnail() is None
    assert record.digest == read_one({"image": "http://10.0.0.1/a.png"}).digest


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (7, "Unsupported"),
        ({}, "holds nothing"),
        ({"id": "a"}, "holds nothing"),
        ({"id": "", "text": "a"}, "must be a string"),
        ({"id": 1.5, "text": "a"}, "must be a string"),
        ({"text": "a", "metadata": "b"}, "metadata"),
        ({"txt": "a"}, "'text'"),
        ({"image": "/no/such/file.png"}, "no such file"),
        (b"%PDF-1.4\n", "damaged"),
        ([{"role": "user", "content": "hi"}], "conversation"),
        (("a", "b"), "conversation, or a pair"),
        (np.zeros((2, 2), complex), "real numbers"),
        ({"image": b""}, "empty"),
    ],
)
def test_what_cannot_be_used_is_reported_with_its_place(item: Any, words: str) -> None:
    first, entry, last = read_items(["before", item, "behind"])
    assert isinstance(first, Record)
    assert isinstance(last, Record)
    assert isinstance(entry, UnreadableFile)
    assert words in entry.reason
    assert entry.error.index == 1  # type: ignore[attr-defined]
    if isinstance(item, dict) and "txt" in item:
        assert isinstance(entry.error, UnknownArgumentError)


def test_bytes_of_no_known_format_are_skipped() -> None:
    (entry,) = read_items([b"\x00\x01\x02"])
    assert isinstance(entry, SkippedFile)


def test_items_are_taken_one_by_one() -> None:
    taken = []
    reading = read_items(taken.append(number) or "text" for number in range(9))  # type: ignore[func-returns-value]
    next(reading)
    assert len(taken) == 1


def test_pictures_of_values_in_memory() -> None:
    frames = np.stack([np.full((30, 40, 3), value, np.uint8) for value in (0, 128, 255)])
    for item in (frames, [Image.fromarray(one) for one in frames] * 2, {"video": list(frames)}):
        record = read_one(item) if not isinstance(item, list) else read_one({"video": item})
        with Image.open(BytesIO(record.thumbnail() or b"")) as small:
            assert small.size == (40, 30)
    assert read_one(tone(0.1)).thumbnail() is None
    assert read_one(np.zeros((3, 5, 4), np.float32)).thumbnail() is None
