"""Recall at k, and what chance gives: how often what is looked for is among the first k."""

from __future__ import annotations

from math import comb

import torch


def rank_of_right(scores: torch.Tensor, is_right: torch.Tensor) -> torch.Tensor:
    """Find each query's best right answer.

    Args:
        scores: `[queries, answers]`.
        is_right: `[queries, answers]` bool, at least one true in a row.

    Returns:
        `[queries]`, how many wrong answers score at least as high as the best right one: ties count against it.
    """
    best = scores.masked_fill(~is_right, -torch.inf).amax(dim=1, keepdim=True)
    return ((scores >= best) & ~is_right).sum(dim=1)


def recall_at(ranks: torch.Tensor, k: int) -> float:
    """Return the percentage of queries with a right answer among the first k."""
    return 100.0 * (ranks < k).float().mean().item()


def chance_at(is_right: torch.Tensor, k: int) -> float:
    """Return the percentage that an order by lot would reach, on the mean.

    Args:
        is_right: `[queries, answers]` bool.
        k: How many answers are looked at.
    """
    answers = is_right.shape[1]
    wrong = [answers - int(right) for right in is_right.sum(dim=1)]
    missed = [comb(count, k) / comb(answers, k) if k <= answers else 0.0 for count in wrong]
    return 100.0 * (1 - sum(missed) / len(missed))
