"""Rows are prompts without padding; what they have in common shows in numbers that tell media apart."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorium.modules.sharing.rows import (
    MediumPlaces,
    PromptRow,
    count_common,
    count_positions,
    pad_rows,
    place_media,
    split_text_rows,
)

PAD, IMAGE = 7, 90
IDS = st.lists(st.integers(0, 9), min_size=1, max_size=12)


def make_row(*ids: int, media: tuple[MediumPlaces, ...] = (), **features: list[int]) -> PromptRow:
    arrays = {name: np.array(values) for name, values in features.items()}
    return PromptRow(np.array(ids, dtype=np.int64), count_positions(len(ids), 1), media, arrays)


def at(number: int, *places: int) -> MediumPlaces:
    return MediumPlaces(number, np.array(places))


@settings(max_examples=60, derandomize=True)
@given(prompts=st.lists(IDS, min_size=1, max_size=5), is_left=st.booleans(), axes=st.sampled_from([1, 3]))
def test_padding_and_splitting_undo_each_other(prompts: list[list[int]], is_left: bool, axes: int) -> None:
    """Padding stands for itself: a prompt may hold the padding token as a word, and keeps it."""
    kinds = [[number % 2 for number in range(len(prompt))] for prompt in prompts]
    rows = [make_row(*prompt, token_type_ids=kind) for prompt, kind in zip(prompts, kinds, strict=True)]
    padded = pad_rows(rows, PAD, 1, is_left)
    width = max(map(len, prompts))
    assert {name: value.shape for name, value in padded.items()} == dict.fromkeys(
        ("input_ids", "token_type_ids", "attention_mask"), (len(prompts), width)
    )
    assert all(value.dtype == torch.int64 for value in padded.values())
    outside = ~padded["attention_mask"].bool()
    assert (padded["input_ids"][outside] == PAD).all()
    assert (padded["token_type_ids"][outside] == 1).all()
    edge = padded["attention_mask"][:, -1 if is_left else 0]
    assert edge.all(), "padding stands on the wrong side"
    again = split_text_rows(padded, axes)
    assert [row.ids.tolist() for row in again] == prompts
    assert [row.features["token_type_ids"].tolist() for row in again] == kinds
    for row, prompt in zip(again, prompts, strict=True):
        assert row.positions.tolist() == [list(range(len(prompt)))] * axes
        assert row.ids.dtype == row.positions.dtype == np.int64


def test_splitting_keeps_what_is_of_one_number_a_token_and_what_is_no_tensor() -> None:
    features = {
        "input_ids": torch.tensor([[7, 4, 5]]),
        "attention_mask": torch.tensor([[0, 1, 1]]),
        "mm_token_type_ids": torch.tensor([[0, 1, 2]]),
        "logits_to_keep": 1,
        "modality": "message",
        "pixel_values": torch.zeros(4, 2),
    }
    (row,) = split_text_rows(features, 1)
    assert {name: values.tolist() for name, values in row.features.items()} == {"mm_token_type_ids": [1, 2]}
    assert row.extra == {"logits_to_keep": 1, "modality": "message"}
    assert len(row) == 2
    joined = pad_rows([row], PAD, 0, is_left=True)
    assert joined["modality"] == "message"
    assert joined["mm_token_type_ids"].tolist() == [[1, 2]]


def test_splitting_does_not_hold_the_padded_batch() -> None:
    """A short prompt must not keep the memory of the longest of its chunk."""
    features = {"input_ids": torch.ones(2, 1000, dtype=torch.int64), "attention_mask": torch.zeros(2, 1000)}
    features["attention_mask"][0] = 1
    features["attention_mask"][1, -3:] = 1
    row = split_text_rows(features, 1)[1]
    assert len(row) == 3
    assert row.ids.base is None


def test_identity_without_media_is_the_ids() -> None:
    row = make_row(3, 1, 4)
    assert row.identity is row.ids


def test_identity_tells_media_apart_and_leaves_the_ids_alone() -> None:
    ids = (1, IMAGE, IMAGE, 2, IMAGE)
    row = make_row(*ids, media=(at(5, 1, 2), at(0, 4)))
    assert row.identity.tolist() == [1, -6, -6, 2, -1]
    assert row.ids.tolist() == list(ids)
    other = make_row(*ids, media=(at(6, 1, 2), at(0, 4)))
    assert count_common(row.identity, other.identity) == 1
    assert count_common(row.ids, other.ids) == len(ids), "the ids alone cannot tell"
    same = make_row(*ids[:4], media=(at(5, 1, 2),))
    assert count_common(row.identity, same.identity) == 4


@settings(max_examples=100, derandomize=True)
@given(first=st.lists(st.integers(0, 2), max_size=6), second=st.lists(st.integers(0, 2), max_size=6))
def test_count_common_counts_one_by_one(first: list[int], second: list[int]) -> None:
    expected = 0
    while expected < min(len(first), len(second)) and first[expected] == second[expected]:
        expected += 1
    counted = count_common(np.array(first, dtype=np.int64), np.array(second, dtype=np.int64))
    assert counted == expected
    assert type(counted) is int


@settings(max_examples=60, derandomize=True)
@given(sizes=st.lists(st.integers(1, 4), min_size=1, max_size=4), gaps=st.lists(st.integers(0, 2), min_size=5))
def test_placeholders_are_dealt_in_order(sizes: list[int], gaps: list[int]) -> None:
    """Also where two media touch, and where text stands inside of one, as timestamps do in a clip."""
    ids: list[int] = []
    for number, size in enumerate(sizes):
        for place in range(size):
            ids += [1] * gaps[(number + place) % len(gaps)] + [IMAGE]
    numbers = [10 + number for number in range(len(sizes))]
    placed = place_media(np.array(ids), IMAGE, numbers, sizes)
    assert [medium.number for medium in placed] == numbers
    assert [len(medium.places) for medium in placed] == sizes
    together = np.concatenate([medium.places for medium in placed])
    assert together.tolist() == [place for place, token in enumerate(ids) if token == IMAGE]


def test_a_medium_without_tokens_stands_nowhere() -> None:
    placed = place_media(np.array([IMAGE, 1]), IMAGE, [3, 4], [0, 1])
    assert [(medium.number, medium.places.tolist()) for medium in placed] == [(4, [0])]


@pytest.mark.parametrize("ids", [[1, IMAGE], [IMAGE, IMAGE, IMAGE]])
def test_a_wrong_number_of_placeholders_is_no_silent_matter(ids: list[int]) -> None:
    with pytest.raises(ValueError, match=f"has {ids.count(IMAGE)} placeholders for media of 2 tokens"):
        place_media(np.array(ids), IMAGE, [0], [2])
