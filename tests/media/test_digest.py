from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from sensorium.media.digest import sample_key
from sensorium.media.image import is_lazy
from sensorium.media.samples import Frames, Part, Sample, Turn, Waveform
from sensorium.media.source import open_source
from sensorium.types import BaseModality
from tests.media.decoder_stubs import AudioDecoder, ImageDecoder, VideoDecoder
from tests.media.media_files import encode_image, noise_image, tone


def key(modality: BaseModality, value: Any, is_loaded: bool = False) -> Any:
    result = sample_key(Sample(modality, (Part(modality, value, is_loaded),)))
    assert result is None or isinstance(hash(result), int)
    return result


def test_text() -> None:
    assert key("text", "a") == key("text", "".join(["", "a"]))
    assert key("text", "a") != key("text", "b")
    assert key("text", np.str_("a")) == key("text", "a")


def test_files_by_path_size_and_time(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"123")
    link = tmp_path / "link"
    link.symlink_to(path)
    before = key("image", path)
    assert before == key("image", str(path)) == key("image", link) == key("image", {"path": str(path)})
    os.utime(path, ns=(0, 1))
    after = key("image", path)
    assert after != before
    path.write_bytes(b"1234")
    os.utime(path, ns=(0, 1))
    assert key("image", path) not in (before, after)


def test_bytes_by_content() -> None:
    data = encode_image(noise_image(), "PNG")
    values = [data, bytearray(data), memoryview(data), io.BytesIO(data), {"bytes": data, "path": "a.png"}]
    assert len({key("image", value) for value in values}) == 1
    assert key("image", data[:-1]) != key("image", data)
    assert key("audio", data) != key("image", data)
    half_read = io.BytesIO(data)
    half_read.seek(10)
    assert key("image", half_read) != key("image", data)
    assert half_read.tell() == 10


def test_arrays_by_content_dtype_and_shape() -> None:
    array = np.arange(24, dtype=np.float32).reshape(2, 4, 3)
    assert key("image", array) == key("image", array.copy())
    assert key("image", np.asfortranarray(array)) == key("image", array)
    assert key("image", array[:, ::-1][:, ::-1]) == key("image", array)
    others = [array.astype(np.float64), array.reshape(4, 2, 3), array + 1, torch.from_numpy(array)]
    assert len({key("image", value) for value in [array, *others]}) == 5
    assert key("image", torch.ones(2, 2, dtype=torch.bfloat16)) != key("image", torch.ones(2, 2))
    assert key("image", torch.ones(2, 2)) == key("image", torch.ones(2, 2))


def test_changed_arrays_have_other_keys() -> None:
    array = np.zeros((4, 4, 3), np.uint8)
    before = key("image", array)
    array[0, 0, 0] = 1
    assert key("image", array) != before


def test_images_by_pixels() -> None:
    image = noise_image()
    assert key("image", image) == key("image", image.copy())
    assert key("image", image) != key("image", noise_image(seed=1))
    assert key("image", image) != key("image", image.convert("L"))
    assert key("image", Image.new("RGB", (2, 3))) != key("image", Image.new("RGB", (3, 2)))


def test_palette_and_transparency_count() -> None:
    one, other = Image.new("P", (2, 2)), Image.new("P", (2, 2))
    one.putpalette([1, 2, 3])
    other.putpalette([3, 2, 1])
    assert key("image", one) != key("image", other)
    clear = one.copy()
    clear.info["transparency"] = 0
    assert key("image", clear) != key("image", one)


def test_lazy_images_stay_lazy() -> None:
    data = encode_image(noise_image(), "PNG")
    one, other = Image.open(io.BytesIO(data)), Image.open(io.BytesIO(data))
    assert key("image", one) == key("image", other) is not None
    assert is_lazy(one)


def test_dicts_with_arrays() -> None:
    def sound(**more: Any) -> Any:
        return key("audio", {"array": tone(), "sampling_rate": 16_000, **more})

    assert sound() == sound()
    assert sound() != sound(sampling_rate=8000)
    assert sound() != sound(path="a.wav")
    array = np.zeros((2, 4, 4, 3), np.uint8)
    clips = [
        {"array": array, "video_metadata": metadata}
        for metadata in (None, {"fps": 1}, {"fps": 1.0}, {"fps": True}, {"fps": 1, "frames_indices": [0, 1]})
    ]
    assert len({key("video", clip) for clip in clips}) == 5
    assert key("video", {"array": array, "video_metadata": {"fps": 1, "duration": np.float64(2)}}) is not None


def test_lists_of_frames() -> None:
    frames = [noise_image(seed=seed) for seed in range(2)]
    assert key("video", frames) == key("video", [frame.copy() for frame in frames])
    assert key("video", frames) != key("video", frames[::-1])
    assert key("audio", [0.0, 1.0]) == key("audio", [0.0, 1.0])


def test_loaded_parts() -> None:
    wave = Waveform(tone(), 16_000)
    assert key("audio", wave, True) == key("audio", Waveform(tone(), 16_000), True)
    assert key("audio", wave, True) != key("audio", Waveform(tone(), None), True)
    frames = Frames(np.zeros((2, 4, 4, 3), np.uint8), {"fps": 1.0}, is_sampled=True)
    assert key("video", frames, True) is not None
    assert key("video", frames, True) != key("video", Frames(frames.array, {"fps": 1.0}, is_sampled=False), True)


@pytest.mark.parametrize(
    ("modality", "kind"), [("image", ImageDecoder), ("audio", AudioDecoder), ("video", VideoDecoder)]
)
def test_decoders_by_their_digest(modality: BaseModality, kind: type) -> None:
    one, same, other = kind(), kind(), kind()
    one.digest = same.digest = "abc"
    other.digest = b"abc"
    assert key(modality, one) == key(modality, same) is not None
    assert key(modality, one) != key(modality, other)
    assert key(modality, one) != key(modality, one, True)
    for no_digest in (None, "", 5, lambda: "abc"):
        one.digest = no_digest
        assert key(modality, one) is None
    assert key(modality, kind()) is None


def test_addresses_by_their_text() -> None:
    assert key("image", "https://example.org/a.png") == key("image", "https://example.org/a.png")
    assert key("image", "https://example.org/a.png") != key("image", "https://example.org/b.png")
    assert key("image", "data:image/png;base64,AAAA") is not None


class Stream(io.BytesIO):
    def seekable(self) -> bool:
        return False


class Decoder:
    metadata = None

    def get_all_samples(self) -> None: ...


@pytest.mark.parametrize(
    "value",
    [
        Stream(b"123"),
        Decoder(),
        "/no/such/file.png",
        "/",
        np.full(3, None),
        np.broadcast_to(np.float32(0), 10**12),
        None,
        {},
        {"array": np.zeros(3), "sampling_rate": object()},
        [Decoder()],
        "a\0b",
    ],
)
def test_values_without_a_key(value: Any) -> None:
    assert key("audio", value) is None
    sample = Sample(("audio", "text"), (Part("audio", value), Part("text", "a")))
    assert sample_key(sample) is None


def test_no_stream_is_consumed() -> None:
    stream = Stream(b"123")
    key("image", stream)
    assert stream.read() == b"123"


def test_roles_and_further_keys_count() -> None:
    def chat(role: str = "user", text: str = "a", **extra: Any) -> Any:
        return sample_key(Sample("message", turns=(Turn(role, (Part("text", text),), extra),)))

    keys = {chat(), chat("system"), chat(text="b"), chat(name="x"), chat(name="y"), chat(tools=[{"a": 1}])}
    assert len(keys) == 6
    assert chat(name="x") == chat(name="x")


def test_pairs_differ_from_lists() -> None:
    parts = (Part("text", "a"), Part("text", "b"))
    assert sample_key(Sample("text", parts)) != sample_key(Sample("text", parts, is_pair=True))
    assert sample_key(Sample("text", parts)) != sample_key(Sample("text", parts[::-1]))


def test_sources() -> None:
    data = encode_image(noise_image(), "PNG")
    assert key("image", open_source(data)) == key("image", data)


def test_sources_of_files(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"123")
    assert key("image", open_source(path)) == key("image", path)
