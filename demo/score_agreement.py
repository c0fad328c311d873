"""Whether a reranker's scores are right: shared work against none shared, and both against the peer, pair by pair.

The peer is given sounds and clips as bare arrays, as Sensorium decoded them: inside a pair it takes neither a sound's
rate nor a clip's times. Must not know how results are printed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from demo.peer import PeerError, Unread, ask, find_reading_fault, largest_difference
from demo.reranking import TOLERANCE
from demo.sharing_log import listen_to_sharing

if TYPE_CHECKING:
    from demo.sample_files import SampleFile
    from sensorium import CrossEncoder

#: Scores that lie closer together than this many tolerances prove nothing.
_LEAST_SPREAD = 10
_ROUNDS = 2
_UNREADABLE = ("audio", "video")


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a pair: what it is called, what a reranker is given, and its modality."""

    label: str
    value: str
    modality: str

    @classmethod
    def from_text(cls, text: str) -> Side:
        """Make a side of words."""
        return cls(text, text, "text")

    @classmethod
    def from_file(cls, file: SampleFile) -> Side:
        """Make a side of a file."""
        return cls(file.name, file.value, file.modality)


@dataclass(slots=True)
class ScoreAgreement:
    """What came of comparing one reranker on one set of pairs.

    Attributes:
        title: The reranker.
        pairs: What was paired with what.
        scores: With shared work, as `predict` gives them: `[pairs]`.
        unshared: With `shared=False`, each pair from nothing: `[pairs]`.
        has_shared: Whether a beginning that prompts have in common was computed once.
        obstacle: Why nothing was shared, or None.
        milliseconds: For all pairs, with shared work and without: the best of some rounds.
        from_peer: The difference from the peer of each pair that it scored.
        unread: Files that the peer cannot open itself.
        is_untimed: Whether Sensorium, too, was given clips without their times for the comparison with the peer.
        problems: What is wrong, in sentences.
    """

    title: str
    pairs: str
    scores: np.ndarray
    unshared: np.ndarray
    has_shared: bool = False
    obstacle: str | None = None
    milliseconds: tuple[float, float] = (float("nan"), float("nan"))
    from_peer: list[float] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    is_untimed: bool = False
    problems: list[str] = field(default_factory=list)

    @property
    def largest_from_peer(self) -> float:
        """The largest difference from the peer; NaN if there is one that is not a number, or none."""
        return float(np.max(self.from_peer)) if self.from_peer else float("nan")

    @property
    def largest_from_unshared(self) -> float:
        """The largest difference between the two ways of Sensorium; NaN if there is one that is not a number."""
        return largest_difference(self.scores, self.unshared)


def compare_scores(
    title: str, pairs: str, ours: CrossEncoder, theirs: Any, sides: Sequence[tuple[Side, Side]], *, is_sharing: bool
) -> ScoreAgreement:
    """Score pairs in all three ways, and compare.

    Args:
        title: The reranker.
        pairs: What is paired with what, in words.
        ours: The reranker, loaded by Sensorium.
        theirs: The same, loaded by the peer.
        sides: The pairs.
        is_sharing: Whether the reranker can share work, so that not doing it is wrong.
    """
    values = [(query.value, document.value) for query, document in sides]
    with listen_to_sharing() as log:
        scores = np.asarray(ours.predict(values))
    unshared = np.asarray(ours.predict(values, shared=False))
    obstacle = log.obstacles[0] if log.obstacles else None
    agreement = ScoreAgreement(title, pairs, scores, unshared, bool(log.beginnings), obstacle)
    agreement.problems += _find_problems(agreement, is_sharing)
    agreement.milliseconds = _measure_time(ours, values)
    _compare_with_peer(agreement, ours, theirs, sides)
    _find_unread(agreement, ours, theirs, sides)
    return agreement


def _find_problems(agreement: ScoreAgreement, is_sharing: bool) -> list[str]:
    problems, has_several = [], len(agreement.unshared) > 1
    if not agreement.largest_from_unshared <= TOLERANCE:  # NaN is not, either
        distance = f"{agreement.largest_from_unshared:.1e}"
        problems.append(f"{agreement.pairs}: shared work moves a score by {distance} from that of shared=False.")
    if has_several and not np.ptp(agreement.unshared) > _LEAST_SPREAD * TOLERANCE:
        problems.append(f"{agreement.pairs}: the scores are nearly all the same, so that agreement proves nothing.")
    if has_several and is_sharing and not agreement.has_shared:
        problems.append(f"{agreement.pairs}: nothing was shared: {agreement.obstacle or 'no common beginning'}.")
    return problems


def _measure_time(model: CrossEncoder, values: Sequence[Any]) -> tuple[float, float]:
    """Return the milliseconds with shared work and without; the two take turns."""
    spent: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(_ROUNDS):
        for is_shared, times in spent.items():
            start = time.perf_counter()
            model.predict(values, shared=is_shared)
            times.append(1000 * (time.perf_counter() - start))
    return min(spent[True]), min(spent[False])


def _compare_with_peer(
    agreement: ScoreAgreement, ours: CrossEncoder, theirs: Any, sides: Sequence[tuple[Side, Side]]
) -> None:
    """Ask the peer for each pair's score; note the differences, and in a sentence each what went wrong."""
    distant: list[str] = []
    unscored: list[str] = []
    for (query, document), score in zip(sides, agreement.scores, strict=True):
        given = (_bare_form(ours, query), _bare_form(ours, document))
        if "video" in (query.modality, document.modality) and _reads_times(ours):
            score, agreement.is_untimed = ours.predict(given), True
        try:
            difference = largest_difference([score], ask(theirs.predict, [given]))
        except PeerError as exc:
            unscored.append(f"{query.label!r} with {document.label!r}: {exc}")
            continue
        agreement.from_peer.append(difference)
        if not difference <= TOLERANCE:  # NaN is not, either
            distant.append(f"{query.label!r} with {document.label!r}: {difference:.1e}")
    if distant:
        agreement.problems.append(f"{agreement.pairs}: {len(distant)} scores are not the peer's, first {distant[0]}.")
    if unscored:
        agreement.problems.append(f"{agreement.pairs}: the peer gave {len(unscored)} no score, first {unscored[0]}.")


def _bare_form(model: CrossEncoder, side: Side) -> Any:
    """Return a side in a form that the peer takes in a pair: of a sound the samples, of a clip the chosen frames."""
    if side.modality not in _UNREADABLE:
        return side.value
    first: Any = model[0]
    return first.load_sample(first.read(side.value), model.media).parts[0].value.array


def _reads_times(model: CrossEncoder) -> bool:
    """Whether the processor chooses frames by their times, and tells the network when each was."""
    return bool(getattr(getattr(model.processor, "video_processor", None), "do_sample_frames", False))


def _find_unread(
    agreement: ScoreAgreement, ours: CrossEncoder, theirs: Any, sides: Sequence[tuple[Side, Side]]
) -> None:
    """Find out which sounds and clips the peer could have opened itself; each file is tried once."""
    pair_with = {side: pair for pair in reversed(sides) for side in pair if side.modality in _UNREADABLE}
    for side, (query, document) in pair_with.items():
        given = (query.value, document.value)
        reason = find_reading_fault(theirs, side.value, given, ours.preprocess([given]))
        if reason is not None:
            agreement.unread.append(Unread(side.label, side.modality, reason))
