"""Words and nearness in one order: an exact word comes early, pictures keep their places."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorium.collection.fusion import K, fuse_ranks


def order(by_vector: str, by_words: str, pictures: str = "") -> str:
    fused = fuse_ranks(list(by_vector), list(by_words), {one: one not in pictures for one in by_vector})
    return "".join(sorted(fused, key=lambda one: -fused[one]))


@pytest.mark.parametrize(
    ("by_vector", "by_words", "pictures", "expected"),
    [
        ("abcd", "", "", "abcd"),
        ("abcd", "a", "", "abcd"),
        ("abcd", "d", "", "dabc"),  # 1/64 + 1/61 is more than 1/61
        ("abcd", "ba", "", "abcd"),  # equal sums: the nearer one
        ("PQRS", "", "PQRS", "PQRS"),
        ("PaQb", "b", "PQ", "PbaQ"),  # b comes early, and leaves no hole
        ("PQRa", "a", "PQR", "PaQR"),  # the nearest picture stays the first
        ("PQab", "ab", "PQ", "PaQb"),  # words get every second place, and pictures the others in their order
        ("PQaRSb", "", "PQRS", "PQaRSb"),
    ],
)
def test_orders(by_vector: str, by_words: str, pictures: str, expected: str) -> None:
    assert order(by_vector, by_words, pictures) == expected


def test_scores_are_reciprocal_places() -> None:
    assert fuse_ranks(["a", "b"], ["b"], {"a": True, "b": True}) == {"b": 1 / (K + 1), "a": 1 / (K + 2)}


def test_nothing() -> None:
    assert fuse_ranks([], [], {}) == {}


@st.composite
def ranks(draw: st.DrawFn) -> tuple[list[str], list[str], dict[str, bool]]:
    ids = [f"{number}" for number in range(draw(st.integers(0, 30)))]
    has_text = {one: draw(st.booleans()) for one in ids}
    worded = [one for one in ids if has_text[one]]
    found = draw(st.permutations(worded))[: draw(st.integers(0, len(worded)))]
    return draw(st.permutations(ids)), found, has_text


@given(ranks())
def test_every_record_has_one_place(given_ranks: tuple[list[str], list[str], dict[str, bool]]) -> None:
    by_vector, by_words, has_text = given_ranks
    fused = fuse_ranks(by_vector, by_words, has_text)
    assert sorted(fused) == sorted(by_vector)
    assert list(fused.values()) == [1 / (K + place) for place in range(1, len(by_vector) + 1)]


@given(ranks())
def test_pictures_keep_their_order_and_lose_few_places(
    given_ranks: tuple[list[str], list[str], dict[str, bool]],
) -> None:
    by_vector, by_words, has_text = given_ranks
    order = list(fuse_ranks(by_vector, by_words, has_text))
    pictures = [one for one in by_vector if not has_text[one]]
    assert [one for one in order if not has_text[one]] == pictures
    for one in pictures:
        assert order.index(one) <= 2 * by_vector.index(one)  # counted from 0: the first one stays there


@given(ranks())
def test_words_that_were_found_have_every_second_place(
    given_ranks: tuple[list[str], list[str], dict[str, bool]],
) -> None:
    """Among as few records as these, whatever was found by words comes before what has words and was not."""
    by_vector, by_words, has_text = given_ranks
    places = [place for place, one in enumerate(fuse_ranks(by_vector, by_words, has_text)) if one in set(by_words)]
    assert all(place <= 2 * number + 1 for number, place in enumerate(places))


@given(ranks())
def test_without_words_the_order_is_that_of_nearness(
    given_ranks: tuple[list[str], list[str], dict[str, bool]],
) -> None:
    by_vector, _, has_text = given_ranks
    assert list(fuse_ranks(by_vector, [], has_text)) == by_vector
