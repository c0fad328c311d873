"""`WordWeights`: token vectors weighted by word, as with inverse document frequencies. Must not know their origin."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from sensorium.modules.module import Module
from sensorium.modules.word_vocabulary import weights_of_words


class WordWeights(Module):
    """Multiply each token vector by its word's weight, and give `Pooling` the weights' sum for its means.

    Args:
        vocab: The words, in the order of their ids.
        word_weights: Word -> weight; a word is looked for as it is, then in lower case.
        unknown_word_weight: Weight of a word without one.
    """

    config_keys: list[str] = ["vocab", "word_weights", "unknown_word_weight"]  # noqa: RUF012
    peer_type = "sentence_transformers.sentence_transformer.modules.word_weights.WordWeights"

    def __init__(self, vocab: list[str], word_weights: dict[str, float], unknown_word_weight: float = 1) -> None:
        super().__init__()
        self.vocab = vocab
        self.word_weights = word_weights
        self.unknown_word_weight = unknown_word_weight
        weights = torch.tensor(weights_of_words(vocab, word_weights, unknown_word_weight)).unsqueeze(1)
        self.emb_layer = nn.Embedding.from_pretrained(weights, freeze=False)  # type: ignore[no-untyped-call]

    def forward(self, features: dict[str, Tensor | Any], **kwargs: Any) -> dict[str, Tensor | Any]:
        """Change `token_embeddings` `[batch, tokens, dim]`, and write `token_weights_sum` `[batch]`."""
        tokens, mask = features["token_embeddings"], features["attention_mask"]
        weights = self.emb_layer(features["input_ids"]).squeeze(-1) * mask.to(tokens.dtype)
        features["token_embeddings"] = tokens * weights.unsqueeze(-1)
        features["token_weights_sum"] = weights.sum(1)
        return features

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        """Write the configuration, from which the module is loaded, and the weights as other readers want them."""
        self.save_config(output_path)
        self.save_torch_weights(output_path, safe_serialization=safe_serialization)
