"""What a processor wants of media before it sees them: which rate, which frames, how large.

This is what the decoder of `media` is told about a model. Everything is read from the processor's own settings and the
caller's `processing_kwargs`. Must not know how anything is decoded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sensorium.errors import MediaError
from sensorium.media.decode import DecodeSpec
from sensorium.media.samples import Frames
from sensorium.modules.processors import find_part

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sensorium.media.video import VideoInfo

#: Frames a second, and at most, that are taken from a clip for a model whose processor does not sample by itself.
FALLBACK_FPS = 2.0
FALLBACK_MAX_FRAMES = 64
FALLBACK_MIN_FRAMES = 4

#: An image is reduced at decode, where the caller allows it, to no less than this multiple of the side the model sees.
REDUCED_DECODE_MARGIN = 2

#: Pixels kept at most by a processor that states no bounds.
_LARGEST_IMAGE = 1_000_000


def decode_spec(processor: Any, overrides: Mapping[str, Mapping[str, Any]], is_reduced: bool) -> DecodeSpec:
    """Say how media are to be decoded for a processor.

    Args:
        processor: Any processor.
        overrides: `processing_kwargs` by modality, as merged for the call.
        is_reduced: Whether JPEG files may be decoded at a reduced size.

    Returns:
        The rate in Hz, the choice of frames, and the smallest image side.
    """
    return DecodeSpec(
        sampling_rate=wanted_sampling_rate(processor),
        choose_frames=frame_chooser(processor, overrides.get("video") or {}),
        min_image_side=_smallest_useful_side(processor) if is_reduced else None,
    )


def wanted_sampling_rate(processor: Any) -> int | None:
    """Return the rate in Hz that a processor's feature extractor expects, or None for a model without audio."""
    return getattr(find_part(processor, "feature_extractor"), "sampling_rate", None)


def samples_arrays(processor: Any, overrides: Mapping[str, Any]) -> bool:
    """Tell whether a processor picks frames out of arrays that it is given.

    A rate or a number of frames does not make it: to some processors `fps` says how the frames were taken.
    """
    asked = overrides.get("do_sample_frames")
    return bool(getattr(find_part(processor, "video_processor"), "do_sample_frames", False) if asked is None else asked)


def sample_array_clip(clip: Frames, choose: Callable[[VideoInfo], Sequence[int]]) -> Frames:
    """Pick the frames of a clip given as an array `[frames, ...]`, and note which they were."""
    from sensorium.media.video import VideoInfo

    known: dict[str, Any] = dict(clip.metadata or {})
    array: Any = clip.array
    total = known.get("total_num_frames") or len(clip.array)
    shape = getattr(clip.array, "shape", (total, 0, 0, 3))
    rate: Any = known.get("fps")  # None reaches the processor, which has its own idea of a clip without a rate
    seconds: Any = known.get("duration")
    info = VideoInfo(len(array), rate, seconds, shape[2], shape[1])
    indices = list(choose(info))
    frames = array[indices] if hasattr(array, "shape") else [array[index] for index in indices]
    return Frames(
        frames, {"fps": None, "duration": None, **known, "total_num_frames": total, "frames_indices": indices}, True
    )


def pixel_bounds(part: Any, size: Any = None) -> tuple[float, float, int | None]:
    """Return the least and most pixels that an image keeps, or, third, the number it always has.

    Args:
        part: An image or video processor.
        size: What the caller gives instead of the processor's own `size`.
    """
    size = size or getattr(part, "size", None) or {}
    size = dict(size) if not isinstance(size, dict) else size
    crop = getattr(part, "crop_size", None) or {}
    crop = dict(crop) if not isinstance(crop, dict) else crop
    if getattr(part, "do_center_crop", False) and crop.get("height"):
        return 0, 0, crop["height"] * crop["width"]
    if size.get("height") and size.get("width"):
        return 0, 0, size["height"] * size["width"]
    if size.get("shortest_edge") and size.get("longest_edge"):  # Qwen-VL keeps pixel counts under these names
        return size["shortest_edge"], size["longest_edge"], None
    if size.get("shortest_edge"):
        return 0, 0, size["shortest_edge"] ** 2
    return 0, float(_LARGEST_IMAGE), None


def _smallest_useful_side(processor: Any) -> int | None:
    """Return the shortest side that a reduced decode must keep, or None where the model's size depends on the
    image's."""
    fixed = pixel_bounds(find_part(processor, "image_processor"))[2]
    if fixed is not None:
        return REDUCED_DECODE_MARGIN * round(fixed**0.5)
    return None


def frame_chooser(processor: Any, overrides: Mapping[str, Any]) -> Callable[[VideoInfo], Sequence[int]] | None:
    """Return the processor's own choice of frames as a function, so that it can be made before decoding.

    None, every frame, only where the caller says `do_sample_frames=False`.
    """
    if overrides.get("do_sample_frames") is False:
        return None
    video_processor = find_part(processor, "video_processor")
    if video_processor is None or not hasattr(video_processor, "sample_frames"):
        return choose_evenly
    settings = {
        name: overrides.get(name, getattr(video_processor, name, None))
        for name in getattr(video_processor, "valid_kwargs", object).__annotations__
        if name not in _NOT_FOR_SAMPLING
    }
    if settings.get("fps") is None and settings.get("num_frames") is None:
        return choose_evenly
    # One of the two that the caller gives replaces the processor's own other.
    if overrides.get("num_frames") is not None and overrides.get("fps") is None:
        settings["fps"] = None
    elif overrides.get("fps") is not None and overrides.get("num_frames") is None:
        settings["num_frames"] = None
    asked = {name: settings.get(name) for name in ("fps", "num_frames")}

    def choose(info: VideoInfo) -> list[int]:
        # Imported here: only models with video need it, and it imports a decoder where one is installed.
        from transformers.video_utils import VideoMetadata

        metadata = VideoMetadata(
            total_num_frames=info.total_num_frames,
            fps=info.fps,
            duration=info.duration,
            width=info.width,
            height=info.height,
        )
        try:
            indices = np.asarray(video_processor.sample_frames(metadata=metadata, **settings))
        except (ValueError, TypeError, ZeroDivisionError) as exc:
            raise MediaError(
                f"the frames of a clip of {info.total_num_frames} frames cannot be chosen as asked, {asked}: {exc}. "
                'Give other processing_kwargs={"video": {"fps": ...}}, or {"do_sample_frames": False} for all frames.',
                source="video",
            ) from exc
        return [int(index) for index in indices.clip(0, max(info.total_num_frames - 1, 0))]

    return choose


#: Settings that the processor itself takes out before it samples.
_NOT_FOR_SAMPLING = frozenset(
    {"input_data_format", "do_convert_rgb", "do_sample_frames", "device", "video_metadata", "return_tensors"}
)


def choose_evenly(info: VideoInfo) -> list[int]:
    """Choose frames evenly spread over a clip: two a second, at least 4 and at most 64."""
    seconds = info.duration or info.total_num_frames / (info.fps or 24.0)
    wanted = min(max(round(seconds * FALLBACK_FPS), FALLBACK_MIN_FRAMES), FALLBACK_MAX_FRAMES, info.total_num_frames)
    return [int(index) for index in np.linspace(0, info.total_num_frames - 1, max(wanted, 1)).round()]
