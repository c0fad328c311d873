"""What one `predict` or `rank` call asks for, checked once, and what becomes of the scores it computes.

Must not know how scores are computed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from sensorium.encoders.call import OnError, check_batch_size, check_on_error
from sensorium.modules.precision import widen


@dataclass(frozen=True, slots=True)
class ScoreCall:
    """The arguments of a call, resolved.

    Attributes:
        activation: Applied to scores of a batch, `[pairs, labels]`.
        prompt: An instruction, or None.
        batch_size: Most pairs in one pass.
        apply_softmax: Whether scores of several labels are made to add up to 1.
        as_tensor: Return one torch tensor.
        as_numpy: Return one numpy array; neither: a list of tensors.
        shared: Whether what pairs have in common is computed once.
        on_error: What to do with a pair that cannot be used.
        stop_at_s: Time on `time.monotonic`'s clock after which no batch is begun, or None.
        kwargs: Arguments for modules: `processing_kwargs`, ...
    """

    activation: Callable[[torch.Tensor], torch.Tensor]
    prompt: str | None = None
    batch_size: int = 32
    apply_softmax: bool = False
    as_tensor: bool = False
    as_numpy: bool = True
    shared: bool = True
    on_error: OnError = "raise"
    stop_at_s: float | None = None
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_batch_size(self.batch_size)
        check_on_error(self.on_error)

    def finish(self, scores: torch.Tensor, num_labels: int) -> list[Any]:
        """Turn the model's scores of a batch into one row a pair.

        Args:
            scores: `[pairs, labels]`, or `[pairs]`.
            num_labels: Of the model.

        Returns:
            For each pair a number or `[labels]`, float32, on the device if tensors are wanted.
        """
        scores = self.activation(widen(scores))
        if num_labels == 1 and scores.ndim > 1:
            scores = scores.squeeze(-1)
        if self.apply_softmax and scores.ndim > 1:  # not over one label: every score would be 1
            scores = torch.softmax(scores, dim=1)
        if self.as_numpy:
            return list(scores.float().cpu().numpy())
        return list(scores)


def assemble_scores(rows: Sequence[Any], call: ScoreCall, num_labels: int, device: torch.device) -> Any:
    """Join the rows of a call into what it returns.

    Args:
        rows: A number or `[labels]` a pair; None for a pair that failed or was not reached.
        call: What was asked.
        num_labels: Of the model.
        device: Where an empty tensor belongs.

    Returns:
        `[pairs]` or `[pairs, labels]` as numpy or tensor, or a list of tensors. Rows that are missing are NaN.
    """
    if not len(rows):
        if call.as_tensor:
            return torch.tensor([], device=device)
        return np.asarray([], dtype=np.float32) if call.as_numpy else []
    rows = _fill_missing(rows, call, num_labels, device)
    if call.as_tensor:
        return torch.stack(list(rows))
    return np.stack(rows).astype(np.float32, copy=False) if call.as_numpy else list(rows)


def _fill_missing(rows: Sequence[Any], call: ScoreCall, num_labels: int, device: torch.device) -> Sequence[Any]:
    if not any(row is None for row in rows):
        return rows
    example: Any = next((row for row in rows if row is not None), None)
    if example is None:
        example = torch.zeros([] if num_labels == 1 else [num_labels], device=device)
        example = example.cpu().numpy() if call.as_numpy else example
    filled: Any = np.full_like(example, np.nan) if call.as_numpy else torch.full_like(example, torch.nan)
    return [filled if row is None else row for row in rows]
