"""Make an empty text encodable on models whose tokenizer adds nothing to it.

BERT wraps `""` in special tokens; a decoder's tokenizer gives no token at all, and the network fails on a sequence of
length zero. Such a text is replaced by one token that carries no words. Must not know about modalities or chats.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from sensorium.media.samples import Part, Sample

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Text = TypeVar("Text", str, Sample)


def fill_empty_texts(
    texts: Sequence[Text], tokenizer: PreTrainedTokenizerBase | None, adds_special_tokens: bool = True
) -> list[Text]:
    """Replace empty texts by the end (or padding, or unknown) token, if the tokenizer would give them none.

    Args:
        texts: Strings, or text samples; of a pair both sides must be empty.
        tokenizer: The model's tokenizer; None changes nothing.
        adds_special_tokens: Whether the tokenizer will be told to add its special tokens.

    Returns:
        The texts, in order.
    """
    if tokenizer is None or not any(_is_empty(text) for text in texts):
        return list(texts)
    if tokenizer("", add_special_tokens=adds_special_tokens)["input_ids"]:
        return list(texts)
    filler = tokenizer.eos_token or tokenizer.pad_token or tokenizer.unk_token or " "
    return [_filled(text, filler) if _is_empty(text) else text for text in texts]


def _is_empty(text: str | Sample) -> bool:
    if isinstance(text, str):
        return not text
    return bool(text.parts) and all(part.value == "" for part in text.parts)


def _filled(text: Text, filler: str) -> Text:
    if isinstance(text, str):
        return filler
    return Sample("text", (Part("text", filler, True), *text.parts[1:]), (), text.is_pair)
