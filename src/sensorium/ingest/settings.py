"""How files are cut into records, and which files are read: frozen values and their digests.

Must not know how a file is found, read or cut.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from hashlib import blake2b
from typing import Any, Literal

from sensorium.errors import InputError, UnknownArgumentError
from sensorium.media.limits import MediaLimits

#: What a kind of content is cut by. A record's id rests on these, so only they may stand here.
SHAPES: dict[str, tuple[str, ...]] = {
    "text": ("passage_characters", "passage_overlap"),
    "image": (),
    "pdf": ("page_pixels",),
    "audio": ("audio_segment_s", "audio_overlap_s"),
    "video": ("video_segment_s", "video_overlap_s", "frames_per_segment", "frame_pixels"),
}
Shape = Literal["text", "image", "pdf", "audio", "video"]

_DIGEST_BYTES = 16
# Of the way files are cut, not of the library: raised when the same settings cut a file elsewhere than before.
_CUTTING = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestSettings:
    """Everything a caller can say about the reading of a folder.

    Attributes:
        passage_characters: Most characters of a passage of text, without the white space around it.
        passage_overlap: Characters of a passage that the next one repeats, about; less than half of
            `passage_characters`.
        audio_segment_s: Seconds of a segment of a recording.
        audio_overlap_s: Seconds of it that the next one repeats; less than the segment.
        video_segment_s: Seconds of a segment of a clip.
        video_overlap_s: Seconds of it that the next one repeats; less than the segment.
        frames_per_segment: Frames taken of a segment of a clip, evenly spaced.
        frame_pixels: Most pixels of such a frame; a larger one is scaled down.
        page_pixels: Most pixels of the picture of a page.
        thumbnail_side: Most pixels of the longer side of a thumbnail.
        excludes: What is left out, as lines of a `.gitignore` file at the root of each folder that is read. They win
            over the files below.
        ignore_files: Names of files with such lines that are obeyed where they are found, the last first.
        is_hidden_included: Whether files and folders whose names begin with a dot are read.
        limits: What one file may cost.

    Raises:
        InputError: A value is of another type, or outside its range.

    Example:
        >>> IngestSettings(audio_segment_s=10).audio_overlap_s
        2.0
    """

    passage_characters: int = 1200
    passage_overlap: int = 150
    audio_segment_s: float = 20.0
    audio_overlap_s: float = 2.0
    video_segment_s: float = 20.0
    video_overlap_s: float = 0.0
    frames_per_segment: int = 8
    frame_pixels: int = 640 * 480
    page_pixels: int = 1_000_000
    thumbnail_side: int = 256
    excludes: tuple[str, ...] = ()
    ignore_files: tuple[str, ...] = (".gitignore", ".sensoriumignore")
    is_hidden_included: bool = False
    limits: MediaLimits = field(default_factory=MediaLimits)

    def __post_init__(self) -> None:
        counts = ("frames_per_segment", "frame_pixels", "page_pixels", "thumbnail_side")
        for name in counts:
            self._check_count(name, 1)
        self._check_count("passage_characters", 16)
        self._check_count("passage_overlap", 0)
        if 2 * self.passage_overlap >= self.passage_characters:
            raise self._reject("passage_overlap", f"less than half of passage_characters={self.passage_characters}")
        for kind in ("audio", "video"):
            self._check_seconds(kind)
        for name in ("excludes", "ignore_files"):
            object.__setattr__(self, name, self._read_lines(name))
        if not isinstance(self.is_hidden_included, bool):
            raise self._reject("is_hidden_included", "True or False")
        if not isinstance(self.limits, MediaLimits):
            raise self._reject("limits", "a MediaLimits")

    def digest(self, shape: Shape | None = None) -> str:
        """Give a digest of the settings that say where files are cut, equal on every machine.

        Args:
            shape: Only of those for one kind of content; all if None. What is left out, thumbnails and limits do not
                count: they change which records there are, not what one is.

        Returns:
            32 hexadecimal digits.

        Raises:
            InputError: There is no such kind.

        Source:
            BLAKE2b (RFC 7693) of sorted JSON.
        """
        if shape is not None and shape not in SHAPES:
            raise InputError(f"shape={shape!r} is not usable: it must be one of {sorted(SHAPES)}, or None.")
        names = sorted({name for kind, names in SHAPES.items() if shape in (None, kind) for name in names})
        # As floats, so that 20 and 20.0 are one setting.
        values = {name: float(getattr(self, name)) for name in names}
        data = json.dumps([_CUTTING, shape, values], sort_keys=True).encode("ascii")
        return blake2b(data, digest_size=_DIGEST_BYTES).hexdigest()

    def as_dict(self) -> dict[str, Any]:
        """Give the settings as plain values that JSON can hold, but for `limits`, which belong to a call."""
        values = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "limits"}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], limits: MediaLimits | None = None) -> IngestSettings:
        """Build settings from `as_dict`; fields that are missing have their defaults.

        Raises:
            UnknownArgumentError: A key is no field.
            InputError: A value is not usable.
        """
        known = {one.name for one in fields(cls)} - {"limits"}
        unknown = set(values) - known
        if unknown:
            raise UnknownArgumentError.from_names("IngestSettings.from_dict()", unknown, known)
        return cls(**values, limits=limits or MediaLimits())

    def _reject(self, name: str, rule: str) -> InputError:
        return InputError(f"IngestSettings({name}={getattr(self, name)!r}) is not usable: {name} must be {rule}.")

    def _check_count(self, name: str, minimum: int) -> None:
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
            raise self._reject(name, f"a whole number of at least {minimum}")

    def _check_seconds(self, kind: str) -> None:
        for name, least in ((f"{kind}_segment_s", 0.1), (f"{kind}_overlap_s", 0.0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value < math.inf:
                raise self._reject(name, f"a finite number of seconds, at least {least}")
        segment, overlap = getattr(self, f"{kind}_segment_s"), getattr(self, f"{kind}_overlap_s")
        if overlap > 0.9 * segment:
            raise self._reject(f"{kind}_overlap_s", f"at most nine tenths of {kind}_segment_s={segment}")

    def _read_lines(self, name: str) -> tuple[str, ...]:
        value = getattr(self, name)
        if not isinstance(value, (tuple, list)) or not all(isinstance(one, str) for one in value):
            raise self._reject(name, "a tuple of strings")
        return tuple(value)
