"""Putting what was found by nearness and what was found by words into one order, in which pictures keep their places.

Adding reciprocal ranks, as is usual, would put every passage that has a word of the query before every picture, which
has no words to be found by. So words order only the records that have some, among the places that such records take by
nearness; and since an exact word may be all that somebody looks for, records found by words get at least every second
place. Must not know rows, vectors or words: it sees ranks alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

#: How little the first ranks stand out.
K = 60


def fuse_ranks(by_vector: Sequence[str], by_words: Sequence[str], has_text: Mapping[str, bool]) -> dict[str, float]:
    """Order records by both ranks.

    Args:
        by_vector: All ids by nearness, best first.
        by_words: Those of them that were found by words, best first.
        has_text: Id -> whether the record has words.

    Returns:
        Id -> 1 / (60 + place), best first. Without records found by words, the order is that of nearness.

    Source:
        Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning
        Methods", SIGIR 2009, with its k = 60, for the records that have words. Keeping the places of the others, and
        every second place, is ours.
    """
    found = set(by_words)
    worded = deque(_order_worded([one for one in by_vector if has_text.get(one)], by_words))
    places = deque(by_vector)
    order: list[str] = []
    count = 0  # of records found by words
    while places:
        is_owed = bool(worded) and worded[0] in found and 2 * (count + 1) <= len(order) + 1
        if is_owed or has_text.get(places[0]):
            if not is_owed:
                places.popleft()
            # A record that was placed before its turn leaves one place for words fewer behind.
            if not worded:
                continue
            order.append(worded.popleft())
            count += order[-1] in found
        else:
            order.append(places.popleft())
    return {one: 1.0 / (K + place) for place, one in enumerate(order, 1)}


def _order_worded(by_vector: Sequence[str], by_words: Sequence[str]) -> list[str]:
    """Order the records that have words by the sum of their reciprocal ranks among each other."""
    ranks = [{one: rank for rank, one in enumerate(ids, 1)} for ids in (by_vector, by_words)]
    scores = {one: sum(1.0 / (K + each[one]) for each in ranks if one in each) for one in ranks[0]}
    return sorted(scores, key=lambda one: (-scores[one], ranks[0][one]))
