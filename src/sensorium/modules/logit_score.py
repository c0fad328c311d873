"""`LogitScore`: a reranker's score from a language model's next-token logits. Must not know which model made them."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from sensorium.errors import InputError
from sensorium.modules.module import Module
from sensorium.modules.precision import widen


class LogitScore(Module):
    """Score a pair by how much likelier one answer token is than another.

    Computed in float32 whatever the logits' type: differences of half-precision logits tie, and rankings flip.

    Args:
        true_token_id: Token of the answer "yes".
        false_token_id: Token of the answer "no"; None scores by the first logit alone.
        module_input_name: Feature to read, `[batch, tokens, vocabulary]`; its last position counts.
    """

    config_keys: list[str] = ["true_token_id", "false_token_id", "module_input_name"]  # noqa: RUF012
    peer_type = "sentence_transformers.cross_encoder.modules.logit_score.LogitScore"

    def __init__(
        self, true_token_id: int, false_token_id: int | None = None, module_input_name: str = "causal_logits"
    ) -> None:
        super().__init__()
        self.true_token_id = true_token_id
        self.false_token_id = false_token_id
        self.module_input_name = module_input_name

    def forward(self, features: dict[str, Tensor | Any], **kwargs: Any) -> dict[str, Tensor | Any]:
        """Write `scores`, float32 `[batch, 1]` (float64 for float64 logits)."""
        logits = features[self.module_input_name]
        if logits.ndim != 3:
            raise InputError(
                f"LogitScore reads {self.module_input_name!r} of shape [batch, tokens, vocabulary], and got "
                f"{list(logits.shape)}."
            )
        last = logits[:, -1]
        scores = widen(last[:, self.true_token_id])
        if self.false_token_id is not None:
            scores = scores - widen(last[:, self.false_token_id])
        features["scores"] = scores.unsqueeze(1)
        return features

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        """Write the configuration."""
        self.save_config(output_path)
