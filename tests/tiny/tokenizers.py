"""Vocabularies trained on the built-in text, and the `transformers` tokenizers made from them.

Each function returns a tokenizer of the class that a family's published checkpoints name, with a few hundred entries.
Training is deterministic, so a vocabulary is the same in every session. Must not know about models or processors.
"""

from __future__ import annotations

import functools
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BertTokenizer,
    CLIPTokenizer,
    GemmaTokenizer,
    MPNetTokenizer,
    PreTrainedTokenizerFast,
    Qwen2Tokenizer,
    RobertaTokenizer,
    Siglip2Tokenizer,
    T5Tokenizer,
    XLMRobertaTokenizer,
)

from tests.tiny.corpus import TRAINING_TEXT

_SIZE = 600
_BYTES = tuple(sorted(pre_tokenizers.ByteLevel.alphabet()))

Merges = list[tuple[str, str]]


def _count_words(normalise: Callable[[str], str]) -> Counter[str]:
    split = pre_tokenizers.BertPreTokenizer()
    return Counter(word for line in TRAINING_TEXT for word, _ in split.pre_tokenize_str(normalise(line)))


@functools.cache
def _word_pieces(specials: tuple[str, ...]) -> dict[str, int]:
    # Counted here: the library's WordPiece trainer breaks ties differently in each process.
    words = _count_words(normalizers.BertNormalizer(lowercase=True).normalize_str)
    letters = {letter for word in words for letter in word}
    endings = Counter(word[start:] for word in words for start in range(2, len(word) - 1))
    pieces = letters | {f"##{letter}" for letter in letters}
    pieces |= {word for word, count in words.items() if count > 1 or len(word) < 6}
    pieces |= {f"##{ending}" for ending, count in endings.items() if count > 1}
    return _in_file_order(pieces, specials)


def _in_file_order(tokens: Iterable[str], specials: Sequence[str]) -> dict[str, int]:
    rest = sorted(set(tokens) - set(specials), key=lambda token: (len(token), token))
    return {token: index for index, token in enumerate([*specials, *rest])}


@functools.cache
def _byte_pairs(specials: tuple[str, ...], suffix: str = "", byte_tokens: bool = True) -> tuple[dict[str, int], Merges]:
    """Train byte-pair merges.

    Args:
        specials: First entries of the vocabulary. suffix: What marks the end of a word (`"</w>"` in CLIP). byte_tokens:
        GPT-2's printable bytes as alphabet; otherwise Gemma's characters, with `<0x..>` entries to fall back on.
    """
    ending: dict[str, Any] = {"end_of_word_suffix": suffix} if suffix else {}
    tokenizer = Tokenizer(models.BPE(**ending))
    if byte_tokens:
        as_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False)
        without_spaces = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), as_bytes])
        tokenizer.pre_tokenizer = without_spaces if suffix else as_bytes
        text: Sequence[str] = [line.lower() for line in TRAINING_TEXT] if suffix else TRAINING_TEXT
    else:
        tokenizer.normalizer = normalizers.Replace(" ", "▁")
        tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", behavior="merged_with_next")
        text = TRAINING_TEXT
    trainer = trainers.BpeTrainer(
        vocab_size=_SIZE, initial_alphabet=list(_BYTES) if byte_tokens else [], show_progress=False, **ending
    )
    tokenizer.train_from_iterator(text, trainer)
    fallback = [] if byte_tokens else [f"<0x{value:02X}>" for value in range(256)]
    endings = [byte + suffix for byte in _BYTES] if suffix else []
    trained = set(tokenizer.get_vocab()) | set(endings)
    vocab = _in_file_order(trained, [*specials, *fallback])
    return vocab, _merges_of(tokenizer)


def _merges_of(tokenizer: Tokenizer) -> Merges:
    return [tuple(pair) for pair in json.loads(tokenizer.to_str())["model"]["merges"]]


@functools.cache
def _unigrams(specials: tuple[str, ...]) -> tuple[tuple[str, float], ...]:
    # Counted here, like `_word_pieces`: a piece's score is the logarithm of its share among all pieces of the text.
    counts: Counter[str] = Counter()
    for line in TRAINING_TEXT:
        for word in line.split():
            marked = f"▁{word}"
            spans = ((start, end) for start in range(len(marked)) for end in range(start + 1, len(marked) + 1))
            counts.update(marked[start:end] for start, end in spans)
    kept = {piece: count for piece, count in counts.items() if len(piece) == 1 or (count > 2 and len(piece) < 9)}
    total = sum(kept.values())
    scores = [(piece, math.log(count / total)) for piece, count in kept.items()]
    return (*((special, 0.0) for special in specials), *sorted(scores, key=lambda item: (-item[1], item[0])))


def bert_tokenizer() -> BertTokenizer:
    """Lower-casing WordPiece with `[CLS] text [SEP]`."""
    vocab = _word_pieces(("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"))
    return BertTokenizer(vocab=dict(vocab), model_max_length=64)


def mpnet_tokenizer() -> MPNetTokenizer:
    """WordPiece with RoBERTa's special tokens, `<s> text </s>`."""
    vocab = _word_pieces(("<s>", "<pad>", "</s>", "[UNK]", "<mask>"))
    return MPNetTokenizer(vocab=dict(vocab), model_max_length=64)


def roberta_tokenizer() -> RobertaTokenizer:
    """Byte-level BPE with `<s> text </s>`."""
    vocab, merges = _byte_pairs(("<s>", "<pad>", "</s>", "<unk>", "<mask>"))
    return RobertaTokenizer(vocab=dict(vocab), merges=list(merges), model_max_length=62)


def xlm_roberta_tokenizer() -> XLMRobertaTokenizer:
    """Unigram pieces with `<s> text </s>`."""
    vocab = _unigrams(("<s>", "<pad>", "</s>", "<unk>", "<mask>"))
    return XLMRobertaTokenizer(vocab=list(vocab), model_max_length=62)


def modernbert_tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE with BERT's special tokens, saved as a bare `tokenizer.json` as ModernBERT's is."""
    specials = ("[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]")
    vocab, merges = _byte_pairs(specials)
    tokenizer = Tokenizer(models.BPE(vocab=dict(vocab), merges=list(merges)))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B [SEP]",
        special_tokens=[("[CLS]", vocab["[CLS]"]), ("[SEP]", vocab["[SEP]"])],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        pad_token="[PAD]",
        mask_token="[MASK]",
        model_max_length=128,
        model_input_names=["input_ids", "attention_mask"],
    )


def t5_tokenizer(max_length: int = 64, **options: object) -> T5Tokenizer:
    """Unigram pieces with a final `</s>`; SigLIP's vocabulary has the same form."""
    vocab = _unigrams(("<pad>", "</s>", "<unk>"))
    return T5Tokenizer(vocab=list(vocab), extra_ids=4, model_max_length=max_length, **options)


def static_tokenizer() -> Tokenizer:
    """WordPiece without special tokens around the text, as `StaticEmbedding` and model2vec files carry it."""
    vocab = _word_pieces(("[PAD]", "[UNK]"))
    tokenizer = Tokenizer(models.WordPiece(vocab=dict(vocab), unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def clip_tokenizer(max_length: int = 24) -> CLIPTokenizer:
    """Lower-casing byte-level BPE with `</w>` endings; `<|endoftext|>` also pads and has the largest id, as in CLIP."""
    vocab, merges = _byte_pairs((), suffix="</w>")
    vocab = {**vocab, "<|startoftext|>": len(vocab), "<|endoftext|>": len(vocab) + 1}
    return CLIPTokenizer(vocab=vocab, merges=list(merges), model_max_length=max_length)


def siglip2_tokenizer(max_length: int = 16) -> Siglip2Tokenizer:
    """Lower-casing BPE with byte fallback and a final `<eos>`, Gemma's vocabulary layout."""
    vocab, merges = _byte_pairs(("<pad>", "<eos>", "<bos>", "<unk>", "<mask>"), byte_tokens=False)
    return Siglip2Tokenizer(
        vocab=dict(vocab),
        merges=list(merges),
        model_max_length=max_length,
        padding_side="right",
        model_input_names=["input_ids"],
        add_bos_token=False,
        add_eos_token=True,
    )


def gemma_tokenizer(named: dict[str, str] | None = None, max_length: int = 256) -> GemmaTokenizer:
    """BPE with byte fallback and `<bos> text <eos>`.

    Args:
        named: Named special tokens (`{"image_token": "<|image|>"}`), which the tokenizer then offers as attributes.
        max_length: Token limit.
    """
    vocab, merges = _byte_pairs(("<pad>", "<eos>", "<bos>", "<unk>", "<mask>"), byte_tokens=False)
    return GemmaTokenizer(
        vocab=dict(vocab),
        merges=list(merges),
        model_max_length=max_length,
        add_bos_token=True,
        add_eos_token=True,
        **({"extra_special_tokens": dict(named)} if named else {}),
    )


def qwen_tokenizer(
    specials: Sequence[str] = (),
    *,
    named: dict[str, str] | None = None,
    padding_side: str = "left",
    ends_text: bool = False,
    max_length: int = 512,
) -> Qwen2Tokenizer:
    """Byte-level BPE of the Qwen family; `<|endoftext|>` pads.

    Args:
        specials: Further special tokens, numbered after the vocabulary in this order.
        named: Named special tokens (Qwen2.5-Omni's `image_token` and the like).
        padding_side: `"left"` or `"right"`.
        ends_text: Whether `<|endoftext|>` closes every text, as in Qwen3-Embedding.
        max_length: Token limit.
    """
    vocab, merges = _byte_pairs(())
    tokenizer = Qwen2Tokenizer(
        vocab=dict(vocab),
        merges=list(merges),
        padding_side=padding_side,
        model_max_length=max_length,
        model_input_names=["input_ids", "attention_mask"],
        **({"extra_special_tokens": dict(named)} if named else {}),
    )
    tokenizer.add_special_tokens({"additional_special_tokens": list(specials)}, replace_extra_special_tokens=False)
    if ends_text:
        end = tokenizer.eos_token
        tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
            single=f"$A {end}", pair=f"$A {end} $B {end}", special_tokens=[(end, tokenizer.eos_token_id)]
        )
    return tokenizer
