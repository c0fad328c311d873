"""One pair's prompt as numbers: the token ids that the network reads, and, beside them, which medium each stands for.

A placeholder's id is the same for every image, so ids alone would find two images alike. In `identity` a placeholder
bears the number of its medium instead, and prompts agree as far as their identities do. Prompts are always tokenised
whole; what they share is found in the numbers. Must not know networks or batches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

#: Features that have one number a token.
TOKEN_FEATURES = ("input_ids", "token_type_ids", "mm_token_type_ids")


@dataclass(frozen=True, slots=True)
class MediumPlaces:
    """Where one medium stands in a prompt: its number in the call, and the indices of its tokens, ascending."""

    number: int
    places: np.ndarray


@dataclass(frozen=True, slots=True)
class PromptRow:
    """One prompt, without padding.

    Attributes:
        ids: int64 `[tokens]`.
        positions: int64 `[axes, tokens]`, for rotary embeddings of one axis or three.
        media: What stands in it, in order of appearance.
        features: Further features of one number a token, int64 `[tokens]`.
        extra: Features of the whole prompt, such as `modality`.
    """

    ids: np.ndarray
    positions: np.ndarray
    media: tuple[MediumPlaces, ...] = ()
    features: Mapping[str, np.ndarray] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def identity(self) -> np.ndarray:
        """The ids with each placeholder replaced by `-1 - number` of its medium, int64 `[tokens]`."""
        if not self.media:
            return self.ids
        identity = self.ids.copy()
        for medium in self.media:
            identity[medium.places] = -1 - medium.number
        return identity

    def __len__(self) -> int:
        return len(self.ids)


def split_text_rows(features: Mapping[str, Any], axes: int) -> list[PromptRow]:
    """Cut the features of a padded batch of texts into rows without padding.

    Args:
        features: `input_ids` and `attention_mask` `[batch, tokens]`, and what else is in `TOKEN_FEATURES`.
        axes: Of positions.

    Returns:
        A row a text.
    """
    masks = features["attention_mask"].bool().numpy()
    columns = {name: features[name].numpy() for name in TOKEN_FEATURES if name in features}
    extra = {key: value for key, value in features.items() if not isinstance(value, torch.Tensor)}
    rows = []
    for number, mask in enumerate(masks):
        values = {name: column[number][mask].astype(np.int64) for name, column in columns.items()}
        ids = values.pop("input_ids")
        rows.append(PromptRow(ids, count_positions(len(ids), axes), (), values, extra))
    return rows


def count_positions(length: int, axes: int) -> np.ndarray:
    """Return the positions of a prompt without media, int64 `[axes, length]`."""
    return np.broadcast_to(np.arange(length, dtype=np.int64), (axes, length))


def place_media(ids: np.ndarray, token_id: int, numbers: Sequence[int], sizes: Sequence[int]) -> list[MediumPlaces]:
    """Deal a prompt's placeholders of one kind out to its media of that kind.

    Args:
        ids: int64 `[tokens]`.
        token_id: The placeholder.
        numbers: The media's numbers, in order.
        sizes: How many placeholders each has.

    Raises:
        ValueError: There are more or fewer placeholders than that.
    """
    places = np.flatnonzero(ids == token_id)
    if len(places) != sum(sizes):
        raise ValueError(f"a prompt has {len(places)} placeholders for media of {sum(sizes)} tokens")
    parts = np.split(places, np.cumsum(sizes)[:-1])
    return [MediumPlaces(number, part) for number, part in zip(numbers, parts, strict=True) if len(part)]


def count_common(first: np.ndarray, second: np.ndarray) -> int:
    """Count the numbers with which two arrays begin alike."""
    length = min(len(first), len(second))
    differing = np.flatnonzero(first[:length] != second[:length])
    return int(differing[0]) if len(differing) else length


def pad_rows(rows: Sequence[PromptRow], padding_id: int, padding_type: int, is_left: bool) -> dict[str, Any]:
    """Join rows of text into the features of a padded batch.

    Args:
        rows: Without media.
        padding_id: The padding token.
        padding_type: Its `token_type_ids`.
        is_left: Whether padding stands in front.

    Returns:
        int64 `[rows, tokens]` under each feature's name, `attention_mask` among them, and what the rows say beside.
    """
    width = max(map(len, rows))

    def join(arrays: Sequence[np.ndarray], padding: int) -> torch.Tensor:
        grid = np.full((len(rows), width), padding, dtype=np.int64)
        for number, array in enumerate(arrays):
            start = width - len(array) if is_left else 0
            grid[number, start : start + len(array)] = array
        return torch.from_numpy(grid)

    paddings = {"token_type_ids": padding_type}
    joined = {"input_ids": join([row.ids for row in rows], padding_id)}
    for name in rows[0].features:
        joined[name] = join([row.features[name] for row in rows], paddings.get(name, 0))
    joined["attention_mask"] = join([np.ones(len(row), dtype=np.int64) for row in rows], 0)
    return {**joined, **rows[0].extra}
