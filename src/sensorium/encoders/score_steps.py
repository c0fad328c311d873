"""A reranker's modules as the engine's steps, each pair computed from nothing.

`ScoreSteps` is the plain way, as the compatible library goes it; the shared way is held to it. `TextSteps` does the
same for models of text alone, with every prompt tokenised once, ahead, so that batches are cut by true lengths. Must
not know threads, order or what pairs have in common.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from sensorium.encoders.pair_items import PairItem, read_pairs, tokenise_texts
from sensorium.encoders.steps import ModelSteps
from sensorium.errors import InputError
from sensorium.modules.answer_head import narrow_model
from sensorium.modules.sharing.rows import pad_rows

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from sensorium.encoders.cross_encoder import CrossEncoder
    from sensorium.encoders.score_call import ScoreCall
    from sensorium.modules.sharing.rows import PromptRow


class ScoreSteps(ModelSteps):
    """The steps of one call, pair by pair, in padded batches."""

    def __init__(self, model: CrossEncoder, call: ScoreCall, device: torch.device) -> None:
        super().__init__(model, call.prompt, call.kwargs, device)
        self.call = call
        self.num_labels = model.num_labels
        self._narrow = narrow_model(model)

    def compute(self, features: dict[str, Any]) -> torch.Tensor:
        """Run the modules and keep the scores."""
        with torch.inference_mode():
            output = self._narrow(self.to_device(features), **self.routed)
            return take_scores(output)

    def finish(self, scores: torch.Tensor) -> list[Any]:
        """Cut the batch's scores into rows."""
        with torch.inference_mode():
            return self.call.finish(scores, self.num_labels)


class TextSteps(ScoreSteps):
    """The steps of one call over pairs of text, tokenised ahead.

    Args:
        model: A model whose first module is a `Transformer` that takes text alone.
        call: What is asked.
        device: Where the model is.
        values: All pairs of the call.
    """

    def __init__(self, model: CrossEncoder, call: ScoreCall, device: torch.device, values: Sequence[Any]) -> None:
        super().__init__(model, call, device)
        self.items = read_pairs(values, super().read, super().key)
        tokenise_texts(self.items, self._make_features, axes=1)

    def _make_features(self, samples: Sequence[Any]) -> dict[str, Any]:
        features: dict[str, Any] = self.first.make_features(samples, prompt=self.prompt, **self.kwargs)
        return features

    def read(self, value: Any) -> Any:
        """Hand over what was read before, or its error."""
        if isinstance(value, InputError):
            raise value
        return value

    def key(self, item: Any) -> Hashable | None:
        """Name the content."""
        return item.key

    def cost(self, item: Any) -> int:
        """Count tokens."""
        return item.tokens

    def group(self, item: Any) -> Hashable:
        """Keep together what may share a pass."""
        return self.first.group(item.sample)

    def load(self, item: Any) -> Any:
        """Take the tokens made before, or tokenise a prompt alone, to know what is wrong with it."""
        if item.row is None:
            tokenise_texts([item], self._make_features, axes=1, is_strict=True)
        return item

    def collate(self, items: list[Any]) -> dict[str, Any]:
        """Pad the prompts of a batch."""
        tokenizer = self.first.tokenizer
        return pad_rows(
            [_row(item) for item in items],
            tokenizer.pad_token_id or 0,
            tokenizer.pad_token_type_id,
            tokenizer.padding_side == "left",
        )


def _row(item: PairItem) -> PromptRow:
    assert item.row is not None, "load was called"
    return item.row


def take_scores(output: dict[str, Any]) -> torch.Tensor:
    """Return the feature that holds scores.

    Raises:
        InputError: The model makes none.
    """
    if "scores" not in output:
        raise InputError(
            f"this model produces no scores; its features are {sorted(output)}. A reranker ends in a classifier, in "
            'LogitScore, or in Dense(..., module_output_name="scores").'
        )
    scores: torch.Tensor = output["scores"]
    return scores
