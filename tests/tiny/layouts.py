"""The files that a Sentence Transformers checkpoint adds to a plain one: `modules.json` and the folders it names.

Written by hand, not with the peer, so that they look as published checkpoints do, old spellings included. Must not know
about model families.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

BASE = "sentence_transformers.base.modules"
ENCODER = "sentence_transformers.sentence_transformer.modules"
RERANKER = "sentence_transformers.cross_encoder.modules"
LEGACY = "sentence_transformers.models"

TRANSFORMER = f"{BASE}.transformer.Transformer"
DENSE = f"{BASE}.dense.Dense"
NORMALIZE = f"{BASE}.normalize.Normalize"
ROUTER = f"{BASE}.router.Router"
POOLING = f"{ENCODER}.pooling.Pooling"
STATIC = f"{ENCODER}.static_embedding.StaticEmbedding"
LOGIT_SCORE = f"{RERANKER}.logit_score.LogitScore"

IDENTITY = "torch.nn.modules.linear.Identity"
RELU = "torch.nn.modules.activation.ReLU"
SIGMOID = "torch.nn.modules.activation.Sigmoid"

_LEGACY_POOLING_KEYS = {
    "cls": "pooling_mode_cls_token",
    "mean": "pooling_mode_mean_tokens",
    "max": "pooling_mode_max_tokens",
    "mean_sqrt_len_tokens": "pooling_mode_mean_sqrt_len_tokens",
    "weightedmean": "pooling_mode_weightedmean_tokens",
    "lasttoken": "pooling_mode_lasttoken",
}


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON, making the folder if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def write_modules(folder: Path, modules: Sequence[tuple[str, str]]) -> None:
    """Write `modules.json` from `(path, type)` pairs in order."""
    entries = [{"idx": i, "name": str(i), "path": path, "type": kind} for i, (path, kind) in enumerate(modules)]
    write_json(folder / "modules.json", entries)


def write_model_config(
    folder: Path,
    *,
    prompts: Mapping[str, str] | None = None,
    default_prompt_name: str | None = None,
    similarity_fn_name: str | None = "cosine",
    **more: Any,
) -> None:
    """Write `config_sentence_transformers.json`."""
    config = {
        "__version__": {"sentence_transformers": "5.4.0", "transformers": "5.0.0", "pytorch": "2.8.0"},
        "model_type": "SentenceTransformer",
        "prompts": {"query": "", "document": "", **(prompts or {})},
        "default_prompt_name": default_prompt_name,
        "similarity_fn_name": similarity_fn_name,
        **more,
    }
    write_json(folder / "config_sentence_transformers.json", config)


def write_pooling(folder: Path, dim: int, mode: str | list[str], *, is_legacy: bool = False, **more: Any) -> None:
    """Write a `Pooling` folder, with today's keys or with the boolean keys of versions before 5.4."""
    if is_legacy:
        modes = [mode] if isinstance(mode, str) else mode
        config: dict[str, Any] = {"word_embedding_dimension": dim}
        config |= {key: name in modes for name, key in _LEGACY_POOLING_KEYS.items()}
    else:
        config = {"embedding_dimension": dim, "pooling_mode": mode, "include_prompt": True}
    write_json(folder / "config.json", {**config, **more})


def write_dense(
    folder: Path,
    in_features: int,
    out_features: int,
    seed: int,
    *,
    activation: str = "torch.nn.modules.activation.Tanh",
    bias: bool = True,
    weights_name: str = "model.safetensors",
    **more: Any,
) -> None:
    """Write a `Dense` folder with random weights, as safetensors or (`"pytorch_model.bin"`) as a pickled state."""
    config = {"in_features": in_features, "out_features": out_features, "bias": bias, "activation_function": activation}
    write_json(folder / "config.json", {**config, **more})
    generator = torch.Generator().manual_seed(seed)
    state = {"linear.weight": torch.randn(out_features, in_features, generator=generator) / in_features**0.5}
    if bias:
        state["linear.bias"] = torch.randn(out_features, generator=generator) * 0.1
    if weights_name.endswith(".bin"):
        torch.save(state, folder / weights_name)
    else:
        save_file(state, folder / weights_name)


def write_token_pipeline(
    folder: Path,
    dim: int,
    mode: str | list[str],
    *,
    max_seq_length: int | None = None,
    is_legacy: bool = False,
    is_normalized: bool = True,
    prompts: Mapping[str, str] | None = None,
) -> None:
    """Turn a plain checkpoint folder into Transformer + Pooling (+ Normalize)."""
    names = [("", "Transformer"), ("1_Pooling", "Pooling")] + ([("2_Normalize", "Normalize")] if is_normalized else [])
    kinds = {"Transformer": TRANSFORMER, "Pooling": POOLING, "Normalize": NORMALIZE}
    write_modules(folder, [(path, f"{LEGACY}.{name}" if is_legacy else kinds[name]) for path, name in names])
    write_pooling(folder / "1_Pooling", dim, mode, is_legacy=is_legacy)
    if max_seq_length is not None:
        write_json(folder / "sentence_bert_config.json", {"max_seq_length": max_seq_length, "do_lower_case": False})
    write_model_config(folder, prompts=prompts)


def add_to_config(folder: Path, **more: Any) -> None:
    """Add keys to the network's own `config.json`, where rerankers kept theirs before they had `modules.json`."""
    path = folder / "config.json"
    write_json(path, {**json.loads(path.read_text(encoding="utf-8")), **more})


def write_reranker_config(
    folder: Path,
    *,
    activation_fn: str = SIGMOID,
    prompts: Mapping[str, str] | None = None,
    default_prompt_name: str | None = None,
) -> None:
    """Write `config_sentence_transformers.json` of a reranker: it names an activation, and no similarity."""
    config = {
        "__version__": {"sentence_transformers": "5.4.0", "transformers": "5.0.0", "pytorch": "2.8.0"},
        "activation_fn": activation_fn,
        "default_prompt_name": default_prompt_name,
        "model_type": "CrossEncoder",
        "prompts": dict(prompts or {}),
    }
    write_json(folder / "config_sentence_transformers.json", config)


def write_classifier(folder: Path, *, activation_fn: str = SIGMOID) -> None:
    """Turn a plain sequence classifier into a reranker of one module, whose logits are the scores."""
    write_modules(folder, [("", TRANSFORMER)])
    text = {"method": "forward", "method_output_name": "logits"}
    config = {
        "transformer_task": "sequence-classification",
        "modality_config": {"text": text},
        "module_output_name": "scores",
    }
    write_json(folder / "sentence_bert_config.json", config)
    write_reranker_config(folder, activation_fn=activation_fn)


def write_answer_reranker(
    folder: Path,
    task: str,
    answers: tuple[int, int],
    *,
    message_format: str,
    media: Sequence[str] = (),
    processing_kwargs: Mapping[str, Any] | None = None,
    unpad_inputs: bool | None = None,
    prompts: Mapping[str, str] | None = None,
    default_prompt_name: str | None = None,
) -> None:
    """Turn a plain generating model into Transformer + `LogitScore`, which compares the logits of two tokens.

    Args:
        folder: The plain checkpoint.
        task: `"text-generation"` or `"any-to-any"`.
        answers: Ids of the tokens that mean yes and no.
        message_format: `"flat"` (contents are strings) or `"structured"` (contents are lists of typed items).
        media: Modalities besides text and message.
        processing_kwargs: What the processor and the chat template are to be called with. unpad_inputs: Written if
            given.
        prompts: Name -> instruction. default_prompt_name: Which of them is used without being asked for.
    """
    forward = {"method": "forward", "method_output_name": "logits"}
    config: dict[str, Any] = {
        "transformer_task": task,
        "modality_config": {
            **{name: dict(forward) for name in ("text", *media)},
            "message": {**forward, "format": message_format},
        },
        "module_output_name": "causal_logits",
    }
    if processing_kwargs:
        config["processing_kwargs"] = dict(processing_kwargs)
    if unpad_inputs is not None:
        config["unpad_inputs"] = unpad_inputs
    write_json(folder / "sentence_bert_config.json", config)
    write_modules(folder, [("", TRANSFORMER), ("1_LogitScore", LOGIT_SCORE)])
    yes, no = answers
    score = {"true_token_id": yes, "false_token_id": no, "module_input_name": "causal_logits"}
    write_json(folder / "1_LogitScore" / "config.json", score)
    write_reranker_config(folder, prompts=prompts, default_prompt_name=default_prompt_name)
