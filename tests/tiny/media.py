"""Seeded images, sounds and clips, in memory and as files.

Pictures are gradients, discs and bars with a little noise, so that resizing and compression treat them as they treat
photographs; sounds are mixtures of sines with changing loudness; clips move a disc over a picture. The same arguments
give the same numbers in every session. Must not know which model takes them.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
from PIL import Image


def make_pixels(seed: int, width: int = 48, height: int = 40) -> np.ndarray:
    """Draw a picture: uint8 `[height, width, 3]`."""
    rng = np.random.default_rng([7, seed])
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    x, y = x / max(width - 1, 1), y / max(height - 1, 1)
    start, across, down = rng.uniform(0, 255, 3), rng.uniform(-160, 160, 3), rng.uniform(-160, 160, 3)
    picture = start + x[..., None] * across + y[..., None] * down
    for _ in range(3):
        centre, radius, colour = rng.uniform(0.1, 0.9, 2), rng.uniform(0.1, 0.35), rng.uniform(0, 255, 3)
        picture[(x - centre[0]) ** 2 + (y - centre[1]) ** 2 < radius**2] = colour
    left, bar = rng.uniform(0.1, 0.8), rng.uniform(0, 255, 3)
    picture[(x > left) & (x < left + 0.12)] = bar
    return np.clip(picture + rng.normal(0, 3, picture.shape), 0, 255).astype(np.uint8)


def make_image(seed: int, width: int = 48, height: int = 40) -> Image.Image:
    """Draw a picture: an upright 8-bit RGB `PIL.Image`."""
    return Image.fromarray(make_pixels(seed, width, height))


def write_image(path: Path, seed: int, width: int = 48, height: int = 40) -> Path:
    """Write a picture in the format of the suffix (JPEG at quality 90)."""
    options: dict[str, Any] = {"quality": 90} if path.suffix.lower() in (".jpg", ".jpeg") else {}
    make_image(seed, width, height).save(path, **options)
    return path


def make_wave(seed: int, seconds: float = 0.6, sampling_rate: int = 16_000, channels: int = 1) -> np.ndarray:
    """Mix sines: float32 `[samples]` within [-1, 1], or `[channels, samples]` if there are several channels."""
    rng = np.random.default_rng([11, seed])
    count = round(seconds * sampling_rate)
    time = np.arange(count) / sampling_rate
    tracks = np.zeros((channels, count))
    for track in tracks:
        for frequency in rng.uniform(80, min(3500, sampling_rate / 2.5), 4):
            loudness = 0.5 + 0.5 * np.sin(2 * np.pi * rng.uniform(0.5, 6) * time + rng.uniform(0, 6))
            track += rng.uniform(0.2, 1) * loudness * np.sin(2 * np.pi * frequency * time)
        track += rng.normal(0, 0.01, count)
    tracks *= 0.8 / max(np.abs(tracks).max(), 1e-9)
    return (tracks[0] if channels == 1 else tracks).astype(np.float32)


def write_sound(
    path: Path,
    seed: int,
    seconds: float = 0.6,
    sampling_rate: int = 16_000,
    channels: int = 1,
    subtype: str | None = None,
) -> Path:
    """Write a mixture of sines in the format of the suffix (wav, flac, ogg), of 16 bits unless `subtype` differs."""
    wave = make_wave(seed, seconds, sampling_rate, channels)
    soundfile.write(path, wave if channels == 1 else wave.T, sampling_rate, subtype=subtype)
    return path


def make_frames(seed: int, count: int = 6, width: int = 48, height: int = 40) -> np.ndarray:
    """Draw a clip, a disc that crosses a picture: uint8 `[count, height, width, 3]`."""
    rng = np.random.default_rng([13, seed])
    background, colour = make_pixels(seed, width, height), rng.integers(0, 256, 3, dtype=np.uint8)
    y, x = np.mgrid[0:height, 0:width]
    radius, row = min(width, height) * 0.22, rng.uniform(0.3, 0.7) * height
    frames = np.repeat(background[None], count, axis=0)
    for position, frame in enumerate(frames):
        column = width * (position + 0.5) / count
        frame[(x - column) ** 2 + (y - row) ** 2 < radius**2] = colour
    return frames


def make_clip(seed: int, count: int = 6, width: int = 48, height: int = 40, fps: float = 4.0) -> dict[str, Any]:
    """Draw a clip with what is known of it: `{"array", "video_metadata"}`."""
    metadata = {"fps": fps, "total_num_frames": count, "duration": count / fps, "frames_indices": list(range(count))}
    return {"array": make_frames(seed, count, width, height), "video_metadata": metadata}


def write_clip(
    path: Path,
    seed: int,
    count: int = 12,
    width: int = 64,
    height: int = 48,
    fps: int = 8,
    sound_rate: int | None = None,
) -> Path:
    """Write a clip as MPEG-4 (mp4, mov, avi, mkv by suffix), with an AAC sound track if `sound_rate` (Hz) is given."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.bit_rate = 1_000_000
        sound = container.add_stream("aac", rate=sound_rate, layout="mono") if sound_rate else None
        for pixels in make_frames(seed, count, width, height):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
        if sound is not None and sound_rate is not None:
            wave = make_wave(seed, count / fps, sound_rate)
            frame = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
            frame.sample_rate, frame.time_base, frame.pts = sound_rate, Fraction(1, sound_rate), 0
            container.mux(sound.encode(frame))
            container.mux(sound.encode())
    return path
