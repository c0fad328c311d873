"""One medium gives one vector, whichever door it comes in by."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from sensorium import FetchPolicy, MediaSettings
from sensorium.media.samples import Frames
from tests.compat.peer import load_ours
from tests.media.web_server import WebServer, answer
from tests.tiny import media

TOLERANCE = 1e-5


def assert_one_vector(model: Any, doors: dict[str, Any], wanted: np.ndarray | None = None) -> np.ndarray:
    """Encode each door's value by itself, and all in one call; every row must be the same, and no constant."""
    alone = {name: model.encode(value) for name, value in doors.items() if not isinstance(value, io.IOBase)}
    first = next(iter(alone.values())) if wanted is None else wanted
    assert np.isfinite(first).all()
    assert np.ptp(first) > 0
    together = model.encode(list(doors.values()))
    found = {**alone, **{f"{name} (batch)": row for name, row in zip(doors, together, strict=True)}}
    worst = {name: float(np.abs(row - first).max()) for name, row in found.items()}
    assert max(worst.values()) <= TOLERANCE, worst
    return first


def file_doors(path: Path, mime: str, web: WebServer) -> Iterator[tuple[str, Any]]:
    """Give a file in every form that holds its bytes."""
    content = path.read_bytes()
    web.answers[f"/{path.name}?size=full"] = answer(content, Content_Type=mime)
    yield "path", str(path)
    yield "pathlib", path
    yield "bytes", content
    yield "bytearray", bytearray(content)
    yield "memoryview", memoryview(content)
    yield "file in memory", io.BytesIO(content)
    yield "pipe", OneWayFile(content)
    yield "data address", f"data:{mime};base64,{base64.b64encode(content).decode()}"
    yield "record", {"bytes": content, "path": path.name}
    yield "record of a path", {"bytes": None, "path": str(path)}
    yield "address", f"{web.url()}{path.name}?size=full#top"


class OneWayFile(io.RawIOBase):
    """An open file that can be read once, like a pipe or a response."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self._inner = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._inner.readinto(buffer)


def _alpha(path: Path) -> None:
    pixels = np.dstack([media.make_pixels(1), np.linspace(0, 255, 48 * 40).reshape(40, 48).astype(np.uint8)])
    Image.fromarray(pixels).save(path)


def _deep(path: Path) -> None:
    levels = np.linspace(0, 65535, 48 * 40).reshape(40, 48).astype(np.uint16)
    Image.fromarray(levels).save(path)


def _rotated(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    media.make_image(2, 60, 40).save(path, exif=exif, quality=95)


def _cmyk(path: Path) -> None:
    media.make_image(3).convert("CMYK").save(path, quality=95)


def _animated(path: Path) -> None:
    frames = [media.make_image(seed).convert("P", palette=Image.Palette.ADAPTIVE) for seed in (4, 5, 6)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100)


def _plain(path: Path) -> None:
    media.write_image(path, 7)


#: Name of a file -> (how it is written, its type on the web).
PICTURES: dict[str, tuple[Callable[[Path], None], str]] = {
    "plain.jpg": (_plain, "image/jpeg"),
    "plain.png": (_plain, "image/png"),
    "plain.webp": (_plain, "image/webp"),
    "alpha.png": (_alpha, "image/png"),
    "deep.png": (_deep, "image/png"),
    "rotated.jpg": (_rotated, "image/jpeg"),
    "cmyk.jpg": (_cmyk, "image/jpeg"),
    "animated.gif": (_animated, "image/gif"),
}


@pytest.mark.parametrize("family", ["clip", "qwen3_vl"])
@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_gives_one_vector(model, web, tmp_path, family, name):
    write, mime = PICTURES[name]
    path = tmp_path / name
    write(path)
    with Image.open(path) as lazy, Image.open(path) as decoded, path.open("rb") as file:
        decoded.load()
        doors = {**dict(file_doors(path, mime, web)), "open file": file, "lazy image": lazy, "decoded image": decoded}
        doors["in a dict"] = {"image": str(path)}
        if family == "qwen3_vl":
            doors["in a chat"] = [{"role": "user", "content": [{"type": "image", "url": str(path)}]}]
        wanted = assert_one_vector(model(family), doors)
        assert np.abs(model(family).encode(file) - wanted).max() <= TOLERANCE  # an open file can be encoded again


def test_what_each_odd_picture_means(model, tmp_path):
    """The one vector is also the right one: that of the upright, composited, 8-bit RGB picture."""
    for name in ("alpha.png", "deep.png", "rotated.jpg", "animated.gif"):
        PICTURES[name][0](tmp_path / name)
    with Image.open(tmp_path / "alpha.png") as alpha:
        white = Image.new("RGB", alpha.size, "white")
        white.paste(alpha, mask=alpha.getchannel("A"))
    levels = np.linspace(0, 65535, 48 * 40).reshape(40, 48).astype(np.uint16) >> 8
    with Image.open(tmp_path / "rotated.jpg") as stored, Image.open(tmp_path / "animated.gif") as animation:
        upright, first = stored.transpose(Image.Transpose.ROTATE_270), animation.convert("RGB")
    meant = {"alpha.png": white, "deep.png": Image.fromarray(np.dstack([levels.astype(np.uint8)] * 3))}
    for name, image in {**meant, "rotated.jpg": upright, "animated.gif": first}.items():
        plain = Image.fromarray(np.asarray(image))
        got, wanted, other = model("clip").encode([str(tmp_path / name), plain, media.make_image(9)])
        # Compositing rounds one way here and another in Pillow's `paste`: a level of 255 in some pixels.
        allowed = 0.01 if name == "alpha.png" else TOLERANCE
        assert np.abs(got - wanted).max() <= allowed < 0.1 * np.abs(other - wanted).max(), name


@pytest.mark.parametrize("name", ["sound.wav", "sound.flac", "sound.ogg"])
@pytest.mark.parametrize(("rate", "channels"), [(48_000, 1), (44_100, 1), (16_000, 2)])
def test_a_sound_gives_one_vector(model, web, tmp_path, name, rate, channels):
    path = media.write_sound(tmp_path / name, 3, 0.6, rate, channels)
    mime = {"wav": "audio/wav", "flac": "audio/flac", "ogg": "audio/ogg"}[path.suffix[1:]]
    doors = dict(file_doors(path, mime, web))
    samples, _ = soundfile.read(path, dtype="float32", always_2d=True)
    doors["array with its rate"] = {"array": samples.T.copy(), "sampling_rate": rate}
    doors["in a dict"] = {"audio": {"array": samples.T.copy(), "sampling_rate": rate}}
    if channels == 1:
        doors["list with its rate"] = {"array": samples[:, 0].tolist(), "sampling_rate": rate}
        if rate == 48_000:
            doors["bare array"] = samples[:, 0].copy()
    with path.open("rb") as file:
        assert_one_vector(model("clap"), {**doors, "open file": file})


def test_stereo_is_mixed_down_and_rates_are_converted(model):
    clap = model("clap")
    mono = media.make_wave(5, 0.8, 48_000)
    half = media.make_wave(5, 0.8, 48_000)[None].repeat(2, axis=0) * np.array([[0.5], [1.5]], np.float32)
    doors = {
        "mono": {"array": mono, "sampling_rate": 48_000},
        "stereo": {"array": half, "sampling_rate": 48_000},
    }
    assert_one_vector(clap, doors)
    time = np.arange(int(0.8 * 16_000)) / 16_000
    slow = np.sin(2 * np.pi * 440 * time).astype(np.float32)
    fast = np.sin(2 * np.pi * 440 * np.arange(int(0.8 * 48_000)) / 48_000).astype(np.float32)
    got, wanted, wrong = clap.encode(
        [
            {"array": slow, "sampling_rate": 16_000},
            {"array": fast, "sampling_rate": 48_000},
            {"array": slow, "sampling_rate": 48_000},
        ]
    )
    assert np.abs(got - wanted).max() < 0.1 * np.abs(wrong - wanted).max()


@pytest.mark.parametrize("family", ["qwen3_vl", "embedding_gemma2"])
@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.avi"])
def test_a_clip_gives_one_vector(model, web, tmp_path, family, name):
    path = media.write_clip(tmp_path / name, 4, count=24, fps=8)
    mime = {"mp4": "video/mp4", "mkv": "video/x-matroska", "avi": "video/x-msvideo"}[path.suffix[1:]]
    doors = dict(file_doors(path, mime, web))
    encoder = model(family)
    frames = encoder[0].load_sample(encoder[0].read(path)).parts[0].value
    metadata = dict(frames.metadata)
    doors["sampled frames"] = {"video": Frames(frames.array, metadata, is_sampled=True)}
    doors["in a dict"] = {"video": str(path)}
    doors["in a chat"] = [{"role": "user", "content": [{"type": "video", "path": str(path)}]}]
    with path.open("rb") as file:
        wanted = assert_one_vector(encoder, {**doors, "open file": file})
    clip = {"video": {"array": frames.array, "video_metadata": metadata}}
    unsampled = encoder.encode([clip], processing_kwargs={"video": {"do_sample_frames": False}})[0]
    assert np.abs(unsampled - wanted).max() <= TOLERANCE


def test_the_same_bytes_under_a_wrong_suffix_give_the_same_vector(model, tmp_path):
    path = media.write_image(tmp_path / "picture.png", 1)
    liar = tmp_path / "picture.jpg"
    liar.write_bytes(path.read_bytes())
    assert_one_vector(model("clip"), {"png": path, "jpg": liar, "string": str(liar)})


def test_addresses_obey_the_models_policy(model, tiny, web, tmp_path):
    path = media.write_image(tmp_path / "fetched.png", 1)
    web.answers["/fetched.png"] = answer(path.read_bytes())
    url = f"{web.url()}fetched.png"
    careful = load_ours(tiny("clip"))
    with pytest.raises(ValueError, match=r"127\.0\.0\.1") as caught:
        careful.encode(["a text", url])
    assert caught.value.index == 1
    assert type(caught.value).__name__ == "FetchError"
    careful.media = MediaSettings(fetch=FetchPolicy(allow="any"))
    assert_one_vector(careful, {"address": url, "path": str(path)})
    careful.media = MediaSettings(fetch=FetchPolicy(allow="none"))
    with pytest.raises(ValueError, match="not fetched under this policy"):
        careful.encode(url)


def test_a_router_reads_a_pipe_once(model, tmp_path):
    path = media.write_image(tmp_path / "picture.png", 1)
    assert_one_vector(model("router"), {"path": path, "pipe": OneWayFile(path.read_bytes())})
