"""Reciprocal rank fusion of what was found by nearness and what was found by words.

Must not know rows, vectors or words: it sees ranks alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

#: How little the first ranks stand out.
K = 60


def fuse_ranks(by_vector: Sequence[str], by_words: Sequence[str], has_text: Mapping[str, bool]) -> dict[str, float]:
    """Give each record the mean of its two reciprocal ranks.

    A record without words can only be found by nearness; its mean is over that one rank, so that pictures lose nothing
    to passages by having none. A record with words that a list does not hold counts there as one rank behind its end.

    Args:
        by_vector: Ids by nearness, best first.
        by_words: Ids by words, best first.
        has_text: Id -> whether the record has words.

    Returns:
        Id -> score, 0 to 1 / 61.

    Source:
        Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning
        Methods", SIGIR 2009, with its k = 60. They sum where this takes the mean, which orders records with words
        alike; the place behind the end is ours.
    """
    ranks = [{one: rank for rank, one in enumerate(ids, 1)} for ids in (by_vector, by_words)]
    scores = {}
    for one in dict.fromkeys([*by_vector, *by_words]):
        near, worded = (1.0 / (K + found.get(one, len(found) + 1)) for found in ranks)
        scores[one] = (near + worded) / 2 if has_text.get(one) else near
    return scores
