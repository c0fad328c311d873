"""`Dropout`: active in training, nothing else. Must not know which module made the vectors."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from sensorium.modules.module import Module


class Dropout(Module):
    """Set a share of the sentence embedding's components to zero while training.

    Args:
        dropout: The share, in [0, 1].
    """

    config_keys: list[str] = ["dropout"]  # noqa: RUF012
    peer_type = "sentence_transformers.sentence_transformer.modules.dropout.Dropout"

    def __init__(self, dropout: float = 0.2) -> None:
        super().__init__()
        self.dropout = dropout
        self.dropout_layer = nn.Dropout(dropout)

    def forward(self, features: dict[str, Tensor | Any], **kwargs: Any) -> dict[str, Tensor | Any]:
        """Change `sentence_embedding` `[batch, dim]`."""
        features["sentence_embedding"] = self.dropout_layer(features["sentence_embedding"])
        return features

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        """Write the configuration."""
        self.save_config(output_path)
