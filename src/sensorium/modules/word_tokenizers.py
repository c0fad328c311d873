"""Tokenizers of word lists, for checkpoints from before subword vocabularies. Must not know what vectors words have."""

from __future__ import annotations

import importlib
import json
import os
import string
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from sensorium.errors import CheckpointError, NotBuiltError
from sensorium.modules.stop_words import ENGLISH_STOP_WORDS

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_PEER = "sentence_transformers.sentence_transformer.modules.tokenizer"


class WordTokenizer(ABC):
    """From a text to positions in a vocabulary.

    Attributes:
        config_file_name: The file that `save` writes, or None if it writes several.
        peer_type: Type name that Sentence Transformers writes for it.
    """

    config_file_name: ClassVar[str | None] = None
    peer_type: ClassVar[str | None] = None

    @abstractmethod
    def set_vocab(self, vocab: Iterable[str]) -> None:
        """Replace the vocabulary."""

    @abstractmethod
    def get_vocab(self) -> Any:
        """Return the vocabulary."""

    @abstractmethod
    def tokenize(self, text: str, **kwargs: Any) -> list[int]:
        """Return the positions of a text's words; words outside of the vocabulary are left out."""

    @abstractmethod
    def save(self, output_path: str) -> None:
        """Write the tokenizer into a folder."""

    @staticmethod
    @abstractmethod
    def load(input_path: str) -> WordTokenizer:
        """Read a tokenizer from a folder."""


class WhitespaceTokenizer(WordTokenizer):
    """Split at white space, and look each piece up as it is, without punctuation around it, and in lower case.

    Args:
        vocab: The words; a word's position is its id, the last one of words that occur twice.
        stop_words: Words left out.
        do_lower_case: Lower-case the text first.
    """

    config_file_name = "whitespacetokenizer_config.json"
    peer_type = f"{_PEER}.whitespace.WhitespaceTokenizer"

    def __init__(
        self,
        vocab: Iterable[str] = (),
        stop_words: Iterable[str] = ENGLISH_STOP_WORDS,
        do_lower_case: bool = False,
    ) -> None:
        self.stop_words = set(stop_words)
        self.do_lower_case = do_lower_case
        self.set_vocab(vocab)

    def get_vocab(self) -> list[str]:
        """Return the words in the order of their ids."""
        return self.vocab

    def set_vocab(self, vocab: Iterable[str]) -> None:
        """Replace the words."""
        self.vocab = list(vocab)
        self.word2idx = {word: position for position, word in enumerate(self.vocab)}

    def tokenize(self, text: str, **kwargs: Any) -> list[int]:
        """Return the ids of a text's words, in order."""
        found = (self._find(piece) for piece in (text.lower() if self.do_lower_case else text).split())
        return [position for position in found if position is not None]

    def _find(self, piece: str) -> int | None:
        bare = piece.strip(string.punctuation)
        for word in (piece, bare, bare.lower()):
            if word in self.stop_words:
                return None
            if word and word in self.word2idx:
                return self.word2idx[word]
        return None

    def save(self, output_path: str) -> None:
        """Write `whitespacetokenizer_config.json` into a folder."""
        content = {"vocab": self.vocab, "stop_words": sorted(self.stop_words), "do_lower_case": self.do_lower_case}
        with open(os.path.join(output_path, self.config_file_name), "w", encoding="utf-8") as file:
            json.dump(content, file)

    @staticmethod
    def load(input_path: str) -> WhitespaceTokenizer:
        """Read `whitespacetokenizer_config.json` from a folder.

        Raises:
            CheckpointError: The file is absent or malformed.
        """
        path = Path(input_path) / str(WhitespaceTokenizer.config_file_name)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            optional = {key: content[key] for key in ("stop_words", "do_lower_case") if key in content}
            return WhitespaceTokenizer(content["vocab"], **optional)
        except (OSError, ValueError, TypeError, KeyError) as exc:
            raise CheckpointError(
                f"The tokenizer in {str(path)!r} cannot be read: {exc!r}. Download or save the checkpoint again."
            ) from exc


class TransformersTokenizerWrapper(WordTokenizer):
    """A tokenizer of `transformers` where a `WordTokenizer` is expected; adds no special tokens.

    Args:
        tokenizer: The tokenizer.
    """

    peer_type = f"{_PEER}.word.TransformersTokenizerWrapper"

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.tokenizer = tokenizer

    def set_vocab(self, vocab: Iterable[str]) -> None:
        """Not possible: the vocabulary belongs to the wrapped tokenizer."""
        raise NotBuiltError("The vocabulary of a transformers tokenizer cannot be replaced. Build another tokenizer.")

    def get_vocab(self) -> dict[str, int]:
        """Return token -> id."""
        vocab: dict[str, int] = self.tokenizer.get_vocab()
        return vocab

    def tokenize(self, text: str, **kwargs: Any) -> list[int]:
        """Return the token ids of a text."""
        return list(self.tokenizer.encode(text, add_special_tokens=False))

    def save(self, output_path: str) -> None:
        """Write the tokenizer's files into a folder."""
        self.tokenizer.save_pretrained(output_path)

    @staticmethod
    def load(input_path: str) -> TransformersTokenizerWrapper:
        """Read a tokenizer from a folder."""
        from transformers import AutoTokenizer

        return TransformersTokenizerWrapper(AutoTokenizer.from_pretrained(input_path))


_OURS: dict[str, type[WordTokenizer]] = {
    "WhitespaceTokenizer": WhitespaceTokenizer,
    "TransformersTokenizerWrapper": TransformersTokenizerWrapper,
}


def resolve_tokenizer_class(reference: str, trust_remote_code: bool = False) -> type[WordTokenizer]:
    """Find the class that a checkpoint's `tokenizer_class` means.

    Args:
        reference: Dotted path, of Sentence Transformers (of any release) or of somebody's code.
        trust_remote_code: Whether the latter may be imported.

    Raises:
        NotBuiltError: A tokenizer of Sentence Transformers that this release lacks, such as `PhraseTokenizer`.
        CheckpointError: The path is not trusted, or cannot be imported.
    """
    module, _, name = reference.rpartition(".")
    if module.startswith(("sentence_transformers.", "sensorium.")):
        if name not in _OURS:
            raise NotBuiltError(f"The checkpoint needs the tokenizer {name}, which is not built.")
        return _OURS[name]
    if not trust_remote_code:
        raise CheckpointError(
            f"The checkpoint names the tokenizer class {reference!r}, which is not part of Sensorium. Read that code, "
            "then pass trust_remote_code=True."
        )
    try:
        found: type[WordTokenizer] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as exc:
        raise CheckpointError(f"The tokenizer class {reference!r} cannot be imported: {exc}.") from exc
    return found
