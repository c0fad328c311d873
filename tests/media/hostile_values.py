"""Arrays, dicts and objects that are no media."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from sensorium.types import BaseModality
from tests.media.hostile import LOADS, Case, MediaError, MediaLimitError

_ZERO = np.float32(0)
_RATE = {"sampling_rate": 16_000}


def cases() -> Iterator[Case]:
    sounds: list[tuple[str, Any, type[MediaError] | None]] = [
        ("waveform with NaN", np.array([0, np.nan], np.float32), MediaError),
        ("waveform with infinity", {"array": [0.0, float("inf")], **_RATE}, MediaError),
        ("waveform of no samples", np.zeros(0, np.float32), MediaError),
        ("waveform of 6 dimensions", np.zeros((1,) * 6), MediaError),
        ("waveform of objects", np.full(3, None), MediaError),
        ("waveform of texts", np.array(["a", "b"]), MediaError),
        ("waveform of complex numbers", np.zeros(3, complex), MediaError),
        ("waveform of 64-bit integers", np.zeros(3, np.int64), MediaError),
        ("view of 10**12 samples", np.broadcast_to(_ZERO, 10**12), MediaLimitError),
        ("view of 10**12 samples with a rate", {"array": np.broadcast_to(_ZERO, 10**12), **_RATE}, MediaLimitError),
        ("80 rows of features", np.zeros((80, 3000), np.float32), MediaLimitError),
        ("rate of 0", {"array": np.zeros(9), "sampling_rate": 0}, MediaError),
        ("negative rate", {"array": np.zeros(9), "sampling_rate": -16_000}, MediaError),
        ("rate that is text", {"array": np.zeros(9), "sampling_rate": "16k"}, MediaError),
        ("rate that is NaN", {"array": np.zeros(9), "sampling_rate": float("nan")}, MediaError),
        ("no rate", {"array": np.zeros(9)}, MediaError),
        ("array that is None", {"array": None, **_RATE}, MediaError),
        ("single sample", {"array": np.zeros(1), "sampling_rate": 48_000}, LOADS),
    ]
    images: list[tuple[str, Any, type[MediaError] | None]] = [
        ("image of no dimensions", np.zeros(()), MediaError),
        ("image of 6 dimensions", np.zeros((1,) * 6), MediaError),
        ("image of objects", np.full((2, 2, 3), None), MediaError),
        ("image without pixels", np.zeros((0, 4, 3)), MediaError),
        ("view of 10**12 pixels", np.broadcast_to(np.uint8(0), (10**6, 10**6, 3)), MediaLimitError),
        ("record of nothing", {"bytes": None, "path": None}, MediaError),
        ("record of numbers", {"bytes": 3, "path": 4}, MediaError),
        ("nothing", None, MediaError),
        ("number", 42, MediaError),
        ("object", object(), MediaError),
    ]
    clips: list[tuple[str, Any, type[MediaError] | None]] = [
        ("clip of no frames", [], MediaError),
        ("clip of 2 dimensions", np.zeros((2, 2)), MediaError),
        ("clip of 10**9 frames", np.broadcast_to(np.uint8(0), (10**9, 9, 9, 3)), MediaLimitError),
        ("clip of numbers", [1, 2, 3], MediaError),
        ("clip with metadata that is text", {"array": np.zeros((2, 4, 4, 3)), "video_metadata": "24"}, MediaError),
        ("clip with 0 frames a second", {"array": np.zeros((2, 4, 4, 3)), "video_metadata": {"fps": 0}}, LOADS),
        ("decoder of 10**12 frames", _decoder(10**12), MediaError),
        ("decoder that fails", _decoder(3), MediaError),
    ]
    groups: list[tuple[BaseModality, list[Any]]] = [("audio", sounds), ("image", images), ("video", clips)]
    for modality, rows in groups:
        for name, value, expected in rows:
            yield Case(name, modality, lambda _, value=value: value, expected)


def _decoder(count: int) -> Any:
    def get_frames_at(numbers: list[int]) -> Any:
        raise RuntimeError("could not read the file")

    metadata = SimpleNamespace(num_frames=count, average_fps=0.0, duration_seconds=0.0, width=0, height=0)
    return SimpleNamespace(metadata=metadata, get_frames_at=get_frames_at)
