"""Small causal rerankers of many networks, for tests of what pairs share, and the documents that try them.

`tests/tiny` holds those that are compared with the peer; these are here for what their networks do. Must not know how
work is shared.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers as tf
from peft import LoraConfig, get_peft_model

from sensorium import CrossEncoder
from sensorium.encoders import running, shared_steps
from sensorium.modules.sharing import scorer
from tests.compat.peer import load_our_reranker, quiet
from tests.tiny import chat_templates, layouts, media, tokenizers
from tests.tiny.corpus import SAMPLE_TEXTS, TRAINING_TEXT
from tests.tiny.rerankers import answering_tokenizer, find_answers
from tests.tiny.weights import make_model, randomise

TEXT_FAMILIES = ["qwen3_reranker", "qwen3_reranker_st", "qwen3_seq_cls", "llama_reranker"]
TEXT_NETWORKS = ["qwen2", "llama", "gemma", "mistral", "phi3"]
SEEING = ["qwen3_vl_reranker", "qwen2_vl_reranker", "qwen2_5_vl_reranker", "qwen2_5_omni_reranker"]
CAUSAL = [*TEXT_FAMILIES, *SEEING]

WORDS = " ".join(TRAINING_TEXT).split()
QUERIES = ("Where does the orchestra play?", "rain", "", " ".join(WORDS[:40]))
#: Among them texts that others begin with, that are a query, that differ in their last letter, and none at all.
DOCUMENTS = (
    "",
    "a",
    "rain",
    QUERIES[0],
    " ".join(WORDS[10:14]),
    " ".join(WORDS[10:20]),
    " ".join(WORDS[10:21]),
    " ".join(WORDS[10:21]) + "s",
    " ".join(WORDS[30:90]),
    "\n\n 雨 🌧 ",
)


def _make_sides() -> dict[str, Any]:
    images = [media.make_image(1), media.make_image(2, 33, 64), media.make_image(3, 96, 48)]
    return {
        "text": QUERIES[0],
        "empty": "",
        "long": DOCUMENTS[8],
        "image": images[0],
        "image again": media.make_image(1),
        "second image": images[1],
        "third image": images[2],
        "clip": media.make_clip(2),
        "bare clip": media.make_frames(3, 5),
        "image with text": {"image": images[1], "text": SAMPLE_TEXTS[0]},
        "text with image": {"text": SAMPLE_TEXTS[0], "image": images[1]},
        "album": {"image": [images[2], images[0], images[2]], "text": "three"},
        "image and clip": {"image": images[0], "video": media.make_clip(2), "text": "both"},
        "sound": media.make_wave(0),
        "short sound": {"array": media.make_wave(1, 0.35, 8000), "sampling_rate": 8000},
        "image and sound": {"image": images[0], "audio": media.make_wave(0)},
    }


#: Sides of pairs, some of them equal and not the same.
SIDES = _make_sides()

_SPECIALS = ("<|im_start|>", "<|im_end|>", "<think>", "</think>")
_DIM = 32


def ask(query: Any, documents: Any) -> list[Any]:
    """Pair a query with each document."""
    return [(query, document) for document in documents]


def make_tokenizer(max_length: int = 512, template: str = chat_templates.QWEN3_RERANKER) -> Any:
    """Return a tokenizer whose chat template carries a pair."""
    tokenizer = answering_tokenizer(tokenizers.qwen_tokenizer(_SPECIALS, max_length=max_length))
    tokenizer.chat_template = template
    return tokenizer


def _sizes(tokenizer: Any, **more: Any) -> dict[str, Any]:
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": _DIM,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "max_position_embeddings": 512,
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.eos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "tie_word_embeddings": False,
        **more,
    }


_NARROW = {"n_embd": _DIM, "n_layer": 2, "n_head": 4, "n_positions": 512}

#: Name -> configuration class, class of the network, and what its configuration is given beside the usual sizes.
NETWORKS: Mapping[str, tuple[Any, Any, Mapping[str, Any]]] = {
    "qwen3": (tf.Qwen3Config, tf.Qwen3ForCausalLM, {}),
    "qwen2": (tf.Qwen2Config, tf.Qwen2ForCausalLM, {"use_sliding_window": False, "sliding_window": 8}),
    "llama": (tf.LlamaConfig, tf.LlamaForCausalLM, {"tie_word_embeddings": True}),
    "gemma": (tf.GemmaConfig, tf.GemmaForCausalLM, {"num_key_value_heads": 1}),
    "mistral": (tf.MistralConfig, tf.MistralForCausalLM, {"sliding_window": None}),
    "phi3": (tf.Phi3Config, tf.Phi3ForCausalLM, {}),
    "mistral_window": (tf.MistralConfig, tf.MistralForCausalLM, {"sliding_window": 8}),
    "gemma2": (tf.Gemma2Config, tf.Gemma2ForCausalLM, {"sliding_window": 8, "query_pre_attn_scalar": 8}),
    "granite": (tf.GraniteConfig, tf.GraniteForCausalLM, {"logits_scaling": 4.0, "embedding_multiplier": 3.0}),
    "cohere": (tf.CohereConfig, tf.CohereForCausalLM, {"logit_scale": 0.25}),
    "opt": (tf.OPTConfig, tf.OPTForCausalLM, {"ffn_dim": 48, "word_embed_proj_dim": _DIM}),
    "gpt2": (tf.GPT2Config, tf.GPT2LMHeadModel, _NARROW),
    "bloom": (tf.BloomConfig, tf.BloomForCausalLM, {"n_layer": 2, "n_head": 4}),
}


def build_network(folder: Path, name: str, **more: Any) -> Path:
    """Write a reranker of one of `NETWORKS`; `more` goes to its configuration."""
    make_config, network, own = NETWORKS[name]
    tokenizer = make_tokenizer()
    config = make_config(**{**_sizes(tokenizer), **own, **more})
    return save_answerer(folder, lambda: network(config), tokenizer)


def save_answerer(folder: Path, factory: Callable[[], Any], tokenizer: Any) -> Path:
    """Write a network, its tokenizer, and `LogitScore` over yes and no."""
    make_model(factory, 0, 1.5).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    layouts.write_answer_reranker(folder, "text-generation", find_answers(tokenizer), message_format="flat")
    return folder


def add_adapter(model: CrossEncoder, targets: Sequence[str] = ("q_proj", "v_proj")) -> CrossEncoder:
    """Put a LoRA adapter over a reranker's network, with weights that make a difference."""
    lora = LoraConfig(r=4, lora_alpha=8, target_modules=list(targets), task_type="CAUSAL_LM")
    with quiet():
        network = get_peft_model(model[0].model, lora)
    adapter = {name.replace(".", "/"): weight for name, weight in network.named_parameters() if "lora_" in name}
    randomise(torch.nn.ParameterDict(adapter), 1)
    model[0].model = network.eval()
    return model


def forget_logits_to_keep(model: CrossEncoder) -> CrossEncoder:
    """Give a text network a `forward` as those of older releases have it: logits of all positions."""
    network: Any = model[0].model

    class Older(type(network)):  # type: ignore[misc]
        def forward(self, input_ids: Any = None, attention_mask: Any = None, return_dict: Any = None) -> Any:
            return super().forward(input_ids=input_ids, attention_mask=attention_mask)

    network.__class__ = Older
    return model


def load(folder: Path, **kwargs: Any) -> CrossEncoder:
    """Load a reranker whose scores are not squeezed by an activation."""
    model: CrossEncoder = load_our_reranker(folder, activation_fn=torch.nn.Identity(), **kwargs)
    return model


@contextlib.contextmanager
def small_parts(row_tokens: int = 24, token_budget: int = 160, least_saving: int = 1) -> Iterator[None]:
    """Make calls over short texts go through many rows, chunks and batches, and share whatever there is to share."""
    with contextlib.ExitStack() as stack:
        for owner, name, value in (
            (running, "CPU_TOKEN_BUDGET", token_budget),
            (scorer, "ROW_TOKENS", row_tokens),
            (shared_steps, "_LEAST_SAVING", {"cpu": least_saving}),
        ):
            stack.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, value)
        yield


def score_alone(model: CrossEncoder, pairs: Sequence[Any], **kwargs: Any) -> np.ndarray:
    """Score each pair from nothing, in a call of its own."""
    return np.array([model.predict([pair], shared=False, batch_size=1, **kwargs)[0] for pair in pairs])


def assert_shared_is_plain(model: CrossEncoder, pairs: Sequence[Any], tolerance: float = 1e-4, **kwargs: Any) -> Any:
    """Hold the shared way to each pair by itself; returns the scores."""
    batch_size = kwargs.pop("batch_size", 32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = model.predict(list(pairs), batch_size=batch_size, **kwargs)
    wanted = score_alone(model, pairs, **kwargs)
    assert np.isfinite(wanted).all()
    np.testing.assert_allclose(scores, wanted, rtol=0, atol=tolerance)
    return scores
