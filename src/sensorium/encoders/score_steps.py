"""A reranker's modules as the engine's steps, each pair computed from nothing.

`ScoreSteps` is the plain way, as the compatible library goes it; the shared way is held to it. `TextSteps` does the
same for models of text alone, with every prompt tokenised once, ahead, so that batches are cut by true lengths. Must
not know threads, order or what pairs have in common.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from sensorium.encoders.pair_items import PairItem, PreparedSteps, list_distinct, take_row, tokenise_texts
from sensorium.encoders.steps import ModelSteps
from sensorium.errors import InputError
from sensorium.media.conversation import is_message_dict
from sensorium.media.digest import sample_key
from sensorium.modules.answer_head import narrow_model
from sensorium.modules.sharing.rows import pad_rows
from sensorium.modules.transformer import Transformer

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from sensorium.encoders.cross_encoder import CrossEncoder
    from sensorium.encoders.score_call import ScoreCall
    from sensorium.media.samples import Sample


class ScoreSteps(ModelSteps):
    """The steps of one call, pair by pair, in padded batches."""

    def __init__(self, model: CrossEncoder, call: ScoreCall, device: torch.device) -> None:
        super().__init__(model, call.prompt, call.kwargs, device)
        self.call = call
        self.num_labels = model.num_labels
        self._narrow = narrow_model(model)
        #: Keys of media in memory: pairs that share an image share the object.
        self._known: dict[int, tuple[Any, Hashable]] = {}

    def make_prompts(self, samples: Sequence[Sample], processor: Any = None) -> dict[str, Any]:
        """Make the features of prompts that will be taken apart again: with an attention mask, even if told otherwise.

        Args:
            samples: Decoded.
            processor: Used instead of the model's own; it must give the same features.
        """
        asked = self.kwargs.get("processing_kwargs") or {}
        told = {
            name: {**asked.get(name, {}), "return_attention_mask": True}
            for layer in (getattr(self.first, "processing_kwargs", None) or {}, asked)
            for name in ("text", "common")
            if (layer.get(name) or {}).get("return_attention_mask") is False
        }
        kwargs = {**self.kwargs, "processing_kwargs": {**asked, **told}} if told else self.kwargs
        features: dict[str, Any] = self.first.make_features(samples, prompt=self.prompt, processor=processor, **kwargs)
        return features

    def read_value(self, value: Any) -> Sample:
        """Bring a pair to normal form; what is no pair is scored as it is."""
        is_pair = isinstance(value, (list, tuple)) and len(value) == 2 and not all(map(is_message_dict, value))
        if is_pair and isinstance(self.first, Transformer):
            return self.first.read_pair(value)
        return super().read_value(value)

    def key(self, sample: Sample) -> Hashable | None:
        """Name the content of a pair, or of a part of one."""
        return sample_key(sample, self._known)

    def compute(self, features: dict[str, Any]) -> torch.Tensor:
        """Run the modules and keep the scores."""
        with torch.inference_mode():
            output = self._narrow(self.to_device(features), **self.routed)
            return take_scores(output)

    def finish(self, scores: torch.Tensor) -> list[Any]:
        """Cut the batch's scores into rows."""
        with torch.inference_mode():
            return self.call.finish(scores, self.num_labels)


class TextSteps(PreparedSteps):
    """The steps of one call over pairs of text, tokenised ahead.

    Args:
        plain: The plain steps of the call, on a model whose first module is a `Transformer` that takes text alone.
        values: All pairs of the call.
    """

    def __init__(self, plain: ScoreSteps, values: Sequence[Any]) -> None:
        super().__init__(plain, values)
        self._score = plain
        if plain.call.stop_at_s is None:  # otherwise each in its turn: there may be no time for all
            tokenise_texts(self.items, plain.make_prompts, axes=1)
        for item in list_distinct(self.items):
            if item.row is None:
                item.tokens = plain.cost(item.sample)

    def group(self, item: PairItem) -> Hashable:
        """Keep together what may share a pass."""
        return self._score.group(item.sample)

    def load(self, item: PairItem) -> PairItem:
        """Take the tokens made before, or tokenise a prompt alone, to know what is wrong with it."""
        if item.row is None:
            tokenise_texts([item], self._score.make_prompts, axes=1, is_strict=True)
        return item

    def collate(self, items: list[PairItem]) -> dict[str, Any]:
        """Pad the prompts of a batch."""
        tokenizer = self._score.first.tokenizer
        padding = tokenizer.pad_token_id or 0, tokenizer.pad_token_type_id
        return pad_rows([take_row(item) for item in items], *padding, is_left=tokenizer.padding_side == "left")

    def compute(self, features: dict[str, Any]) -> torch.Tensor:
        """Run the modules and keep the scores."""
        return self._score.compute(features)

    def finish(self, scores: torch.Tensor) -> list[Any]:
        """Cut the batch's scores into rows."""
        return self._score.finish(scores)


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
