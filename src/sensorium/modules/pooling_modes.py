"""The arithmetic of pooling: from token vectors to one vector a sequence, for padded batches and for packed ones.

Everything is computed in the type of `tokens`, which the caller has widened. A sequence of which no token counts pools
to zeros in every mode. Must not know configurations or features.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

#: Smallest divisor, so that a sequence of no tokens gives zeros and not NaN.
_EPSILON = 1e-9


@dataclass(frozen=True, slots=True)
class Padded:
    """A batch with one row a sequence.

    Attributes:
        tokens: `[batch, tokens, dim]`, float32 or float64.
        mask: `[batch, tokens]`, 1 for tokens and 0 for padding on either side.
        skipped: How many tokens at the beginning of each sequence do not count.
        weights_sum: `[batch]`, divisor of means in place of the number of tokens, or None.
    """

    tokens: Tensor
    mask: Tensor
    skipped: int = 0
    weights_sum: Tensor | None = None

    def pool(self, mode: str) -> Tensor:
        """Pool each row by one mode, `[batch, dim]`."""
        batch, length, dim = self.tokens.shape
        if length == 0:
            return self.tokens.new_zeros(batch, dim)
        counted = exclude_prompt(self.mask, self.skipped) if self.skipped else self.mask
        if mode == "max":
            return self._max(counted)
        if mode in ("cls", "lasttoken"):
            return self._pick(counted, is_last=mode == "lasttoken")
        weights = counted.unsqueeze(-1).to(self.tokens.dtype)
        if mode == "weightedmean":
            weights = weights * self._positions().unsqueeze(-1).to(weights.dtype)
        total = (self.tokens * weights).sum(1)
        divisor = weights.sum(1) if self.weights_sum is None else self.weights_sum.to(weights.dtype).unsqueeze(-1)
        return _divide(total, divisor, mode)

    def _positions(self) -> Tensor:
        """Count each token's place in its row, from 1, padding on the left not counted."""
        places = torch.arange(1, self.mask.shape[1] + 1, device=self.mask.device)
        return places - (self.mask != 0).to(torch.int32).argmax(1, keepdim=True)

    def _max(self, counted: Tensor) -> Tensor:
        is_out = (counted == 0).unsqueeze(-1)
        highest = self.tokens.masked_fill(is_out, -torch.inf).amax(1)
        return highest.masked_fill(is_out.all(1), 0)

    def _pick(self, counted: Tensor, is_last: bool) -> Tensor:
        is_in = (counted != 0).to(torch.int32)
        position = is_in.shape[1] - 1 - is_in.flip(1).argmax(1) if is_last else is_in.argmax(1)
        picked = self.tokens[torch.arange(len(position), device=position.device), position]
        return torch.where(is_in.any(1, keepdim=True), picked, 0)


@dataclass(frozen=True, slots=True)
class Packed:
    """A batch with all sequences behind one another, and no padding.

    Attributes:
        tokens: `[total, dim]`, float32 or float64.
        boundaries: `[batch + 1]`, where each sequence begins and the last ends.
        skipped: How many tokens at the beginning of each sequence do not count.
        weights_sum: As in `Padded`.
    """

    tokens: Tensor
    boundaries: Tensor
    skipped: int = 0
    weights_sum: Tensor | None = None

    def pool(self, mode: str) -> Tensor:
        """Pool each sequence by one mode, `[batch, dim]`."""
        starts, ends = self.boundaries[:-1], self.boundaries[1:]
        counted = (ends - starts - self.skipped).clamp(min=0)
        if mode in ("cls", "lasttoken"):
            position = ends - 1 if mode == "lasttoken" else starts + self.skipped
            picked = self.tokens[position.clamp(min=0, max=max(len(self.tokens) - 1, 0))]
            return torch.where((counted > 0).unsqueeze(-1), picked, 0)
        lengths = ends - starts
        position = self._positions(starts, lengths)
        is_in = (position >= self.skipped).unsqueeze(-1)
        if mode == "max":
            highest = torch.segment_reduce(self.tokens.masked_fill(~is_in, -torch.inf), "max", lengths=lengths, axis=0)
            return highest.masked_fill((counted == 0).unsqueeze(-1), 0)
        weights = is_in.to(self.tokens.dtype)
        if mode == "weightedmean":
            weights = weights * (position + 1).unsqueeze(-1)
        total, divisor = (
            torch.segment_reduce(values, "sum", lengths=lengths, axis=0) for values in (self.tokens * weights, weights)
        )
        if self.weights_sum is not None:
            divisor = self.weights_sum.to(total.dtype).unsqueeze(-1)
        return _divide(total, divisor, mode)

    def _positions(self, starts: Tensor, lengths: Tensor) -> Tensor:
        """Count each token's place in its own sequence, from 0."""
        places = torch.arange(len(self.tokens), device=starts.device)
        return places - torch.repeat_interleave(starts, lengths, output_size=len(self.tokens))


def exclude_prompt(mask: Tensor, prompt_length: int) -> Tensor:
    """Return a mask in which the first `prompt_length` tokens of each row do not count, padding on the left aside.

    Args:
        mask: `[batch, tokens]`; stays as it is.
        prompt_length: In tokens.
    """
    order = (mask != 0).to(torch.int64).cumsum(1)  # 1 for a row's first token, 2 for its second, ...
    return mask.masked_fill(order <= prompt_length, 0)


def _divide(total: Tensor, divisor: Tensor, mode: str) -> Tensor:
    divisor = divisor.clamp(min=_EPSILON)
    return total / (divisor.sqrt() if mode == "mean_sqrt_len_tokens" else divisor)
