"""Weights of words in a vocabulary. Must not know what is done with them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

logger = logging.getLogger(__name__)


def weights_of_words(
    vocab: Sequence[str], word_weights: Mapping[str, float], unknown_word_weight: float
) -> list[float]:
    """Return one weight a word: that under the word, else that under its lower-case form, else the unknown one."""
    weights = []
    unknown = 0
    for word in vocab:
        weight = word_weights.get(word, word_weights.get(word.lower()))
        unknown += weight is None
        weights.append(float(unknown_word_weight if weight is None else weight))
    logger.info("%d of %d words have no weight of their own; theirs is %s.", unknown, len(weights), unknown_word_weight)
    return weights
