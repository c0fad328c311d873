"""What stands under the name of a modality: one item, several, or what can never be one."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from sensorium.errors import InputError
from sensorium.media.items import is_clip, read_items
from sensorium.media.samples import Frames, Part, Waveform
from sensorium.types import BaseModality
from tests.media.decoder_stubs import AudioDecoder, VideoDecoder
from tests.tiny.media import make_clip, make_frames, make_image, make_pixels, make_wave

PICTURE, PIXELS, FRAMES, WAVE = make_image(1), make_pixels(1), make_frames(1), make_wave(1)
SOUND = {"array": WAVE, "sampling_rate": 8000}

ONE: list[tuple[BaseModality, Any]] = [
    *[("image", value) for value in ("cat", "https://x/y", Path("cat"), b"...", bytearray(b"."), io.BytesIO(b"."))],
    *[("audio", value) for value in ("sound.txt", Path("x"), b"...", {"bytes": b".", "path": None}, {"path": "x"})],
    *[("video", value) for value in ("clip.jpg", Path("x"), b"...", {"bytes": b".", "path": None}, {"path": "x"})],
    *[
        ("image", value)
        for value in (PICTURE, PIXELS, PIXELS[..., 0], torch.zeros(3, 4, 5), make_image(1).convert("P"))
    ],
    *[
        ("audio", value)
        for value in (WAVE, torch.zeros(7), np.zeros((2, 7)), SOUND, AudioDecoder(), Waveform(WAVE, 8000))
    ],
    *[("video", value) for value in (FRAMES, FRAMES[None], torch.zeros(2, 3, 4, 5), make_clip(1), VideoDecoder())],
    ("video", {"array": FRAMES}),
    ("video", Frames(FRAMES, None, False)),
    ("video", [PICTURE, PICTURE]),
    ("video", (PICTURE,)),
    ("video", list(FRAMES)),
    ("video", [torch.zeros(3, 4, 5), PICTURE, PIXELS[..., 0]]),
    ("video", ["https://x/1.jpg", "frames/2.png", Path(__file__).parent / "missing.jpg"][:2]),
    ("audio", [0.1, -0.2, 0]),
    ("audio", [np.float32(0.5)]),
]


@pytest.mark.parametrize(("modality", "value"), ONE)
def test_one_item_is_one_part_with_the_callers_value(modality: BaseModality, value: Any) -> None:
    (part,) = read_items(modality, value)
    assert (part.modality, part.is_loaded) == (modality, False)
    assert part.value is value


SEVERAL: list[tuple[BaseModality, list[Any]]] = [
    ("image", ["a.jpg", PICTURE, PIXELS, b"."]),
    ("image", [PICTURE, PICTURE]),
    ("audio", [WAVE, SOUND, "a.wav"]),
    ("audio", [[0.1, 0.2], [0.3]]),
    ("video", ["a.mp4", "https://x/b.mov"]),
    ("video", [FRAMES, FRAMES]),
    ("video", [[PICTURE, PICTURE], [PICTURE]]),
    ("video", [make_clip(1), "a.mp4"]),
    ("video", ["clip of unknown ending", "frame.jpg"]),
]


@pytest.mark.parametrize(("modality", "values"), SEVERAL)
def test_a_list_is_one_part_an_item_in_order(modality: BaseModality, values: list[Any]) -> None:
    for given in (values, tuple(values)):
        parts = read_items(modality, given)
        assert [part.modality for part in parts] == [modality] * len(values)
        assert all(part.value is value for part, value in zip(parts, values, strict=True))


def test_texts_are_loaded_strings() -> None:
    assert read_items("text", "https://x/y.jpg") == (Part("text", "https://x/y.jpg", True),)
    assert read_items("text", ["a", "b"]) == (Part("text", "a", True), Part("text", "b", True))
    (part,) = read_items("text", np.str_("hello"))
    assert type(part.value) is str


def test_frames_in_files_are_a_clip(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(2)]
    for path in paths:
        make_image(1).save(path)
    for frames in (
        paths,
        [path.read_bytes() for path in paths],
        [{"bytes": None, "path": str(path)} for path in paths],
    ):
        (part,) = read_items("video", frames)
        assert part.value is frames


def test_an_empty_list_holds_nothing() -> None:
    for modality in ("text", "image", "audio", "video"):
        assert read_items(modality, []) == ()


@pytest.mark.parametrize(
    ("modality", "value", "said"),
    [
        ("text", 5, "is int, and must be a str"),
        ("text", None, "Leave out"),
        ("text", b"hello", "is bytes"),
        ("text", ["a", 5], "number 1, is int"),
        ("text", PICTURE, "which is image"),
        ("image", None, "Leave out keys that hold nothing"),
        ("image", 5, "is int"),
        ("image", {"url": "x"}, r"keys \['url'\]"),
        ("image", {"array": PIXELS}, r"keys \['array'\]"),
        ("image", ["a.jpg", None], "number 1, is NoneType"),
        ("image", AudioDecoder(), "which is audio"),
        ("image", [[PICTURE]], "number 0, is list"),
        ("image", np.array(["a"]), "real numbers"),
        ("image", object(), "is object"),
        ("audio", PICTURE, "which is image"),
        ("audio", {"array": WAVE}, "must also include 'sampling_rate'"),
        ("audio", {"sampling_rate": 5}, r"keys \['sampling_rate'\]"),
        ("audio", {}, r"keys \[\]"),
        ("audio", [True, False], "number 0, is bool"),
        ("audio", np.array([1j]), "real numbers"),
        ("audio", torch.zeros(2, dtype=torch.complex64), "real numbers"),
        ("video", PICTURE, "Put the frames of a clip into a list"),
        ("video", PIXELS.tolist(), "number 0, is list"),
        ("video", [PICTURE, FRAMES], "Put the frames of a clip into a list"),
        ("video", {"frames": FRAMES}, r"keys \['frames'\]"),
        ("video", math.pi, "is float"),
    ],
)
def test_what_can_never_be_of_the_modality(modality: BaseModality, value: Any, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read_items(modality, value)
    assert repr(modality) in str(caught.value)


def test_the_place_is_named() -> None:
    with pytest.raises(InputError, match=r"^message 3, number 1, is int"):
        read_items("text", ["a", 1], "message 3")


def test_clips_in_memory() -> None:
    assert is_clip([PICTURE])
    assert is_clip((PIXELS, torch.zeros(3, 4, 5)))
    for value in ([], PICTURE, FRAMES, [PICTURE, "a.jpg"], [WAVE], [PIXELS[..., 0]], "abc", [Image]):
        assert not is_clip(value)
