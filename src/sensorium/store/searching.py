"""Finding rows: by vector, exactly or through an index, and by the words of their text.

Must not know conditions beyond their SQL, or how the index came to be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sensorium._optional import require
from sensorium.errors import InputError
from sensorium.store.arrow_rows import check_vector, rows_of
from sensorium.store.columns import clean_text
from sensorium.store.policy import IndexPolicy
from sensorium.store.rows import Hit
from sensorium.store.table import PURPOSE, Table

if TYPE_CHECKING:
    from sensorium.store.reading import Plan
    from sensorium.store.upkeep import Upkeep


#: More lists than any index has. What meets a condition may lie in lists far from the query: where a modality is asked
#: for, its rows lie apart from a query of another one. Looking through the codes of all lists takes a tenth longer.
_ALL_LISTS = 1_000_000


class Searcher:
    """Searches one table of rows.

    Args:
        table: The table.
        dim: Length of its vectors.
        policy: When to compare every vector.
        upkeep: Knows what index there is.
    """

    def __init__(self, table: Table, dim: int, policy: IndexPolicy, upkeep: Upkeep) -> None:
        self._table = table
        self._dim = dim
        self._policy = policy
        self._upkeep = upkeep

    def by_vector(
        self,
        vector: Any,
        top_k: int,
        plan: Plan,
        *,
        is_exact: bool = False,
    ) -> list[Hit]:
        """Give the nearest rows by cosine; rows of one score are ordered by id.

        Args:
            vector: `[dim]`.
            top_k: Most rows to give, from 1.
            plan: The condition, applied before the search, and the columns that the rows shall have.
            is_exact: Compare every vector, whatever the policy says.

        Raises:
            InputError: A vector that cannot be compared, `top_k` below 1, or an unusable condition.
            StoreError: The table cannot be read.
        """
        array = check_vector(vector, self._dim, "The query")
        check_top_k(top_k)
        probes = 0 if is_exact else self._choose_probes(plan)
        found = self._run(array, top_k, plan, probes)
        if probes and found.num_rows < top_k and found.num_rows < self._table.count(plan.where, plan.columns):
            found = self._run(array, top_k, plan, 0)  # the index missed rows that meet the condition
        cosines = np.clip(1.0 - found.column("_distance").to_numpy(), -1.0, 1.0)
        return _to_hits(found, "_distance", "score", cosines)

    def _choose_probes(self, plan: Plan) -> int:
        """Give how many lists of the index to look through, or 0 to compare every vector."""
        if self._upkeep.find_vector_index() is None:
            return 0
        limit = self._policy.exact_below if plan.where is None else self._policy.filtered_exact_below
        if self._table.count(plan.where, plan.columns) < limit:
            return 0
        return self._policy.probes if plan.where is None else _ALL_LISTS

    def _run(self, vector: np.ndarray, top_k: int, plan: Plan, probes: int) -> Any:
        with self._table.translated("searching", plan.columns):
            query = self._table.lance.search(vector, vector_column_name="vector").distance_type("cosine")
            if probes:
                refine = max(self._policy.refine, -(-self._policy.least_candidates // top_k))
                effort = max(self._policy.effort, top_k * refine)  # fewer is refused
                query = query.nprobes(probes).refine_factor(refine).ef(effort)
            else:
                query = query.bypass_vector_index()
            if plan.where is not None:
                query = query.where(plan.where, prefilter=True)
            return query.limit(top_k).select([*plan.select, "_distance"]).to_arrow()

    def by_words(self, text: str, top_k: int, plan: Plan) -> list[Hit]:
        """Give the rows whose text has words of `text`, by BM25; rows of one score are ordered by id.

        Args:
            text: Words; no sign in it has a meaning of its own. Without words there are no hits.
            top_k: Most rows to give, from 1.
            plan: As for `by_vector`.

        Raises:
            InputError: `top_k` below 1, text that has no UTF-8 form, or an unusable condition.
            StoreError: The table cannot be read.
        """
        check_top_k(top_k)
        if not isinstance(text, str):
            raise InputError(f"A search by words needs text, got a {type(text).__name__}.")
        clean_text(text, "The query")
        if not text.strip():
            return []
        match = require("lancedb", PURPOSE).query.MatchQuery(text, "text")
        with self._table.translated("searching", plan.columns):
            query = self._table.lance.search(match, query_type="fts")
            if plan.where is not None:
                query = query.where(plan.where, prefilter=True)
            found = query.limit(top_k).select([*plan.select, "_score"]).to_arrow()
        return _to_hits(found, "_score", "text_score", found.column("_score").to_numpy())


def check_top_k(top_k: int) -> None:
    """Check how many rows are asked for.

    Raises:
        InputError: It is no whole number from 1.
    """
    if isinstance(top_k, bool) or not isinstance(top_k, (int, np.integer)) or top_k < 1:
        raise InputError(f"top_k must be a whole number from 1, got {top_k!r}.")


def _to_hits(found: Any, raw: str, name: str, scores: np.ndarray) -> list[Hit]:
    pa = require("pyarrow", PURPOSE)
    table = found.drop_columns([raw]).append_column(name, pa.array(scores.astype(np.float64)))
    return sorted(rows_of(table, Hit), key=lambda hit: (-(hit.score or hit.text_score or 0.0), hit.id))
