"""Inputs of every kind a small checkpoint takes, in several forms, for tests that mix and shuffle them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.tiny import media

TEXTS: tuple[str, ...] = (
    "A red bicycle.",
    "",
    "The orchestra plays before the old brick wall, and two children listen to the music in the evening. " * 3,
    "rain",
    "where is the nearest train station?",
)


def sound(seed: int, seconds: float, sampling_rate: int) -> dict[str, Any]:
    """Make a sound with its rate, under the name of its modality."""
    return {"audio": {"array": media.make_wave(seed, seconds, sampling_rate), "sampling_rate": sampling_rate}}


def pictures(folder: Path) -> list[Any]:
    """Three pictures of different shapes: a PIL image, a file, and the file's bytes; the last two are equal."""
    path = media.write_image(folder / "two.png", 2, 33, 64)
    return [media.make_image(1), str(path), path.read_bytes(), media.make_image(3, 96, 48)]


def clips(folder: Path) -> list[Any]:
    """A clip as an array with metadata, one as a file, and one as a list of frames."""
    path = media.write_clip(folder / "clip.mp4", 5, count=24)
    frames = [media.make_image(seed) for seed in (6, 7, 8, 9)]
    return [media.make_clip(2, 9, fps=2), path, {"video": frames}]


def chats() -> list[Any]:
    """Chats: strings as contents, typed contents, a picture with a system turn."""
    typed = [{"role": "user", "content": [{"type": "text", "text": "rain"}]}]
    pictured = [
        {"role": "system", "content": "Judge the picture."},
        {
            "role": "user",
            "content": [{"type": "image", "image": media.make_image(4)}, {"type": "text", "text": "is it red?"}],
        },
    ]
    return [[{"role": "user", "content": "rain"}], typed, pictured]


def combined() -> list[Any]:
    """Inputs of a picture and a text, of two pictures, and of a clip and a text."""
    return [
        {"text": "is it red?", "image": media.make_image(4)},
        {"image": [media.make_image(4), media.make_image(5, 30, 30)], "text": "compare"},
        {"video": media.make_clip(2, 9, fps=2), "text": "what moves?"},
    ]


def everything(name: str, folder: Path) -> list[Any]:
    """All kinds of inputs that the small checkpoint `name` takes."""
    if name in ("bert", "qwen3", "static", "qwen3_chat"):
        return [*TEXTS, ("rain", "A red bicycle."), {"text": "rain"}]
    if name in ("clip", "siglip", "siglip2"):
        return [*TEXTS, *pictures(folder)]
    if name == "clap":
        return [*TEXTS, *(sound(seed, seconds, 48_000) for seed, seconds in enumerate((0.4, 0.7, 1.0, 1.5, 2.5)))]
    if name == "router":
        return [*TEXTS, *pictures(folder), sound(1, 0.5, 16_000), sound(2, 1.0, 8_000)]
    if name == "qwen3_vl":
        return [*TEXTS[:3], *pictures(folder), *clips(folder), *chats(), *combined()]
    if name == "embedding_gemma2":
        more = [sound(1, 0.5, 16_000), {**sound(2, 1.0, 22_050), "text": "what sounds?"}]
        return [*TEXTS[:3], *pictures(folder), *clips(folder), *chats(), *combined(), *more]
    raise KeyError(name)
