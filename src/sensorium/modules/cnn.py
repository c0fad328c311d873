"""`CNN`: convolutions over the token vectors. Must not know which module made them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from sensorium.modules.deprecation import renamed_arguments
from sensorium.modules.weighted_module import WeightedModule

_KERNEL_SIZES = [1, 3, 5]


class CNN(WeightedModule):
    """Replace each token vector by the joined outputs of convolutions around it.

    Args:
        in_embedding_dimension: Width of the token vectors.
        out_channels: Width of each convolution's output.
        kernel_sizes: Tokens that each convolution sees; one convolution each.
        stride_sizes: Step of each convolution; 1 if None.
    """

    config_file_name: str = "cnn_config.json"
    config_keys: list[str] = ["in_embedding_dimension", "out_channels", "kernel_sizes", "stride_sizes"]  # noqa: RUF012
    config_key_renames: dict[str, str] = {"in_word_embedding_dimension": "in_embedding_dimension"}  # noqa: RUF012
    peer_type = "sentence_transformers.sentence_transformer.modules.cnn.CNN"

    @renamed_arguments(in_word_embedding_dimension="in_embedding_dimension")
    def __init__(
        self,
        in_embedding_dimension: int,
        out_channels: int = 256,
        kernel_sizes: list[int] = _KERNEL_SIZES,
        stride_sizes: list[int] | None = None,
    ) -> None:
        super().__init__()
        self.in_embedding_dimension = in_embedding_dimension
        self.out_channels = out_channels
        self.kernel_sizes = list(kernel_sizes)
        self.stride_sizes = [1] * len(self.kernel_sizes) if stride_sizes is None else list(stride_sizes)
        self.embeddings_dimension = out_channels * len(self.kernel_sizes)
        self.convs = nn.ModuleList(
            nn.Conv1d(in_embedding_dimension, out_channels, size, stride, padding=(size - 1) // 2)
            for size, stride in zip(self.kernel_sizes, self.stride_sizes, strict=True)
        )

    def forward(self, features: dict[str, Tensor | Any], **kwargs: Any) -> dict[str, Tensor | Any]:
        """Change `token_embeddings` `[batch, tokens, in]` to `[batch, tokens, out_channels * number of kernels]`."""
        channels = features["token_embeddings"].transpose(1, -1)  # [batch, in, tokens]
        features["token_embeddings"] = torch.cat([conv(channels) for conv in self.convs], dim=1).transpose(1, -1)
        return features

    def get_embedding_dimension(self) -> int:
        """Return the width of the new token vectors."""
        return self.embeddings_dimension
