"""Policies are checked when they are made."""

from __future__ import annotations

from typing import Any

import pytest

from sensorium.errors import InputError
from sensorium.store import IndexPolicy, UpkeepPolicy


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (IndexPolicy, {"kind": "flat"}),
        (IndexPolicy, {"probes": 0}),
        (IndexPolicy, {"refine": 0}),
        (IndexPolicy, {"rebuild_growth": 1.0}),
        (IndexPolicy, {"exact_below": "many"}),
        (UpkeepPolicy, {"pieces": 0}),
        (UpkeepPolicy, {"keep_versions_s": float("nan")}),
        (UpkeepPolicy, {"rows": True}),
    ],
)
def test_numbers_that_make_no_sense_are_refused(kind: type, fields: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(fields)) if "kind" not in fields else "index"):
        kind(**fields)


def test_the_standard_policies_are_in_order() -> None:
    assert IndexPolicy().filtered_exact_below <= IndexPolicy().exact_below
    assert UpkeepPolicy().keep_versions_s >= 3600


@pytest.mark.parametrize(
    ("pieces", "fresh", "settled", "is_due"),
    [
        (0, 0, 0, False),
        (49, 4900, 0, False),
        (50, 5000, 0, True),
        (50, 5000, 20_000, True),
        (50, 5000, 20_001, False),
        (1, 19_999, 0, False),
        (1, 20_000, 80_000, True),
        (1, 20_000, 80_001, False),
        (499, 499, 10_000, False),
        (500, 500, 10_000, True),
    ],
)
def test_work_waits_until_it_is_worth_it(pieces: int, fresh: int, settled: int, is_due: bool) -> None:
    assert UpkeepPolicy().is_due(pieces, fresh, settled) is is_due


def test_a_row_is_rewritten_a_few_times_in_all() -> None:
    policy, settled, fresh, pieces, rewritten = UpkeepPolicy(), 0, 0, 0, 0
    for _ in range(20_000):
        fresh, pieces = fresh + 50, pieces + 1
        if policy.is_due(pieces, fresh, settled):
            settled, fresh, pieces = settled + fresh, 0, 0
            rewritten += settled
    assert settled > 500_000
    assert rewritten < 25 * settled
