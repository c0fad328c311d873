"""Small rerankers: classifiers of text pairs, and causal models that answer yes or no.

`seeing_rerankers.py` holds those that look and listen.
"""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import AddedToken
from transformers import (
    BertForSequenceClassification,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    ModernBertForSequenceClassification,
    PreTrainedTokenizerBase,
    Qwen3ForCausalLM,
    Qwen3ForSequenceClassification,
)

from tests.tiny import chat_templates, layouts, text, tokenizers
from tests.tiny.weights import make_model

#: The prompts of `build_qwen3_reranker_st`.
WEB_SEARCH = {"web_search": "Given a web search query, find relevant passages"}
_MAX_LENGTH = 256
#: Makes what stands far from the last token matter for the score.
_GAIN = 2.0
#: The same for the networks in which it would make rounding matter as well.
_LESSER_GAIN = 1.5


def build_bert_ce(folder: Path, seed: int = 0) -> Path:
    """BERT with one label in the layout of version 5.4 and later: `modules.json`, the activation beside it."""
    return _build_bert(folder, seed, 1, layouts.SIGMOID)


def build_bert_ce3(folder: Path, seed: int = 0) -> Path:
    """BERT with three labels, as a classifier of entailment, in the layout of version 5.4 and later."""
    return _build_bert(folder, seed, 3, layouts.IDENTITY)


def _build_bert(folder: Path, seed: int, num_labels: int, activation_fn: str) -> Path:
    _save_bert(folder, seed, num_labels)
    layouts.write_classifier(folder, activation_fn=activation_fn)
    return folder


def _save_bert(folder: Path, seed: int, num_labels: int = 1) -> Path:
    tokenizer = tokenizers.bert_tokenizer()
    config = text.bert_config(tokenizer, num_labels=num_labels)
    return text.save_plain(folder, lambda: BertForSequenceClassification(config), tokenizer, seed, _GAIN)


def build_modernbert_ce(folder: Path, seed: int = 0) -> Path:
    """ModernBERT with one label, read from the first token."""
    return _build_modernbert(folder, seed, 1, layouts.SIGMOID)


def build_modernbert_ce3(folder: Path, seed: int = 0) -> Path:
    """ModernBERT with three labels, read from the mean of the tokens."""
    return _build_modernbert(folder, seed, 3, layouts.IDENTITY)


def _build_modernbert(folder: Path, seed: int, num_labels: int, activation_fn: str) -> Path:
    tokenizer = tokenizers.modernbert_tokenizer()
    pooling = "cls" if num_labels == 1 else "mean"
    config = text.modernbert_config(tokenizer, num_labels=num_labels, classifier_pooling=pooling)
    text.save_plain(folder, lambda: ModernBertForSequenceClassification(config), tokenizer, seed, _LESSER_GAIN)
    layouts.write_classifier(folder, activation_fn=activation_fn)
    return folder


def build_bert_ce_v3(folder: Path, seed: int = 0) -> Path:
    """BERT in the layout of version 3: a plain checkpoint whose `config.json` names an activation, here Identity."""
    _save_bert(folder, seed)
    layouts.add_to_config(folder, sbert_ce_default_activation_function=layouts.IDENTITY)
    return folder


def build_bert_ce_v4(folder: Path, seed: int = 0) -> Path:
    """BERT in the layout of versions 4 to 5.3: `config.json` has a section, which goes before version 3's key."""
    _save_bert(folder, seed)
    section = {"activation_fn": layouts.IDENTITY, "version": "4.1.0"}
    layouts.add_to_config(folder, sentence_transformers=section, sbert_ce_default_activation_function=layouts.SIGMOID)
    return folder


def build_bert_ce_plain(folder: Path, seed: int = 0) -> Path:
    """BERT with one label as `transformers` saves it; nothing names an activation."""
    return _save_bert(folder, seed)


def answering_tokenizer(tokenizer: PreTrainedTokenizerBase) -> PreTrainedTokenizerBase:
    """Give `yes` a token of its own; `no` is in the vocabulary of `tokenizers.qwen_tokenizer`."""
    tokenizer.add_tokens([AddedToken("yes", single_word=True, normalized=False)])
    return tokenizer


def find_answers(tokenizer: PreTrainedTokenizerBase) -> tuple[int, int]:
    """Return the ids of `yes` and `no`."""
    vocabulary = tokenizer.get_vocab()
    return vocabulary["yes"], vocabulary["no"]


def _qwen_tokenizer(chat_template: str | None) -> PreTrainedTokenizerBase:
    specials = ("<|im_start|>", "<|im_end|>", "<think>", "</think>")
    tokenizer = answering_tokenizer(tokenizers.qwen_tokenizer(specials, max_length=_MAX_LENGTH))
    tokenizer.chat_template = chat_template
    return tokenizer


def build_qwen3_reranker(folder: Path, seed: int = 0) -> Path:
    """Qwen3-Reranker as published: a plain causal checkpoint, whose chat template carries the roles of a pair.

    The libraries add `LogitScore` over `yes` and `no`. Contents are strings ("flat"). At most 256 tokens, of which the
    template takes about 100; of longer prompts the end is cut, then the template's tail is put back.
    """
    _save_qwen3(folder, chat_templates.QWEN3_RERANKER, seed)
    return folder


def build_qwen3_reranker_st(folder: Path, seed: int = 0) -> Path:
    """`build_qwen3_reranker` saved with modules, and with an instruction that is used by default."""
    return _build_with_modules(folder, chat_templates.QWEN3_RERANKER, seed)


def build_qwen3_no_roles(folder: Path, seed: int = 0) -> Path:
    """`build_qwen3_reranker_st` with a chat template that leaves out what it takes for an unknown role."""
    return _build_with_modules(folder, chat_templates.WITHOUT_PAIR_ROLES, seed)


def _build_with_modules(folder: Path, chat_template: str, seed: int) -> Path:
    tokenizer = _save_qwen3(folder, chat_template, seed)
    layouts.write_answer_reranker(
        folder,
        "text-generation",
        find_answers(tokenizer),
        message_format="flat",
        prompts=WEB_SEARCH,
        default_prompt_name="web_search",
    )
    return folder


def _save_qwen3(folder: Path, chat_template: str, seed: int) -> PreTrainedTokenizerBase:
    tokenizer = _qwen_tokenizer(chat_template)
    # A head of its own: rows of the token table are so long that nearly every answer would be sure.
    config = text.qwen3_config(tokenizer, tie_word_embeddings=False)
    text.save_plain(folder, lambda: Qwen3ForCausalLM(config), tokenizer, seed, _GAIN)
    return tokenizer


def build_qwen3_seq_cls(folder: Path, seed: int = 0) -> Path:
    """Qwen3 as a sequence classifier of one label, read from the last token that is not padding; a plain checkpoint.

    The tokenizer joins the two texts without anything between them.
    """
    tokenizer = _qwen_tokenizer(None)
    config = text.qwen3_config(tokenizer, num_labels=1)
    return text.save_plain(folder, lambda: Qwen3ForSequenceClassification(config), tokenizer, seed, _GAIN)


def build_llama_reranker(folder: Path, seed: int = 0) -> Path:
    """Llama with a head that is its token table, and the prompt of Qwen3-Reranker."""
    tokenizer = _qwen_tokenizer(chat_templates.QWEN3_RERANKER)
    config = LlamaConfig(**_decoder_sizes(tokenizer), tie_word_embeddings=True)
    model = make_model(lambda: LlamaForCausalLM(config), seed, _GAIN)
    with torch.no_grad():  # else logits as long as the table's rows make nearly every answer sure
        model.model.norm.weight.mul_(0.2)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return _answer(folder, tokenizer)


def build_mistral_sliding_reranker(folder: Path, seed: int = 0) -> Path:
    """Mistral of four layers that look back over 16 tokens each, so over 60 in all; a short prompt of its own."""
    tokenizer = _qwen_tokenizer(chat_templates.MISTRAL_RERANKER)
    config = MistralConfig(**{**_decoder_sizes(tokenizer), "num_hidden_layers": 4}, sliding_window=16)
    text.save_plain(folder, lambda: MistralForCausalLM(config), tokenizer, seed)
    return _answer(folder, tokenizer)


def _answer(folder: Path, tokenizer: PreTrainedTokenizerBase) -> Path:
    answers = find_answers(tokenizer)
    layouts.write_answer_reranker(folder, "text-generation", answers, message_format="flat")
    return folder


def _decoder_sizes(tokenizer: PreTrainedTokenizerBase) -> dict[str, int]:
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": text.DIM,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 16,
        "max_position_embeddings": _MAX_LENGTH,
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "bos_token_id": tokenizer.eos_token_id,
    }
