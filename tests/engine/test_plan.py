"""Reading finds duplicates; cutting keeps groups apart, the largest first, and both limits."""

from __future__ import annotations

from itertools import groupby, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorium.engine.options import RunOptions
from sensorium.engine.plan import Caps, Cutter, Job, Reader
from sensorium.errors import InputError, UnknownArgumentError
from tests.engine.fake import FakeSteps


def _cut_all(jobs: list[Job], caps: Caps, keeps_order: bool = False) -> list[list[Job]]:
    cutter = Cutter(caps, keeps_order)
    cutter.add(jobs)
    batches = []
    while batch := cutter.cut():
        batches.append(batch)
    assert not cutter
    return batches


def _costs(batches: list[list[Job]]) -> list[list[int]]:
    return [[job.cost for job in batch] for batch in batches]


def _jobs(*costs: int, group: str = "") -> list[Job]:
    return [Job(index, cost=cost, group=group) for index, cost in enumerate(costs)]


def test_largest_first() -> None:
    assert _costs(_cut_all(_jobs(1, 5, 3, 4, 2), Caps(RunOptions(batch_size=2)))) == [[5, 4], [3, 2], [1]]


def test_equal_costs_keep_their_order() -> None:
    batches = _cut_all(_jobs(2, 7, 2, 7, 2), Caps(RunOptions(batch_size=10)))
    assert [job.index for job in batches[0]] == [1, 3, 0, 2, 4]


def test_budget_counts_padding_and_lets_a_large_one_go_alone() -> None:
    caps = Caps(RunOptions(batch_size=4, token_budget=10))
    assert _costs(_cut_all(_jobs(50, 5, 5, 3, 3, 3, 1, 1), caps)) == [[50], [5, 5], [3, 3, 3], [1, 1]]


def test_groups_are_not_mixed_and_the_one_with_the_largest_leads() -> None:
    jobs = [*_jobs(1, 2, group="text"), *_jobs(9, 1, group="image")]
    batches = _cut_all(jobs, Caps(RunOptions(batch_size=8)))
    assert [[job.group for job in batch] for batch in batches] == [["image", "image"], ["text", "text"]]


def test_jobs_added_later_come_later() -> None:
    cutter = Cutter(Caps(RunOptions(batch_size=8)))
    cutter.add(_jobs(1))
    cutter.add(_jobs(9))
    assert _costs([cutter.cut(), cutter.cut(), cutter.cut()]) == [[1], [9], []]


def test_what_is_learnt_holds_for_its_group_and_in_tokens() -> None:
    caps = Caps(RunOptions(batch_size=8))
    caps.learn("image", cost=10, length=2)
    assert caps.length("image", 10) == 2
    assert caps.length("image", 5) == 4
    assert caps.length("image", 1) == 8
    assert caps.length("image", 100) == 1
    assert caps.length("text", 10) == 8
    caps.learn("image", cost=30, length=3)
    assert caps.length("image", 10) == 2, "a larger limit learnt later must not undo a smaller one"


@given(
    costs=st.lists(st.tuples(st.integers(1, 40), st.sampled_from("abc")), max_size=40),
    batch_size=st.integers(1, 9),
    budget=st.none() | st.integers(1, 100),
)
def test_every_job_is_cut_once_within_the_limits(
    costs: list[tuple[int, str]], batch_size: int, budget: int | None
) -> None:
    jobs = [Job(index, cost=cost, group=group) for index, (cost, group) in enumerate(costs)]
    batches = _cut_all(jobs, Caps(RunOptions(batch_size=batch_size, token_budget=budget)))
    assert sorted(job.index for batch in batches for job in batch) == list(range(len(jobs)))
    for batch in batches:
        assert len({job.group for job in batch}) == 1
        assert len(batch) <= batch_size
        assert budget is None or len(batch) == 1 or max(job.cost for job in batch) * len(batch) <= budget
    for _, run_of_group in groupby(batches, key=lambda batch: batch[0].group):
        in_order = [job.cost for batch in run_of_group for job in batch]
        assert in_order == sorted(in_order, reverse=True)


def test_the_order_given_is_kept_where_asked_for() -> None:
    batches = _cut_all(_jobs(1, 5, 3, 4, 2), Caps(RunOptions(batch_size=2)), keeps_order=True)
    assert _costs(batches) == [[1, 5], [3, 4], [2]]


def test_in_order_the_budget_counts_the_largest_so_far() -> None:
    """One that is larger than those before it makes all of them cost more, so it may have to wait for the next."""
    caps = Caps(RunOptions(batch_size=9, token_budget=10))
    batches = _cut_all(_jobs(1, 1, 1, 5, 5, 50, 2, 3, 3, 3), caps, keeps_order=True)
    assert _costs(batches) == [[1, 1, 1], [5, 5], [50], [2, 3, 3], [3]]


def test_in_order_groups_are_not_mixed_and_come_as_they_first_appear() -> None:
    jobs = [
        Job(index, cost=cost, group=group)
        for index, (group, cost) in enumerate(zip("abcab", (1, 9, 2, 7, 3), strict=True))
    ]
    batches = _cut_all(jobs, Caps(RunOptions(batch_size=8)), keeps_order=True)
    assert [[job.index for job in batch] for batch in batches] == [[0, 3], [1, 4], [2]]


def test_in_order_what_is_learnt_holds_at_once() -> None:
    caps = Caps(RunOptions(batch_size=4))
    cutter = Cutter(caps, keeps_order=True)
    cutter.add(_jobs(5, 5, 5, 5, 5, 5, 5))
    assert len(cutter.cut()) == 4
    caps.learn("", cost=5, length=2)
    assert [len(cutter.cut()) for _ in range(3)] == [2, 1, 0]


@given(
    costs=st.lists(st.tuples(st.integers(1, 40), st.sampled_from("abc")), max_size=40),
    batch_size=st.integers(1, 9),
    budget=st.none() | st.integers(1, 100),
)
def test_in_order_every_job_is_cut_once_within_the_limits(
    costs: list[tuple[int, str]], batch_size: int, budget: int | None
) -> None:
    jobs = [Job(index, cost=cost, group=group) for index, (cost, group) in enumerate(costs)]
    batches = _cut_all(jobs, Caps(RunOptions(batch_size=batch_size, token_budget=budget)), keeps_order=True)
    for batch in batches:
        assert len({job.group for job in batch}) == 1
        assert len(batch) <= batch_size
        assert budget is None or len(batch) == 1 or max(job.cost for job in batch) * len(batch) <= budget
    cut = [job.index for batch in batches for job in batch]
    first = {group: place for place, (_, group) in reversed(list(enumerate(costs)))}
    assert cut == sorted(range(len(costs)), key=lambda place: (first[costs[place][1]], place))
    for batch, following in pairwise(batches):
        if batch[0].group == following[0].group and len(batch) < batch_size:
            largest = max(job.cost for job in [*batch, following[0]])
            assert budget is not None
            assert largest * (len(batch) + 1) > budget, "the next would have fitted"


def test_equal_keys_are_one_job_until_all_copies_left() -> None:
    reader = Reader(FakeSteps())
    first, is_new = reader.read("a", 0)
    assert is_new
    again, is_new_again = reader.read("a", 1)
    assert again is first
    assert not is_new_again
    reader.hand_over(first)
    assert reader.read("a", 2)[0] is first
    reader.hand_over(first)
    reader.hand_over(first)
    assert reader.read("a", 3)[1], "a job that was handed over wholly must be forgotten"


def test_without_a_key_nothing_is_shared() -> None:
    reader = Reader(FakeSteps(has_keys=False))
    assert reader.read("a", 0)[0] is not reader.read("a", 1)[0]


@pytest.mark.parametrize("step", ["read", "cost"])
def test_a_fault_in_reading_is_the_jobs(step: str) -> None:
    job, is_new = Reader(FakeSteps(bad={"a": step})).read("a", 4)
    assert not is_new
    assert job.is_done
    assert isinstance(job.error, InputError)
    assert job.error.index == 4


def test_an_unknown_argument_is_nobodys_fault() -> None:
    class Steps(FakeSteps):
        def read(self, value: object) -> object:
            raise UnknownArgumentError("imaeg_size")

    with pytest.raises(UnknownArgumentError):
        Reader(Steps()).read("a", 0)


def test_a_cost_below_one_counts_as_one() -> None:
    assert Reader(FakeSteps(costs=lambda value: 0)).read("a", 0)[0].cost == 1
