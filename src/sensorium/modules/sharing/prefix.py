"""The keys and values of prompts' common beginning, held once a layer and read by every prompt of a batch.

A cache of `transformers` grows: what it hands to attention it keeps. This one hands out the common part before each
row's own and keeps neither, so that the copy it makes for a batch of rows exists for one layer at a time. Must not
know where prompts come from.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers.cache_utils import Cache, DynamicCache, DynamicLayer


class PrefixLayer(DynamicLayer):
    """One layer's keys and values, `[1, heads, tokens, dim]`."""

    def __init__(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        super().__init__()
        self.lazy_initialization(keys, values)
        self.keys, self.values = keys, values

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: object, **kwargs: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the common keys and values, repeated for each row, followed by the rows' own."""
        rows = key_states.shape[0]
        return (
            torch.cat([self.keys.expand(rows, -1, -1, -1), key_states], dim=-2),
            torch.cat([self.values.expand(rows, -1, -1, -1), value_states], dim=-2),
        )


class Prefix:
    """The computed beginning of prompts.

    Args:
        layers: Keys and values of each layer, `[1, heads, tokens, dim]`.
    """

    def __init__(self, layers: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> None:
        self._layers = list(layers)

    @classmethod
    def from_cache(cls, cache: DynamicCache) -> Prefix:
        """Take over what a pass over the beginning left in a cache."""
        layers = []
        for layer in cache.layers:
            assert layer.keys is not None, "a layer was passed by"
            assert layer.values is not None, "a layer was passed by"
            layers.append((layer.keys, layer.values))
        return cls(layers)

    @property
    def length(self) -> int:
        """Tokens."""
        return self._layers[0][0].shape[-2]

    def cut(self, length: int) -> Prefix:
        """Return the first `length` tokens, in memory of their own."""
        if length >= self.length:
            return self
        return Prefix(
            [(keys[..., :length, :].clone(), values[..., :length, :].clone()) for keys, values in self._layers]
        )

    def as_cache(self) -> Cache:
        """Return a cache for one pass over rows that follow this beginning."""
        return Cache(layers=[PrefixLayer(keys, values) for keys, values in self._layers])
