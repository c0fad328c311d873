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
LEGACY = "sentence_transformers.models"

TRANSFORMER = f"{BASE}.transformer.Transformer"
DENSE = f"{BASE}.dense.Dense"
NORMALIZE = f"{BASE}.normalize.Normalize"
ROUTER = f"{BASE}.router.Router"
POOLING = f"{ENCODER}.pooling.Pooling"
STATIC = f"{ENCODER}.static_embedding.StaticEmbedding"

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
