"""The one normal form of an input, before and after decoding.

Whatever a caller hands in (a path, a PIL image, a dict, a chat) becomes a `Sample`: a modality and a tuple of
`Part`s. Before decoding, a part holds the caller's value; after it, text is `str`, an image is an RGB `PIL.Image` (or
the caller's 3-d array), a sound is a `Waveform`, a clip is `Frames`. Later rooms need only know this form.

Must not know how values are recognised, decoded or turned into tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from sensorium.types import BaseModality, Modality


@dataclass(frozen=True, slots=True)
class Part:
    """One text, image, sound or clip.

    Attributes:
        modality: `"text"`, `"image"`, `"audio"` or `"video"`.
        value: The caller's value, or, when `is_loaded`, the decoded one.
        is_loaded: Whether `value` is decoded. Text always is.
    """

    modality: BaseModality
    value: Any
    is_loaded: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """One chat message: a role, its parts in order, and any further keys it carried (`name`, ...)."""

    role: str
    parts: tuple[Part, ...]
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sample:
    """One input.

    Attributes:
        modality: One modality, an alphabetically sorted tuple of them, or `"message"`.
        parts: What it holds, in the caller's order; empty for a message.
        turns: The conversation; empty unless `modality` is `"message"`.
        is_pair: Two sides, query and document: two text parts, or two turns with those roles.
    """

    modality: Modality
    parts: tuple[Part, ...] = ()
    turns: tuple[Turn, ...] = ()
    is_pair: bool = False

    def all_parts(self) -> tuple[Part, ...]:
        """Return the parts, those of every turn included, in order."""
        return self.parts + tuple(part for turn in self.turns for part in turn.parts)

    def map_parts(self, function: Callable[[Part], Part]) -> Sample:
        """Return the sample with each part, in the order of `all_parts`, replaced by what `function` makes of it."""
        return Sample(
            self.modality,
            tuple(function(part) for part in self.parts),
            tuple(Turn(turn.role, tuple(function(part) for part in turn.parts), turn.extra) for turn in self.turns),
            self.is_pair,
        )


@dataclass(frozen=True, slots=True)
class Waveform:
    """A decoded sound: `array` is float32 `[samples]`, mono; `sampling_rate` is in Hz.

    `sampling_rate` is None for a bare array, which by agreement already has the rate the model wants.
    """

    array: np.ndarray
    sampling_rate: int | None


@dataclass(frozen=True, slots=True)
class Frames:
    """A decoded clip.

    Attributes:
        array: uint8 `[frames, height, width, 3]` when decoded from a file; otherwise what the caller gave (an array of
            any layout the model's processor takes, or a list of PIL images or arrays).
        metadata: `fps`, `total_num_frames`, `duration` (seconds), `frames_indices`, or None if nothing is known.
        is_sampled: Whether `array` holds only the frames that the model asked for, so that it must not sample again.
    """

    array: np.ndarray | Sequence[Any]
    metadata: Mapping[str, Any] | None
    is_sampled: bool


@dataclass(frozen=True, slots=True)
class MediaCost:
    """What a sample will cost, read from headers. What is not known without fetching or decoding counts as 0."""

    characters: int = 0
    pixels: int = 0
    seconds: float = 0.0
    frames: int = 0
    frame_pixels: int = 0
