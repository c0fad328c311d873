"""Lay the differing ends of prompts side by side, so that one pass computes them without padding each to the longest.

Several short ends share a row; each sees the common beginning, itself, and nothing of its neighbours. That costs
attention scores which are masked away, at most `row_tokens` of them a token, and saves both the padding and a copy of
the common keys for each prompt. Must not know models, media or what scores are.

Source:
    Packing sequences with a block-diagonal mask: Krell et al., "Efficient Sequence Packing without
    Cross-contamination", arXiv:2107.02027.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True, slots=True)
class Place:
    """Where one prompt's end lies: row, first token in it, and length."""

    row: int
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Where ends lie in a grid of rows.

    Attributes:
        places: One an end, in the order given.
        rows: Number of rows.
        width: Tokens of a row, padding at its end included.
    """

    places: tuple[Place, ...]
    rows: int
    width: int


def lay_out(lengths: Sequence[int], row_tokens: int) -> Layout:
    """Fill rows in the order given.

    Args:
        lengths: Tokens of each end, at least 1.
        row_tokens: Tokens that a row holds; an end that is longer has a row of its own.

    Returns:
        The layout.
    """
    width = max([min(row_tokens, sum(lengths)), *lengths])
    places: list[Place] = []
    row, used = 0, 0
    for length in lengths:
        if used + length > width:
            row, used = row + 1, 0
        places.append(Place(row, used, length))
        used += length
    width = max(place.start + place.length for place in places)
    return Layout(tuple(places), row + 1, width)


def fill(layout: Layout, values: Sequence[np.ndarray], padding: int = 0) -> torch.Tensor:
    """Lay one array an end into the grid.

    Args:
        layout: From `lay_out`.
        values: For each end int64 `[..., length]`, with the same leading dimensions.
        padding: What stands where nothing lies.

    Returns:
        int64 `[..., rows, width]`.
    """
    grid = np.full((*values[0].shape[:-1], layout.rows, layout.width), padding, dtype=np.int64)
    for place, value in zip(layout.places, values, strict=True):
        grid[..., place.row, place.start : place.start + place.length] = value
    return torch.from_numpy(grid)


def make_mask(layout: Layout, prefix_length: int, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """Say which token sees which: the common beginning, and of its own end what is not behind it.

    Padding sees itself, because attention over nothing is not a number.

    Args:
        layout: From `lay_out`.
        prefix_length: Tokens of the common beginning.
        dtype: The attention's type.
        device: Where it is wanted.

    Returns:
        `[rows, 1, width, prefix + width]`: 0 where a token sees another, else the type's lowest number.
    """
    owner = np.full((layout.rows, layout.width), -1, dtype=np.int64)
    for number, place in enumerate(layout.places):
        owner[place.row, place.start : place.start + place.length] = number
    owners = torch.from_numpy(owner).to(device)
    order = torch.arange(layout.width, device=device)
    is_own = (owners[:, :, None] == owners[:, None, :]) & (owners[:, :, None] >= 0)
    is_seen = (is_own & (order[:, None] >= order[None, :])) | (order[:, None] == order[None, :])
    mask = torch.full(
        (layout.rows, 1, layout.width, prefix_length + layout.width), torch.finfo(dtype).min, dtype=dtype, device=device
    )
    mask[:, 0, :, prefix_length:].masked_fill_(is_seen, 0)
    mask[:, 0, :, :prefix_length].masked_fill_((owners >= 0)[:, :, None], 0)
    return mask
