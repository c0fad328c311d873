"""From one query and many documents to pairs, and from their scores to a ranking.

Must not know how pairs are scored.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sensorium.encoders.running import as_list
from sensorium.errors import InputError
from sensorium.media.forms import is_read_once
from sensorium.media.limits import MediaSettings
from sensorium.media.modality import is_message_dict
from sensorium.media.samples import Part
from sensorium.media.source import open_source
from sensorium.modules.transformer import Transformer

if TYPE_CHECKING:
    from sensorium.engine.report import RunResult


def list_documents(documents: Any) -> Sequence[Any]:
    """Return documents as something that can be indexed.

    Raises:
        InputError: It is one document.
    """
    if isinstance(documents, (str, bytes, dict)):
        raise InputError(
            f"documents must be a batch, got one {type(documents).__name__}. Give a list of documents, or use predict."
        )
    return as_list(documents)


def make_pairs(first: Any, query: Any, documents: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Join a query with each document, such that two chat messages are not taken for one chat.

    Args:
        first: The model's first module. One of ours reads the query, once for all pairs: it may be a stream that can be
            read only once.
        query: The caller's.
        documents: The caller's.

    Raises:
        InputError: The query cannot be used.
    """
    query = _as_side(query)
    if isinstance(first, Transformer):
        try:
            query = first.read(query)
            query = query.map_parts(_hold)
            first.read_pair((query, ""))  # a pair, or a chat of several messages, is no side
        except InputError as error:
            error.reason = f"the query cannot be used: {error.reason}"
            raise
    return [(query, _as_side(document)) for document in documents]


def _hold(part: Part) -> Part:
    """Read a stream that can be read only once, since each document's pair reads the query."""
    return Part(part.modality, open_source(part.value, MediaSettings())) if is_read_once(part.value) else part


def _as_side(value: Any) -> Any:
    return [value] if is_message_dict(value) else value


def order_documents(
    result: RunResult, documents: Sequence[Any], top_k: int | None, has_documents: bool
) -> list[dict[str, Any]]:
    """List scored documents best first, those that failed behind them; those not reached are left out.

    Args:
        result: A score a document.
        documents: The documents.
        top_k: How many to list; None for all.
        has_documents: Whether to add each document, under `"text"`.

    Returns:
        Dicts with `corpus_id`, `score` and perhaps `text`. Equal scores keep the documents' order.
    """
    failed = {error.index for error in result.errors}
    scores = {
        index: math.nan if row is None else float(row)
        for index, row in enumerate(result.rows)
        if row is not None or index in failed
    }
    order = sorted(scores, key=lambda index: (math.isnan(scores[index]), -_number(scores[index])))
    ranking: list[dict[str, Any]] = [{"corpus_id": index, "score": scores[index]} for index in order[:top_k]]
    if has_documents:
        for entry in ranking:
            entry["text"] = documents[entry["corpus_id"]]
    return ranking


def _number(score: float) -> float:
    return 0.0 if math.isnan(score) else score
