"""`WeightedLayerPooling`: a learnt average over a network's layers. Must not know which network it was."""

from __future__ import annotations

import logging
from typing import Any

import torch
from torch import Tensor, nn

from sensorium.modules.deprecation import renamed_arguments
from sensorium.modules.precision import widen
from sensorium.modules.weighted_module import WeightedModule

logger = logging.getLogger(__name__)


class WeightedLayerPooling(WeightedModule):
    """Replace the token vectors by a weighted mean of those of the later layers.

    Args:
        embedding_dimension: Width of the token vectors.
        num_hidden_layers: Layers of the network, the embedding layer not counted.
        layer_start: First layer that counts; 0 is the embedding layer.
        layer_weights: First weights, `[num_hidden_layers + 1 - layer_start]`; ones if None.
    """

    config_keys: list[str] = ["embedding_dimension", "layer_start", "num_hidden_layers"]  # noqa: RUF012
    config_key_renames: dict[str, str] = {"word_embedding_dimension": "embedding_dimension"}  # noqa: RUF012
    peer_type = "sentence_transformers.sentence_transformer.modules.weighted_layer_pooling.WeightedLayerPooling"

    @renamed_arguments(word_embedding_dimension="embedding_dimension")
    def __init__(
        self,
        embedding_dimension: int,
        num_hidden_layers: int = 12,
        layer_start: int = 4,
        layer_weights: Tensor | list[float] | None = None,
    ) -> None:
        super().__init__()
        self.embedding_dimension = embedding_dimension
        self.layer_start = layer_start
        self.num_hidden_layers = num_hidden_layers
        first = [1.0] * (num_hidden_layers + 1 - layer_start) if layer_weights is None else layer_weights
        self.layer_weights = nn.Parameter(torch.as_tensor(first, dtype=torch.float32).detach().clone())

    def forward(self, features: dict[str, Tensor | Any], **kwargs: Any) -> dict[str, Tensor | Any]:
        """Change `token_embeddings` `[batch, tokens, dim]`, from `all_layer_embeddings`, one such tensor a layer."""
        if "all_layer_embeddings" not in features:
            logger.warning(
                "WeightedLayerPooling changes nothing, for the feature 'all_layer_embeddings' is absent. Load the "
                'Transformer with config_kwargs={"output_hidden_states": True}.'
            )
            return features
        layers = torch.stack(tuple(features["all_layer_embeddings"])[self.layer_start :])
        weights = widen(self.layer_weights)[:, None, None, None]
        average = (weights * widen(layers)).sum(0) / weights.sum()
        features["token_embeddings"] = average.to(layers.dtype)
        return features

    def get_embedding_dimension(self) -> int:
        """Return the width of the token vectors."""
        return self.embedding_dimension
