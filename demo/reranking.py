"""One query, retrieved and reranked: the candidates before and after, side by side, and what is wrong with them.

Must not know which models compute, nor the peer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from demo.sample_files import SampleFile
from demo.table import Column, Table

if TYPE_CHECKING:
    from sensorium import CrossEncoder, RerankedHit, SentenceTransformer

#: Largest difference allowed between two similarities, or two scores, that should be the same.
TOLERANCE = 1e-4

_PLACE = (Column("#", 2, is_number=True), Column("file", 28), Column("score", 6, is_number=True))
_TABLE = Table(*_PLACE, Column("|", 1), *_PLACE, Column("moved", 5, is_number=True))
_SIDES = Table(Column("", 40), Column("", 1), Column("", 47))
_ANSWER_MARK = " *"


@dataclass(frozen=True, slots=True)
class Reranking:
    """What became of one query.

    Attributes:
        files: Everything that could have been found.
        hits: What was found, best first by the reranker.
        similarities: Of every file to the query, by the encoder: `[files]`.
        wanted: How many were to be found.
        answer: Name of the file that answers, which is marked.
    """

    files: Sequence[SampleFile]
    hits: Sequence[RerankedHit]
    similarities: np.ndarray
    wanted: int
    answer: str | None = None

    def lines(self) -> list[str]:
        """Return the candidates for a terminal: before on the left, after on the right."""
        before = sorted(self.hits, key=lambda hit: hit.retrieval_rank)
        after = sorted(self.hits, key=lambda hit: hit.rerank_rank)
        return [
            _TABLE.line(
                str(old.retrieval_rank),
                self._name(old),
                f"{old.retrieval_score:.3f}",
                "|",
                str(new.rerank_rank),
                self._name(new),
                "-" if new.rerank_score is None else f"{new.rerank_score:.3f}",
                describe_move(new),
            )
            for old, new in zip(before, after, strict=True)
        ]

    def find_problems(self, scores: np.ndarray) -> list[str]:
        """Say what is wrong.

        Args:
            scores: Of every file, computed pair by pair: `[files]`.
        """
        problems = []
        expected = sorted(map(float, self.similarities), reverse=True)[: self.wanted]
        before = sorted(self.hits, key=lambda hit: hit.retrieval_rank)
        places = list(range(1, len(expected) + 1))
        if [hit.retrieval_rank for hit in before] != places or [hit.rerank_rank for hit in self.hits] != places:
            problems.append(f"the ranks before or after are not 1 to {len(expected)}.")
        elif not np.allclose([hit.retrieval_score for hit in before], expected, rtol=0, atol=TOLERANCE):
            problems.append("the candidates are not the nearest files, in order.")
        mixed = [hit for hit in self.hits if hit.document != self.files[hit.index].value]
        if mixed:
            problems.append(
                f"{len(mixed)} hits hold another document, first that of {self.files[mixed[0].index].name}."
            )
        moved = [hit for hit in self.hits if not abs(_number(hit.rerank_score) - float(scores[hit.index])) <= TOLERANCE]
        if moved:
            first, score = self.files[moved[0].index].name, moved[0].rerank_score
            problems.append(
                f"{len(moved)} scores are not those pair by pair, first {first}: {score}, not {scores[moved[0].index]}."
            )
        reranked = [_number(hit.rerank_score) for hit in self.hits]
        if not np.all(np.diff(reranked) <= 0):  # NaN is not, either
            problems.append(f"the scores after do not fall: {reranked}.")
        return problems

    def _name(self, hit: RerankedHit) -> str:
        name = self.files[hit.index].name
        return name + _ANSWER_MARK if name == self.answer else name


def _number(score: float | None) -> float:
    return float("nan") if score is None else score


def heading(before: str, after: str) -> str:
    """Return what stands above the lines: who ordered the left side, and who the right one."""
    return f"{_SIDES.line(f'BEFORE: {before}', '|', f'AFTER: {after}')}\n{_TABLE.heading()}"


def describe_move(hit: RerankedHit) -> str:
    """Return by how many places a candidate rose (`"+2"`) or fell (`"-1"`); `"="` if it did neither."""
    rise = hit.retrieval_rank - hit.rerank_rank
    return f"{rise:+d}" if rise else "="


def rerank(
    query: Any,
    files: Sequence[SampleFile],
    *,
    encoder: SentenceTransformer,
    reranker: CrossEncoder,
    embeddings: np.ndarray,
    wanted: int,
    answer: str | None = None,
) -> Reranking:
    """Find the files nearest to a query, and rerank them.

    Args:
        query: The query, as both models take it.
        files: The files.
        encoder: Finds.
        reranker: Reranks.
        embeddings: The encoder's vectors of the files: `[files, dim]`.
        wanted: How many to find.
        answer: Name of the file that answers.
    """
    from sensorium import retrieve_and_rerank

    hits = retrieve_and_rerank(
        query,
        encoder=encoder,
        reranker=reranker,
        corpus=[file.value for file in files],
        embeddings=embeddings,
        top_k=wanted,
        rerank_top_k=None,
    )
    similarities = encoder.similarity(encoder.encode_query([query]), embeddings)[0].numpy()
    return Reranking(files, hits, similarities, wanted, answer)
