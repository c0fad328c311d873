"""The table of small checkpoints: how each is built, what to feed it, and what the peer makes of it.

The peer is sentence-transformers, the library whose interface this one shares. `test_tiny.py` holds every claim made
here to what the peer really does. Must not know this library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.tiny import composed, dual, omni, samples, text, vision_language
from tests.tiny.samples import SampleMaker


@dataclass(frozen=True)
class Family:
    """One small checkpoint.

    Attributes:
        name: What `tiny(name)` takes. build: Writes the checkpoint into a folder, from a seed. samples: Modality ->
        maker of inputs in a form that both libraries take. Mixed inputs are keyed as `"image+text"`;
            what follows a colon tells further forms of one modality apart (`"audio:pair"`).
        dim: Length of a vector.
        peer_errors: Key of `samples` -> part of the error's text, where the peer loads the checkpoint and cannot
            encode that.
        peer_random: Keys of `samples` for which the peer gives other vectors on another call, or after loading again.
        peer_mixes: Keys of `samples` for which the peer's vector depends on what else is in the batch.
        notes: What is peculiar to the peer with this checkpoint, in a sentence or two.
    """

    name: str
    build: Callable[..., Path]
    samples: Mapping[str, SampleMaker]
    dim: int
    peer_errors: Mapping[str, str] = field(default_factory=dict)
    peer_random: frozenset[str] = frozenset()
    peer_mixes: frozenset[str] = frozenset()
    notes: str = ""

    @property
    def modalities(self) -> tuple[str, ...]:
        """What the checkpoint takes: the names before the colons, each once."""
        return tuple(dict.fromkeys(key.partition(":")[0] for key in self.samples))


_TEXT: Mapping[str, SampleMaker] = {"text": samples.texts}
_SEEING: Mapping[str, SampleMaker] = {
    "text": samples.texts,
    "image": samples.images,
    "video": samples.clips,
    "image+text": samples.pictures_with_text,
    "text+video": samples.clips_with_text,
    "message": samples.conversations,
}
_CLIP: Mapping[str, SampleMaker] = {"text": samples.texts, "image": samples.images}

TEXT_FAMILIES: tuple[Family, ...] = (
    Family("bert", text.build_bert, _TEXT, 32),
    Family("roberta", text.build_roberta, _TEXT, 32),
    Family("xlm_roberta", text.build_xlm_roberta, _TEXT, 32),
    Family("mpnet", text.build_mpnet, _TEXT, 32),
    Family("modernbert", text.build_modernbert, _TEXT, 32),
    Family("t5", text.build_t5, _TEXT, 24),
    Family("t5_full", text.build_t5_full, _TEXT, 32),
    Family("qwen3", text.build_qwen3, _TEXT, 32),
    Family("qwen3_plain", text.build_qwen3_plain, _TEXT, 32),
    Family("qwen3_chat", text.build_qwen3_chat, {"text": samples.texts, "message": samples.text_conversations}, 32),
    Family("gemma", text.build_gemma, _TEXT, 32),
    Family(
        "bert_lora",
        text.build_bert_lora,
        _TEXT,
        32,
        notes="Loading any adapter raises a FutureWarning, `is_gradient_checkpointing` is deprecated, in transformers.",
    ),
    Family("qwen3_lora", text.build_qwen3_lora, _TEXT, 32, notes="Warns as bert_lora does."),
)

DUAL_FAMILIES: tuple[Family, ...] = (
    Family("clip", dual.build_clip, _CLIP, 32),
    Family("clip_legacy", dual.build_clip_legacy, _CLIP, 32),
    Family(
        "siglip",
        dual.build_siglip,
        _CLIP,
        32,
        peer_mixes=frozenset({"text"}),
        notes='Texts are comparable under processing_kwargs={"text": {"padding": "max_length"}} on both sides.',
    ),
    Family("siglip2", dual.build_siglip2, _CLIP, 32, peer_mixes=frozenset({"text"}), notes="As siglip."),
    Family(
        "clap",
        dual.build_clap,
        {"text": samples.texts, "audio": samples.sounds_at(48_000), "audio:long": samples.sounds_at(48_000, 1.0)},
        32,
        peer_random=frozenset({"audio:long"}),
        notes="Sounds must come at 48,000 Hz; those longer than 1 second are cropped at random.",
    ),
    Family(
        "clap_fused",
        dual.build_clap_fused,
        {"text": samples.texts, "audio": samples.sounds_at(48_000)},
        32,
        peer_random=frozenset({"audio"}),
        peer_mixes=frozenset({"audio"}),
        notes="One sound of a batch, drawn at random, is treated as longer than the window.",
    ),
)

SEEING_FAMILIES: tuple[Family, ...] = (
    Family("qwen2_vl", vision_language.build_qwen2_vl, _SEEING, 64),
    Family("qwen2_5_vl", vision_language.build_qwen2_5_vl, _SEEING, 64),
    Family("qwen3_vl", vision_language.build_qwen3_vl, _SEEING, 64),
)

HEARING_FAMILIES: tuple[Family, ...] = (
    Family(
        "qwen2_5_omni",
        omni.build_qwen2_5_omni,
        {**_SEEING, "audio": samples.sounds_at(16_000), "audio+text": samples.sounds_with_text},
        64,
    ),
    Family(
        "embedding_gemma2",
        omni.build_embedding_gemma2,
        {
            **_SEEING,
            "video": samples.slow_clips,
            "audio": samples.sounds_at(16_000),
            "audio+text": samples.sounds_with_text,
            "audio+image": samples.sounds_with_pictures,
        },
        64,
    ),
    Family("whisper", composed.build_whisper, {"audio": samples.sounds_at(16_000)}, 32),
    Family(
        "whisper_full",
        composed.build_whisper_full,
        {"audio": samples.sounds_at(16_000)},
        32,
        peer_random=frozenset({"audio"}),
        notes="The peer finds none of the encoder's weights and goes on with random ones.",
    ),
)

COMPOSED_FAMILIES: tuple[Family, ...] = (
    Family(
        "router",
        composed.build_router,
        {
            "text": samples.texts,
            "image": samples.images,
            "audio": samples.named_sounds,
            "audio:bare": samples.sounds_at(16_000),
        },
        24,
        peer_errors={"audio:bare": "ValueError: You cannot pass a list of dictionaries with different task types."},
        notes="The peer's router reads an array with its rate as `{task: text}`; naming the modality avoids that.",
    ),
    Family("router_query_document", composed.build_router_query_document, _TEXT, 32),
    Family("asym", composed.build_asym, {"text": samples.texts, "text:task": samples.texts_by_task}, 32),
    Family("static", composed.build_static, _TEXT, 32),
    Family("model2vec", composed.build_model2vec, _TEXT, 32),
    Family("model2vec_quantized", composed.build_model2vec_quantized, _TEXT, 32),
    Family("layers", composed.build_layers, _TEXT, 24),
    Family("word_weights", composed.build_word_weights, _TEXT, 32),
    Family(
        "cnn",
        composed.build_cnn,
        _TEXT,
        32,
        peer_mixes=frozenset({"text"}),
        notes="Convolutions see the padding, the first word's vector, so the last positions of short texts differ.",
    ),
    Family("lstm", composed.build_lstm, _TEXT, 32),
    Family("bow", composed.build_bow, _TEXT, 24),
)

FAMILIES: tuple[Family, ...] = (
    *TEXT_FAMILIES,
    *DUAL_FAMILIES,
    *SEEING_FAMILIES,
    *HEARING_FAMILIES,
    *COMPOSED_FAMILIES,
)

BY_NAME: Mapping[str, Family] = {family.name: family for family in FAMILIES}
