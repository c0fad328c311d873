"""Small text checkpoints: encoders, a T5 encoder, a Qwen3 decoder, a Gemma encoder, and LoRA adapters over them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import (
    AutoModel,
    BertConfig,
    BertModel,
    Gemma3TextConfig,
    Gemma3TextModel,
    ModernBertConfig,
    ModernBertModel,
    MPNetConfig,
    MPNetModel,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Qwen3Config,
    Qwen3ForCausalLM,
    Qwen3Model,
    RobertaConfig,
    RobertaModel,
    T5Config,
    T5EncoderModel,
    T5ForConditionalGeneration,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from tests.tiny import chat_templates, layouts, tokenizers
from tests.tiny.weights import make_model, randomise

DIM = 32
#: Sizes that the encoders share, as `transformers` spells them.
ENCODER = {
    "hidden_size": DIM,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}


def save_plain(
    folder: Path,
    factory: Callable[[], PreTrainedModel],
    tokenizer: PreTrainedTokenizerBase,
    seed: int,
    gain: float = 1.0,
) -> Path:
    """Write a network with weights from `seed` and its tokenizer, as a plain checkpoint; returns the folder."""
    make_model(factory, seed, gain).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def bert_config(tokenizer: PreTrainedTokenizerBase, **more: Any) -> BertConfig:
    """BERT over the vocabulary of `tokenizer`, for at most 64 tokens."""
    return BertConfig(vocab_size=len(tokenizer), max_position_embeddings=64, **ENCODER, **more)


def build_bert(folder: Path, seed: int = 0) -> Path:
    """BERT as a plain checkpoint, without `modules.json`: the libraries add mean pooling."""
    tokenizer = tokenizers.bert_tokenizer()
    config = bert_config(tokenizer)
    return save_plain(folder, lambda: BertModel(config), tokenizer, seed)


def build_roberta(folder: Path, seed: int = 0) -> Path:
    """RoBERTa with mean pooling and normalising, in the layout of versions 2 to 5.3 (boolean pooling keys).

    Positions start at 2, so a table of 64 takes 62 tokens.
    """
    tokenizer = tokenizers.roberta_tokenizer()
    config = RobertaConfig(
        vocab_size=len(tokenizer),
        max_position_embeddings=64,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        **ENCODER,
    )
    save_plain(folder, lambda: RobertaModel(config), tokenizer, seed)
    layouts.write_token_pipeline(folder, DIM, "mean", max_seq_length=40, is_legacy=True)
    return folder


def build_xlm_roberta(folder: Path, seed: int = 0) -> Path:
    """XLM-R in the layout of the E5 models: mean pooling, normalising, and "query: " and "passage: " prompts."""
    tokenizer = tokenizers.xlm_roberta_tokenizer()
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        max_position_embeddings=64,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        **ENCODER,
    )
    save_plain(folder, lambda: XLMRobertaModel(config), tokenizer, seed)
    prompts = {"query": "query: ", "passage": "passage: "}
    layouts.write_token_pipeline(folder, DIM, "mean", max_seq_length=62, prompts=prompts)
    return folder


def build_mpnet(folder: Path, seed: int = 0) -> Path:
    """MPNet in the layout of all-mpnet-base-v2: mean pooling, normalising, `max_seq_length` below the model's own."""
    tokenizer = tokenizers.mpnet_tokenizer()
    config = MPNetConfig(vocab_size=len(tokenizer), max_position_embeddings=66, pad_token_id=1, **ENCODER)
    save_plain(folder, lambda: MPNetModel(config), tokenizer, seed)
    layouts.write_token_pipeline(folder, DIM, "mean", max_seq_length=24, is_legacy=True)
    return folder


def modernbert_config(tokenizer: PreTrainedTokenizerBase, **more: Any) -> ModernBertConfig:
    """ModernBERT over the vocabulary of `tokenizer`: local and global attention take turns, for at most 128 tokens."""
    return ModernBertConfig(
        vocab_size=len(tokenizer),
        max_position_embeddings=128,
        local_attention=8,
        global_attn_every_n_layers=2,
        pad_token_id=tokenizer.pad_token_id,
        cls_token_id=tokenizer.cls_token_id,
        bos_token_id=tokenizer.cls_token_id,
        sep_token_id=tokenizer.sep_token_id,
        eos_token_id=tokenizer.sep_token_id,
        **ENCODER,
        **more,
    )


def build_modernbert(folder: Path, seed: int = 0) -> Path:
    """ModernBERT with CLS pooling: alternating local and global attention, rotary positions, no token types."""
    tokenizer = tokenizers.modernbert_tokenizer()
    config = modernbert_config(tokenizer)
    save_plain(folder, lambda: ModernBertModel(config), tokenizer, seed)
    layouts.write_token_pipeline(folder, DIM, "cls", is_normalized=False)
    return folder


def _t5_config(vocab_size: int) -> T5Config:
    return T5Config(
        vocab_size=vocab_size,
        d_model=DIM,
        d_kv=16,
        d_ff=64,
        num_layers=2,
        num_heads=2,
        relative_attention_num_buckets=8,
        feed_forward_proj="gated-gelu",
        decoder_start_token_id=0,
    )


def build_t5(folder: Path, seed: int = 0) -> Path:
    """T5 encoder in the layout of sentence-t5: mean pooling, normalising, and between them a linear Dense, pickled."""
    tokenizer = tokenizers.t5_tokenizer()
    config = _t5_config(len(tokenizer))
    save_plain(folder, lambda: T5EncoderModel(config), tokenizer, seed)
    names = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Dense", "Dense"), ("3_Normalize", "Normalize")]
    layouts.write_modules(folder, [(path, f"{layouts.LEGACY}.{name}") for path, name in names])
    layouts.write_json(folder / "sentence_bert_config.json", {"max_seq_length": 48, "do_lower_case": False})
    layouts.write_pooling(folder / "1_Pooling", DIM, "mean", is_legacy=True)
    layouts.write_dense(
        folder / "2_Dense",
        DIM,
        24,
        seed,
        activation="torch.nn.modules.linear.Identity",
        bias=False,
        weights_name="pytorch_model.bin",
    )
    layouts.write_model_config(folder)
    return folder


def build_t5_full(folder: Path, seed: int = 0) -> Path:
    """A whole T5, decoder included, as a plain checkpoint: only the encoder is to be loaded."""
    tokenizer = tokenizers.t5_tokenizer()
    config = _t5_config(len(tokenizer))
    return save_plain(folder, lambda: T5ForConditionalGeneration(config), tokenizer, seed)


def qwen3_config(tokenizer: PreTrainedTokenizerBase, **more: Any) -> Qwen3Config:
    """Qwen3 over the vocabulary of `tokenizer`, for at most 256 tokens, with a tied head; `more` overrides."""
    sizes: dict[str, Any] = {
        "hidden_size": DIM,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 16,
        "max_position_embeddings": 256,
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "tie_word_embeddings": True,
    }
    return Qwen3Config(vocab_size=len(tokenizer), **{**sizes, **more})


def build_qwen3(folder: Path, seed: int = 0) -> Path:
    """Qwen3 in the layout of Qwen3-Embedding: last-token pooling, normalising, a query prompt, padding on the left.

    The tokenizer closes each text with `<|endoftext|>`, whose state is pooled. The tokenizer carries a chat template
    that the layout does not use, for `sentence_bert_config.json` names no message modality.
    """
    tokenizer = tokenizers.qwen_tokenizer(("<|im_start|>", "<|im_end|>"), ends_text=True, max_length=128)
    tokenizer.chat_template = chat_templates.QWEN_TEXT
    config = qwen3_config(tokenizer)
    save_plain(folder, lambda: Qwen3Model(config), tokenizer, seed)
    query = "Instruct: Given a question, find passages that answer it\nQuery:"
    layouts.write_token_pipeline(folder, DIM, "lasttoken", max_seq_length=96, prompts={"query": query})
    return folder


def build_qwen3_plain(folder: Path, seed: int = 0) -> Path:
    """Qwen3 as a plain causal checkpoint without `modules.json`: the libraries add last-token pooling.

    No chat template; with one, the libraries would render every text as a conversation.
    """
    tokenizer = tokenizers.qwen_tokenizer(("<|im_start|>", "<|im_end|>"), ends_text=True, max_length=128)
    config = qwen3_config(tokenizer)
    return save_plain(folder, lambda: Qwen3ForCausalLM(config), tokenizer, seed)


def build_qwen3_chat(folder: Path, seed: int = 0) -> Path:
    """Qwen3 as a plain causal checkpoint with a chat template: every text is rendered as a conversation."""
    tokenizer = tokenizers.qwen_tokenizer(("<|im_start|>", "<|im_end|>"), max_length=128)
    tokenizer.chat_template = chat_templates.QWEN_TEXT
    config = qwen3_config(tokenizer)
    return save_plain(folder, lambda: Qwen3ForCausalLM(config), tokenizer, seed)


def build_gemma(folder: Path, seed: int = 0) -> Path:
    """EmbeddingGemma 1: a bidirectional Gemma 3 text model, mean pooling, two Dense, normalising, and task prompts."""
    tokenizer = tokenizers.gemma_tokenizer()
    config = Gemma3TextConfig(
        vocab_size=len(tokenizer),
        hidden_size=DIM,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        max_position_embeddings=256,
        sliding_window=16,
        layer_types=["sliding_attention", "full_attention"],
        query_pre_attn_scalar=16,
        use_bidirectional_attention=True,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    save_plain(folder, lambda: Gemma3TextModel(config), tokenizer, seed)
    identity = "torch.nn.modules.linear.Identity"
    layouts.write_pooling(folder / "1_Pooling", DIM, "mean", is_legacy=True, include_prompt=True)
    layouts.write_dense(folder / "2_Dense", DIM, 64, seed, activation=identity, bias=False)
    layouts.write_dense(folder / "3_Dense", 64, DIM, seed + 1, activation=identity, bias=False)
    names = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Dense", "Dense"), ("3_Dense", "Dense")]
    names.append(("4_Normalize", "Normalize"))
    layouts.write_modules(folder, [(path, f"{layouts.LEGACY}.{name}") for path, name in names])
    layouts.write_json(folder / "sentence_bert_config.json", {"max_seq_length": 128, "do_lower_case": False})
    prompts = {"query": "task: search result | query: ", "document": "title: none | text: "}
    layouts.write_model_config(folder, prompts=prompts)
    return folder


def _write_adapter(folder: Path, base: Path, seed: int, targets: list[str]) -> None:
    lora = LoraConfig(r=4, lora_alpha=8, target_modules=targets, task_type="FEATURE_EXTRACTION")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        model = get_peft_model(AutoModel.from_pretrained(base), lora)
    # A fresh adapter's second factor is zero, which would leave the base's vectors unchanged.
    adapter = {name.replace(".", "/"): weight for name, weight in model.named_parameters() if "lora_" in name}
    randomise(torch.nn.ParameterDict(adapter), seed)
    model.save_pretrained(folder)
    (folder / "README.md").unlink()


def build_bert_lora(folder: Path, seed: int = 0) -> Path:
    """A LoRA adapter over `build_bert`; the base lies inside as `base`, and the adapter names it by its full path."""
    base = build_bert(folder / "base", seed)
    _write_adapter(folder, base, seed + 1, ["query", "value"])
    tokenizers.bert_tokenizer().save_pretrained(folder)
    return folder


def build_qwen3_lora(folder: Path, seed: int = 0) -> Path:
    """A LoRA adapter over `build_qwen3_plain` with modules of its own: last-token pooling and normalising."""
    base = build_qwen3_plain(folder / "base", seed)
    _write_adapter(folder, base, seed + 1, ["q_proj", "v_proj"])
    tokenizers.qwen_tokenizer(("<|im_start|>", "<|im_end|>"), ends_text=True, max_length=128).save_pretrained(folder)
    layouts.write_token_pipeline(folder, DIM, "lasttoken", max_seq_length=96)
    return folder
