"""`BoW`: a text as a count of words. A whole model in one module. Must not know which modules follow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from sensorium.modules.input_module import InputModule, plain_texts
from sensorium.modules.word_tokenizers import WhitespaceTokenizer
from sensorium.modules.word_vocabulary import weights_of_words


class BoW(InputModule):
    """Make a vector with one component a word of the vocabulary.

    Args:
        vocab: The words, one component each.
        word_weights: Word -> value of one occurrence; a word is looked for as it is, then in lower case.
        unknown_word_weight: Value of a word without one.
        cumulative_term_frequency: Whether a word that occurs twice counts twice.
    """

    save_in_root: bool = False
    modalities: list[str] = ["text"]  # noqa: RUF012
    config_keys: list[str] = ["vocab", "word_weights", "unknown_word_weight", "cumulative_term_frequency"]  # noqa: RUF012
    peer_type = "sentence_transformers.sentence_transformer.modules.bow.BoW"

    def __init__(
        self,
        vocab: list[str],
        word_weights: dict[str, float] = {},  # noqa: B006 - the compatible signature; only read
        unknown_word_weight: float = 1,
        cumulative_term_frequency: bool = True,
    ) -> None:
        super().__init__()
        self.vocab = list(dict.fromkeys(vocab))
        self.word_weights = dict(word_weights)
        self.unknown_word_weight = unknown_word_weight
        self.cumulative_term_frequency = cumulative_term_frequency
        self.weights = weights_of_words(self.vocab, self.word_weights, unknown_word_weight)
        self.tokenizer = WhitespaceTokenizer(self.vocab, stop_words=(), do_lower_case=False)
        self.sentence_embedding_dimension = len(self.vocab)

    def preprocess(self, inputs: Sequence[Any], prompt: str | None = None, **kwargs: Any) -> dict[str, Any]:
        """Return the vectors of texts: `{"sentence_embedding": [batch, words]}`."""
        texts = plain_texts(inputs, prompt, "BoW")
        flat = [text if isinstance(text, str) else " ".join(text) for text in texts]
        return self.get_sentence_features([self.tokenizer.tokenize(text) for text in flat])

    def get_sentence_features(self, tokenized_texts: list[list[int]], pad_seq_length: int = 0) -> dict[str, Tensor]:
        """Return the vectors of texts given as word ids; `pad_seq_length` has no meaning here."""
        weights = torch.tensor(self.weights)
        vectors = torch.zeros(len(tokenized_texts), len(self.vocab))
        for vector, ids in zip(vectors, tokenized_texts, strict=True):
            wanted = torch.tensor(ids if self.cumulative_term_frequency else sorted(set(ids)), dtype=torch.int64)
            vector.index_add_(0, wanted, weights[wanted])
        return {"sentence_embedding": vectors}

    def forward(self, features: dict[str, Tensor | Any], **kwargs: Any) -> dict[str, Tensor | Any]:
        """Return the features, which hold the vectors already."""
        return features

    def get_embedding_dimension(self) -> int:
        """Return the number of words."""
        return self.sentence_embedding_dimension

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        """Write the configuration."""
        self.save_config(output_path)
