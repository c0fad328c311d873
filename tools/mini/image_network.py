"""The image route's network, in the form both libraries load: a LeViT of the `transformers` library, a projection.

LeViT was chosen by training speed on a CPU: at 64 pixels, one core, bfloat16, 780 pictures a second at 3.2 million
parameters, beside 240 for a Swin and 180 for a ConvNeXt V2 of 2.2 and 3.0 million (docs/log.md). Must not know data.
"""

from __future__ import annotations

import torch
from tools.mini.augment import SEEN
from torch import nn
from torch.nn import functional
from transformers import LevitConfig, LevitModel
from transformers.models.levit.modeling_levit import LevitAttention, LevitMLPLayer

DIM = 384


def make_config() -> LevitConfig:
    """Make the backbone's config: 4×4 places after the convolutions, then 2×2, then one."""
    return LevitConfig(
        image_size=SEEN,
        num_channels=3,
        kernel_size=3,
        stride=2,
        padding=1,
        patch_size=16,
        hidden_sizes=[192, 256, 320],
        num_attention_heads=[4, 6, 8],
        depths=[4, 3, 2],
        key_dim=[16, 16, 16],
        drop_path_rate=0,
        mlp_ratio=[2, 2, 2],
        attention_ratio=[2, 2, 2],
    )


class ImageNetwork(nn.Module):
    """A backbone, the mean of its places, a projection: `[batch, 3, SEEN, SEEN]` to unit vectors `[batch, DIM]`."""

    def __init__(self) -> None:
        super().__init__()
        config = make_config()
        self.backbone = LevitModel(config)
        self.projection = nn.Linear(config.hidden_sizes[-1], DIM)
        _initialise(self.backbone)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Embed pictures."""
        places = self.backbone(pixel_values=pixels).last_hidden_state
        return functional.normalize(self.projection(places.mean(dim=1)).float(), dim=-1)


def _initialise(backbone: LevitModel) -> None:
    """Start with weights of unit gain, and with every residual branch adding nothing.

    The library's own start, weights of 0.02, makes each step too large, for a batch norm follows every one of them:
    with it 500 steps reached what these reach in 150 (docs/log.md). Source: LeViT's own training starts its residual
    branches at zero (Graham et al. 2021, section 4.2); gains after He et al. 2015.
    """
    for module in backbone.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
    for module in backbone.modules():
        if isinstance(module, LevitMLPLayer):
            nn.init.zeros_(module.linear_down.batch_norm.weight)
        elif isinstance(module, LevitAttention):
            nn.init.zeros_(module.projection.batch_norm.weight)
