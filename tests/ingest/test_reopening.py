"""What was indexed can be had again by its place, and is the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sensorium.errors import MediaError
from sensorium.ingest import (
    IngestSettings,
    Place,
    Record,
    identity,
    image_files,
    read_all,
    reopen,
    reopening,
    video_segments,
)
from sensorium.ingest.sndfile_reader import SndfileReader
from sensorium.media.decode import DecodeSpec, load_sample
from sensorium.media.limits import MediaSettings
from sensorium.media.source import open_source
from tests.ingest.made_files import make_pdf
from tests.media.media_files import encode_image, encode_sound_with_av, noise_image, write_clip

SAMPLES = Path(__file__).parents[2] / "samples"
SETTINGS = IngestSettings(
    audio_segment_s=1.0, audio_overlap_s=0.25, video_segment_s=1.0, passage_characters=120, passage_overlap=20
)
#: Ends apart, so that no file has one record only.
FILES = [
    "images/rocket.jpg",
    "pictograms/pictures/wolf.png",
    "sounds/bell.flac",
    "sounds/crow.wav",
    "clips/deep-field-pan.mp4",
    "clips/cat-zoom.webm",
    "papers/travel-report.pdf",
    "papers/minutes.md",
    "papers/opening-hours.html",
    "texts/crow.txt",
]


def decode(sample):
    (part,) = load_sample(sample, DecodeSpec(), MediaSettings()).parts
    value = part.value
    if part.modality == "audio":
        return value.sampling_rate, np.asarray(value.array)
    if part.modality == "video":
        return value.metadata, np.asarray(value.array)
    return None, value if part.modality == "text" else np.asarray(value)


def reopened(record: Record, **changes):
    given = {"path": record.path, "modality": record.modality, "place": record.place, "settings": SETTINGS}
    return reopen(**{**given, **changes}, text=record.text, heading=record.metadata.get("heading"))


@pytest.mark.parametrize("name", FILES)
def test_it_is_what_was_read(name: str) -> None:
    records = list(read_all(SAMPLES / name, SETTINGS))
    assert records
    for record in records:
        assert isinstance(record, Record)
        about, value = decode(record.to_sample())
        about_again, again = decode(reopened(record))
        assert about_again == about
        np.testing.assert_array_equal(again, value)


def test_a_sound_in_another_container(tmp_path: Path) -> None:
    import av

    samples = (np.sin(np.arange(3 * 44100) / 20) * 8000).astype(np.int16)
    with av.open(str(tmp_path / "tone.mp3"), "w") as container:
        stream = container.add_stream("libmp3lame", rate=44100, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16p", layout="mono")
        frame.rate = 44100
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    records = list(read_all(tmp_path / "tone.mp3", SETTINGS))
    assert len(records) >= 3
    for record in records:
        np.testing.assert_array_equal(decode(reopened(record))[1], decode(record.to_sample())[1])


def make_noise(count: int) -> np.ndarray:
    """Make noise that comes and goes, so that frames of a variable rate differ in size."""
    noise = np.random.default_rng(0).normal(0, 0.2, count).astype(np.float32)
    return noise * (np.sin(np.arange(count) / 22_050) > 0)


# Where AAC says no more than "noise", a decoder makes some up, and other noise the next time.
_NO_NOISE = {"codec_options": {"aac_pns": "0"}}


@pytest.mark.parametrize(
    ("codec", "form", "options"),
    [
        ("libmp3lame", "mp3", {"quality": 4}),
        ("libmp3lame", "mp3", {"quality": 4, "options": {"write_xing": "0", "id3v2_version": "0"}}),
        ("aac", "adts", _NO_NOISE),
        ("aac", "mp4", _NO_NOISE),
        ("libopus", "ogg", {}),
        ("flac", "matroska", {}),
    ],
    ids=["mp3", "mp3 without its length", "adts", "mp4", "ogg", "flac in matroska"],
)
def test_a_sound_is_the_same_while_its_file_is_read(tmp_path: Path, codec: str, form: str, options: dict) -> None:
    """While it is read in order the file is open, and its packets have been seen; reopened, it is found by seeking."""
    path = tmp_path / f"a.{form}"
    rate = 48_000 if codec == "libopus" else 44_100
    path.write_bytes(encode_sound_with_av(make_noise(20 * rate), codec, form, rate, **options))
    count = 0
    settings = IngestSettings(audio_segment_s=3, audio_overlap_s=1)
    for record in read_all(path, settings):
        assert isinstance(record, Record)
        np.testing.assert_array_equal(decode(reopened(record, settings=settings))[1], decode(record.to_sample())[1])
        count += 1
    assert count == 10


def test_a_clip_of_uneven_frames(tmp_path: Path) -> None:
    times = [*range(10), *range(40, 44), 60, 61, 90, *range(100, 130, 3)]
    path = write_clip(tmp_path / "a.mkv", len(times), times=times)
    records = list(read_all(path, SETTINGS))
    assert len(records) > 10
    for record in records:
        about, frames = decode(record.to_sample())
        about_again, again = decode(reopened(record))
        assert about_again == about
        np.testing.assert_array_equal(again, frames)


def test_an_image_that_is_turned_and_one_in_memory(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "a.jpg").write_bytes(encode_image(noise_image(30, 20), "JPEG", exif=exif))
    (record,) = read_all(tmp_path, SETTINGS)
    assert isinstance(record, Record)
    sample = reopened(record)
    assert sample.parts[0].value.size == record.content.size == (20, 30)
    np.testing.assert_array_equal(decode(sample)[1], decode(record.to_sample())[1])


@pytest.mark.parametrize("name", ["images/rocket.jpg", "sounds/bell.flac", "clips/cat-zoom.webm", "papers/minutes.md"])
def test_nothing_is_decoded_and_nothing_hashed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    record = next(iter(read_all(SAMPLES / name, SETTINGS)))
    for home, function in ((image_files, "decode_image"), (video_segments, "decode_video"), (identity, "blake2b")):
        monkeypatch.setattr(home, function, None)
    monkeypatch.setattr(SndfileReader, "read", None)
    assert reopened(record) is not None


def test_one_page_of_many(tmp_path: Path) -> None:
    (tmp_path / "many.pdf").write_bytes(make_pdf([f"page {number}" for number in range(1, 30)]))
    record = list(read_all(tmp_path / "many.pdf", SETTINGS))[16]
    np.testing.assert_array_equal(decode(reopened(record))[1], decode(record.to_sample())[1])


def test_a_file_that_is_gone_is_nothing(tmp_path: Path) -> None:
    place = Place(start_s=0.0, end_s=1.0)
    assert reopen(str(tmp_path / "gone.wav"), "audio", place, SETTINGS) is None
    assert reopen(None, "image", Place(), SETTINGS) is None
    assert reopen(None, "text", Place(), SETTINGS) is None
    assert reopen(str(tmp_path), "image", Place(), SETTINGS) is None


@pytest.mark.parametrize("name", ["images/rocket.jpg", "sounds/bell.flac", "clips/cat-zoom.webm"])
def test_a_file_that_goes_while_it_is_opened_is_nothing(name: str, tmp_path: Path, monkeypatch: Any) -> None:
    record = next(iter(read_all(SAMPLES / name, SETTINGS)))
    path = tmp_path / "a.bin"
    path.write_bytes((SAMPLES / name).read_bytes())

    def open_and_remove(*args: Any) -> Any:
        source = open_source(*args)
        path.unlink()
        return source

    monkeypatch.setattr(reopening, "open_source", open_and_remove)
    assert reopened(record, path=str(path)) is None


def test_a_file_that_was_emptied_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(MediaError, match="empty"):
        reopen(str(tmp_path / "a.png"), "image", Place(), SETTINGS)


def test_a_text_needs_no_file() -> None:
    sample = reopen("/nowhere.txt", "text", Place(start=0, end=4), SETTINGS, text="/etc/passwd", heading="A > B")
    assert sample.modality == "text"
    assert sample.parts[0].value == "A > B\n\n/etc/passwd"


def test_a_mixture_has_no_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x")
    assert reopen(str(tmp_path / "x"), "image+text", Place(), SETTINGS, text="x") is None


@pytest.mark.parametrize(
    ("modality", "place"),
    [("image", Place(page=1)), ("audio", Place(start_s=0.0, end_s=1.0)), ("video", Place(start_s=0.0, end_s=1.0))],
)
def test_a_file_that_holds_something_else_now_says_so(tmp_path: Path, modality: str, place: Place) -> None:
    (tmp_path / "x.bin").write_bytes(b"no media at all" * 100)
    with pytest.raises(MediaError):
        decode(reopen(str(tmp_path / "x.bin"), modality, place, SETTINGS))
