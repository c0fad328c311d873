"""Putting what was found into the order of a reranker, which reads query and record together.

Must not know how records were found.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sensorium.collection.searching import Ranked
from sensorium.errors import InputError, MediaError, MissingExtraError
from sensorium.media.samples import Part, Sample

if TYPE_CHECKING:
    from sensorium.encoders import CrossEncoder
    from sensorium.store import Row


def rerank(
    query: Sample | None,
    ranked: Sequence[Ranked],
    reranker: CrossEncoder,
    read_content: Callable[[Row], Sample | None],
) -> list[Ranked]:
    """Order records by a reranker.

    Args:
        query: What was asked with; None for a bare vector or a record whose content is gone, which no reranker reads.
        ranked: Records, best first.
        reranker: Of one label.
        read_content: Gives a record's content, or None if it is gone.

    Returns:
        The same records: those that the reranker scored, best first; then the others (their file is gone, cannot be
        read, or the reranker does not take it), in the order they had, with the score they had.

    Raises:
        InputError: The query is None, or of a modality that the reranker does not take.
    """
    if query is None:
        raise InputError(
            "a reranker reads words, pictures or sounds; a vector is none, nor is a record of which nothing is left. "
            "Ask with what it was made of, or leave reranker= away."
        )
    documents = {
        place: document for place, one in enumerate(ranked) if (document := _read(one, reranker, read_content))
    }
    if not documents:
        return list(ranked)
    report = reranker.rank(query, list(documents.values()), on_error="skip", return_report=True)
    places = list(documents)
    scores = {places[entry["corpus_id"]]: float(entry["score"]) for entry in report.ranking}
    scores = {place: score for place, score in scores.items() if not math.isnan(score)}
    best = sorted(scores, key=lambda place: (-scores[place], place))
    first = [
        Ranked(ranked[place].row, dataclasses.replace(ranked[place].parts, rerank=scores[place])) for place in best
    ]
    return [*first, *(one for place, one in enumerate(ranked) if place not in scores)]


def _read(one: Ranked, reranker: CrossEncoder, read_content: Callable[[Row], Sample | None]) -> Sample | None:
    """Give what the reranker shall read of a record: its content, or its words where it takes no pictures."""
    taken = set(reranker.modalities)
    row = one.row
    if set(row.modality.split("+")) <= taken:
        try:
            return read_content(row)
        except (MediaError, MissingExtraError):
            return None
    if row.text and "text" in taken:
        return Sample("text", (Part("text", row.text, True),))
    return None
