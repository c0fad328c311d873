"""What a training run keeps on disk so that it can be stopped at any moment and go on: weights, averages, optimiser.

Must not know what is trained.
"""

from __future__ import annotations

import copy
import math
import os
from pathlib import Path
from typing import Any

import torch
from torch import nn


class TrainingState:
    """A network in training, the running average of its weights, and the step it is at."""

    def __init__(self, network: nn.Module, folder: Path, steps: int, rate: float, average: float = 0.999) -> None:
        self.network, self.folder, self.steps, self.rate, self.average = network, folder, steps, rate, average
        self.averaged = copy.deepcopy(network).eval()
        self.log_scale = nn.Parameter(torch.tensor(math.log(20.0)))
        matrices = [value for value in network.parameters() if value.ndim > 1]
        vectors = [value for value in network.parameters() if value.ndim <= 1]
        self.optimiser = torch.optim.AdamW(
            [
                {"params": matrices, "weight_decay": 0.05},
                {"params": [*vectors, self.log_scale], "weight_decay": 0.0},
            ],
            lr=rate,
            betas=(0.9, 0.98),
        )
        self.step = 0
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / "state.pt").exists():
            self._restore(torch.load(folder / "state.pt", weights_only=True))

    def _restore(self, kept: dict[str, Any]) -> None:
        self.network.load_state_dict(kept["network"])
        self.averaged.load_state_dict(kept["averaged"])
        self.optimiser.load_state_dict(kept["optimiser"])
        self.log_scale.data.copy_(kept["log_scale"])
        self.step = kept["step"]

    def save(self) -> None:
        """Write the state, in place of the last one at once."""
        kept = {
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "log_scale": self.log_scale.data,
            "step": self.step,
        }
        torch.save(kept, self.folder / "state.new")
        os.replace(self.folder / "state.new", self.folder / "state.pt")

    @property
    def scale(self) -> torch.Tensor:
        """What similarities are multiplied by in the loss."""
        return self.log_scale.exp().clamp(max=100)

    def learn(self, loss: torch.Tensor) -> None:
        """Take one step down the loss: the rate rises for the first 2% of steps, then falls as a half cosine."""
        done = self.step / self.steps
        warm = min(1.0, done / 0.02 + 1e-3)
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate * warm * (0.5 + 0.5 * math.cos(math.pi * min(done, 1.0))) + 1e-6
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self.optimiser.step()
        self.step += 1
        self._follow()

    @torch.no_grad()
    def _follow(self) -> None:
        keep = min(self.average, (1 + self.step) / (10 + self.step))
        for averaged, current in zip(
            self.averaged.state_dict().values(), self.network.state_dict().values(), strict=True
        ):
            if averaged.dtype.is_floating_point:
                averaged.lerp_(current, 1 - keep)
            else:
                averaged.copy_(current)
