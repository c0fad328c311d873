"""Questions put to the texts: which passage is nearest, which comes next, and whether the nearest is the right one.

Must not know where the model or the passages come from.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from demo.sample_files import Question, SampleFile
from demo.table import Column, Table

if TYPE_CHECKING:
    from sensorium import SentenceTransformer

_TABLE = Table(Column("score", 6, is_number=True), Column("passage", 20), Column("it begins", 70), Column("", 5))


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model finds for a question.

    Attributes:
        question: The question.
        best: The passage of highest score.
        best_score: Its cosine.
        next_best: The passage of second highest score.
        next_score: Its cosine.
    """

    question: Question
    best: SampleFile
    best_score: float
    next_best: SampleFile
    next_score: float

    @property
    def is_right(self) -> bool:
        """Whether the best passage is the one that answers, and both scores are numbers."""
        has_scores = math.isfinite(self.best_score) and math.isfinite(self.next_score)
        return has_scores and self.best.name == self.question.answer

    @property
    def problem(self) -> str | None:
        """What is wrong, in a sentence; None where nothing is."""
        if self.is_right:
            return None
        return f"{self.question.text!r} found {self.best.name} ({self.best_score:.3f}) and not {self.question.answer}."

    def lines(self) -> list[str]:
        """Return the question and its two passages, for a terminal."""
        mark = "right" if self.is_right else "WRONG"
        return [
            f"  {self.question.text}",
            _TABLE.line(f"{self.best_score:.3f}", self.best.name, _beginning(self.best), mark),
            _TABLE.line(f"{self.next_score:.3f}", self.next_best.name, _beginning(self.next_best), ""),
        ]


def heading() -> str:
    """Return what stands above the answers."""
    return _TABLE.heading()


def answer_questions(
    model: SentenceTransformer, questions: Sequence[Question], passages: Sequence[SampleFile]
) -> list[Answer]:
    """Rank at least two passages for each question by the model's own similarity."""
    asked = model.encode_query([question.text for question in questions])
    scores = model.similarity(asked, model.encode_document([passage.value for passage in passages]))
    top = scores.topk(2, dim=1)
    return [
        Answer(question, passages[first], best, passages[second], runner_up)
        for question, (first, second), (best, runner_up) in zip(
            questions, top.indices.tolist(), top.values.tolist(), strict=True
        )
    ]


def _beginning(passage: SampleFile) -> str:
    return " ".join(passage.value.split())
