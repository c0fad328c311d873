"""Generated media is what its names say, and the same each time."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from PIL import Image

from tests.tiny import media, samples


def test_pictures_repeat_and_differ_by_seed() -> None:
    first = media.make_pixels(1, 30, 20)
    assert first.shape == (20, 30, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, media.make_pixels(1, 30, 20))
    assert np.abs(first.astype(int) - media.make_pixels(2, 30, 20)).mean() > 10
    assert first.std() > 10


@pytest.mark.parametrize(("suffix", "kind"), [("jpg", "JPEG"), ("png", "PNG"), ("webp", "WEBP"), ("bmp", "BMP")])
def test_picture_files_are_eight_bit_rgb(suffix: str, kind: str, tmp_path: Path) -> None:
    path = media.write_image(tmp_path / f"picture.{suffix}", 1, 48, 40)
    with Image.open(path) as picture:
        assert (picture.format, picture.mode, picture.size) == (kind, "RGB", (48, 40))
        difference = np.asarray(picture).astype(int) - media.make_pixels(1, 48, 40)
    assert np.abs(difference).mean() < (10 if kind in ("JPEG", "WEBP") else 1e-9)


def test_sounds_are_within_range_and_repeat() -> None:
    wave = media.make_wave(1, 0.25, 8_000)
    assert wave.shape == (2_000,)
    assert wave.dtype == np.float32
    assert 0.5 < np.abs(wave).max() <= 1
    assert np.array_equal(wave, media.make_wave(1, 0.25, 8_000))
    assert media.make_wave(1, 0.25, 8_000, channels=2).shape == (2, 2_000)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg"])
@pytest.mark.parametrize("channels", [1, 2])
def test_sound_files_have_their_rate_and_channels(suffix: str, channels: int, tmp_path: Path) -> None:
    path = media.write_sound(tmp_path / f"sound.{suffix}", 1, 0.5, 22_050, channels)
    described = soundfile.info(path)
    assert (described.samplerate, described.channels, described.frames) == (22_050, channels, 11_025)


def test_frames_move() -> None:
    frames = media.make_frames(1, 5, 48, 40)
    assert frames.shape == (5, 40, 48, 3)
    assert all(np.abs(a.astype(int) - b).max() > 50 for a, b in pairwise(frames))


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "avi"])
def test_clip_files_have_their_frames(suffix: str, tmp_path: Path) -> None:
    path = media.write_clip(tmp_path / f"clip.{suffix}", 1, count=10, width=64, height=48, fps=5)
    with av.open(str(path)) as container:
        assert [stream.type for stream in container.streams] == ["video"]
        decoded = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert np.shape(decoded) == (10, 48, 64, 3)
    assert np.abs(np.asarray(decoded).astype(int) - media.make_frames(1, 10, 64, 48)).mean() < 10


def test_clip_files_may_have_sound(tmp_path: Path) -> None:
    path = media.write_clip(tmp_path / "clip.mp4", 1, count=16, fps=8, sound_rate=16_000)
    with av.open(str(path)) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]
        heard = sum(frame.samples for frame in container.decode(audio=0))
    assert abs(heard - 32_000) <= 2_048


def test_image_files_are_three_formats(tmp_path: Path) -> None:
    kinds = []
    for path in samples.image_files(tmp_path):
        with Image.open(path) as picture:
            kinds.append(picture.format)
    assert kinds == ["PNG", "JPEG", "WEBP"]
