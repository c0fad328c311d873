"""How long a sequence a sample will make, judged by its headers alone: for ordering and cutting batches.

Right within a factor of two, not to the token: a processor shrinks media to a budget and cuts their sides to
whole patches, which only its own code does exactly. Must not know how anything is decoded.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sensorium.errors import MediaError
from sensorium.media.samples import Frames
from sensorium.media.video import VideoInfo
from sensorium.modules.processors import find_part
from sensorium.modules.wants import frame_chooser, pixel_bounds, samples_arrays

if TYPE_CHECKING:
    from transformers import PretrainedConfig

    from sensorium.media.samples import MediaCost, Part, Sample

_CHARACTERS_PER_TOKEN = 4
_SPECIAL_TOKENS = 2
#: Of a budget of tokens or pixels, about as much is used: sides are cut down to whole patches.
_FILLED = 0.85
#: The sound encoders of Qwen-Omni and Gemma give one token for 40 ms.
_AUDIO_TOKENS_PER_SECOND = 25.0
#: What media are taken to be whose headers cannot be read without fetching them.
_UNKNOWN_PIXELS = 1_000_000
_UNKNOWN_SECONDS = 30.0
_UNKNOWN_FRAMES = 250
_UNKNOWN_FRAME_PIXELS = 250_000
_LIKELY_FPS = 25.0


def estimate_tokens(
    cost: MediaCost,
    sample: Sample,
    processor: Any,
    config: PretrainedConfig,
    processing_kwargs: Mapping[str, Mapping[str, Any]] | None = None,
) -> int:
    """Estimate the sequence length of a sample.

    Args:
        cost: From `media.cost.probe_sample`.
        sample: The sample, decoded or not.
        processor: The model's processor.
        config: The model's configuration, for patch sizes.
        processing_kwargs: What the processor is told, by modality; the choice of frames depends on it.

    Returns:
        Tokens, at least 1. Media of unknown size count as typical ones.
    """
    overrides = (processing_kwargs or {}).get("video") or {}
    tokens = cost.characters / _CHARACTERS_PER_TOKEN + _SPECIAL_TOKENS
    parts = sample.all_parts()
    images = sum(part.modality == "image" for part in parts)
    sounds = sum(part.modality == "audio" for part in parts)
    clips = [part for part in parts if part.modality == "video"]
    if images:
        pixels = cost.pixels / images or _UNKNOWN_PIXELS
        tokens += images * _image_tokens(pixels, processor, find_part(processor, "image_processor"), config)
    if sounds:
        tokens += sounds * _audio_tokens(cost.seconds / sounds or _UNKNOWN_SECONDS, processor, config)
    for clip in clips:
        frames = _count_frames(clip, round(cost.frames / len(clips)), processor, overrides)
        tokens += _clip_tokens(frames, cost.frame_pixels or _UNKNOWN_FRAME_PIXELS, processor, config, overrides)
    return max(round(tokens), 1)


def _image_tokens(pixels: float, processor: Any, part: Any, config: PretrainedConfig) -> float:
    budget = _token_budget(processor, part, "images_kwargs")
    if budget is not None:
        return budget
    patch, merge = _patch_sides(part, config)
    low, high, fixed = pixel_bounds(part)
    if fixed is not None:
        stated = getattr(processor, "image_seq_length", None)
        return stated if isinstance(stated, int) and stated > 0 else max(fixed // patch**2, 1)
    return max(_fit(pixels, low, high) / (patch * merge) ** 2, 1)


def _clip_tokens(
    frames: int, pixels: float, processor: Any, config: PretrainedConfig, overrides: Mapping[str, Any]
) -> float:
    """Estimate the tokens of a clip of which the model sees `frames` frames of `pixels` each."""
    part = find_part(processor, "video_processor")
    budget = _token_budget(processor, part, "videos_kwargs")
    if budget is not None:
        return frames * budget
    steps = math.ceil(frames / (getattr(part, "temporal_patch_size", None) or 1))
    patch, merge = _patch_sides(part, config)
    low, high, fixed = pixel_bounds(part, overrides.get("size"))
    if fixed is not None:
        return steps * max(fixed // patch**2, 1)
    if "Qwen3VL" in type(part).__name__:  # its bounds are those of the whole clip, the others' those of a frame
        low, high = low / max(frames, 1), high / max(frames, 1)
    return steps * max(_fit(pixels, low, high) / (patch * merge) ** 2, 1)


def _audio_tokens(seconds: float, processor: Any, config: PretrainedConfig) -> float:
    extractor = find_part(processor, "feature_extractor")
    if config.model_type == "whisper":  # every sound is padded to the encoder's window
        return float(config.max_source_positions)
    if getattr(extractor, "max_length_s", None):  # CLAP pads and crops to its window
        return extractor.max_length_s * _AUDIO_TOKENS_PER_SECOND
    seconds = min(seconds, getattr(extractor, "chunk_length", None) or seconds)
    samples_a_token = getattr(config, "inputs_to_logits_ratio", None)
    if samples_a_token and getattr(extractor, "sampling_rate", None):
        return seconds * extractor.sampling_rate / samples_a_token
    most = getattr(processor, "audio_seq_length", None)
    return min(seconds * _AUDIO_TOKENS_PER_SECOND, most or math.inf)


def _count_frames(clip: Part, total: int, processor: Any, overrides: Mapping[str, Any]) -> int:
    """Estimate how many frames of a clip the model sees."""
    value, fps = clip.value, _LIKELY_FPS
    is_array = isinstance(value, (list, tuple, Frames)) or hasattr(value, "shape")
    if isinstance(value, Mapping) and "array" in value:
        is_array, known = True, value.get("video_metadata") or {}
        fps = known.get("fps") or fps if isinstance(known, Mapping) else fps
    total = total or _UNKNOWN_FRAMES
    if getattr(value, "is_sampled", False) or (is_array and not samples_arrays(processor, overrides)):
        return total
    choose = frame_chooser(processor, overrides)
    if choose is None:
        return total
    try:
        return len(choose(VideoInfo(total, fps, total / fps, 0, 0)))
    except MediaError:  # what is asked cannot be done; preparing the sample will say so
        return total


def _token_budget(processor: Any, part: Any, bucket: str) -> float | None:
    """Return the tokens of one image where a processor has a budget that every image is fitted to, else None."""
    soft = getattr(part, "max_soft_tokens", None)  # Gemma
    if soft:
        return soft * _FILLED
    patches = getattr(part, "max_num_patches", None)  # SigLIP 2
    if not patches:
        return None
    stated = getattr(processor, bucket, None)  # what the processor class itself tells its parts
    return float((stated or {}).get("max_num_patches", patches) if isinstance(stated, Mapping) else patches)


def _patch_sides(part: Any, config: PretrainedConfig) -> tuple[int, int]:
    """Return the side of a patch in pixels, and of the square of patches that makes one token."""
    vision = getattr(config, "vision_config", config)
    patch = getattr(part, "patch_size", None) or getattr(vision, "patch_size", None) or 16
    merge = getattr(part, "merge_size", None) or getattr(vision, "spatial_merge_size", None) or 1
    return (patch if isinstance(patch, int) else 16), (merge if isinstance(merge, int) else 1)


def _fit(pixels: float, low: float, high: float) -> float:
    """Return the pixels that are left of an image after it is fitted between two bounds."""
    return max(high * _FILLED, low) if pixels > high else max(pixels, low)
