"""The loss of both towers: unit vectors are pulled to the text vectors of what they show, and pushed from all others.

The text vectors are fixed, so every step can compare with thousands of them at the cost of one product of matrices.
Words that mean nearly the same as the right one are neither right nor wrong. Source: the symmetric contrastive loss of
CLIP (Radford et al. 2021, section 2.3), with a fixed text tower as in LiT (Zhai et al. 2022). Must not know data.
"""

from __future__ import annotations

import torch
from torch.nn import functional

#: Words at least so similar to the right one are left out of what a vector is pushed from.
SAME = 0.8
#: How much of a vector's target is spread over words by their similarity to the right one.
SPREAD = 0.15
_SPREAD_SCALE = 15.0
#: Weight of nearness: what the contrast alone leaves open, a tower puts anywhere, and then pictures and sounds of one
#: word are each near the word and not near each other.
NEARNESS = 3.0


def contrast(
    vectors: torch.Tensor, targets: torch.Tensor, words: torch.Tensor, others: torch.Tensor, scale: torch.Tensor
) -> torch.Tensor:
    """Compute the loss of a batch.

    Args:
        vectors: `[batch, dim]` unit vectors of pictures or sounds.
        targets: `[batch]` rows in `words` of what each shows.
        words: `[n, dim]` every word's unit vector.
        others: `[m]` rows of words to push from, beside the batch's own.
        scale: What similarities are multiplied by.

    Returns:
        The mean of both directions, each in nats, and `NEARNESS` times one minus the mean cosine to the right words.
    """
    rows, own = torch.unique(torch.cat([targets, others]), return_inverse=True)
    own = own[: len(targets)]
    candidates = words[rows]
    likeness = words[targets] @ candidates.T
    logits = scale * (vectors @ candidates.T)
    is_right = functional.one_hot(own, len(rows)).bool()
    is_same = (likeness >= SAME) & ~is_right
    masked = logits.masked_fill(is_same, -1e4)
    soft = functional.softmax(_SPREAD_SCALE * likeness.masked_fill(is_same, -1e4), dim=-1)
    goal = (1 - SPREAD) * is_right + SPREAD * soft
    to_words = -(goal * functional.log_softmax(masked, dim=-1)).sum(dim=-1).mean()
    nearness = (vectors * words[targets]).sum(dim=-1).mean()
    return 0.5 * (to_words + _from_words(vectors, words[targets], own, scale)) + NEARNESS * (1 - nearness)


def _from_words(vectors: torch.Tensor, words: torch.Tensor, own: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Compute the other direction: from each word of the batch to the pictures of the batch that show it."""
    logits = scale * (words @ vectors.T)
    is_right = own[:, None] == own[None, :]
    is_same = (words @ words.T >= SAME) & ~is_right
    logs = functional.log_softmax(logits.masked_fill(is_same, -1e4), dim=-1)
    return -((logs * is_right).sum(dim=-1) / is_right.sum(dim=-1)).mean()
