"""Inputs for the small checkpoints, in forms that this library and the peer both take.

Each maker takes a folder for files it may need and gives a few different inputs of one kind. Must not know which model
encodes them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.tiny import media
from tests.tiny.corpus import SAMPLE_TEXTS

#: Makes a few different inputs of one modality; files go into the folder given.
SampleMaker = Callable[[Path], list[Any]]


def texts(folder: Path) -> list[Any]:
    """Five texts of different lengths."""
    return list(SAMPLE_TEXTS)


def texts_by_task(folder: Path) -> list[Any]:
    """Three texts in the form of old asymmetric models, `{task: text}`; the peer wants one task per call."""
    return [{"document": line} for line in SAMPLE_TEXTS[:3]]


def images(folder: Path) -> list[Any]:
    """Three pictures of different shapes, as PIL images."""
    return [media.make_image(1), media.make_image(2, 33, 64), media.make_image(3, 96, 48)]


def image_files(folder: Path) -> list[Any]:
    """Paths of a PNG, a JPEG and a WebP file, whose decoded pixels are all 8-bit RGB."""
    sizes = {"one.png": (48, 40), "two.jpg": (33, 64), "three.webp": (96, 48)}
    return [str(media.write_image(folder / name, seed, *size)) for seed, (name, size) in enumerate(sizes.items())]


def clips(folder: Path) -> list[Any]:
    """Three clips of different lengths and shapes at 4 frames per second, as frame arrays with metadata."""
    return [media.make_clip(1), media.make_clip(2, 9), media.make_clip(3, 4, 64, 32)]


def slow_clips(folder: Path) -> list[Any]:
    """Three clips of 2 to 4 seconds at 2 frames per second, for models that look at one frame a second."""
    return [media.make_clip(1, fps=2), media.make_clip(2, 8, fps=2), media.make_clip(3, 4, 64, 32, fps=2)]


def sounds_at(sampling_rate: int, longer_by: float = 0.0) -> SampleMaker:
    """Give a maker of three sounds of 0.35 to 0.9 seconds (plus `longer_by`) as `{"array", "sampling_rate"}`."""

    def sounds(folder: Path) -> list[Any]:
        lengths = (0.6, 0.35, 0.9)
        return [
            {"array": media.make_wave(seed, seconds + longer_by, sampling_rate), "sampling_rate": sampling_rate}
            for seed, seconds in enumerate(lengths)
        ]

    return sounds


def named_sounds(folder: Path) -> list[Any]:
    """The sounds of `sounds_at(16000)`, each under the name of its modality."""
    return [{"audio": sound} for sound in sounds_at(16_000)(folder)]


def _with_texts(modality: str, media_items: list[Any]) -> list[Any]:
    return [{modality: item, "text": line} for item, line in zip(media_items, SAMPLE_TEXTS, strict=False)]


def pictures_with_text(folder: Path) -> list[Any]:
    """Three inputs of a picture and a text."""
    return _with_texts("image", images(folder))


def clips_with_text(folder: Path) -> list[Any]:
    """Three inputs of a clip and a text."""
    return _with_texts("video", slow_clips(folder))


def sounds_with_text(folder: Path) -> list[Any]:
    """Three inputs of a sound at 16,000 Hz and a text."""
    return _with_texts("audio", sounds_at(16_000)(folder))


def sounds_with_pictures(folder: Path) -> list[Any]:
    """Three inputs of a sound at 16,000 Hz and a picture."""
    return [
        {"audio": sound, "image": image} for sound, image in zip(sounds_at(16_000)(folder), images(folder), strict=True)
    ]


def text_conversations(folder: Path) -> list[Any]:
    """Three chats of text only, with plain strings as contents."""
    return [
        [{"role": "system", "content": "Be brief."}, {"role": "user", "content": line}] for line in SAMPLE_TEXTS[:3]
    ]


def conversations(folder: Path) -> list[Any]:
    """Two chats with typed contents, one with a picture and a system turn."""
    first = [{"role": "user", "content": [{"type": "text", "text": SAMPLE_TEXTS[0]}]}]
    picture = {"type": "image", "image": media.make_image(4)}
    second = [
        {"role": "system", "content": [{"type": "text", "text": "Judge the picture."}]},
        {"role": "user", "content": [picture, {"type": "text", "text": SAMPLE_TEXTS[1]}]},
    ]
    return [first, second]
