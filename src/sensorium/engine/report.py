"""What a call hands back: rows or vectors, and what became of the inputs that failed. Frozen, no behaviour.

Must not know how either came about.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sensorium.errors import InputError


@dataclass(frozen=True, slots=True)
class ItemError:
    """One input that could not be used.

    Attributes:
        index: Its position in the call, from 0.
        source: Its path, address or kind, or None.
        error: What was wrong; its `index` is the same position.
    """

    index: int
    source: str | None
    error: InputError


@dataclass(frozen=True, slots=True)
class EncodeResult:
    """What `encode(..., return_report=True)` gives.

    Attributes:
        embeddings: The vectors, in the form that the call asked for; rows of failed inputs are NaN (zeros in an
            integer precision).
        errors: The inputs that failed, by position; empty if none did.
    """

    embeddings: Any
    errors: tuple[ItemError, ...] = ()


@dataclass(frozen=True, slots=True)
class PredictResult:
    """What `predict(..., return_report=True)` gives.

    Attributes:
        scores: One score (or one row of scores) a pair, in the form that the call asked for; NaN for pairs that failed.
        errors: The pairs that failed, by position; empty if none did.
    """

    scores: Any
    errors: tuple[ItemError, ...] = ()


@dataclass(frozen=True, slots=True)
class RankResult:
    """What `rank(..., return_report=True)` gives.

    Attributes:
        ranking: What `rank` returns: one dict a document, best first; documents that failed come last, with NaN.
        errors: The documents that failed, by position; empty if none did.
        unscored: How many documents were not reached before the time was up; 0 without a time limit.
    """

    ranking: list[dict[str, Any]]
    errors: tuple[ItemError, ...] = ()
    unscored: int = 0


@dataclass(frozen=True, slots=True)
class RunResult:
    """What the engine gives.

    Attributes:
        rows: One row an input, in the caller's order; None where it failed or was not reached in time. Inputs with
            equal keys share one row.
        errors: The inputs that failed, by position.
    """

    rows: list[Any]
    errors: tuple[ItemError, ...] = ()
