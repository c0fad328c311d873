"""What encoding one file takes and gives: its size, what the model saw of it, milliseconds, the vector.

Must not know which checkpoint computes, nor the peer.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from demo.sample_files import SampleFile
from demo.table import Column, Table
from sensorium.errors import InputError, SensoriumError
from sensorium.media import MediaLimits, MediaSettings, open_source, probe_audio, probe_image, probe_video

if TYPE_CHECKING:
    from sensorium import SentenceTransformer
    from sensorium.media import Sample

_TABLE = Table(
    Column("file", 24),
    Column("modality", 8),
    Column("size", 36),
    Column("the model saw", 14),
    Column("ms", 6, is_number=True),
    Column("vector", 8),
)


@dataclass(frozen=True, slots=True)
class Encoded:
    """One file, encoded.

    Attributes:
        file: The file.
        extent: Its size in words: `"512 x 512 pixels"`, `"4.00 s, 8 of 96 frames, 320 x 240"`.
        seen: The length of what the model computed on: `"41 tokens"`.
        milliseconds: For opening, decoding, preparing and computing it alone.
        vector: float32 `[dim]`.
        sample: The file as it was decoded for this model.
        features: Names of the tensors that the network was given.
    """

    file: SampleFile
    extent: str
    seen: str
    milliseconds: float
    vector: np.ndarray
    sample: Sample
    features: frozenset[str]

    def line(self) -> str:
        """Return the table's line."""
        shape = str(tuple(self.vector.shape))
        return _TABLE.line(
            self.file.name, self.file.modality, self.extent, self.seen, f"{self.milliseconds:.1f}", shape
        )


@dataclass(frozen=True, slots=True)
class Failed:
    """One file that could not be encoded, and why."""

    file: SampleFile
    reason: str

    def line(self) -> str:
        """Return the table's line."""
        return _TABLE.line(self.file.name, self.file.modality, "FAILED, see the summary", "", "", "")


def heading() -> str:
    """Return what stands above the lines."""
    return _TABLE.heading()


def encode_file(model: SentenceTransformer, file: SampleFile) -> Encoded | Failed:
    """Encode one file by itself, and note what it took."""
    try:
        first: Any = model[0]
        sample = first.load_sample(first.read(file.value), model.media)
        features = model.preprocess([sample])
        start = time.perf_counter()
        vector = model.encode(file.value)
        milliseconds = 1000 * (time.perf_counter() - start)
        extent = _describe_extent(file, sample)
    except SensoriumError as exc:
        return Failed(file, exc.reason if isinstance(exc, InputError) else str(exc))
    seen = _describe_seen(model, features)
    return Encoded(file, extent, seen, milliseconds, np.asarray(vector), sample, frozenset(features))


def find_problems(rows: Sequence[Encoded | Failed]) -> list[str]:
    """Say what is wrong with one checkpoint's rows: failures, NaN, constants, and two files with one vector."""
    problems = [f"{row.file.name}: {row.reason}" for row in rows if isinstance(row, Failed)]
    first_with: dict[bytes, str] = {}
    for row in rows:
        if isinstance(row, Failed):
            continue
        if row.vector.ndim != 1 or not np.isfinite(row.vector).all():
            problems.append(f"{row.file.name}: the vector is not a row of finite numbers.")
        elif np.ptp(row.vector) == 0:
            problems.append(f"{row.file.name}: the vector is constant.")
        other = first_with.setdefault(row.vector.tobytes(), row.file.name)
        if other != row.file.name:
            problems.append(f"{row.file.name} and {other} have the same vector.")
    return problems


def _describe_extent(file: SampleFile, sample: Sample) -> str:
    if file.modality == "text":
        return f"{len(file.value)} characters"
    source, limits = open_source(file.value, MediaSettings()), MediaLimits()
    if file.modality == "image":
        width, height = probe_image(source, limits)
        return f"{width} x {height} pixels"
    if file.modality == "audio":
        return f"{probe_audio(source, limits):.2f} s"
    info = probe_video(source, limits)
    taken = len(sample.parts[0].value.array)
    return f"{info.duration:.2f} s, {taken} of {info.total_num_frames} frames, {info.width} x {info.height}"


def _describe_seen(model: SentenceTransformer, features: dict[str, Any]) -> str:
    """Say how long the network's input was, in the unit of its first layer.

    Token ids are counted where there are any (placeholders of patches and the chat template included); otherwise the
    patches of an image tower, or the columns of an audio tower's spectrogram.
    """
    if "input_ids" in features:
        return f"{features['input_ids'].shape[1]} tokens"
    if "pixel_attention_mask" in features:
        return f"{int(features['pixel_attention_mask'].sum())} patches"
    if "pixel_values" in features:
        height, width = features["pixel_values"].shape[-2:]
        side = _find_patch_size(model)
        return f"{(height // side) * (width // side)} patches"
    shape = features["input_features"].shape  # [1, bands, columns] for Whisper, [1, 1, columns, bands] for CLAP
    return f"{shape[-1] if len(shape) == 3 else shape[-2]} columns"


def _find_patch_size(model: SentenceTransformer) -> int:
    configs = (getattr(module, "config", None) for module in model.modules())
    towers = (getattr(config, "vision_config", config) for config in configs if config is not None)
    return next(int(tower.patch_size) for tower in towers if isinstance(getattr(tower, "patch_size", None), int))
