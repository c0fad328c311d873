"""Ends lie side by side, each once, and attention under the mask gives each what it would get alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import scaled_dot_product_attention

from sensorium.modules.sharing.packing import Layout, Place, fill, lay_out, make_mask

LENGTHS = st.lists(st.integers(1, 9), min_size=1, max_size=12)
CPU = torch.device("cpu")


@settings(max_examples=150, derandomize=True)
@given(lengths=LENGTHS, row_tokens=st.integers(1, 24))
def test_every_end_lies_somewhere_once(lengths: list[int], row_tokens: int) -> None:
    layout = lay_out(lengths, row_tokens)
    assert [place.length for place in layout.places] == lengths
    taken = [(place.row, place.start + offset) for place in layout.places for offset in range(place.length)]
    assert len(set(taken)) == sum(lengths), "ends overlap"
    assert taken == sorted(taken), "ends are out of order"
    assert {row for row, _ in taken} == set(range(layout.rows))
    assert max(column for _, column in taken) + 1 == layout.width
    assert layout.width <= max(row_tokens, *lengths)


@settings(max_examples=100, derandomize=True)
@given(lengths=LENGTHS, row_tokens=st.integers(1, 24))
def test_a_row_is_begun_only_where_the_last_is_full(lengths: list[int], row_tokens: int) -> None:
    layout = lay_out(lengths, row_tokens)
    used = [sum(place.length for place in layout.places if place.row == row) for row in range(layout.rows)]
    for row in range(1, layout.rows):
        first = next(place for place in layout.places if place.row == row)
        assert used[row - 1] + first.length > min(row_tokens, sum(lengths)), "it would have fitted"


def test_one_row_where_all_fit() -> None:
    assert lay_out([3, 1, 2], 512) == Layout((Place(0, 0, 3), Place(0, 3, 1), Place(0, 4, 2)), 1, 6)


def test_a_long_end_widens_the_rows_and_short_ones_share_them() -> None:
    assert lay_out([5, 2, 2, 2], 3) == Layout((Place(0, 0, 5), Place(1, 0, 2), Place(1, 2, 2), Place(2, 0, 2)), 3, 5)


@pytest.mark.parametrize("leading", [(), (3,)])
def test_fill_puts_each_array_in_its_place(leading: tuple[int, ...]) -> None:
    lengths = [2, 3, 1]
    layout = lay_out(lengths, 4)
    values = [np.full((*leading, length), number + 1) for number, length in enumerate(lengths)]
    grid = fill(layout, values, padding=-1)
    assert grid.dtype == torch.int64
    assert grid.shape == (*leading, 2, 4)
    expected = torch.tensor([[1, 1, -1, -1], [2, 2, 2, 3]])
    assert torch.equal(grid, expected.expand(grid.shape))


def sees(layout: Layout, prefix: int, row: int, column: int, key: int) -> bool:
    """Say, from the definition, whether a token may look at a key."""
    owner = [place for place in layout.places if place.row == row and 0 <= column - place.start < place.length]
    if not owner:
        return key == prefix + column
    return key < prefix or owner[0].start <= key - prefix <= column


@settings(max_examples=60, derandomize=True)
@given(
    lengths=st.lists(st.integers(1, 4), min_size=1, max_size=6), row_tokens=st.integers(1, 9), prefix=st.integers(0, 3)
)
def test_the_mask_lets_through_what_the_definition_does(lengths: list[int], row_tokens: int, prefix: int) -> None:
    layout = lay_out(lengths, row_tokens)
    mask = make_mask(layout, prefix, torch.float32, CPU)
    assert mask.shape == (layout.rows, 1, layout.width, prefix + layout.width)
    expected = [
        [[sees(layout, prefix, row, column, key) for key in range(mask.shape[-1])] for column in range(layout.width)]
        for row in range(layout.rows)
    ]
    assert (mask[:, 0] == 0).tolist() == expected
    assert set(mask.unique().tolist()) <= {0.0, torch.finfo(torch.float32).min}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_masked_scores_stay_finite(dtype: torch.dtype) -> None:
    mask = make_mask(lay_out([3, 1, 2], 4), 2, dtype, CPU)
    assert mask.dtype == dtype
    assert torch.isfinite(mask).all()
    assert not torch.softmax(mask.float(), -1).isnan().any()


@settings(max_examples=30, derandomize=True)
@given(lengths=LENGTHS, row_tokens=st.integers(1, 24), prefix=st.integers(0, 5), seed=st.integers(0, 100))
def test_attention_under_the_mask_is_attention_alone(
    lengths: list[int], row_tokens: int, prefix: int, seed: int
) -> None:
    """The naive way: each end behind its own copy of the beginning, under a plain causal mask."""
    generator = torch.Generator().manual_seed(seed)
    common = torch.randn(3, 1, 2, prefix, 4, generator=generator)
    ends = [torch.randn(3, 1, 2, length, 4, generator=generator) for length in lengths]
    layout = lay_out(lengths, row_tokens)
    packed = torch.zeros(3, layout.rows, 2, layout.width, 4)
    for place, end in zip(layout.places, ends, strict=True):
        packed[:, place.row, :, place.start : place.start + place.length] = end[:, 0]
    query, key, value = packed
    both = [
        torch.cat([one.expand(layout.rows, -1, -1, -1), own], 2)
        for one, own in zip(common[1:], (key, value), strict=True)
    ]
    mask = make_mask(layout, prefix, torch.float32, CPU)
    together = scaled_dot_product_attention(query, *both, attn_mask=mask)
    for place, end in zip(layout.places, ends, strict=True):
        whole = torch.cat([common, end], 3)
        alone = scaled_dot_product_attention(*whole, is_causal=True)[0, :, prefix:]
        shared = together[place.row, :, place.start : place.start + place.length]
        torch.testing.assert_close(shared, alone, rtol=0, atol=1e-5)
