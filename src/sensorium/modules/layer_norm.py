"""`LayerNorm`: layer normalisation of the sentence embedding. Must not know which module made it."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from sensorium.modules.weighted_module import WeightedModule


class LayerNorm(WeightedModule):
    """Give each vector mean 0 and variance 1, then scale and shift its components.

    Args:
        dimension: Width of the vectors.
    """

    config_keys: list[str] = ["dimension"]  # noqa: RUF012
    peer_type = "sentence_transformers.sentence_transformer.modules.layer_norm.LayerNorm"

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.dimension = dimension
        self.norm = nn.LayerNorm(dimension)

    def forward(self, features: dict[str, Tensor | Any], **kwargs: Any) -> dict[str, Tensor | Any]:
        """Change `sentence_embedding` `[batch, dim]`."""
        features["sentence_embedding"] = self.norm(features["sentence_embedding"])
        return features

    def get_embedding_dimension(self) -> int:
        """Return the width of the vectors."""
        return self.dimension
