"""What is known of models: a table of those worth naming, and what a checkpoint's own files say that it takes.

No model is loaded and no hub is asked. Must not know how facts are printed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from sensorium.errors import CheckpointError
from sensorium.hub.builtin import BUILTIN_ID, builtin_model
from sensorium.hub.checkpoint import Checkpoint


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model to use.

    Attributes:
        name: On the hub.
        role: `"vectors"` or `"reranking"`.
        takes: Its modalities.
        memory: What its weights need: parameters times their width.
        extras: What must be installed for all that it takes.
    """

    name: str
    role: str
    takes: str
    memory: str
    extras: str


_VISION = "image,video"
#: The table of the project's README, and rerankers of the families in the guides.
KNOWN_MODELS: tuple[KnownModel, ...] = (
    KnownModel(
        BUILTIN_ID, "vectors", "text, pictograms, spoken words, clips of pictograms", "0.1 GB", "mini,audio,video"
    ),
    KnownModel("Qwen/Qwen3-VL-Embedding-2B", "vectors", "text, image, pages, video, mixed", "4.3 GB", _VISION),
    KnownModel("Qwen/Qwen3-VL-Embedding-8B", "vectors", "text, image, pages, video, mixed", "17 GB", _VISION),
    KnownModel("google/embeddinggemma-2", "vectors", "text, image, audio, video, mixed", "1.5 GB", "image,audio,video"),
    KnownModel("google/siglip2-base-patch16-224", "vectors", "text, image; video by its frames", "1.5 GB", _VISION),
    KnownModel("laion/clap-htsat-unfused", "vectors", "text, audio", "0.6 GB", "audio"),
    KnownModel("Qwen/Qwen3-VL-Reranker-2B", "reranking", "text, image, video, mixed", "4.3 GB", _VISION),
)

_MODALITIES = ("text", "image", "audio", "video")
#: Beginnings of `model_type` -> what a model of the family takes; the longest that fits counts.
_FAMILIES: dict[str, tuple[str, ...]] = {
    "clip": ("text", "image"),
    "siglip": ("text", "image"),
    "clap": ("text", "audio"),
    "whisper": ("audio",),
    "qwen2_vl": ("text", "image", "video"),
    "qwen2_5_vl": ("text", "image", "video"),
    "qwen3_vl": ("text", "image", "video"),
    "qwen2_5_omni": _MODALITIES,
    "embeddinggemma2": _MODALITIES,
    "gemma3n": _MODALITIES,
}
_PROCESSOR_FILES = ("processor_config.json", "preprocessor_config.json")


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a checkpoint's files say.

    Attributes:
        name: As asked for.
        folder: Where its files are, or None if that cannot be told.
        kind: `"vectors"` or `"reranking"`.
        model_type: Of its network; empty if it has none.
        takes: Modalities, in the usual order; empty if they cannot be told without loading it.
        prompts: Names of its prompts.
        weight_bytes: Of its files of weights.
    """

    name: str
    folder: str | None
    kind: str
    model_type: str
    takes: tuple[str, ...]
    prompts: tuple[str, ...]
    weight_bytes: int


def read_facts(name: str) -> ModelFacts:
    """Read what a model takes from its files, in a folder or the hub's local cache.

    Raises:
        ModelNotFoundError: They are not on this machine.
        CheckpointError: One of them is malformed.
    """
    checkpoint = Checkpoint(builtin_model() if name == BUILTIN_ID else name, local_files_only=True)
    checkpoint.check_present()
    module_path = _first_module(checkpoint)
    config = _read(checkpoint, module_path, "config.json")
    shared = _read(checkpoint, "", "config_sentence_transformers.json")
    model_type = str(config.get("model_type", ""))
    is_reranker = shared.get("model_type") == "CrossEncoder" or _is_classifier(config)
    folder = checkpoint.find_folder()
    return ModelFacts(
        name=name,
        folder=None if folder is None else os.fspath(folder),
        kind="reranking" if is_reranker else "vectors",
        model_type=model_type,
        takes=_read_modalities(checkpoint, module_path, model_type, shared),
        prompts=tuple(map(str, shared.get("prompts") or ())),
        weight_bytes=0 if folder is None else _measure_weights(os.fspath(folder)),
    )


def _read(checkpoint: Checkpoint, *parts: str) -> dict[str, Any]:
    names = [part for part in parts if part]
    return checkpoint.read_json(*names) if checkpoint.find_file(*names) is not None else {}


def _first_module(checkpoint: Checkpoint) -> str:
    if checkpoint.find_file("modules.json") is None:
        return ""
    modules = checkpoint.read_json_list("modules.json")
    first = modules[0] if modules else {}
    if not isinstance(first, dict) or not isinstance(first.get("path", ""), str):
        raise CheckpointError(f"The modules.json of {checkpoint.name_or_path!r} is malformed.")
    return str(first.get("path", ""))


def _is_classifier(config: dict[str, Any]) -> bool:
    return any(str(one).endswith("ForSequenceClassification") for one in config.get("architectures") or ())


def _read_modalities(checkpoint: Checkpoint, path: str, model_type: str, shared: dict[str, Any]) -> tuple[str, ...]:
    """Take what the files state outright; else what the family is known for; else text, if there is a tokenizer."""
    stated = set(_read(checkpoint, path, "sentence_bert_config.json").get("modality_config") or ())
    stated |= set(_read(checkpoint, path, "router_config.json").get("structure") or ())
    found = {modality for entry in stated for modality in _MODALITIES if modality in str(entry)}
    if not found:
        fitting = [family for family in _FAMILIES if model_type.replace("-", "_").startswith(family)]
        has_processor = any(checkpoint.find_file(*filter(None, (path, name))) for name in _PROCESSOR_FILES)
        if fitting:
            found = set(_FAMILIES[max(fitting, key=len)])
        elif not has_processor:
            found = {"text"}
    if shared.get("video_as_frames") and "image" in found:
        found.add("video")
    return tuple(modality for modality in _MODALITIES if modality in found)


def _measure_weights(folder: str) -> int:
    total = 0
    for inside, _, names in os.walk(folder):
        for name in names:
            if name.endswith((".safetensors", ".bin", ".pt")):
                total += os.stat(os.path.join(inside, name)).st_size
    return total
