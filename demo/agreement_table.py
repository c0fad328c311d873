"""What is printed of the comparison with the peer: a table, what the peer was given, and what it could not have opened.

Must not know how anything was compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from demo.agreement import TOLERANCE, Agreement
from demo.peer import Unread
from demo.sample_files import FOLDERS, SampleFiles
from demo.table import Column, Table, paragraph

_TABLE = Table(Column("checkpoint", 18), *(Column(folder, 14) for folder in FOLDERS.values()))


def agreement_lines(agreements: Sequence[Agreement], samples: SampleFiles) -> Iterator[str]:
    """Yield the lines to print, one checkpoint after another, then the notes."""
    yield f"  Largest difference in any dimension (how many inputs); {TOLERANCE:.0e} is allowed.\n"
    yield _TABLE.heading()
    for agreement in agreements:
        yield _TABLE.line(agreement.title, *(agreement.cell(modality) for modality in FOLDERS))
    yield "\n  It was given texts, image files, and sounds and clips as Sensorium had decoded them."
    cropped = [agreement.title for agreement in agreements if agreement.is_cropped]
    if cropped:
        yield paragraph(
            f"{', '.join(cropped)}: on the part of each sound that fits into the model's window. Of a longer sound the "
            "peer takes a part at random on every call, Sensorium always the same."
        )
    yield from unread_lines([(agreement.title, agreement.unread) for agreement in agreements], samples)


def unread_lines(unread_by: Iterable[tuple[str, Iterable[Unread]]], samples: SampleFiles) -> Iterator[str]:
    """Say which sounds and clips the peer could not have opened itself, and why.

    Args:
        unread_by: Checkpoints, each with what was not read.
        samples: All files.
    """
    by_reason: dict[str, tuple[set[str], list[str]]] = {}
    for title, unread in unread_by:
        for one in unread:
            names, titles = by_reason.setdefault(one.reason, (set(), []))
            names.add(one.name)
            if title not in titles:
                titles.append(title)
    if by_reason:
        yield "\n  Given the path instead, it did not read these files here:"
    for reason, (names, titles) in by_reason.items():
        yield paragraph(f"{_join_names(names, samples)} ({', '.join(titles)}): {reason}.", indent="    ")


def _join_names(names: set[str], samples: SampleFiles) -> str:
    """List files by name, but all of a modality by their number."""
    words: list[str] = []
    for modality, folder in FOLDERS.items():
        all_names = [file.name for file in samples.of(modality)]
        named = [name for name in all_names if name in names]
        words += [f"all {len(named)} {folder}"] if len(named) == len(all_names) > 2 else named
    return ", ".join(words)
