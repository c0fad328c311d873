"""Recordings: every second in a segment, whose samples are those of a whole decode; and little memory, however long."""

from __future__ import annotations

import pickle
import threading
import tracemalloc
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from sensorium.errors import MediaError, MissingMediaError
from sensorium.ingest import AudioSegment, IngestSettings, Place, Record, av_reader, recording
from sensorium.ingest.audio_segments import read_audio_file
from sensorium.ingest.recording import Recording
from sensorium.media import (
    DecodeSpec,
    MediaLimits,
    MediaSettings,
    Sample,
    decode_audio,
    load_sample,
    open_source,
    probe_sample,
)
from tests.ingest.made_files import make_origin, write_ramp
from tests.media.media_files import encode_sound, encode_sound_with_av, tone, write_clip

SHORT = IngestSettings(audio_segment_s=2, audio_overlap_s=0.5)


def melody(seconds: float, rate: int) -> np.ndarray:
    """Make a sound no two tenths of a second of which are alike."""
    time = np.arange(round(seconds * rate)) / rate
    return (0.4 * np.sin(2 * np.pi * (200 + 60 * time) * time)).astype(np.float32)


FORMATS: dict[str, Callable[[], bytes]] = {
    "wav": lambda: encode_sound(melody(7.3, 16_000)),
    "wav-stereo": lambda: encode_sound(tone(7.3, channels=2)),
    "flac": lambda: encode_sound(melody(7.3, 16_000), "FLAC"),
    "aiff": lambda: encode_sound(melody(7.3, 16_000), "AIFF"),
    "ogg": lambda: encode_sound(melody(7.3, 16_000), "OGG"),
    "mp3": lambda: encode_sound(melody(7.3, 16_000), "MP3"),
    "m4a": lambda: encode_sound_with_av(melody(7.3, 48_000), "aac", "ipod"),
    "adts": lambda: encode_sound_with_av(melody(7.3, 48_000), "aac", "adts"),
    "webm": lambda: encode_sound_with_av(melody(7.3, 48_000), "libopus", "webm"),
    "mka": lambda: encode_sound_with_av(melody(7.3, 48_000), "flac", "matroska"),
}
# Seconds by which the samples of a segment may be early or late: time stamps of Matroska are whole milliseconds, those of
# the last page of an Ogg file are of its end.
LATE_S = {"webm": 0.002, "ogg": 0.03}


def assert_alike(samples: np.ndarray, expected: np.ndarray, rate: int, late_s: float) -> None:
    """Check that two sounds are one, but for their first and last tenth, where a coder's frames are cut apart."""
    assert abs(len(samples) - len(expected)) <= 0.06 * rate
    length, edge = min(len(samples), len(expected)), rate // 10
    middle = samples[edge : length - edge]
    late = round(late_s * rate)
    errors = [
        np.abs(middle - expected[edge + at : edge + at + len(middle)]).max()
        for at in range(-late, late + 1)
        if edge + at + len(middle) <= len(expected)
    ]
    assert min(errors) < 1e-3


def read(data: bytes | Path, settings: IngestSettings = SHORT) -> list[Record]:
    return list(read_audio_file(open_source(data), "WAV", make_origin(settings), None))


@pytest.mark.parametrize("form", FORMATS)
def test_segments_are_parts_of_the_whole(form: str) -> None:
    data = FORMATS[form]()
    whole = decode_audio(open_source(data), None, MediaLimits())
    assert whole.sampling_rate is not None
    reading = read_audio_file(open_source(data), form, make_origin(SHORT), None)
    covered = 0.0
    for record in reading:  # some are decoded while the file is open, some after
        start, end = record.place.start_s, record.place.end_s
        assert start is not None
        assert end is not None
        assert start <= covered < end
        covered = end
        part = record.content.decode()
        assert part.sampling_rate == whole.sampling_rate
        expected = whole.array[round(start * part.sampling_rate) : round(end * part.sampling_rate)]
        again = pickle.loads(pickle.dumps(record)).content.decode()
        for samples in (part.array, again.array):
            assert_alike(samples, expected, part.sampling_rate, LATE_S.get(form, 0.0))
    assert covered >= len(whole.array) / whole.sampling_rate - 0.03


def test_a_record_of_a_segment() -> None:
    records = read(encode_sound(tone(4.0)))
    assert [record.place for record in records] == [
        Place(start_s=0.0, end_s=2.0),
        Place(start_s=1.5, end_s=3.5),
        Place(start_s=3.0, end_s=4.0),
    ]
    assert {record.modality for record in records} == {"audio"}
    assert records[0].metadata == {"format": "WAV", "seconds": 4.0}
    assert records[0].text is None
    assert records[0].thumbnail() is None
    assert len({record.digest for record in records}) == len({record.id for record in records}) == 3
    assert isinstance(records[0].content, AudioSegment)


def test_an_encoder_takes_a_segment_and_decodes_it_itself() -> None:
    record = read(encode_sound(tone(4.0)))[1]
    sample = record.to_sample()
    assert isinstance(sample, Sample)
    assert sample.modality == "audio"
    assert probe_sample(sample, MediaSettings()).seconds == pytest.approx(2.0)
    loaded = load_sample(sample, DecodeSpec(sampling_rate=8_000), MediaSettings()).parts[0].value
    assert loaded.sampling_rate == 8_000
    assert len(loaded.array) == 16_000


def test_digests_rest_on_the_bytes_and_the_seconds(tmp_path: Path) -> None:
    data = encode_sound(tone(4.0))
    (tmp_path / "a").write_bytes(data)
    assert [one.digest for one in read(data)] == [one.digest for one in read(tmp_path / "a")]
    other = read(encode_sound(tone(4.0, hertz=300)))
    assert other[0].digest != read(data)[0].digest


def test_the_sound_of_a_clip_is_a_recording_too(tmp_path: Path) -> None:
    pytest.importorskip("av")
    path = write_clip(tmp_path / "a.mp4", 40, has_sound=True)
    part = Recording(open_source(path), MediaLimits()).read(1.0, 2.0)
    assert np.abs(part.array).max() > 0.4


def test_a_sound_without_a_length_in_its_header_is_measured() -> None:
    data = encode_sound(tone(5.0), "MP3")
    frame = data.index(b"\xff\xf3", 10)  # behind the one that holds the tag
    records = read(data[frame:])
    assert records[-1].place.end_s == pytest.approx(5.0, abs=0.2)


def test_a_large_file_is_measured_by_its_header(monkeypatch: pytest.MonkeyPatch) -> None:
    data = FORMATS["m4a"]()
    exact = read(data)[-1].place.end_s
    monkeypatch.setattr(av_reader, "MAX_SCAN_BYTES", 10)
    monkeypatch.setattr(av_reader.AvReader, "_scan", lambda self: 99.0)
    assert read(data)[-1].place.end_s == pytest.approx(exact, abs=0.1)
    assert read(FORMATS["adts"]())[-1].place.end_s == 99.0  # whose header only guesses


@pytest.mark.parametrize("form", ["flac", "ogg", "mp3", "wav"])
def test_either_package_reads_what_both_can_read(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = FORMATS[form]()
    monkeypatch.setattr(recording, "is_installed", lambda name: name == "soundfile")
    one = [record.content.decode().array for record in read(data)]
    monkeypatch.setattr(recording, "is_installed", lambda name: name == "av")
    other = [record.content.decode().array for record in read(data)]
    assert len(one) == len(other)
    for left, right in zip(one, other, strict=True):
        assert_alike(left, right, 16_000, 0.03 if form == "ogg" else 0.0)


@pytest.mark.parametrize("form", ["wav", "m4a", "ogg", "webm"])
def test_a_file_that_is_cut_off_is_an_error(form: str) -> None:
    data = FORMATS[form]()
    with pytest.raises(MediaError):
        [record.content.decode() for record in read(data[: len(data) // 2])]


def test_an_empty_sound_and_a_clip_without_sound_are_errors(tmp_path: Path) -> None:
    with pytest.raises(MediaError):
        read(encode_sound(np.zeros(0, np.float32)))
    with pytest.raises(MediaError, match="no sound"):
        read(write_clip(tmp_path / "a.mp4", 5))


def test_a_file_that_is_gone_is_an_error_of_its_segment(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(encode_sound(tone(3.0)))
    records = read(path)
    path.unlink()
    with pytest.raises(MissingMediaError):
        records[0].content.decode()


def test_samples_that_are_no_numbers_are_an_error_of_their_segment() -> None:
    samples = tone(4.0)
    samples[-5:] = np.nan
    records = read(encode_sound(samples, subtype="FLOAT"))
    records[0].content.decode()
    with pytest.raises(MediaError, match="NaN"):
        records[-1].content.decode()


def test_threads_decode_one_file_as_one_thread_does(tmp_path: Path) -> None:
    path = write_ramp(tmp_path / "a.flac", 40)
    reading = read_audio_file(open_source(path), "FLAC", make_origin(SHORT), None)
    records = [next(reading) for _ in range(20)]  # the file is open all the while
    alone = [record.content.decode().array for record in read(path)[:20]]
    found: dict[int, np.ndarray] = {}

    def decode(numbers: range) -> None:
        for number in numbers:
            found[number] = records[number].content.decode().array

    threads = [threading.Thread(target=decode, args=(range(at, 20, 4),)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(found[number], alone[number]) for number in range(20))


def encode_many_channels(channels: np.ndarray, codec: str, form: str) -> bytes:
    """Write eight channels, `[8, samples]` of int16, whose planes FFmpeg keeps apart."""
    av = pytest.importorskip("av")
    file = BytesIO()
    with av.open(file, "w", format=form) as container:
        stream = container.add_stream(codec, rate=48_000)
        stream.layout = "7.1"
        container.start_encoding()
        frame = av.AudioFrame.from_ndarray(channels.T.reshape(1, -1).copy(), format="s16", layout="7.1")
        frame.sample_rate, frame.pts = 48_000, 0
        size = stream.codec_context.frame_size or 1024
        resampler = av.AudioResampler(stream.codec_context.format, "7.1", 48_000, frame_size=size)
        for piece in resampler.resample(frame) + resampler.resample(None):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return file.getvalue()


@pytest.mark.parametrize(("codec", "form"), [("wavpack", "matroska"), ("aac", "adts"), ("libopus", "webm")])
def test_many_channels_are_mixed_without_reading_beyond_them(codec: str, form: str) -> None:
    loudness = np.arange(1, 9, dtype=np.float32)[:, None] / 8
    channels = (loudness * tone(2.0, 48_000) * 32767).astype(np.int16)
    (record,) = read(encode_many_channels(channels, codec, form), IngestSettings())
    samples = record.content.decode().array
    assert record.place.end_s == pytest.approx(2.0, abs=0.05)
    loud = np.abs(samples[4800:-4800]).max()
    if codec == "wavpack":  # others drop what a channel for effects cannot carry
        assert loud == pytest.approx(0.5 * loudness.mean(), abs=1e-3)
    assert 0.1 < loud < 0.5


def test_two_hours_are_read_in_little_memory(tmp_path: Path) -> None:
    path = write_ramp(tmp_path / "long.wav", 7200)
    settings = IngestSettings()
    tracemalloc.start()
    count, covered = 0, 0.0
    for record in read_audio_file(open_source(path), "WAV", make_origin(settings), None):
        assert record.place.start_s is not None
        assert record.place.end_s is not None
        assert record.place.start_s <= covered
        covered = record.place.end_s
        if count % 40 == 0:
            part = record.content.decode().array
            assert part[0] == pytest.approx((record.place.start_s % 1000) / 1000, abs=1e-4)
        count += 1
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (count, covered) == (400, 7200.0)
    assert peak < 8 * 1024**2  # the whole is 230 MB as it is decoded
