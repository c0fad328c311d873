"""What is printed of the comparison with the peer: a table, what the peer was given, and what it could not have opened.

Must not know how anything was compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from demo.agreement import TOLERANCE, Agreement
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
    yield from _unread_lines(agreements, samples)


def _unread_lines(agreements: Sequence[Agreement], samples: SampleFiles) -> Iterator[str]:
    """Say which sounds and clips the peer could not have opened itself, with which checkpoints, and why."""
    by_reason: dict[str, tuple[set[str], list[str]]] = {}
    for agreement in agreements:
        for unread in agreement.unread:
            names, titles = by_reason.setdefault(unread.reason, (set(), []))
            names.add(unread.name)
            if agreement.title not in titles:
                titles.append(agreement.title)
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
