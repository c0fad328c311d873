"""Decode what a sample holds: from the caller's value of each part to the form that models take.

The one place that knows every form a caller may use for an image, a sound or a clip. Must not know how a modality is
recognised, nor what a model does with the result.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PIL import Image

from sensorium.errors import MediaError
from sensorium.media.arrays import check_clip_array, check_frame_count, check_image_array, is_array
from sensorium.media.audio import decode_audio
from sensorium.media.decoders import (
    decode_with_audio_decoder,
    decode_with_image_decoder,
    decode_with_video_decoder,
    is_audio_decoder,
    is_image_decoder,
    is_video_decoder,
)
from sensorium.media.image import decode_image, to_rgb
from sensorium.media.samples import Frames, Part, Sample, Turn, Waveform
from sensorium.media.source import open_source
from sensorium.media.video import VideoInfo, decode_video
from sensorium.media.waveform import mix_and_resample

if TYPE_CHECKING:
    from sensorium.media.limits import MediaSettings


@dataclass(frozen=True, slots=True)
class DecodeSpec:
    """What a model wants of its media.

    Attributes:
        sampling_rate: Samples a second of a sound, or None for those it has.
        choose_frames: Given a clip's `VideoInfo`, the numbers of the frames to decode; None for all. It applies to
            files and decoders: frames that a caller hands in are not sampled here.
        min_image_side: Pixels that the shorter side of an image must keep if `MediaSettings.reduced_jpeg` allows a JPEG
            to be decoded smaller; None if it must not be.
    """

    sampling_rate: int | None = None
    choose_frames: Callable[[VideoInfo], Sequence[int]] | None = None
    min_image_side: int | None = None


def load_sample(sample: Sample, spec: DecodeSpec, settings: MediaSettings) -> Sample:
    """Decode every part of a sample, those of its turns included.

    Args:
        sample: Loaded parts are kept as they are, so loading twice changes nothing.
        spec: What the model wants.
        settings: Limits and fetch policy.

    Returns:
        The sample with loaded parts; the same object if nothing was to be done.

    Raises:
        MediaError: A part is not usable media; see `load_part`.
    """
    if all(_is_done(part) for part in sample.all_parts()):
        return sample
    parts = tuple(load_part(part, spec, settings) for part in sample.parts)
    turns = tuple(
        Turn(turn.role, tuple(load_part(part, spec, settings) for part in turn.parts), turn.extra)
        for turn in sample.turns
    )
    return dataclasses.replace(sample, parts=parts, turns=turns)


def load_part(part: Part, spec: DecodeSpec, settings: MediaSettings) -> Part:
    """Decode one part.

    Args:
        part: Text, and what is loaded already, is returned as it is.
        spec: What the model wants.
        settings: Limits and fetch policy.

    Returns:
        The part with an upright RGB `PIL.Image` (or the caller's own array), a `Waveform`, or `Frames`.

    Raises:
        MissingMediaError: A path to no regular file.
        MediaLimitError: Larger than the limits.
        FetchError: An address that is refused or does not answer.
        MediaError: Any other reason why it is not usable media.
        MissingExtraError: A package that its format needs is not installed.
    """
    if _is_done(part):
        return part
    if part.modality == "image":
        value: Any = _load_image(part.value, spec, settings)
    elif part.modality == "audio":
        value = _load_audio(part.value, spec, settings)
    else:
        value = _load_video(part.value, spec, settings)
    return Part(part.modality, value, is_loaded=True)


def _is_done(part: Part) -> bool:
    return part.is_loaded or part.modality == "text"


def _load_image(value: Any, spec: DecodeSpec, settings: MediaSettings) -> Any:
    if isinstance(value, Image.Image):
        return to_rgb(value, settings.limits)
    if is_array(value):
        check_image_array(value, settings.limits)
        return value
    min_side = spec.min_image_side if settings.reduced_jpeg else None
    if is_image_decoder(value):
        return decode_with_image_decoder(value, min_side, settings.limits)
    return decode_image(open_source(value, settings), settings.limits, min_side)


def _load_audio(value: Any, spec: DecodeSpec, settings: MediaSettings) -> Waveform:
    limits, wanted = settings.limits, spec.sampling_rate
    if isinstance(value, Waveform):
        return mix_and_resample(value.array, value.sampling_rate, wanted, limits)
    if isinstance(value, Mapping) and "array" in value:
        if value.get("sampling_rate") is None:
            raise MediaError(
                'a sound in a dict needs its rate: {"array": samples, "sampling_rate": 16000}.', source="audio dict"
            )
        return mix_and_resample(value["array"], value["sampling_rate"], wanted, limits)
    if is_array(value) or isinstance(value, (list, tuple)):
        return mix_and_resample(value, None, wanted, limits)
    if is_audio_decoder(value):
        return decode_with_audio_decoder(value, wanted, limits)
    return decode_audio(open_source(value, settings), wanted, limits)


def _load_video(value: Any, spec: DecodeSpec, settings: MediaSettings) -> Frames:
    limits = settings.limits
    if isinstance(value, Frames):
        return value
    if isinstance(value, Mapping) and "array" in value:
        metadata = _read_metadata(value.get("video_metadata"))
        return Frames(_load_frames(value["array"], spec, settings), metadata, is_sampled=False)
    if is_array(value) or isinstance(value, (list, tuple)):
        return Frames(_load_frames(value, spec, settings), None, is_sampled=False)
    if is_video_decoder(value):
        return decode_with_video_decoder(value, spec.choose_frames, limits)
    return decode_video(open_source(value, settings), spec.choose_frames, limits)


def _load_frames(frames: Any, spec: DecodeSpec, settings: MediaSettings) -> Any:
    if is_array(frames):
        check_clip_array(frames, settings.limits)
        return frames
    if not isinstance(frames, (list, tuple)) or not frames:
        raise MediaError(
            "a clip must be an array [frames, height, width, channels], or a list of at least one frame.",
            source=type(frames).__name__,
        )
    check_frame_count(len(frames), settings.limits, "list of frames")
    return [_load_image(frame, spec, settings) for frame in frames]


def _read_metadata(metadata: Any) -> Mapping[str, Any] | None:
    if metadata is None or isinstance(metadata, Mapping):
        return metadata
    if dataclasses.is_dataclass(metadata) and not isinstance(metadata, type):
        return {one.name: getattr(metadata, one.name) for one in dataclasses.fields(metadata)}
    raise MediaError(
        'video_metadata must be a dict such as {"fps": 24.0, "total_num_frames": 240}, or None; got '
        f"{type(metadata).__name__}.",
        source="video dict",
    )
