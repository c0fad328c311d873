"""From prompts that begin alike to what the model makes of each: the common beginning once, the ends packed.

One object serves one call. The beginning of a group of prompts is computed when the group's first batch comes, and cut
shorter if a later prompt departs from it sooner. Must not know how prompts are made, nor what scores mean.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from sensorium.modules.sharing.media_table import MediaTable, Medium
from sensorium.modules.sharing.network import SharedNetwork
from sensorium.modules.sharing.packing import Layout, Place, fill, lay_out, make_mask
from sensorium.modules.sharing.prefix import Prefix
from sensorium.modules.sharing.rows import PromptRow, count_common

logger = logging.getLogger(__name__)

#: Tokens of short ends that share a row. Longer rows mean fewer copies of the common keys and larger products; shorter
#: ones fewer scores that are masked away. Figures: `docs/log.md`.
ROW_TOKENS = 512
#: Beginnings kept: batches of two groups may alternate where one waits for a slow file.
_KEPT_BEGINNINGS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Prompts that are expected to begin alike.

    Attributes:
        key: What they have in common, such as their query.
        size: How many there are in the call.
        beginning: With what those known so far begin, as identities; None if that is not known.
    """

    key: Hashable
    size: int
    beginning: np.ndarray | None = None


@dataclass(slots=True, eq=False)
class _Beginning:
    identity: np.ndarray
    prefix: Prefix


class SharedScorer:
    """Computes prompts of one call.

    Args:
        network: The model's network.
        media: The call's media.
        copy_tokens: Most tokens of common keys that exist in copies for rows at a time.
        least_saving: Tokens that a common beginning must save to be computed in a pass of its own.
    """

    def __init__(self, network: SharedNetwork, media: MediaTable, copy_tokens: int, least_saving: int = 1) -> None:
        self._network = network
        self._media = media
        self._copy_tokens = copy_tokens
        self._least_saving = least_saving
        self._beginnings: OrderedDict[Hashable, _Beginning] = OrderedDict()

    def score(self, rows: Sequence[PromptRow], group: Group) -> dict[str, Any]:
        """Compute prompts of one group.

        Args:
            rows: The prompts.
            group: To what they belong.

        Returns:
            What the model's modules leave, `scores` `[rows, labels]` among it.
        """
        self._run_towers(rows)
        beginning = self._find_beginning(rows, group)
        start = beginning.prefix.length if beginning is not None else 0
        prefix = beginning.prefix if beginning is not None else None
        lengths = [self._network.find_last(row.ids) + 1 - start for row in rows]
        layout = lay_out(lengths, ROW_TOKENS)
        most_rows = max(1, self._copy_tokens // (start + layout.width))
        states = []
        for first in range(0, layout.rows, most_rows):
            chunk, members = _take_rows(layout, first, most_rows)
            states.append(self._compute_ends([rows[member] for member in members], chunk, start, prefix))
        return self._network.finish(torch.cat(states))

    # The beginning

    def _find_beginning(self, rows: Sequence[PromptRow], group: Group) -> _Beginning | None:
        """Return the computed beginning that all of these prompts share, computing or cutting it as need be."""
        identities = [row.identity[: self._network.find_last(row.ids)] for row in rows]
        known = self._beginnings.get(group.key)
        wanted = group.beginning if group.beginning is not None else identities[0]
        wanted = wanted if known is None else known.identity
        length = min(count_common(wanted, identity) for identity in identities)
        length = _step_back(rows[0], length)
        if length * (group.size - 1) < self._least_saving:
            return None
        if known is None:
            known = _Beginning(wanted[:length], self._compute_beginning(rows[0], length))
            logger.debug("%d prompts share their beginning: %d tokens of the first batch's", group.size, length)
        elif length < len(known.identity):
            known = _Beginning(known.identity[:length], known.prefix.cut(length))
        self._beginnings[group.key] = known
        self._beginnings.move_to_end(group.key)
        while len(self._beginnings) > _KEPT_BEGINNINGS:
            self._beginnings.popitem(last=False)
        return known

    def _compute_beginning(self, row: PromptRow, length: int) -> Prefix:
        from transformers.cache_utils import DynamicCache

        cache = DynamicCache()
        layout = Layout((Place(0, 0, length),), 1, length)
        embeddings, deep = self._embed([row], layout, 0)
        positions = torch.from_numpy(np.array(row.positions[:, None, :length])).to(self._network.device)
        self._network.decode(embeddings, positions, None, cache, deep)
        return Prefix.from_cache(cache)

    # The ends

    def _compute_ends(
        self, rows: Sequence[PromptRow], layout: Layout, start: int, prefix: Prefix | None
    ) -> torch.Tensor:
        """Compute the ends of prompts from `start` on, and return the states of their last tokens, `[rows, dim]`."""
        network = self._network
        embeddings, deep = self._embed(rows, layout, start)
        ends = [row.positions[:, start : start + place.length] for row, place in zip(rows, layout.places, strict=True)]
        positions = fill(layout, ends).to(network.device)
        mask = make_mask(layout, start, network.dtype, network.device)
        states = network.decode(embeddings, positions, mask, prefix and prefix.as_cache(), deep)
        owners = torch.tensor([place.row for place in layout.places], device=states.device)
        lasts = torch.tensor([place.start + place.length - 1 for place in layout.places], device=states.device)
        return states[owners, lasts]

    def _embed(
        self, rows: Sequence[PromptRow], layout: Layout, start: int
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, list[torch.Tensor]] | None]:
        """Embed prompts from `start` on, media in their places; with what DeepStack adds to these."""
        network = self._network
        ends = [row.ids[start : start + place.length] for row, place in zip(rows, layout.places, strict=True)]
        embeddings = network.embed(fill(layout, ends).to(network.device))
        is_deep = torch.zeros(layout.rows, layout.width, dtype=torch.bool)
        layers: list[list[torch.Tensor]] = []
        for row, place in zip(rows, layout.places, strict=True):
            for medium in row.media:
                places = medium.places[(medium.places >= start) & (medium.places < start + place.length)]
                if not len(places):
                    continue
                states = self._media[medium.number].states
                assert states is not None, "the tower has run"
                columns = torch.from_numpy(places - start + place.start)
                embeddings[place.row, columns.to(embeddings.device)] = states.states[: len(places)]
                if states.deep:
                    is_deep[place.row, columns] = True
                    layers.append([layer[: len(places)] for layer in states.deep])
        if not layers:
            return embeddings, None
        joined = [torch.cat(list(parts)) for parts in zip(*layers, strict=True)]
        return embeddings, (is_deep.to(network.device), joined)

    # Media

    def _run_towers(self, rows: Sequence[PromptRow]) -> None:
        """Run the towers over media that have not been through them."""
        numbers = dict.fromkeys(medium.number for row in rows for medium in row.media)
        waiting: dict[Any, list[Medium]] = {}
        for number in numbers:
            medium = self._media[number]
            if medium.states is None:
                waiting.setdefault(medium.kind, []).append(medium)
        for kind, media in waiting.items():
            inputs = [medium.inputs for medium in media if medium.inputs is not None]
            assert len(inputs) == len(media), "inputs are kept until the tower has run"
            for medium, states in zip(media, self._network.run_tower(kind, inputs), strict=True):
                medium.states, medium.inputs = states, None


def _step_back(row: PromptRow, length: int) -> int:
    """Shorten a common beginning that ends inside a medium to end before it."""
    for medium in row.media:
        if medium.places[0] < length <= medium.places[-1]:
            return int(medium.places[0])
    return length


def _take_rows(layout: Layout, first: int, count: int) -> tuple[Layout, list[int]]:
    """Cut some rows out of a layout; returns them with the numbers of the ends in them."""
    members = [number for number, place in enumerate(layout.places) if first <= place.row < first + count]
    places = tuple(
        Place(place.row - first, place.start, place.length) for place in map(layout.places.__getitem__, members)
    )
    rows = min(count, layout.rows - first)
    width = max(place.start + place.length for place in places)
    return Layout(places, rows, width), members
