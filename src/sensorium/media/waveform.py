"""From samples in an array to a mono float32 waveform at the rate a model wants.

Tensors are recognised without importing torch. Must not know files, nor what a model does with the sound.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sensorium._optional import require
from sensorium.errors import MediaError, MediaLimitError
from sensorium.media.limits import MediaLimits
from sensorium.media.samples import Waveform

if TYPE_CHECKING:
    import torch

#: Rates outside this range are mistakes or attacks: resampling 1 Hz to 16 kHz makes 16,000 samples out of each.
MIN_RATE, MAX_RATE = 100, 1_000_000
# Up to which rate `max_seconds` of sound are allowed; at higher rates, as many samples as these.
_FULL_LENGTH_RATE = 192_000


def mix_and_resample(
    array: np.ndarray | torch.Tensor | Sequence[float],
    rate: int | None,
    wanted: int | None,
    limits: MediaLimits | None = None,
) -> Waveform:
    """Bring samples to a mono float32 waveform at the wanted rate.

    Args:
        array: `[samples]`, or two-dimensional with channels along the shorter axis (the first if both are equal).
            Signed integers of 8, 16 and 32 bits are scaled from their full range to -1 to 1, unsigned ones are centred
            first. Floats, and lists of numbers, are taken as they are.
        rate: Samples a second, or None if it is not known; then nothing is resampled.
        wanted: Samples a second to bring it to, or None for those it has.
        limits: Channels and length are checked against it; the defaults if None.

    Returns:
        The waveform. A mono float32 array that already has the rate is passed through, bit for bit, not copied.

    Raises:
        MediaError: No samples, NaN or infinity among them, or a shape, dtype or rate that no sound has.
        MediaLimitError: Longer, or of more channels, than `limits` allow.
        MissingExtraError: The rates differ and soxr is not installed.

    Source:
        soxr at quality HQ, the resampler and setting of librosa and of the loaders of transformers.
    """
    limits = limits or MediaLimits()
    rate = None if rate is None else check_rate(rate)
    samples = as_numpy(array)
    if samples.ndim not in (1, 2):
        raise MediaError(
            f"an array of {samples.ndim} dimensions, {list(samples.shape)[:8]}, cannot be a sound. Give [samples], "
            "[channels, samples] or [samples, channels].",
            source="array",
        )
    if samples.size == 0:
        raise MediaError(f"the sound is empty: its shape is {list(samples.shape)}.", source="array")
    channels = 1 if samples.ndim == 1 else min(samples.shape)
    check_channels(channels, limits, "array")
    check_length(max(samples.shape), rate, limits, "array")
    if samples.ndim == 2:
        samples = samples if samples.shape[0] <= samples.shape[1] else samples.T
        mono = to_float(samples[0]) if channels == 1 else to_float(samples).mean(axis=0, dtype=np.float32)
    else:
        mono = to_float(samples)
    return resample(check_finite(mono, "array"), rate, wanted)


def resample(mono: np.ndarray, rate: int | None, wanted: int | None) -> Waveform:
    """Resample float32 `[samples]`, if both rates are known and differ."""
    if rate is None or wanted is None or rate == wanted:
        return Waveform(mono, rate)
    check_rate(wanted)
    soxr = require("soxr", f"Resampling sound from {rate} to {wanted} Hz")
    resampled = soxr.resample(np.ascontiguousarray(mono), rate, wanted, quality="HQ")
    if resampled.size == 0:  # fewer samples than one of the wanted rate lasts
        resampled = np.zeros(1, dtype=np.float32)
    return Waveform(resampled, wanted)


def as_numpy(array: Any) -> np.ndarray:
    """View an array, tensor or list of numbers as a numpy array; a tensor on a CPU is not copied."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(array, torch.Tensor):
        tensor = array.detach().cpu()
        return (tensor.float() if tensor.dtype is torch.bfloat16 else tensor).numpy()
    if isinstance(array, np.ndarray):
        return array
    try:
        return np.asarray(array, dtype=np.float32)
    except (ValueError, TypeError, OverflowError) as exc:
        raise MediaError(
            f"these are no samples ({exc}). Give a numpy array, a tensor, or a list of numbers.",
            source=type(array).__name__,
        ) from exc


def to_float(samples: np.ndarray) -> np.ndarray:
    """Scale PCM integers to float32 in -1 to 1; bring floats to float32 as they are.

    Raises:
        MediaError: The dtype is neither float nor an integer of 8, 16 or 32 bits.
    """
    kind = samples.dtype
    if kind.kind == "f":
        return samples.astype(np.float32, copy=False)
    if kind.kind not in "iu" or kind.itemsize > 4:
        raise MediaError(
            f"samples of dtype {kind} have no known range. Convert them to float32 in -1 to 1, or to int16.",
            source="array",
        )
    half = 2.0 ** (8 * kind.itemsize - 1)
    if kind.itemsize == 4:  # float32 cannot hold 32 bits, and would round to 1 before it is scaled
        return ((samples.astype(np.float64) - (half if kind.kind == "u" else 0.0)) / half).astype(np.float32)
    scaled = samples.astype(np.float32)
    if kind.kind == "u":
        scaled -= np.float32(half)
    scaled /= np.float32(half)
    return scaled


def check_finite(mono: np.ndarray, name: str) -> np.ndarray:
    """Give the samples back, or raise if there is NaN or infinity among them."""
    # The float64 sum of float32 values cannot overflow: it is finite if and only if all of them are.
    if not np.isfinite(np.add.reduce(mono, dtype=np.float64)):
        count = int(np.count_nonzero(~np.isfinite(mono)))
        raise MediaError(
            f"{count} of its {mono.size} samples are NaN or infinite. Replace them, for example by np.nan_to_num.",
            source=name,
        )
    return mono


def check_rate(rate: Any, name: str = "array") -> int:
    """Give a sampling rate as an int, or raise if it is not a whole number that a sound can have."""
    is_number = isinstance(rate, (int, float, np.integer, np.floating)) and not isinstance(rate, bool)
    if not is_number or rate != rate or not MIN_RATE <= rate <= MAX_RATE or int(rate) != rate:
        raise MediaError(
            f"a sampling rate of {rate!r} is not usable. Allowed are whole numbers from {MIN_RATE} to {MAX_RATE}.",
            source=name,
        )
    return int(rate)


def check_channels(channels: int, limits: MediaLimits, name: str) -> None:
    """Raise if a sound has more channels than allowed, or none."""
    if channels < 1:
        raise MediaError("the sound has no channels.", source=name)
    if channels > limits.max_channels:
        raise MediaLimitError(
            f"the sound has {channels} channels, and at most {limits.max_channels} are allowed. Mix it down, or raise "
            "MediaLimits(max_channels=...).",
            source=name,
        )


def check_length(samples: int, rate: int | None, limits: MediaLimits, name: str) -> None:
    """Raise if a sound of this many samples (of one channel) is longer than allowed."""
    if samples > max_samples(rate, limits):
        length = f"{samples} samples" if rate is None else f"{samples / rate:.1f} s at {rate} Hz"
        raise MediaLimitError(
            f"the sound is {length} long, and at most {limits.max_seconds:g} s are allowed. Cut it, or raise "
            "MediaLimits(max_seconds=...).",
            source=name,
        )


def max_samples(rate: int | None, limits: MediaLimits) -> int:
    """Give the most samples a sound of this rate may have in one channel."""
    return int(limits.max_seconds * min(rate or _FULL_LENGTH_RATE, _FULL_LENGTH_RATE))
