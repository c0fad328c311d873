"""What the reading side of an `add` hands to the computing side: one small value for each thing that was met.

Must not know who makes them or who acts on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np

    from sensorium.collection.results import Unreadable
    from sensorium.ingest.records import Record
    from sensorium.store.sources import SourceNote


@dataclass(slots=True, eq=False)
class Pending:
    """A record to store.

    Attributes:
        record: What it is.
        vector: Float32 `[dim]`; None until it is known.
        is_stored: Whether just this row is there already, so that nothing is to be done.
        is_computed: Whether its vector was computed by this call.
        problem: Why it cannot be stored, or None.
    """

    record: Record
    vector: np.ndarray | None = None
    is_stored: bool = False
    is_computed: bool = False
    problem: str | None = None

    @property
    def is_ready(self) -> bool:
        """Whether nothing has to be waited for."""
        return self.is_stored or self.vector is not None or self.problem is not None


@dataclass(frozen=True, slots=True)
class SourceDone:
    """A source was read to its end, or as far as it could be.

    Attributes:
        note: What to remember of it; None for loose items.
        ids: All records that it has now; None if it could not be read, and what is stored of it stays.
        is_skipped: Whether it rightly gave no records.
    """

    note: SourceNote | None
    ids: frozenset[str] | None
    is_skipped: bool = False


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A source is as it was when it was last read.

    Attributes:
        key: Of the source.
    """

    key: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A file, page or item cannot be read.

    Attributes:
        about: Which, and why.
    """

    about: Unreadable


Event: TypeAlias = "Pending | SourceDone | Unchanged | Problem"


def is_held(record: Record) -> bool:
    """Tell whether a record holds a picture, a sound or a clip in memory, which may be large."""
    return record.path is None and record.modality != "text"
