"""Clips: every second in a segment, whose frames are those that are on the screen then; found without decoding all."""

from __future__ import annotations

import pickle
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sensorium.errors import MediaError, MissingMediaError
from sensorium.ingest import IngestSettings, Place, Record, VideoSegment, clip_times, video_segments
from sensorium.ingest.clip_times import NoPictureError, read_clip_times
from sensorium.ingest.video_segments import read_video_file
from sensorium.media import DecodeSpec, Frames, MediaLimits, MediaSettings, load_sample, open_source, probe_sample
from tests.ingest.made_files import make_origin
from tests.media.media_files import decode_all, encode_sound_with_av, tone, write_clip

pytest.importorskip("av")
SHORT = IngestSettings(video_segment_s=2, video_overlap_s=0.5, frames_per_segment=4)


def read(path: Path, settings: IngestSettings = SHORT) -> list[Record]:
    return list(read_video_file(open_source(path), "MP4", make_origin(settings), None))


def test_a_record_of_a_segment(tmp_path: Path) -> None:
    records = read(write_clip(tmp_path / "a.mp4", 40))
    assert [record.place for record in records] == [
        Place(start_s=0.0, end_s=2.0),
        Place(start_s=1.5, end_s=3.5),
        Place(start_s=3.0, end_s=4.0),
    ]
    assert {record.modality for record in records} == {"video"}
    assert records[0].metadata == {"format": "MP4", "seconds": 4.0, "width": 64, "height": 48}
    assert len({record.digest for record in records}) == len({record.id for record in records}) == 3
    assert isinstance(records[0].content, VideoSegment)


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mp4", "libx264", {}),
        ("a.mkv", "libx264", {"codec_options": {"bf": "3"}}),
        ("a.webm", "libvpx", {}),
        ("a.avi", "mjpeg", {}),
        ("a.ts", "libx264", {"form": "mpegts"}),
        ("a.mpg", "mpeg1video", {"form": "mpeg", "rate": 25}),
    ],
)
def test_frames_are_those_on_the_screen(tmp_path: Path, name: str, codec: str, options: dict) -> None:
    path = write_clip(tmp_path / name, 50, codec, **options)
    rate = options.get("rate", 10)
    whole = decode_all(path)
    for record in read(path):
        start, end = record.place.start_s, record.place.end_s
        assert start is not None
        assert end is not None
        frames = record.content.decode().array
        step = (end - start) / 4
        expected = sorted({min(int((start + (at + 0.5) * step) * rate + 1e-6), 49) for at in range(4)})
        assert record.content.numbers == tuple(expected)
        assert np.abs(frames.astype(int) - whole[expected]).mean() < 3


def test_frames_of_uneven_clips_are_found_by_their_time(tmp_path: Path) -> None:
    # A still screen for nine seconds, then ten frames in one.
    times = [0, *range(90, 100)]
    path = write_clip(tmp_path / "a.mkv", len(times), times=times)
    records = read(path, IngestSettings(video_segment_s=5, frames_per_segment=4))
    assert records[0].content.numbers == (0,)
    assert records[1].content.numbers[0] == 0
    still = read(path, IngestSettings(video_segment_s=2, frames_per_segment=4))
    assert len({record.digest for record in still[:4]}) == 1  # one vector serves them
    assert len({record.id for record in still}) == len(still)
    assert records[1].content.numbers[-1] > 3
    assert records[-1].place.end_s == pytest.approx(10, abs=1.1)


def test_an_encoder_takes_a_segment_and_decodes_it_itself(tmp_path: Path) -> None:
    record = read(write_clip(tmp_path / "a.mp4", 40))[1]
    sample = record.to_sample()
    assert sample.modality == "video"
    cost = probe_sample(sample, MediaSettings())
    assert (cost.frames, cost.frame_pixels) == (4, 64 * 48)
    loaded = load_sample(sample, DecodeSpec(choose_frames=lambda info: [0, info.total_num_frames - 1]), MediaSettings())
    frames = loaded.parts[0].value
    assert isinstance(frames, Frames)
    assert np.array_equal(frames.array, record.content.decode().array[[0, 3]])
    assert frames.metadata is not None
    assert frames.metadata["duration"] == pytest.approx(2.0)
    assert frames.metadata["fps"] == pytest.approx(2.0)


def test_frames_are_scaled_down_to_their_pixels(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", 20, size=(320, 240))
    settings = IngestSettings(frame_pixels=80 * 60, thumbnail_side=32)
    (record,) = read(path, settings)
    assert record.content.decode().array.shape == (8, 60, 80, 3)
    assert record.content.metadata.width == 80
    with Image.open(BytesIO(record.thumbnail() or b"")) as small:
        assert small.size == (32, 24)
    assert record.digest != read(path, IngestSettings())[0].digest


def test_decoding_leaves_a_thumbnail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_clip(tmp_path / "a.mp4", 40, size=(320, 240))
    settings = IngestSettings(video_segment_s=2, frames_per_segment=4, thumbnail_side=64)
    shown = []
    for indices in ([0, 1, 2, 3], [0, 3], []):
        record = read(path, settings)[0]
        if indices:
            record.content.get_frames_at(indices)
            monkeypatch.setattr(video_segments, "decode_video", None)
        picture = record.thumbnail()
        monkeypatch.undo()
        assert pickle.loads(pickle.dumps(record)).thumbnail() == picture
        with Image.open(BytesIO(picture or b"")) as small:
            assert small.size == (64, 48)
            shown.append(np.asarray(small.convert("RGB").resize((320, 240)), int))
    frames = record.content.decode().array.astype(int)
    nearest = [int(np.abs(frames - picture).mean(axis=(1, 2, 3)).argmin()) for picture in shown]
    assert nearest == [2, 3, 2]  # the middle; of those asked for, the nearest to it


def test_a_segment_goes_to_another_process(tmp_path: Path) -> None:
    record = read(write_clip(tmp_path / "a.mp4", 40))[1]
    again = pickle.loads(pickle.dumps(record))
    assert np.array_equal(again.content.decode().array, record.content.decode().array)


def test_a_clip_of_one_frame_has_a_length(tmp_path: Path) -> None:
    (record,) = read(write_clip(tmp_path / "a.mp4", 1))
    assert record.place == Place(start_s=0.0, end_s=0.1)
    assert record.content.numbers == (0,)


def test_a_large_clip_is_laid_out_by_its_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_clip(tmp_path / "a.mp4", 40)
    exact = [record.content.numbers for record in read(path)]
    monkeypatch.setattr(clip_times, "MAX_SCAN_BYTES", 10)
    monkeypatch.setattr(clip_times, "scan_timeline", lambda *args: 1 / 0)
    assert [record.content.numbers for record in read(path)] == exact


def test_a_sound_in_a_container_of_clips_is_told(tmp_path: Path) -> None:
    sound = encode_sound_with_av(tone(1.0, 48_000), "aac", "mp4")
    with pytest.raises(NoPictureError):
        read_clip_times(open_source(sound), MediaLimits())


def test_files_that_cannot_be_read_are_errors(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", 40)
    data = path.read_bytes()
    with pytest.raises(MediaError):
        read_clip_times(open_source(data[: len(data) // 2]), MediaLimits())
    record = read(path)[0]
    path.unlink()
    with pytest.raises(MissingMediaError):
        record.content.decode()


def test_a_segment_that_fails_inside_an_encoder_names_the_file(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", 40)
    sample = read(path)[0].to_sample()
    path.unlink()
    with pytest.raises(MediaError, match=r"a\.mp4"):
        load_sample(sample, DecodeSpec(choose_frames=lambda info: [0]), MediaSettings())
