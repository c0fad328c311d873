"""What is printed of the comparison of scores: a table, what was shared, and what the peer could not take.

Must not know how anything was compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from demo.agreement_table import unread_lines
from demo.reranking import TOLERANCE
from demo.sample_files import SampleFiles
from demo.score_agreement import ScoreAgreement
from demo.table import Column, Table, paragraph

_GROUPS = Table(Column("", 67), Column("difference from", 18), Column("milliseconds", 18))
_TABLE = Table(
    Column("reranker", 18),
    Column("queries x documents", 27),
    Column("pairs", 5, is_number=True),
    Column("shares work", 11),
    Column("the peer", 8),
    Column("unshared", 8),
    Column("shared", 8, is_number=True),
    Column("unshared", 8, is_number=True),
)


def score_lines(agreements: Sequence[ScoreAgreement], samples: SampleFiles) -> Iterator[str]:
    """Yield the lines to print, one set of pairs after another, then the notes."""
    yield "  SMALL RERANKERS OF THESE FAMILIES' SHAPES, WITH RANDOM WEIGHTS: what is compared is the machinery."
    yield f"  Largest difference of any score, each between 0 and 1; {TOLERANCE:.0e} is allowed.\n"
    yield _GROUPS.line(*(column.title for column in _GROUPS.columns))
    yield _TABLE.heading()
    for agreement in agreements:
        shared, unshared = agreement.milliseconds
        yield _TABLE.line(
            agreement.title,
            agreement.pairs,
            str(len(agreement.scores)),
            "yes" if agreement.has_shared else "no",
            f"{agreement.largest_from_peer:.1e}",
            f"{agreement.largest_from_unshared:.1e}",
            f"{shared:.1f}",
            f"{unshared:.1f}",
        )
    yield "\n" + paragraph(
        "shares work: what the prompts of one query begin with was computed once for all its documents. unshared: "
        "shared=False, each pair from nothing. milliseconds: for all the pairs, the better of two rounds. These "
        "models are so small that sharing may cost more than it saves; `make bench` shows it on a large one."
    )
    for title, obstacle in {each.title: each.obstacle for each in agreements if each.obstacle}.items():
        yield paragraph(f"{title}: {obstacle}.")
    yield paragraph(
        "The peer was given texts, image files, and sounds and clips as bare arrays that Sensorium had decoded."
    )
    untimed = list(dict.fromkeys(each.title for each in agreements if each.is_untimed))
    if untimed:
        yield paragraph(
            f"{', '.join(untimed)}: on clips without their times, for both. The model reads when each frame was, and "
            "the peer takes no times with a clip in a pair."
        )
    yield from unread_lines([(each.title, each.unread) for each in agreements], samples)
