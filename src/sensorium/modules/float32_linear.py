"""Linear layers that compute in float32 whatever the type of their weights.

The last layer of a half-precision classifier decides between scores that lie close together. Chosen by name, such a
layer gives float32; its weights stay as they are stored. Must not know which model it is part of.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from sensorium.errors import InputError
from sensorium.modules.precision import widen


class Float32Linear(nn.Linear):
    """A linear layer in float32 (float64 for float64 inputs); `[..., in_features]` to `[..., out_features]`."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Apply the layer, even where autocast is on."""
        with torch.autocast(device_type=input.device.type, enabled=False):
            input = widen(input)
            bias = None if self.bias is None else self.bias.to(input.dtype)
            return functional.linear(input, self.weight.to(input.dtype), bias)


def choose_float32_layers(model: nn.Module, names: Sequence[str]) -> None:
    """Make the named linear layers of a model compute in float32, and all others in their own type.

    Args:
        model: Whose layers they are.
        names: Paths as in `model.named_modules()`.

    Raises:
        InputError: There is no linear layer of one of these names; nothing is changed then.
    """
    known = dict(model.named_modules())
    for name in names:
        if type(known.get(name)) not in (nn.Linear, Float32Linear):
            linear = [one for one, module in known.items() if isinstance(module, nn.Linear)]
            raise InputError(
                f"keep_in_fp32_modules names {name!r}, and the model has no plain linear layer of that name. The last "
                f"of its {len(linear)} are: {linear[-5:]}."
            )
    for name, module in known.items():
        if type(module) is Float32Linear and name not in names:
            module.__class__ = nn.Linear  # type: ignore[assignment]
        elif name in names:
            module.__class__ = Float32Linear
