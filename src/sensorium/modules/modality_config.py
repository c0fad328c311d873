"""Which modalities a backbone takes, by which method, and which output is read: stated by the checkpoint or inferred.

A `ModalityConfig` maps a modality to `{"method", "method_output_name"}` (for `"message"` also `"format"`). It is
written into
`sentence_bert_config.json`; checkpoints without it are judged by their processor and the model's annotations. Must not
know how inputs are prepared.
"""

from __future__ import annotations

import inspect
import logging
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

from transformers import PreTrainedTokenizerBase
from transformers.utils import ModelOutput

from sensorium.errors import CheckpointError
from sensorium.modules.processors import is_processor
from sensorium.modules.tasks import TASKS
from sensorium.types import MODALITY_TO_PROCESSOR_ARG

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import nn

    from sensorium.types import Modality

logger = logging.getLogger(__name__)

ModalityConfig: TypeAlias = "dict[Modality, dict[str, Any]]"

_IMAGE_TEXT: Modality = ("image", "text")
_AUDIO_TEXT: Modality = ("audio", "text")

#: Model types whose modalities cannot be told from processor and annotations, as far as they run through `forward`:
#: task -> model type -> modalities. Source: the behaviour of Sentence Transformers 6, checked against `transformers` 5.
_FORWARD_ONLY: dict[str, dict[str, tuple[Modality, ...]]] = {
    "feature-extraction": {
        **dict.fromkeys(("git", "visual_bert"), ("text", _IMAGE_TEXT)),
        **dict.fromkeys(("kosmos-2", "grounding-dino", "paligemma", "vilt"), (_IMAGE_TEXT,)),
        "layoutlmv3": ("image", _IMAGE_TEXT),
        "idefics": ("text", "image", _IMAGE_TEXT),
        **dict.fromkeys(
            [
                "hubert",
                "moonshine",
                "sew",
                "sew-d",
                "unispeech",
                "unispeech-sat",
                "wav2vec2",
                "wav2vec2-conformer",
                "wavlm",
                "whisper",
                "voxtral_realtime",
            ],
            ("audio", _AUDIO_TEXT),
        ),
    },
    "fill-mask": {"wav2vec2": ("audio",)},
    "text-generation": {"git": ("text", _IMAGE_TEXT), "whisper": ("text",)},
    "any-to-any": {
        "git": ("text", _IMAGE_TEXT),
        **dict.fromkeys(("blip", "blip-2", "kosmos-2", "paligemma"), (_IMAGE_TEXT,)),
        "voxtral_realtime": ("audio", _AUDIO_TEXT),
    },
}

#: Feature-extraction model types with a method per modality: methods, output read, feature written.
_METHOD_PER_MODALITY: dict[str, tuple[dict[Modality, str], str, str]] = {
    "blip": (
        {"text": "get_text_features", "image": "get_image_features", _IMAGE_TEXT: "get_multimodal_features"},
        "pooler_output",
        "sentence_embedding",
    ),
    "blip-2": (
        {"text": "get_text_features", "image": "get_image_features"},
        "last_hidden_state",
        "token_embeddings",
    ),
    "sam3": (
        {"text": "get_text_features", "image": "get_vision_features"},
        "last_hidden_state",
        "token_embeddings",
    ),
    "flava": ({"text": "get_text_features", "image": "get_image_features"}, "pooler_output", "token_embeddings"),
}

_PROCESSOR_PARTS: tuple[tuple[str, Modality], ...] = (
    ("tokenizer", "text"),
    ("image_processor", "image"),
    ("feature_extractor", "audio"),
    ("video_processor", "video"),
)


def default_modality_config(task: str) -> tuple[ModalityConfig, str]:
    """Return what a checkpoint means that was saved before modalities were written down: text alone (new dicts)."""
    spec = TASKS[task]
    modalities: tuple[Modality, ...] = ("text", "image") if task == "retrieval" else ("text",)
    return {name: _through_forward(spec.output_name) for name in modalities}, spec.feature_name


def infer_modality_config(model: Any, processor: Any, task: str) -> tuple[ModalityConfig, str]:
    """Judge a checkpoint that states no modalities.

    Args:
        model: The loaded backbone.
        processor: Its processor, tokenizer, image processor, feature extractor or video processor.
        task: A key of `TASKS`.

    Returns:
        The modality configuration (new dicts, never shared), and the name of the feature it produces.
    """
    special = _special_case(model, task)
    if special is not None:
        config, feature = special
        if getattr(processor, "chat_template", None) is not None and "message" not in config:
            config["message"] = dict(config.get("text") or _through_forward(TASKS[task].output_name))
        return config, feature

    modalities = list_processor_modalities(processor)
    spec = TASKS[task]
    output_fields = annotated_output_fields(model.forward)
    if output_fields is None or spec.output_name in output_fields:
        return {name: _through_forward(spec.output_name) for name in modalities}, spec.feature_name
    if task == "feature-extraction":
        by_method = _methods_by_modality(model, modalities)
        if by_method:
            return by_method, "sentence_embedding"
    return {name: _through_forward(spec.output_name) for name in modalities}, spec.feature_name


def list_processor_modalities(processor: Any) -> list[Modality]:
    """List what a processor can prepare, in the order text, image, audio, video, message."""
    if is_processor(processor):
        parts = set(processor.get_attributes())
        found: list[Modality] = [modality for part, modality in _PROCESSOR_PARTS if part in parts]
    else:
        found = _list_single(processor)
    if getattr(processor, "chat_template", None) is not None:
        found.append("message")
    return found


def _list_single(processor: Any) -> list[Modality]:
    """Say what a bare tokenizer, feature extractor, video or image processor prepares."""
    if isinstance(processor, PreTrainedTokenizerBase):
        return ["text"]
    # Imported here: both take seconds, which a model of text alone need not pay.
    from transformers import FeatureExtractionMixin
    from transformers.image_processing_utils import BaseImageProcessor

    if isinstance(processor, FeatureExtractionMixin):
        return ["audio"]
    if is_video_processor(processor):
        return ["video"]
    if isinstance(processor, BaseImageProcessor):
        return ["image"]
    logger.warning("Cannot tell what a %s prepares; the model has no input modality.", type(processor).__name__)
    return []


def is_video_processor(processor: Any) -> bool:
    """Tell whether `processor` is a `transformers` video processor."""
    return hasattr(processor, "sample_frames") and hasattr(processor, "fetch_videos")


def annotated_output_fields(method: Callable[..., Any]) -> set[str] | None:
    """Return the fields of the `ModelOutput` a method says it returns, or None if it does not say."""
    try:
        annotation = inspect.signature(method, eval_str=True).return_annotation
    except (NameError, TypeError, AttributeError):  # an annotation that names something not importable here
        return None
    candidates = get_args(annotation) or (annotation,)
    for candidate in candidates:
        if inspect.isclass(candidate) and issubclass(candidate, ModelOutput) and is_dataclass(candidate):
            return {field.name for field in fields(candidate)}
    return None


def read_modality_config(stored: Mapping[str, Any]) -> ModalityConfig:
    """Turn the stored form (`"image+text"`) into the one used in memory (`("image", "text")`), as written in order."""
    if not isinstance(stored, dict):
        raise CheckpointError(f"A checkpoint's modality_config must be a dict by modality, got {stored!r}.")
    config: ModalityConfig = {}
    for key, entry in stored.items():
        names = tuple(key.split("+"))
        unknown = [name for name in names if name not in MODALITY_TO_PROCESSOR_ARG]
        if unknown:
            logger.warning("Ignoring the unknown modality %r in modality_config.", key)
            continue
        config[names if len(names) > 1 else names[0]] = _checked_entry(key, entry)  # type: ignore[index]
    return config


def write_modality_config(config: ModalityConfig) -> dict[str, Any]:
    """Turn the form used in memory into the stored one."""
    return {key if isinstance(key, str) else "+".join(key): dict(entry) for key, entry in config.items()}


def check_modality_config(config: ModalityConfig, feature_name: str | None) -> None:
    """Raise CheckpointError unless a given configuration is complete."""
    if feature_name is None:
        raise CheckpointError(
            "A modality_config needs a module_output_name beside it: the name of the feature that this module makes, "
            'such as "token_embeddings" or "sentence_embedding".'
        )
    for modality, entry in config.items():
        _checked_entry(modality, entry)


def _checked_entry(modality: Any, entry: Any) -> dict[str, Any]:
    if not isinstance(entry, dict) or not isinstance(entry.get("method"), str) or "method_output_name" not in entry:
        raise CheckpointError(
            f"The modality_config entry of {modality!r} must be a dict with the keys 'method' and "
            f"'method_output_name', got {entry!r}."
        )
    if modality == "message" and entry.get("format", "auto") not in ("auto", "structured", "flat"):
        raise CheckpointError(f"The format of messages is 'auto', 'structured' or 'flat', not {entry['format']!r}.")
    return dict(entry)


def _through_forward(output_name: str) -> dict[str, Any]:
    return {"method": "forward", "method_output_name": output_name}


def _special_case(model: Any, task: str) -> tuple[ModalityConfig, str] | None:
    model_type = model.config.model_type
    spec = TASKS[task]
    modalities = _FORWARD_ONLY.get(task, {}).get(model_type)
    if modalities is not None:
        return {name: _through_forward(spec.output_name) for name in modalities}, spec.feature_name
    if task == "feature-extraction" and model_type in _METHOD_PER_MODALITY:
        methods, wanted, feature = _METHOD_PER_MODALITY[model_type]
        return {
            name: {"method": method, "method_output_name": _offered_output(model, method, wanted)}
            for name, method in methods.items()
        }, feature
    return None


def _methods_by_modality(model: nn.Module, modalities: list[Modality]) -> ModalityConfig:
    config: ModalityConfig = {}
    for name in modalities:
        method = f"get_{name}_features"
        if name != "message" and hasattr(model, method):
            config[name] = {"method": method, "method_output_name": _offered_output(model, method, "pooler_output")}
    return config


def _offered_output(model: nn.Module, method: str, wanted: str) -> str | None:
    """Return `wanted` if the method says that its output has that field, else None: the output itself is read."""
    offered = annotated_output_fields(getattr(model, method))
    return wanted if offered and wanted in offered else None
