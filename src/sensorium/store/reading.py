"""Reading rows by what they are, not by how near they are: by id, by digest, all of them, how many.

Must not know how rows are searched or written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from sensorium.store.arrow_rows import read_columns, read_vectors, rows_of
from sensorium.store.columns import ColumnType
from sensorium.store.filters import compile_where, join_all, modality_condition, write_any_of
from sensorium.store.protocol import Where
from sensorium.store.rows import Entry, Row
from sensorium.store.table import Table

if TYPE_CHECKING:
    import numpy as np


class Plan(NamedTuple):
    """What a read asks of the table.

    Attributes:
        where: The condition as SQL, or None.
        select: Columns to read.
        columns: Names of all columns, for errors.
    """

    where: str | None
    select: list[str]
    columns: list[str]


class Reader:
    """Reads one table of rows; the methods are those of `LanceStore`.

    Args:
        table: The table.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._known_modalities: tuple[str, ...] = ()

    def columns(self) -> dict[str, ColumnType]:
        return read_columns(self._table.schema())

    def plan(
        self,
        where: Where | None,
        modality: str | Sequence[str] | None = None,
        *,
        with_vectors: bool,
        with_thumbnails: bool,
    ) -> Plan:
        """Check conditions and choose columns.

        Raises:
            InputError: A condition that cannot be used.
        """
        columns = self.columns()
        conditions = (compile_where(where, columns), compile_where(modality_condition(modality), columns))
        hidden = {"vector": not with_vectors, "thumbnail": not with_thumbnails}
        select = [name for name in columns if not hidden.get(name, False)]
        return Plan(join_all(conditions), select, list(columns))

    def count(self, where: Where | None) -> int:
        columns = self.columns()
        return self._table.count(compile_where(where, columns), list(columns))

    def modalities(self) -> dict[str, int]:
        # Every search asks for them: those of the last time are counted by their index, in a millisecond each. Only
        # where that leaves rows out is there one that was not known.
        known = {name: self.count({"modality": name}) for name in self._known_modalities}
        if sum(known.values()) == self.count(None):
            return {name: count for name, count in known.items() if count}
        counts: Counter[str] = Counter()
        for batch in self._table.scan(None, ("modality",)):
            found = batch.column("modality").value_counts()
            counts.update(dict(zip(found.field("values").to_pylist(), found.field("counts").to_pylist(), strict=True)))
        self._known_modalities = tuple(sorted(counts))
        return {name: counts[name] for name in self._known_modalities}

    def get(self, ids: Iterable[str], *, with_vectors: bool, with_thumbnails: bool) -> dict[str, Row]:
        wanted = list(dict.fromkeys(ids))
        select = self.plan(None, with_vectors=with_vectors, with_thumbnails=with_thumbnails).select
        found = {
            row.id: row
            for condition in write_any_of("id", wanted)
            for batch in self._table.scan(condition, select)
            for row in rows_of(batch, Row)
        }
        return {one: found[one] for one in wanted if one in found}

    def digests(self, wanted: Iterable[str]) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = {}
        for condition in write_any_of("digest", wanted):
            for batch in self._table.scan(condition, ("digest", "vector")):
                names = batch.column("digest").to_pylist()
                found.update(zip(names, read_vectors(batch.column("vector")), strict=True))
        return found

    def entries(self, where: Where | None) -> Iterator[Entry]:
        columns = self.columns()
        for batch in self._table.scan(compile_where(where, columns), ("id", "key", "path", "digest"), list(columns)):
            for values in batch.to_pylist():
                yield Entry(**values)

    def scan(self, where: Where | None, *, with_vectors: bool, with_thumbnails: bool) -> Iterator[Row]:
        plan = self.plan(where, with_vectors=with_vectors, with_thumbnails=with_thumbnails)
        for batch in self._table.scan(plan.where, plan.select, plan.columns):
            yield from rows_of(batch, Row)
