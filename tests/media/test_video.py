from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from sensorium.errors import MediaError, MediaLimitError
from sensorium.media import video
from sensorium.media.limits import MediaLimits
from sensorium.media.source import open_source
from sensorium.media.video import VideoInfo, decode_video, probe_video
from sensorium.media.video_reader import VideoReader
from tests.media.media_files import decode_all, encode_sound_with_av, tone, write_clip

LIMITS = MediaLimits()
COUNT = 40
UNEVEN = np.cumsum(np.random.default_rng(0).integers(1, 5, COUNT)).tolist()

CLIPS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "h264 in mp4, B-frames": (".mp4", "libx264", {}),
    "h264 in mov": (".mov", "libx264", {}),
    "h264 with open groups": (".mp4", "libx264", {"codec_options": {"x264-params": "open-gop=1:bframes=3:b-adapt=0"}}),
    "h264 without keyframes": (".mp4", "libx264", {"codec_options": {"x264-params": "intra-refresh=1:bframes=0"}}),
    "h264 with sound": (".mp4", "libx264", {"has_sound": True}),
    "h264 in matroska": (".mkv", "libx264", {}),
    "h264 in a transport stream": (".ts", "libx264", {"form": "mpegts"}),
    "h264 in flv": (".flv", "libx264", {}),
    "h264 in avi": (".avi", "libx264", {}),
    "begins late": (".mp4", "libx264", {"times": range(37, 37 + COUNT)}),
    "begins late in matroska": (".mkv", "libx264", {"times": range(37, 37 + COUNT)}),
    "mpeg4": (".mp4", "mpeg4", {"codec_options": {"bf": "2"}}),
    "mpeg4 in avi": (".avi", "mpeg4", {"codec_options": {"bf": "2"}}),
    "mpeg2 program stream": (".mpg", "mpeg2video", {"form": "mpeg", "rate": 25, "codec_options": {"bf": "2"}}),
    "vp8 with hidden frames": (
        ".webm",
        "libvpx",
        {"codec_options": {"auto-alt-ref": "1", "lag-in-frames": "10", "deadline": "realtime"}},
    ),
    "vp9": (".webm", "libvpx-vp9", {"codec_options": {"deadline": "realtime", "cpu-used": "8"}}),
    "mjpeg": (".avi", "mjpeg", {}),
    "wmv": (".wmv", "wmv2", {"form": "asf"}),
}
UNEVEN_CLIPS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "uneven": (".mp4", "libx264", {"times": UNEVEN}),
    "uneven in matroska": (".mkv", "libx264", {"times": UNEVEN}),
}


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("clips")
    return {
        name: write_clip(folder / f"{number}{suffix}", COUNT, codec, **options)
        for number, (name, (suffix, codec, options)) in enumerate({**CLIPS, **UNEVEN_CLIPS}.items())
    }


def choices() -> list[list[int]]:
    draw = random.Random(0)
    fixed = [[0], [COUNT - 1], [0, 20, COUNT - 1], [5, 6, 7], [13, 13, 30, 30], [11], [12], [COUNT + 60]]
    return fixed + [sorted(draw.randrange(COUNT) for _ in range(draw.randint(1, 5))) for _ in range(12)]


def assert_frames(path: Path, whole: np.ndarray, wanted: Sequence[int]) -> None:
    frames = decode_video(open_source(path), lambda info: wanted, LIMITS)
    expected = [min(number, COUNT - 1) for number in wanted]
    np.testing.assert_array_equal(frames.array, whole[expected])
    assert frames.metadata is not None
    assert frames.metadata["frames_indices"] == expected


@pytest.mark.parametrize("name", [*CLIPS, *UNEVEN_CLIPS])
def test_frames_are_those_of_a_full_decode(clips: dict[str, Path], name: str) -> None:
    whole = decode_all(clips[name])
    assert len(whole) == COUNT
    for wanted in choices():
        assert_frames(clips[name], whole, wanted)
    every = decode_video(open_source(clips[name]), None, LIMITS)
    if name != "mpeg2 program stream":  # which states too few
        assert every.metadata is not None
        assert every.metadata["total_num_frames"] == COUNT
        np.testing.assert_array_equal(every.array, whole)
    assert not every.is_sampled


@pytest.mark.parametrize("name", [name for name in CLIPS if name != "mpeg2 program stream"])
def test_large_clips_are_read_without_a_scan(
    clips: dict[str, Path], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video, "MAX_SCAN_BYTES", 0)
    whole = decode_all(clips[name])
    for wanted in choices():
        assert_frames(clips[name], whole, wanted)


@pytest.mark.parametrize("name", [*UNEVEN_CLIPS, "mpeg2 program stream"])
def test_large_uneven_clips_are_near(clips: dict[str, Path], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "MAX_SCAN_BYTES", 0)
    frames = decode_video(open_source(clips[name]), lambda info: [0, info.total_num_frames // 2], LIMITS)
    whole = decode_all(clips[name]).astype(int)
    middle = int(np.abs(whole - frames.array[1]).sum(axis=(1, 2, 3)).argmin())
    np.testing.assert_array_equal(frames.array[0], whole[0])
    assert abs(middle - COUNT // 2) <= 3


def test_metadata(clips: dict[str, Path]) -> None:
    seen: list[VideoInfo] = []

    def choose(info: VideoInfo) -> list[int]:
        seen.append(info)
        return [1, 3]

    frames = decode_video(open_source(clips["h264 in mp4, B-frames"]), choose, LIMITS)
    assert seen == [VideoInfo(COUNT, 10.0, COUNT / 10, 64, 48)]
    assert frames.is_sampled
    assert frames.array.dtype == np.uint8
    assert frames.metadata == {
        "fps": 10.0,
        "total_num_frames": COUNT,
        "duration": COUNT / 10,
        "frames_indices": [1, 3],
        "width": 64,
        "height": 48,
    }


@pytest.mark.parametrize("name", list(CLIPS))
def test_probe(clips: dict[str, Path], name: str) -> None:
    info = probe_video(open_source(clips[name]), LIMITS)
    assert info.total_num_frames == pytest.approx(COUNT, abs=1)
    assert (info.width, info.height) == (64, 48)
    assert info.fps == CLIPS[name][2].get("rate", 10)


def test_fps_of_an_uneven_clip_is_measured(clips: dict[str, Path]) -> None:
    expected = (COUNT - 1) / ((UNEVEN[-1] - UNEVEN[0]) / 10)
    frames = decode_video(open_source(clips["uneven in matroska"]), lambda info: [0], LIMITS)
    assert frames.metadata is not None
    assert frames.metadata["fps"] == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(
    ("rotation", "shape", "corners"),
    [
        ((0,), (48, 64), ("red", "blue", "", "")),
        ((90,), (64, 48), ("blue", "", "red", "")),
        ((-90,), (64, 48), ("", "red", "", "blue")),
        ((180,), (48, 64), ("", "", "blue", "red")),
        ((0, True, False), (48, 64), ("blue", "red", "", "")),
        ((0, False, True), (48, 64), ("", "", "red", "blue")),
    ],
)
def test_display_matrix_is_applied(
    tmp_path: Path, rotation: tuple[Any, ...], shape: tuple[int, int], corners: tuple[str, ...]
) -> None:
    path = write_clip(tmp_path / "a.mp4", 3, rotation=rotation)
    frames = decode_video(open_source(path), lambda info: [1], LIMITS)
    assert frames.array.shape == (1, *shape, 3)
    assert frames.metadata is not None
    assert (frames.metadata["height"], frames.metadata["width"]) == shape
    names = {(True, False): "red", (False, True): "blue"}
    pixels = [frames.array[0, y, x].astype(int) for y in (3, -4) for x in (3, -4)]
    assert tuple(names.get((bool(r > 200 and b < 60), bool(b > 200 and r < 60)), "") for r, _, b in pixels) == corners


def test_a_long_clip_is_not_decoded_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_clip(tmp_path / "a.mp4", 3000, "mpeg4", codec_options={"g": "30"}, size=(32, 32))
    decoded = 0
    decode = VideoReader._decode

    def count(self: VideoReader, *args: Any, **options: Any) -> Any:
        nonlocal decoded
        for frame in decode(self, *args, **options):
            decoded += 1
            yield frame

    monkeypatch.setattr(VideoReader, "_decode", count)
    for scan in (video.MAX_SCAN_BYTES, 0):
        decoded = 0
        monkeypatch.setattr(video, "MAX_SCAN_BYTES", scan)
        frames = decode_video(open_source(path), lambda info: list(range(0, 3000, 400)), LIMITS)
        assert len(frames.array) == 8
        assert decoded <= 8 * 31


def test_frames_may_be_asked_for_in_any_order(clips: dict[str, Path]) -> None:
    path = clips["h264 in matroska"]
    frames = decode_video(open_source(path), lambda info: [30, 2, 30, 9], LIMITS)
    np.testing.assert_array_equal(frames.array, decode_all(path)[[30, 2, 30, 9]])


def test_numpy_numbers_are_taken(clips: dict[str, Path]) -> None:
    path = clips["vp9"]
    frames = decode_video(
        open_source(path), lambda info: np.linspace(0, info.total_num_frames - 1, 4).astype(int), LIMITS
    )
    assert frames.metadata is not None
    assert frames.metadata["frames_indices"] == [0, 13, 26, 39]


def test_limits(clips: dict[str, Path]) -> None:
    source = open_source(clips["h264 in mp4, B-frames"])
    with pytest.raises(MediaLimitError, match="max_frames"):
        decode_video(source, None, MediaLimits(max_frames=COUNT - 1))
    with pytest.raises(MediaLimitError, match="max_frames"):
        decode_video(source, lambda info: [0, 0, 0], MediaLimits(max_frames=2))
    with pytest.raises(MediaLimitError, match="max_pixels"):
        decode_video(source, lambda info: [0], MediaLimits(max_pixels=64 * 48 - 1))
    with pytest.raises(MediaLimitError, match="max_image_dimension"):
        probe_video(source, MediaLimits(max_image_dimension=63))
    with pytest.raises(MediaLimitError, match="max_streams"):
        probe_video(open_source(clips["h264 with sound"]), MediaLimits(max_streams=1))
    assert probe_video(open_source(clips["h264 with sound"]), MediaLimits(max_streams=2)).width == 64


@pytest.mark.parametrize("wanted", [[], [-1], [0, -3]])
def test_choices_that_are_none(clips: dict[str, Path], wanted: list[int]) -> None:
    with pytest.raises(MediaError, match="Choose at least one"):
        decode_video(open_source(clips["mjpeg"]), lambda info: wanted, LIMITS)


def test_a_sound_has_no_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(encode_sound_with_av(tone(1.0, 48_000), "aac", "mp4"))
    with pytest.raises(MediaError, match=r"no moving picture.*It is a sound") as caught:
        decode_video(open_source(path), None, LIMITS)
    assert caught.value.source == str(path)


@pytest.mark.parametrize(
    "name", ["h264 in mp4, B-frames", "h264 in matroska", "vp9", "h264 in avi", "mjpeg", "h264 in mov"]
)
@pytest.mark.parametrize("part", [0.3, 0.9])
def test_truncated_clips_are_errors(clips: dict[str, Path], name: str, part: float) -> None:
    data = clips[name].read_bytes()
    with pytest.raises(MediaError) as caught:
        decode_video(open_source(data[: int(part * len(data))]), None, LIMITS)
    assert caught.value.source == "bytes"


def test_truncated_clip_with_its_table_in_front(tmp_path: Path) -> None:
    data = write_clip(tmp_path / "a.mp4", options={"movflags": "faststart"}).read_bytes()
    with pytest.raises(MediaError, match="truncated"):
        decode_video(open_source(data[: len(data) * 3 // 4]), lambda info: [0], LIMITS)


def test_encrypted_clip(tmp_path: Path) -> None:
    options = {
        "encryption_scheme": "cenc-aes-ctr",
        "encryption_key": "76a6c65c5ea762046bd749a2e632ccbb",
        "encryption_kid": "a7e61c373e219033c21091fa607bf3b8",
    }
    path = write_clip(tmp_path / "a.mp4", options=options)
    with pytest.raises(MediaError, match="encrypted"):
        decode_video(open_source(path), None, LIMITS)


def test_pyavs_logging_is_left_alone(clips: dict[str, Path], capfd: pytest.CaptureFixture[str]) -> None:
    before = av.logging.get_level()
    data = clips["h264 in flv"].read_bytes()
    damaged = data[:300] + bytes(len(data) - 300)
    with pytest.raises(MediaError):
        decode_video(open_source(damaged), None, LIMITS)
    assert av.logging.get_level() == before
    assert capfd.readouterr() == ("", "")
