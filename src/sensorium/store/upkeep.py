"""Putting a table's files in order: joining small ones, building and refreshing indices, removing old versions.

What is here changes no answer, only how soon it comes: rows that no index holds yet are looked through. Must not know
rows, conditions or models.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from sensorium._optional import require
from sensorium.errors import StoreError
from sensorium.store import lock
from sensorium.store.policy import IndexPolicy, UpkeepPolicy
from sensorium.store.table import PURPOSE, Table

logger = logging.getLogger(__name__)

#: Columns of a collection that are asked for by value: by ids, for vectors to use again, by source, by kind.
_SCALAR_COLUMNS = {"id": "BTree", "digest": "BTree", "key": "BTree", "path": "BTree", "modality": "Bitmap"}
#: A vector index carries its kind and the rows it was built for in its name, which both are there or not at all.
_VECTOR_INDEX = re.compile(r"vector_(?P<kind>[a-z_]+)_(?P<rows>\d+)")
#: How many lists and neighbours they have is LanceDB's choice.
_VECTOR_CONFIGS = {"ivf_rq": "IvfRq", "hnsw_sq": "HnswSq"}
#: With 0, LanceDB warns of readers that lose their files; the policy's documentation does.
_SHORTEST = timedelta(milliseconds=1)
#: LanceDB joins files up to this many rows; what is there already is then left alone.
_FULL_ROWS = 2**20
_WAIT_S = 600.0


def compact(table: Table, keep_versions_s: float) -> None:
    """Join small files, bring the indices that are there up to date, and remove old versions.

    Args:
        table: The table.
        keep_versions_s: Versions older than this many seconds are removed.

    Raises:
        StoreError: It failed.
    """
    # The files that are replaced must not go before their replacement is on the device. A version of now that still
    # holds them keeps them from going, however old the last one is; a change is synced when it ends.
    table.change("keeping the last version", lambda lance: lance.delete("false"))
    age = max(timedelta(seconds=keep_versions_s), _SHORTEST)
    table.change("joining small files", lambda lance: lance.optimize(cleanup_older_than=age))


def create_text_index(table: Table) -> None:
    """Index the column `text`.

    Words are found in any script (ICU's word boundaries), without regard to case and accents, and by their English
    stems. Common words are kept: a title may consist of them.

    Raises:
        StoreError: It failed.
    """

    config = _make_config("FTS", base_tokenizer="icu/split", stem=True, remove_stop_words=False)
    table.change("indexing text", lambda lance: lance.create_index("text", config=config, name="text"))


class Upkeep:
    """Keeps the table of a collection in order.

    Args:
        table: The table of rows.
        collection: The folder of the collection.
        index: What index there shall be.
        policy: When work is due.
        others: Tables without vectors whose files are put in order at the same time.
    """

    def __init__(
        self, table: Table, collection: Path, index: IndexPolicy, policy: UpkeepPolicy, others: Sequence[Table] = ()
    ) -> None:
        self._table = table
        self._others = others
        self._collection = collection
        self._index = index
        self._policy = policy
        self._commits_until_look = 0
        self._rows_until_look = 0

    def note_commit(self, rows: int) -> None:
        """Look from time to time whether work is due, and do it.

        The commit stands whatever comes of the work, so that a failure is only logged: it will be met again.

        Args:
            rows: How many the commit wrote.
        """
        self._commits_until_look -= 1
        self._rows_until_look -= rows
        if self._commits_until_look > 0 and self._rows_until_look > 0:
            return
        self._commits_until_look = max(1, self._policy.pieces // 5)
        self._rows_until_look = max(1, self._policy.rows // 5)
        try:
            if self.is_due():
                self.run(wait_s=0.0)
        except StoreError as exc:
            logger.warning("The collection's files could not be put in order; rows are not affected. %s", exc)

    def is_due(self) -> bool:
        """Tell whether work is due by the policy, whoever left the files.

        Raises:
            StoreError: The table cannot be read.
        """
        with self._table.translated("reading the files"):
            lance = self._table.lance
            stats = lance.stats()
            fresh = [one.num_unindexed_rows for one in lance.list_indices() if one.name == "text"]
        rows, pieces = stats["num_rows"], stats["fragment_stats"]["num_fragments"]
        unindexed = fresh[0] if fresh else rows
        return self._policy.is_due(pieces - 1 - rows // _FULL_ROWS, unindexed, rows - unindexed)

    def run(self, wait_s: float = _WAIT_S) -> bool:
        """Do the work now, unless another process is at it for longer than `wait_s` seconds.

        Returns:
            Whether it was done here.

        Raises:
            StoreError: It failed.
        """
        with lock.try_upkeep(self._collection, wait_s) as is_ours:
            if is_ours:
                for table in (self._table, *self._others):
                    compact(table, self._policy.keep_versions_s)
                if "text" not in self._indices():
                    create_text_index(self._table)
                rows = self._table.count(None)
                self._build_scalar_indices(rows)
                self._build_vector_index(rows)
        return is_ours

    def find_vector_index(self) -> str | None:
        """Give the kind of the index on vectors that is there, or None.

        Raises:
            StoreError: The table cannot be read.
        """
        found = self._vector_indices()
        return max(found.values(), key=lambda one: one[1])[0] if found else None

    def _indices(self) -> dict[str, list[str]]:
        with self._table.translated("reading the indices"):
            return {one.name: list(one.columns) for one in self._table.lance.list_indices()}

    def _vector_indices(self) -> dict[str, tuple[str, int]]:
        matches = ((name, _VECTOR_INDEX.fullmatch(name)) for name in self._indices())
        return {name: (match["kind"], int(match["rows"])) for name, match in matches if match is not None}

    def _build_scalar_indices(self, rows: int) -> None:
        if rows < self._policy.scalar_index_from:
            return
        present = self._indices()
        for column, kind in _SCALAR_COLUMNS.items():
            if column not in present:
                self._create_index(f"indexing the column {column!r}", column, _make_config(kind), column)

    def _create_index(self, doing: str, column: str, config: Any, name: str) -> None:
        self._table.change(doing, lambda lance: lance.create_index(column, config=config, name=name))

    def _build_vector_index(self, rows: int) -> None:
        """Build the index that the policy asks for if it is not there, and remove others."""
        kind = self._index.kind
        present = self._vector_indices()
        if kind == "none":
            kept: set[str] = set()
        elif rows < self._index.exact_below:
            return
        else:
            kept = {n for n, (k, r) in present.items() if k == kind and rows < r * self._index.rebuild_growth}
        if kind != "none" and not kept:
            name = f"vector_{kind}_{max(rows, 1)}"
            self._create_index(
                "indexing vectors", "vector", _make_config(_VECTOR_CONFIGS[kind], distance_type="cosine"), name
            )
            kept = {name} if name in self._vector_indices() else set(present)
        for name in set(present) - kept:
            self._drop_index(name)

    def _drop_index(self, name: str) -> None:
        self._table.change("removing an index", lambda lance: lance.drop_index(name))


def _make_config(kind: str, **settings: Any) -> Any:
    return getattr(require("lancedb", PURPOSE).index, kind)(**settings)
