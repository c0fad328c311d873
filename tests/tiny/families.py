"""The table of small checkpoints: how each is built, what to feed it, and what the peer makes of it.

The peer is sentence-transformers, the library whose interface this one shares. `test_tiny.py` holds every claim made here
to what the peer really does. Must not know this library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.tiny import dual, media, text, vision_language
from tests.tiny.corpus import SAMPLE_TEXTS

#: Makes a few different inputs of one modality; files go into the folder given.
SampleMaker = Callable[[Path], list[Any]]


@dataclass(frozen=True)
class Family:
    """One small checkpoint.

    Attributes:
        name: What `tiny(name)` takes.
        build: Writes the checkpoint into a folder, from a seed.
        samples: Modality -> maker of inputs in a form that both libraries take. Mixed inputs are keyed as `"image+text"`.
        dim: Length of a vector.
        peer_error: If the peer cannot load the checkpoint: part of its error's text.
        peer_errors: Modality -> part of the error's text, where the peer loads the checkpoint and cannot encode that.
        notes: What is peculiar, in a sentence or two.
    """

    name: str
    build: Callable[..., Path]
    samples: Mapping[str, SampleMaker]
    dim: int
    peer_error: str | None = None
    peer_errors: Mapping[str, str] = field(default_factory=dict)
    notes: str = ""

    @property
    def modalities(self) -> tuple[str, ...]:
        """What the checkpoint takes."""
        return tuple(self.samples)


def texts(folder: Path) -> list[Any]:
    """Five texts of different lengths."""
    return list(SAMPLE_TEXTS)


def images(folder: Path) -> list[Any]:
    """Three pictures of different shapes, as PIL images."""
    return [media.make_image(1), media.make_image(2, 33, 64), media.make_image(3, 96, 48)]


def clips(folder: Path) -> list[Any]:
    """Three clips of different lengths and shapes, as frame arrays with metadata."""
    return [media.make_clip(1), media.make_clip(2, 9), media.make_clip(3, 4, 64, 32)]


def pictures_with_text(folder: Path) -> list[Any]:
    """Two inputs of a picture and a text each."""
    return [{"image": image, "text": line} for image, line in zip(images(folder)[:2], SAMPLE_TEXTS, strict=False)]


def conversations(folder: Path) -> list[Any]:
    """Two chats, one with a picture."""
    first = [{"role": "user", "content": [{"type": "text", "text": SAMPLE_TEXTS[0]}]}]
    picture = {"type": "image", "image": media.make_image(4)}
    second = [
        {"role": "system", "content": [{"type": "text", "text": "Judge the picture."}]},
        {"role": "user", "content": [picture, {"type": "text", "text": SAMPLE_TEXTS[1]}]},
    ]
    return [first, second]


FAMILIES: tuple[Family, ...] = (
    Family("bert", text.build_bert, {"text": texts}, 32),
    Family("clip", dual.build_clip, {"text": texts, "image": images}, 32),
    Family(
        "qwen3_vl",
        vision_language.build_qwen3_vl,
        {
            "text": texts,
            "image": images,
            "video": clips,
            "image+text": pictures_with_text,
            "message": conversations,
        },
        64,
    ),
)

BY_NAME: Mapping[str, Family] = {family.name: family for family in FAMILIES}
