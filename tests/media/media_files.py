"""Make small images, sounds and clips for tests. Must not know what is tested."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
from PIL import Image

RATE = 16_000


def encode_image(image: Image.Image, form: str, **options: Any) -> bytes:
    """Write an image in one of Pillow's formats."""
    file = BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def noise_image(width: int = 53, height: int = 37, channels: int = 3, seed: int = 0) -> Image.Image:
    """Make an image of noise: RGB, or RGBA for four channels."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)
    return Image.fromarray(pixels)


def tone(seconds: float = 1.0, rate: int = RATE, channels: int = 1, hertz: float = 440.0) -> np.ndarray:
    """Make a tone: float32 `[samples]`, or `[samples, channels]`, each channel half as loud as the one before."""
    mono = 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate).astype(np.float32)
    return mono if channels == 1 else np.stack([mono / 2**at for at in range(channels)], axis=1)


def encode_sound(samples: np.ndarray, form: str = "WAV", rate: int = RATE, subtype: str | None = None) -> bytes:
    """Write a sound in one of libsndfile's formats."""
    file = BytesIO()
    soundfile.write(file, samples, rate, format=form, subtype=subtype)
    return file.getvalue()


def encode_sound_with_av(
    samples: np.ndarray,
    codec: str,
    form: str,
    rate: int = 48_000,
    layout: str = "mono",
    quality: int | None = None,
    options: dict[str, str] | None = None,
    codec_options: dict[str, str] | None = None,
) -> bytes:
    """Write `[samples]`, or `[samples, channels]` of a layout, in one of FFmpeg's formats.

    A `quality` instead of a rate of bits makes the size of frames vary: 0 is the best that the codec has.
    """
    file = BytesIO()
    with av.open(file, "w", format=form, options=options or {}) as container:
        stream = container.add_stream(codec, rate=rate, options=codec_options or {})
        stream.layout = layout
        if quality is not None:
            stream.codec_context.flags |= av.codec.context.Flags.qscale
            stream.codec_context.global_quality = quality * 118  # FFmpeg's FF_QP2LAMBDA
        # Packed, because PyAV counts eight planes and more wrongly.
        packed = np.ascontiguousarray(samples, np.float32).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
        frame.sample_rate, frame.pts = rate, 0
        size = stream.codec_context.frame_size or 1024
        resampler = av.AudioResampler(stream.codec_context.format, layout, rate, frame_size=size)
        for piece in resampler.resample(frame) + resampler.resample(None):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return file.getvalue()


def frame_pixels(number: int, width: int = 64, height: int = 48) -> np.ndarray:
    """Draw frame `number` of a clip: no two of the first 64 look alike, also after coding."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0], pixels[..., 1] = (number * 4) % 256, (number * 37) % 256
    pixels[(number * 3) % height] = 255
    pixels[:8, :8], pixels[:8, -8:] = (255, 0, 0), (0, 0, 255)
    return pixels


def write_clip(
    path: Path,
    count: int = 40,
    codec: str = "libx264",
    *,
    form: str | None = None,
    rate: int = 10,
    times: Sequence[int] | None = None,
    codec_options: dict[str, str] | None = None,
    options: dict[str, str] | None = None,
    rotation: tuple[Any, ...] | None = None,
    has_sound: bool = False,
    size: tuple[int, int] = (64, 48),
) -> Path:
    """Write a clip whose frames are those of `frame_pixels`, shown at `times` (in frames) or one after the other."""
    with av.open(str(path), "w", format=form, options=options or {}) as container:
        stream = container.add_stream(codec, rate=rate, options={"g": "12", **(codec_options or {})})
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        if rotation is not None:
            stream.set_display_rotation(*rotation)
        sound = container.add_stream("aac", rate=48_000, layout="mono") if has_sound else None
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(frame_pixels(number, *size), format="rgb24")
            frame.pts, frame.time_base = number if times is None else times[number], Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            samples = tone(count / rate, 48_000)
            piece = av.AudioFrame.from_ndarray(samples[None, :], format="fltp", layout="mono")
            piece.sample_rate, piece.pts = 48_000, 0
            resampler = av.AudioResampler("fltp", "mono", 48_000, frame_size=1024)
            for part in resampler.resample(piece) + resampler.resample(None):
                container.mux(sound.encode(part))
            container.mux(sound.encode(None))
    return path


def decode_all(path: Path) -> np.ndarray:
    """Decode every frame of a clip, one after the other: what all cleverness is compared with."""
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
