"""Finding records: by nearness in each modality, balanced between modalities, and by words, fused.

Must not know queries before they are vectors, rerankers or files.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sensorium.collection.fusion import fuse_ranks
from sensorium.collection.results import ScoreParts, SearchResult
from sensorium.collection.snippets import make_snippet
from sensorium.collection.stop_words import drop_stop_words
from sensorium.ingest.place import Place

if TYPE_CHECKING:
    from sensorium.collection.balance import Balance
    from sensorium.collection.querying import Query
    from sensorium.store import Hit, LanceStore, Row, Where

#: Candidates that are taken of each modality at least; fusion and balance choose among them.
_LEAST_CANDIDATES = 50


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """A row that was found, and what is known of how well it suits.

    Attributes:
        row: The row; without thumbnail.
        parts: What its score was made of so far.
    """

    row: Row
    parts: ScoreParts

    @property
    def score(self) -> float:
        """What it is ordered by."""
        parts = self.parts
        known = (parts.rerank, parts.fused, parts.balanced, parts.cosine)
        return next(value for value in (*known, 0.0) if value is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What is searched.

    Attributes:
        where: Condition on rows, or None.
        modality: Modalities that are looked through; None for all.
        is_exact: Compare every vector, also where there is an index.
    """

    where: Where | None = None
    modality: tuple[str, ...] | None = None
    is_exact: bool = False


def find(
    store: LanceStore, query: Query, count: int, scope: Scope, balance: Balance | None, *, is_hybrid: bool
) -> list[Ranked]:
    """Find the rows that suit a query best.

    Args:
        store: Where to look.
        query: What for. If it is a record, that record is left out.
        count: Most rows to give.
        scope: Which rows.
        balance: What makes scores of several modalities comparable; None to compare cosines.
        is_hybrid: Whether the query's words count too.

    Returns:
        Rows, best first; those of one score by id.
    """
    depth = max(2 * count, _LEAST_CANDIDATES)
    hits = _find_near(store, query, depth, scope, balance)
    worded: list[Hit] = []
    if is_hybrid and query.text is not None:
        worded = store.search_text(
            drop_stop_words(query.text),
            depth,
            where=scope.where,
            modality=scope.modality,
            with_vectors=True,
            with_thumbnails=False,
        )
    known = {hit.id: hit for hit in hits}
    known.update({hit.id: hit for hit in worded if hit.id not in known})
    known.pop(query.record_id or "", None)
    ranked = _score(query, known, balance)
    if worded:
        ranked = _fuse(ranked, worded)
    return sorted(ranked, key=_by_score)[:count]


def _find_near(store: LanceStore, query: Query, depth: int, scope: Scope, balance: Balance | None) -> list[Hit]:
    """Give the nearest rows of each modality, or of all where they are not told apart."""
    groups: Sequence[tuple[str, ...] | None] = [scope.modality]
    if balance is not None:
        groups = [(one,) for one in scope.modality or sorted(store.modalities())]
    return [
        hit
        for group in groups
        for hit in store.search(
            query.vector,
            depth,
            where=scope.where,
            modality=group,
            with_vectors=True,
            with_thumbnails=False,
            is_exact=scope.is_exact,
        )
    ]


def _score(query: Query, known: Mapping[str, Hit], balance: Balance | None) -> list[Ranked]:
    by_modality: dict[str, list[Hit]] = {}
    for hit in known.values():
        by_modality.setdefault(hit.modality, []).append(hit)
    ranked = []
    for modality, hits in by_modality.items():
        vectors = np.stack([hit.vector for hit in hits if hit.vector is not None])
        cosines = _cosines(query.vector, vectors)
        balanced: Sequence[float | None] = [None] * len(hits)
        if balance is not None:
            balanced = balance.scores(query.vector, query.modality, modality, vectors).tolist()
        for hit, cosine, better in zip(hits, cosines.tolist(), balanced, strict=True):
            ranked.append(Ranked(hit, ScoreParts(cosine=cosine, balanced=better)))
    return ranked


def _cosines(query: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(query)
    return np.clip(vectors @ query / lengths, -1.0, 1.0)


def _fuse(ranked: list[Ranked], worded: list[Hit]) -> list[Ranked]:
    text_scores = {hit.id: hit.text_score for hit in worded}
    near = [one.row.id for one in sorted(ranked, key=_by_score)]
    present = set(near)
    words = [hit.id for hit in worded if hit.id in present]
    fused = fuse_ranks(near, words, {one.row.id: bool(one.row.text) for one in ranked})
    return [
        Ranked(one.row, dataclasses.replace(one.parts, text=text_scores.get(one.row.id), fused=fused[one.row.id]))
        for one in ranked
    ]


def _by_score(one: Ranked) -> tuple[float, str]:
    return -one.score, one.row.id


def to_results(store: LanceStore, ranked: Sequence[Ranked], query_text: str | None) -> list[SearchResult]:
    """Give what was found as a caller sees it, with thumbnails."""
    rows = store.get((one.row.id for one in ranked), with_vectors=False)
    words = None if query_text is None else drop_stop_words(query_text)
    return [
        SearchResult(
            id=one.row.id,
            key=one.row.key,
            path=one.row.path,
            place=Place.from_dict(one.row.place.as_dict()),
            modality=one.row.modality,
            score=one.score,
            parts=one.parts,
            snippet=make_snippet(one.row.text, words),
            text=one.row.text,
            thumbnail=rows[one.row.id].thumbnail,
            metadata=one.row.metadata,
        )
        for one in ranked
        if one.row.id in rows  # or it was removed a moment ago
    ]
