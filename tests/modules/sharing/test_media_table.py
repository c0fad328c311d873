"""Equal media are one; each is made once, and each stage's result goes when nobody waits for it any more."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from sensorium.errors import MediaError
from sensorium.media.samples import Part
from sensorium.modules.sharing.media_table import MediaTable, TowerStates

STATES = TowerStates(torch.zeros(2, 3))


@pytest.fixture
def forgotten() -> list[Part]:
    return []


@pytest.fixture
def table(forgotten: list[Part]) -> MediaTable:
    return MediaTable(forgotten.append)


def make_part(value: str = "pixels") -> Part:
    return Part("image", value, True)


def test_equal_keys_are_one_medium_and_none_equals_nothing(table: MediaTable) -> None:
    numbers = [table.add("image", key) for key in ("a", "b", "a", None, None, "a")]
    assert numbers == [0, 1, 0, 2, 3, 0]
    assert [table[number].number for number in range(4)] == [0, 1, 2, 3]
    assert [table[number].loads for number in range(4)] == [3, 1, 1, 1]
    assert [table[number].uses for number in range(4)] == [3, 1, 1, 1]
    assert table[3].kind == "image"


def test_a_medium_is_decoded_once(table: MediaTable) -> None:
    number, made = table.add("image", "a"), []

    def make() -> Part:
        made.append(make_part())
        return made[-1]

    assert table.decode(number, make) is table.decode(number, make)
    assert len(made) == 1


def test_threads_that_want_one_medium_wait_for_who_came_first(table: MediaTable) -> None:
    number, other = table.add("image", "a"), table.add("image", "b")
    made: list[Part] = []

    def make() -> Part:
        time.sleep(0.02)
        made.append(make_part())
        return made[-1]

    with ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(lambda _: table.decode(number, make), range(8)))
    assert len(made) == 1
    assert all(part is made[0] for part in parts)
    assert table[other].part is None


def test_different_media_are_decoded_side_by_side(table: MediaTable) -> None:
    numbers = [table.add("image", key) for key in "ab"]
    both_are_here = threading.Barrier(2, timeout=10)

    def make() -> Part:
        both_are_here.wait()
        return make_part()

    with ThreadPoolExecutor(2) as pool:
        assert len(list(pool.map(lambda number: table.decode(number, make), numbers))) == 2


def test_what_cannot_be_decoded_holds_no_lock(table: MediaTable) -> None:
    number = table.add("image", "a")

    def fail() -> Part:
        raise MediaError("broken")

    for _ in range(2):
        with pytest.raises(MediaError):
            table.decode(number, fail)
    assert table.decode(number, make_part).value == "pixels"


def test_the_decoded_goes_with_the_last_load(table: MediaTable, forgotten: list[Part]) -> None:
    number = table.add("image", "a")
    table.add("image", "a")
    part = table.decode(number, make_part)
    table.end_load([number])
    assert table[number].part is part
    assert forgotten == []
    table.end_load([number])
    assert table[number].part is None
    assert forgotten == [part]


def test_what_was_never_decoded_is_not_forgotten(table: MediaTable, forgotten: list[Part]) -> None:
    table.end_load([table.add("image", "a")])
    assert forgotten == []


def test_a_pair_may_name_a_medium_twice(table: MediaTable, forgotten: list[Part]) -> None:
    numbers = [table.add("image", "a"), table.add("image", "a")]
    part = table.decode(numbers[0], make_part)
    table.end_load(numbers)
    assert forgotten == [part]
    table[numbers[0]].states = STATES
    table.end_use(numbers)
    assert table[numbers[0]].states is None


def test_states_go_with_the_last_use(table: MediaTable) -> None:
    number = table.add("image", "a")
    table.add("image", "a")
    table[number].states = STATES
    table.end_use([number])
    assert table[number].states is STATES
    table.end_use([number])
    assert table[number].states is None


def test_inputs_wait_for_the_tower_and_are_kept_once(table: MediaTable) -> None:
    number = table.add("image", "a")
    first, second = {"pixel_values": torch.zeros(1)}, {"pixel_values": torch.ones(1)}
    table.keep_inputs(number, first)
    table.keep_inputs(number, second)
    assert table[number].inputs is first
    table[number].states, table[number].inputs = STATES, None
    table.keep_inputs(number, second)
    assert table[number].inputs is None, "the tower has run; nobody will take these"


def test_inputs_of_a_pair_that_failed_go_too(table: MediaTable) -> None:
    number = table.add("image", "a")
    table.keep_inputs(number, {"pixel_values": torch.zeros(1)})
    table.end_use([number])
    assert table[number].inputs is None


def test_threads_count_right(table: MediaTable, forgotten: list[Part]) -> None:
    def work(seed: int) -> None:
        for turn in range(50):
            numbers = [table.add("image", key) for key in (seed % 3, turn % 5)]
            for number in numbers:
                table.decode(number, make_part)
            table.end_load(numbers)
            table.end_use(numbers)

    keep = [table.add("image", key) for key in range(5)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert [(table[number].loads, table[number].uses) for number in keep] == [(1, 1)] * 5
    table.end_load(keep)
    assert len(forgotten) == 5
