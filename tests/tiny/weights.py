"""Weights drawn so that a two-layer model tells its inputs apart.

The libraries' own initialisation (normal, deviation 0.02) leaves a small model almost linear in its biases: any two
inputs get cosine 0.999. Here each matrix keeps the scale of what flows through it, so vectors differ as those of a
trained model do. Must not know which model it fills.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

ModelT = TypeVar("ModelT", bound=nn.Module)


def make_model(factory: Callable[[], ModelT], seed: int, gain: float = 1.0) -> ModelT:
    """Call `factory` under `seed` without moving the process's random numbers, and `randomise` what it gives.

    Args:
        factory: Constructs the model.
        seed: Where all its weights come from.
        gain: Passed on to `randomise`.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = factory()
    randomise(model, seed, gain)
    return model


def randomise(model: nn.Module, seed: int, gain: float = 1.0) -> nn.Module:
    """Fill every parameter of `model` from `seed`, in place, and switch it to evaluation.

    Matrices and kernels are normal with deviation `gain / sqrt(fan_in)`, token tables normal with deviation 1, position
    and token-type tables 0.2; vectors (norms, biases) move by 0.1 from where the model class put them; scalars stay.
    Each parameter's numbers depend on its name and `seed` only, so a tied or reordered parameter changes no other.

    Returns:
        The same model.
    """
    tables = {id(m.weight): name for name, m in model.named_modules() if isinstance(m, nn.Embedding)}
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.numel() <= 1:
                continue
            digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
            noise = torch.empty(parameter.shape).normal_(
                generator=torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))
            )
            if parameter.ndim == 1:
                parameter.add_(noise, alpha=0.1)
            elif "position" in name or "token_type" in name:
                parameter.copy_(noise * 0.2)
            elif id(parameter) in tables:
                parameter.copy_(noise)
            else:
                parameter.copy_(noise * (gain / parameter[0].numel() ** 0.5))
        for table in model.modules():
            if isinstance(table, nn.Embedding) and table.padding_idx is not None:
                table.weight[table.padding_idx].zero_()
    return model.eval()
