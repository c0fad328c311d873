"""In which type a module computes. Must not know what it computes."""

from __future__ import annotations

from torch import Tensor, float32


def widen(tensor: Tensor) -> Tensor:
    """Return half-precision (and integer) tensors as float32, float32 and float64 as they are.

    Sums over tokens and squared lengths lose digits in bfloat16 (8 bits of them) and overflow in float16 (at 65504).
    """
    return tensor if tensor.is_floating_point() and tensor.element_size() >= 4 else tensor.to(float32)
