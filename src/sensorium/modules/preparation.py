"""Call a processor on decoded samples: the one place that knows which argument goes where.

Settings travel in `Settings`, one dict a modality, as `processing_kwargs` has them. Nothing here opens, decodes or
fetches.
Must not know what the model does with the features.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from sensorium.errors import InputError, MediaError, NotBuiltError, UnknownArgumentError
from sensorium.media.samples import Frames, Sample, Turn, Waveform
from sensorium.modules.modality_config import is_video_processor
from sensorium.modules.processors import explain_missing_package, find_tokenizer, is_processor
from sensorium.modules.wants import wanted_sampling_rate
from sensorium.types import BASE_MODALITIES, MODALITY_TO_PROCESSOR_ARG

if TYPE_CHECKING:
    from sensorium.types import BaseModality

logger = logging.getLogger(__name__)

SETTING_KEYS = ("common", "text", "audio", "image", "video", "chat_template")

#: Processors that take flat keyword arguments, not one dict a modality.
_FLAT_PROCESSORS = frozenset({"clipseg", "whisper", "sam3"})

#: Held while a processor that draws random numbers is seeded: numpy's legacy generator is one per process.
_RANDOM_LOCK = threading.Lock()


#: What a tokenizer knows, beside True and False.
_CHOICES = {
    "padding": ("longest", "max_length", "do_not_pad"),
    "truncation": ("longest_first", "only_first", "only_second", "do_not_truncate"),
}


@dataclass(slots=True)
class Settings:
    """What a call tells the processor, by modality; `common` goes to all, `chat_template` to the template."""

    common: dict[str, Any] = field(default_factory=dict)
    text: dict[str, Any] = field(default_factory=dict)
    audio: dict[str, Any] = field(default_factory=dict)
    image: dict[str, Any] = field(default_factory=dict)
    video: dict[str, Any] = field(default_factory=dict)
    chat_template: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def for_model(cls, model_type: str, *overrides: Mapping[str, Mapping[str, Any]] | None) -> Settings:
        """Start from the defaults and lay each of `overrides` (`processing_kwargs`) over them, key by key."""
        settings = cls(
            common={"return_tensors": "pt"},
            text={"padding": True, "truncation": "longest_first"},
            # Whisper's encoder takes exactly 30 seconds.
            audio={"padding": "max_length" if model_type == "whisper" else True},
        )
        for layer in overrides:
            for key, values in (layer or {}).items():
                if key in SETTING_KEYS:
                    getattr(settings, key).update(values)
        _refuse_audio_in_video(settings)
        _check_choices(settings.text)
        return settings

    def take_template_lengths(self) -> None:
        """Move lengths that stand beside the chat template to the text, for which they are meant."""
        for name in ("padding", "truncation", "max_length"):
            if name in self.chat_template:
                self.text[name] = self.chat_template.pop(name)
        _check_choices(self.text)


def _check_choices(text: Mapping[str, Any]) -> None:
    """Raise UnknownArgumentError for a way to pad or truncate that there is not: no input is to blame for it."""
    for name, known in _CHOICES.items():
        value = text.get(name)
        if isinstance(value, str) and value not in known:
            raise UnknownArgumentError(
                f"processing_kwargs has {name}={value!r} for text. Known: True, False, {', '.join(map(repr, known))}.",
                argument=name,
            )


def _refuse_audio_in_video(settings: Settings) -> None:
    """Raise NotBuiltError if the sound of a clip is asked for; processors see frames, never the clip's file."""
    for bucket in (settings.common, settings.video, settings.chat_template):
        for name in ("load_audio_from_video", "use_audio_in_video"):
            if bucket.pop(name, False):
                raise NotBuiltError(
                    f"{name}=True is not built: the sound of a clip is not read. Give it as an item of its own, "
                    '{"video": "clip.mp4", "audio": "clip.wav"}.'
                )


def warn_unknown_settings(processing_kwargs: Mapping[str, Any] | None, where: str) -> None:
    """Warn about keys of `processing_kwargs` that nothing reads.

    Raises:
        UnknownArgumentError: It is no dict of dicts.
    """
    is_nested = isinstance(processing_kwargs, Mapping) and all(
        isinstance(settings, Mapping) for settings in processing_kwargs.values()
    )
    if processing_kwargs is not None and not is_nested:
        raise UnknownArgumentError(
            f"processing_kwargs must be a dict with a dict under any of {list(SETTING_KEYS)}, got "
            f"{processing_kwargs!r}.",
            argument="processing_kwargs",
        )
    unknown = sorted(set(processing_kwargs or ()) - set(SETTING_KEYS))
    if unknown:
        logger.warning(
            "Unknown keys in %s: %s. Known keys: %s. Settings of one modality belong under its name.",
            where,
            unknown,
            list(SETTING_KEYS),
        )


def call_processor(processor: Any, model_type: str, samples: Sequence[Sample], settings: Settings) -> dict[str, Any]:
    """Prepare samples of one modality (or one mixture) that are not chat messages.

    Args:
        processor: The model's processor.
        model_type: The model's type, for the few processors with their own ways.
        samples: Decoded samples, all of one modality.
        settings: What to tell the processor.

    Returns:
        Features: tensors by name.

    Raises:
        InputError: The processor refuses the input.
    """
    present = {part.modality for part in samples[0].parts}
    kinds = [kind for kind in BASE_MODALITIES if kind in present]
    values = {kind: _values(samples, kind) for kind in kinds}
    arguments = _media_arguments([part for sample in samples for part in sample.parts], processor, settings)
    with _translate_errors(processor):
        if draws_random_numbers(processor) and "audio" in kinds:
            return _call_one_by_one(processor, values["audio"], arguments)
        if not is_processor(processor):
            return dict(_call_single(processor, kinds, values, arguments))
        named = {MODALITY_TO_PROCESSOR_ARG[kind]: values[kind] for kind in kinds}
        if model_type in _FLAT_PROCESSORS:
            flat = {key: value for kind in kinds for key, value in getattr(arguments, kind).items()}
            return dict(processor(**named, **{**flat, **arguments.common}))
        return dict(processor(**named, **_buckets(arguments)))


def call_chat_processor(
    processor: Any, prompts: Sequence[str], conversations: Sequence[Sequence[Turn]], settings: Settings
) -> dict[str, Any]:
    """Prepare rendered conversations together with their media.

    Args:
        processor: A processor, or a tokenizer for text alone.
        prompts: The rendered text of each conversation.
        conversations: Their turns, for the media.
        settings: What to tell the processor.

    Returns:
        Features: tensors by name.
    """
    with _translate_errors(processor):
        if not is_processor(processor):
            options = {**settings.common, **settings.text, "add_special_tokens": False}
            return dict(processor(list(prompts), **options))
        parts = [[part for turn in turns for part in turn.parts] for turns in conversations]
        arguments = _media_arguments([part for row in parts for part in row], processor, settings)
        tokenizer = find_tokenizer(processor)
        if tokenizer is not None and tokenizer.bos_token is not None and prompts[0].startswith(tokenizer.bos_token):
            arguments.text["add_special_tokens"] = False
        media = {
            kind: [[plain_value(part.value) for part in row if part.modality == kind] for row in parts]
            for kind in ("image", "video", "audio")
        }
        named: dict[str, Any] = {"text": list(prompts)}
        if any(media["image"]):
            named["images"] = media["image"]
        if any(media["video"]):
            named["videos"] = media["video"]
        if any(media["audio"]):
            named["audio"] = [value for row in media["audio"] for value in row]
        return dict(processor(**named, **_buckets(arguments)))


def draws_random_numbers(processor: Any) -> bool:
    """Tell whether a processor crops long sounds at random, as CLAP's does."""
    extractor = getattr(processor, "feature_extractor", processor)
    return getattr(extractor, "truncation", None) in ("rand_trunc", "fusion")


def _call_one_by_one(processor: Any, waveforms: Sequence[np.ndarray], settings: Settings) -> dict[str, Any]:
    """Prepare sounds one at a time, each seeded by its content, so that a row does not depend on its neighbours."""
    rows = []
    for waveform in waveforms:
        seed = int.from_bytes(hashlib.blake2b(np.ascontiguousarray(waveform).tobytes(), digest_size=4).digest(), "big")
        with _seeded(seed):
            if is_processor(processor):
                rows.append(processor(audio=[waveform], **_buckets(settings)))
            else:
                rows.append(processor([waveform], **{**settings.audio, **settings.common}))
    return {name: torch.cat([torch.as_tensor(row[name]) for row in rows]) for name in rows[0]}


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    with _RANDOM_LOCK:
        state = np.random.get_state()
        np.random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(state)


def _call_single(
    processor: Any, kinds: Sequence[BaseModality], values: Mapping[BaseModality, Any], settings: Settings
) -> Mapping[str, Any]:
    """Call a bare tokenizer, image processor, feature extractor or video processor."""
    if isinstance(processor, PreTrainedTokenizerBase):
        kind: BaseModality = "text"
    elif is_video_processor(processor):
        kind = "video"
    else:
        kind = "audio" if "audio" in kinds else "image"
    if kind not in values:
        raise InputError(f"a {type(processor).__name__} prepares {kind}, not {' and '.join(kinds)}.")
    return processor(values[kind], **{**getattr(settings, kind), **settings.common})


def _buckets(settings: Settings) -> dict[str, Any]:
    return {
        "text_kwargs": settings.text,
        "images_kwargs": settings.image,
        "audio_kwargs": settings.audio,
        "videos_kwargs": settings.video,
        "common_kwargs": settings.common,
    }


def _values(samples: Sequence[Sample], kind: BaseModality) -> list[Any]:
    """Collect one modality's values: one a sample where each has one, else a list a sample."""
    rows: list[Any] = [
        [plain_value(part.value) for part in sample.parts if part.modality == kind] for sample in samples
    ]
    if kind == "text":
        rows = [tuple(row) if sample.is_pair else row for sample, row in zip(samples, rows, strict=True)]
    return [row[0] if len(row) == 1 else row for row in rows]


def plain_value(value: Any) -> Any:
    """Return the array or image inside a decoded medium, which is what processors take."""
    if isinstance(value, Waveform):
        return value.array
    if isinstance(value, Frames):
        return stack_frames(value.array)
    return value


def stack_frames(frames: Any) -> Any:
    """Make one array `[frames, height, width, 3]` of a list of equal images; arrays pass through."""
    if not isinstance(frames, (list, tuple)):
        return frames
    arrays = [np.asarray(frame) for frame in frames]
    shapes = sorted({array.shape for array in arrays})
    if len(shapes) > 1:
        raise MediaError(f"the frames of a clip must have one size, got {shapes}. Resize them first.", source="frames")
    return np.stack(arrays)


def _media_arguments(parts: Sequence[Any], processor: Any, settings: Settings) -> Settings:
    """Add what the decoded media say about themselves: the sampling rate, the clips' metadata."""
    audio, video = dict(settings.audio), dict(settings.video)
    if any(part.modality == "audio" for part in parts):
        rates = {part.value.sampling_rate for part in parts if part.modality == "audio"} - {None}
        rate = rates.pop() if len(rates) == 1 else wanted_sampling_rate(processor)
        if rate is not None:
            audio["sampling_rate"] = rate
    clips = [part.value for part in parts if part.modality == "video"]
    if any(clip.metadata is not None for clip in clips):
        video["video_metadata"] = [_full_metadata(clip) for clip in clips]
    if clips and all(clip.is_sampled for clip in clips):
        video["do_sample_frames"] = False  # `fps` stays: Qwen2.5-Omni tells the model how long a frame lasts by it
    return Settings(settings.common, dict(settings.text), audio, settings.image, video, settings.chat_template)


def _full_metadata(clip: Frames) -> dict[str, Any]:
    count = len(clip.array)
    known = {key: value for key, value in (clip.metadata or {}).items() if value is not None}
    return {
        "total_num_frames": count,
        "fps": None,
        "duration": None,
        "frames_indices": list(range(count)),
        **known,
    }


@contextmanager
def _translate_errors(processor: Any) -> Iterator[None]:
    """Turn what processors raise into errors that name the input or the missing package."""
    try:
        yield
    except InputError:
        raise
    except ImportError as exc:
        extra = explain_missing_package(exc, f"{type(processor).__name__}")
        if extra is None:
            raise
        raise extra from exc
    except ValueError as exc:
        if "Mismatch in" in str(exc):
            raise InputError(
                "the prompt is longer than the model's maximum and truncating it would cut into an image, sound or "
                "clip: "
                f"{exc} Lower the processor's bounds on their size with processing_kwargs={{'image': ..., "
                "'video': ...}, send smaller or fewer items, or raise model.max_seq_length."
            ) from exc
        raise InputError(f"the model's processor refuses this input: {exc}") from exc
