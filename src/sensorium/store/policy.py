"""When a collection searches exactly, what index it builds, and how often its files are put in order: numbers only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from sensorium.errors import InputError

IndexKind = Literal["ivf_rq", "hnsw_sq", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexPolicy:
    """How vectors are found.

    Attributes:
        kind: `"ivf_rq"` is built in seconds and asked in about 10 ms; `"hnsw_sq"` answers sooner and takes a hundred
            times longer to build; `"none"` compares every vector.
        exact_below: Rows below which there is no index: comparing every vector is as fast.
        filtered_exact_below: Rows that a condition may leave for all of them to be compared, because an index finds
            them badly.
        probes: Lists that a search in an IVF index looks through; all of them where there is a condition.
        effort: Candidates that a search in an HNSW index follows; at least those that are compared exactly.
        refine: Times `top_k` rows are taken from the index, compared exactly, and the best kept. The index alone gives
            estimates that are no scores.
        least_candidates: Rows that are compared exactly at least, however small `top_k` is.
        rebuild_growth: The index is built anew when there are this many times the rows it was built for.

    Raises:
        InputError: A number below its least, or an unknown kind.

    Source: measurements in `docs/design/0009-store.md`. RaBitQ is Gao and Long, SIGMOD 2024; HNSW is Malkov and
    Yashunin, 2016.
    """

    kind: IndexKind = "ivf_rq"
    exact_below: int = 20_000
    filtered_exact_below: int = 10_000
    probes: int = 20
    effort: int = 128
    refine: int = 10
    least_candidates: int = 200
    rebuild_growth: float = 4.0

    def __post_init__(self) -> None:
        if self.kind not in get_args(IndexKind):
            raise InputError(f"An index is one of {', '.join(get_args(IndexKind))}, got {self.kind!r}.")
        _check_least(
            self,
            exact_below=0,
            filtered_exact_below=0,
            probes=1,
            effort=1,
            refine=1,
            least_candidates=1,
            rebuild_growth=1.5,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UpkeepPolicy:
    """When files are put in order without being asked; a write does it before it returns.

    Every commit leaves a few small files, which make each read a little slower, and rows that full text and the index
    do not hold yet. Joining files rewrites most of the table, so it waits until the new rows are worth it: each row is
    then rewritten a few times in all, however large the table grows.

    Attributes:
        pieces: Small files from which it is due,
        rows: or new rows from which it is,
        growth: if the new rows are at least this share of the others.
        most_pieces: Small files from which it is due whatever the share.
        keep_versions_s: Old versions are removed after this many seconds. A search or scan that takes longer may lose
            the files it reads, and with less than a minute a power cut during the work may cost the table.
        scalar_index_from: Rows from which ids, digests, keys, paths and modalities have an index of their own.

    Raises:
        InputError: A number below its least.
    """

    pieces: int = 50
    rows: int = 20_000
    growth: float = 0.25
    most_pieces: int = 500
    keep_versions_s: float = 3600.0
    scalar_index_from: int = 10_000

    def __post_init__(self) -> None:
        _check_least(self, pieces=1, rows=1, growth=0, most_pieces=1, keep_versions_s=0, scalar_index_from=0)

    def is_due(self, pieces: int, fresh: int, settled: int) -> bool:
        """Tell whether files shall be put in order.

        Args:
            pieces: Small files.
            fresh: Rows that full text and the index do not hold yet.
            settled: Rows that they hold.
        """
        is_enough = pieces >= self.pieces or fresh >= self.rows
        return pieces >= self.most_pieces or (is_enough and fresh >= self.growth * settled)


def _check_least(policy: object, **least: float) -> None:
    for name, smallest in least.items():
        value = getattr(policy, name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= smallest:
            raise InputError(f"{type(policy).__name__}.{name} must be a number from {smallest}, got {value!r}.")
