"""`InputModule`: the first module of a checkpoint, which turns inputs into features.

Beside the compatible `preprocess`, it says how an input is read, decoded, measured and grouped; the defaults here suit
a module that takes text. Must not know the engine that calls these.
"""

from __future__ import annotations

import logging
import os
from abc import ABC
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

from sensorium.errors import InputError, NotBuiltError
from sensorium.media.samples import Sample
from sensorium.modules.module import Module

if TYPE_CHECKING:
    from sensorium.media.limits import MediaSettings
    from sensorium.media.samples import MediaCost

logger = logging.getLogger(__name__)

#: Rough rates for `count_tokens`. Characters per token: that of English text under byte-pair vocabularies. Pixels: one
#: token for a patch of 28 by 28, as in Qwen2-VL (arXiv:2409.12191, section 2.1). Seconds: 25 tokens each, as in
#: Qwen2.5-Omni (arXiv:2503.20215, section 2.2).
_CHARACTERS_A_TOKEN = 4
_PIXELS_A_TOKEN = 28 * 28
_TOKENS_A_SECOND = 25
_SPECIAL_TOKENS = 2


class InputModule(Module, ABC):
    """The first part of a model.

    A subclass implements `preprocess`. One from before that name, which implements `tokenize`, works with a warning.

    Attributes:
        tokenizer: Its tokenizer, where it has one.
        max_seq_length: Longest input in tokens, where it has a limit.
    """

    save_in_root: bool = True
    tokenizer: Any
    max_seq_length: int | float | None

    @property
    def modalities(self) -> list[Any]:
        """What the module takes: modalities, and tuples for mixtures. Only text unless overridden."""
        return ["text"]

    def preprocess(self, inputs: Sequence[Any], prompt: str | None = None, **kwargs: Any) -> dict[str, Any]:
        """Turn inputs into features.

        Args:
            inputs: Inputs of one group; `Sample`s that `read` and `load_sample` made are inputs too.
            prompt: Put before texts, or given as an instruction.
            **kwargs: What the module reads beyond that.

        Returns:
            Tensors by name, on the CPU.
        """
        if type(self).tokenize is not InputModule.tokenize:
            logger.warning(
                "%s overrides `tokenize` instead of `preprocess`. `tokenize` is deprecated, override `preprocess`.",
                type(self).__name__,
            )
            texts = [_plain_text(value) for value in inputs]
            return self.tokenize(self._prepend_prompt(texts, prompt) if prompt else texts, **kwargs)
        raise NotBuiltError(f"{type(self).__name__} must implement the `preprocess` method.")

    def tokenize(self, texts: list[str], **kwargs: Any) -> dict[str, Any]:
        """Turn texts into features. Deprecated: call `preprocess`."""
        logger.warning("The `tokenize` method is deprecated, use `preprocess` instead.")
        return self.preprocess(texts, **kwargs)

    def read(self, value: Any) -> Sample:
        """Bring an input to normal form, strings judged by what the module supports.

        Raises:
            InputError: The value is no input.
        """
        from sensorium.media.modality import read_sample

        sample: Sample = read_sample(value, self.modalities)
        return sample

    def check(self, sample: Sample) -> None:
        """Raise UnsupportedModalityError unless the module takes this sample."""
        if sample.modality not in self.modalities:
            from sensorium.media.unsupported import raise_unsupported_modality_error

            raise_unsupported_modality_error(
                [sample], sample.modality, self.modalities, f"{type(self).__name__} module"
            )

    def load_sample(self, sample: Sample, settings: MediaSettings | None = None, **kwargs: Any) -> Sample:
        """Fetch and decode the media of a sample.

        Args:
            sample: From `read`.
            settings: Limits and fetch policy; None means the default ones.
            **kwargs: For subclasses.

        Raises:
            MediaError: The media cannot be had, or is not usable.
        """
        from sensorium.media.decode import DecodeSpec, load_sample
        from sensorium.media.limits import MediaSettings

        return load_sample(sample, DecodeSpec(), settings or MediaSettings())

    def count_tokens(self, sample: Sample, cost: MediaCost) -> int:
        """Estimate the sequence length of a sample, at least 1. Only the order of samples depends on it.

        Args:
            sample: From `read`.
            cost: What the headers say.
        """
        patches = (cost.pixels + cost.frames * cost.frame_pixels) // _PIXELS_A_TOKEN
        return cost.characters // _CHARACTERS_A_TOKEN + patches + int(cost.seconds * _TOKENS_A_SECOND) + _SPECIAL_TOKENS

    def group(self, sample: Sample) -> Hashable:
        """Name the forward pass that a sample may share: that of its modality."""
        return sample.modality

    def save_tokenizer(self, output_path: str, **kwargs: Any) -> None:
        """Write the tokenizer into a folder; does nothing without one."""
        tokenizer: Any = getattr(self, "tokenizer", None)
        if hasattr(tokenizer, "save_pretrained"):
            tokenizer.save_pretrained(output_path, **kwargs)
        elif hasattr(tokenizer, "to_str"):  # tokenizers.Tokenizer
            tokenizer.save(os.path.join(output_path, "tokenizer.json"))
        elif hasattr(tokenizer, "save"):
            tokenizer.save(output_path)

    @staticmethod
    def _prepend_prompt(inputs: list[Any], prompt: str) -> list[Any]:
        """Put a prompt before each text, or before the first text of each pair."""
        return [prompt + value if isinstance(value, str) else (prompt + value[0], *value[1:]) for value in inputs]


def plain_texts(inputs: Sequence[Any], prompt: str | None, source: str) -> list[str | tuple[str, str]]:
    """Take the texts out of inputs, for modules that read nothing else.

    Args:
        inputs: Strings, pairs of strings, `{"text": ...}`, or samples of text.
        prompt: Put before each text, or the first of each pair.
        source: Name of the module, for the error.

    Raises:
        InputError: An input is not text.
    """
    texts = [_plain_text(value) for value in inputs]
    for text in texts:
        is_pair = isinstance(text, tuple) and len(text) == 2 and all(isinstance(side, str) for side in text)
        if not isinstance(text, str) and not is_pair:
            raise InputError(
                f"{source} takes only text, and got {type(text).__name__}. Give a string, or a pair of strings."
            )
    return InputModule._prepend_prompt(texts, prompt) if prompt else texts


def _plain_text(value: Any) -> Any:
    """Return a text, or a tuple of two, out of the forms that text comes in; anything else as it is."""
    if isinstance(value, Sample):
        sides = [part.value for part in value.parts]
        if value.modality != "text":
            return value
        return sides[0] if len(sides) == 1 else tuple(sides)
    if isinstance(value, dict) and set(value) == {"text"}:
        return _plain_text(value["text"])
    return tuple(value) if isinstance(value, (list, tuple)) else value
