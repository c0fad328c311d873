from __future__ import annotations

import base64
import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from sensorium.errors import MediaError, MediaLimitError
from sensorium.media import cost
from sensorium.media.cost import probe_sample
from sensorium.media.decode import DecodeSpec, load_sample
from sensorium.media.limits import MediaLimits, MediaSettings
from sensorium.media.samples import MediaCost, Part, Sample, Turn
from sensorium.media.source import open_source
from sensorium.types import BaseModality
from tests.media.decoder_stubs import ImageDecoder
from tests.media.media_files import RATE, encode_image, encode_sound, noise_image, tone, write_clip

SETTINGS = MediaSettings()


def probe(modality: BaseModality, value: Any) -> MediaCost:
    return probe_sample(Sample(modality, (Part(modality, value),)), SETTINGS)


def test_text() -> None:
    assert probe("text", "hello") == MediaCost(characters=5)
    assert probe("text", "") == MediaCost()


def test_images(tmp_path: Path) -> None:
    data = encode_image(noise_image(), "PNG")
    path = tmp_path / "a.png"
    path.write_bytes(data)
    lazy = Image.open(path)
    address = "data:image/png;base64," + base64.b64encode(data).decode()
    arrays = [np.zeros((37, 53, 3)), torch.zeros(3, 37, 53), np.zeros((37, 53))]
    for value in (path, data, lazy, noise_image(), address, {"bytes": data}, *arrays):
        assert probe("image", value) == MediaCost(pixels=53 * 37)
    lazy.close()


def test_image_decoders_state_their_size() -> None:
    assert probe("image", ImageDecoder()) == MediaCost(pixels=24)
    assert probe("video", [ImageDecoder()] * 3) == MediaCost(frames=3, frame_pixels=24)
    for size in (None, 5, (4,), ("a", "b")):
        decoder = ImageDecoder()
        decoder.size = size  # type: ignore[assignment]
        with pytest.raises(MediaError, match="states no size"):
            probe("image", decoder)


def test_only_the_header_of_an_image_is_read() -> None:
    data = encode_image(noise_image(500, 400), "PNG")
    assert probe("image", data[:100]).pixels == 200_000


def test_sounds() -> None:
    data = encode_sound(tone(2.0))
    decoder = SimpleNamespace(metadata=SimpleNamespace(duration_seconds=2.0), get_all_samples=lambda: None)
    values = [
        data,
        io.BytesIO(data),
        {"array": tone(2.0), "sampling_rate": RATE},
        {"array": tone(2.0, 8000).tolist(), "sampling_rate": 8000},
        np.zeros((2, 32_000)),
        decoder,
    ]
    for value in values:
        assert probe("audio", value) == MediaCost(seconds=2.0)


def test_clips(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", 12)
    metadata = SimpleNamespace(num_frames=12, average_fps=10.0, duration_seconds=1.2, width=64, height=48)
    decoder = SimpleNamespace(metadata=metadata, get_frames_at=lambda numbers: None)
    values = [
        path,
        path.read_bytes(),
        np.zeros((12, 48, 64, 3)),
        torch.zeros(1, 12, 3, 48, 64),
        [noise_image(64, 48)] * 12,
        {"array": np.zeros((12, 3, 48, 64)), "video_metadata": None},
        decoder,
    ]
    for value in values:
        assert probe("video", value) == MediaCost(frames=12, frame_pixels=64 * 48)


def test_sums_over_parts_and_turns() -> None:
    image = Part("image", noise_image(10, 10))
    sample = Sample("message", turns=(Turn("user", (Part("text", "abc"), image)), Turn("assistant", (image,))))
    assert probe_sample(sample, SETTINGS) == MediaCost(characters=3, pixels=200)


def test_loading_does_not_change_the_cost(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", 12)
    parts = (
        Part("text", "abc"),
        Part("image", encode_image(noise_image(), "PNG")),
        Part("audio", encode_sound(tone(2.0))),
        Part("video", path),
    )
    sample = Sample(("audio", "image", "text", "video"), parts)
    loaded = load_sample(sample, DecodeSpec(), SETTINGS)
    assert probe_sample(loaded, SETTINGS) == probe_sample(sample, SETTINGS)


@pytest.mark.parametrize("modality", ["image", "audio", "video"])
@pytest.mark.parametrize(
    "value", ["https://example.org/a", "HTTP://example.org/a", {"bytes": None, "path": "https://example.org/a"}]
)
def test_addresses_are_not_fetched(modality: BaseModality, value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "open_source", lambda *_: pytest.fail("opened"))
    assert probe(modality, value) == MediaCost()


def test_a_stream_that_is_read_once_is_not_read() -> None:
    class Stream(io.BytesIO):
        def seekable(self) -> bool:
            return False

    stream = Stream(encode_image(noise_image(), "PNG"))
    assert probe("image", stream) == MediaCost()
    assert stream.tell() == 0


def test_a_stream_that_was_kept_is_looked_at() -> None:
    assert probe("image", open_source(encode_image(noise_image(), "PNG"))).pixels == 53 * 37


def test_faults_are_told() -> None:
    with pytest.raises(MediaError):
        probe("image", b"no image")
    sample = Sample("audio", (Part("audio", encode_sound(tone(2.0))),))
    with pytest.raises(MediaLimitError):
        probe_sample(sample, MediaSettings(limits=MediaLimits(max_seconds=1)))
