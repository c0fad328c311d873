"""From decoded samples to features: the plain way, one modality a batch, or through a chat template.

Holds what is worth keeping between calls (verdicts on templates, their endings, prompt lengths) and the lock around the
tokenizer. Must not know the network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from sensorium.errors import InputError
from sensorium.media.samples import Part, Sample
from sensorium.media.unsupported import raise_unsupported_modality_error
from sensorium.modules import chat
from sensorium.modules.empty_text import fill_empty_texts
from sensorium.modules.locked_tokenizer import lock_tokenizer
from sensorium.modules.preparation import Settings, call_chat_processor, call_processor
from sensorium.modules.processors import find_tokenizer, is_processor
from sensorium.modules.shared_lock import SharedLock
from sensorium.modules.suffix import TemplateSuffix

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sensorium.types import Modality


#: Prompt lengths kept; a caller may make a new prompt for every call.
_MAX_PROMPTS = 256


class FeatureMaker:
    """Makes the features of one model's inputs. May be called from several threads.

    Args:
        model_type: The backbone's type, for the few processors with their own ways.
        modalities: What the model takes; with `"message"` among them, everything goes through the chat template.
        message_format: How the template takes content.
    """

    def __init__(self, model_type: str, modalities: list[Modality], message_format: chat.MessageFormat) -> None:
        self.model_type = model_type
        self.modalities = modalities
        self.message_format = message_format
        self._pair_roles = chat.PairRoles()
        self._suffix = TemplateSuffix()
        self._prompt_lengths: dict[tuple[Any, ...], int] = {}
        self._lock = SharedLock()

    def make(
        self, processor: Any, samples: Sequence[Sample], prompt: str | None, settings: Settings, task: str | None
    ) -> dict[str, Any]:
        """Make features.

        Args:
            processor: The model's processor.
            samples: Decoded samples.
            prompt: An instruction, or None.
            settings: What to tell the processor.
            task: `"query"`, `"document"` or None, for templates that read it.

        Returns:
            Tensors by name, `"modality"`, and `"prompt_length"` where a prompt was put before texts.

        Raises:
            InputError: An input cannot be used.
        """
        if "message" in self.modalities:
            return self._make_from_messages(processor, samples, prompt, settings, task)
        return self._make_plainly(processor, samples, prompt, settings)

    def count_tokens(self, processor: Any, sample: Sample) -> int:
        """Count the tokens of a text sample exactly."""
        with self._lock:
            tokenizer: Any = find_tokenizer(processor)
            return len(tokenizer(*(part.value for part in sample.parts))["input_ids"])

    def _make_plainly(
        self, processor: Any, samples: Sequence[Sample], prompt: str | None, settings: Settings
    ) -> dict[str, Any]:
        modalities = {sample.modality for sample in samples}
        modality = samples[0].modality if len(modalities) == 1 else "message"
        if modality not in self.modalities:
            raise_unsupported_modality_error(samples, modality, self.modalities, "Transformer module")
        tokenizer = find_tokenizer(processor)
        prompt_length = None
        if modality == "text" and prompt:
            prompt_length = self._count_prompt(tokenizer, prompt, settings)
            samples = [_prepend(sample, prompt) for sample in samples]
        has_text = any(part.modality == "text" for sample in samples for part in sample.parts)
        with self._lock.when(has_text):
            if modality == "text":
                samples = fill_empty_texts(samples, tokenizer, settings.text.get("add_special_tokens", True))
            features = call_processor(processor, self.model_type, samples, settings)
        features["modality"] = modality
        if prompt_length is not None:
            features["prompt_length"] = prompt_length
        return features

    def _make_from_messages(
        self, processor: Any, samples: Sequence[Sample], prompt: str | None, settings: Settings, task: str | None
    ) -> dict[str, Any]:
        conversations = [chat.to_conversation(sample, prompt) for sample in samples]
        settings.take_template_lengths()
        template_kwargs = dict(settings.chat_template)
        restores_suffix = template_kwargs.pop("restore_suffix", True)
        template = chat.active_template(processor, template_kwargs)
        if task is not None and chat.declares_variable(template, "task"):
            template_kwargs.setdefault("task", task)
        if any(chat.has_pair_roles(turns) for turns in conversations):
            self._pair_roles.check(processor, self.message_format, template_kwargs)
        tokenizer = find_tokenizer(processor)
        prompts = chat.render_text(processor, conversations, self.message_format, template_kwargs)
        adds_special_tokens = is_processor(processor) and settings.text.get("add_special_tokens", True)
        with self._lock:
            prompts = fill_empty_texts(prompts, tokenizer, adds_special_tokens)
        has_media = is_processor(processor) and not all(map(chat.is_text_only, conversations))
        if has_media:  # images are prepared by several threads at once, texts are not
            processor = lock_tokenizer(processor, self._lock)
        with self._lock.when(not has_media):
            features = call_chat_processor(processor, prompts, conversations, settings)
        with self._lock:
            if restores_suffix and tokenizer is not None and settings.text.get("truncation"):
                limit = settings.text.get("max_length") or tokenizer.model_max_length
                self._suffix.restore(
                    features, conversations, processor, tokenizer, self.message_format, template_kwargs, limit
                )
        features["modality"] = "message"
        return features

    def _count_prompt(self, tokenizer: Any, prompt: str, settings: Settings) -> int:
        """Count a prompt's tokens, special ones in front included, one at the end left out; at most those of a row."""
        limit = {"max_length": settings.text.get("max_length")} if _truncates(settings) else {}
        key = prompt, *limit.values()
        with self._lock:
            if key not in self._prompt_lengths:
                ids = tokenizer(prompt, truncation=bool(limit), **limit)["input_ids"]
                ends_special = bool(ids) and ids[-1] in tokenizer.all_special_ids
                while len(self._prompt_lengths) >= _MAX_PROMPTS:
                    self._prompt_lengths.pop(next(iter(self._prompt_lengths)))
                self._prompt_lengths[key] = len(ids) - ends_special
            return self._prompt_lengths[key]


def _truncates(settings: Settings) -> bool:
    return settings.text.get("truncation") not in (None, False, "do_not_truncate")


def check_left_padding(features: Mapping[str, Any]) -> None:
    """Raise InputError if a row ends in padding, for models that read the last position."""
    mask = features.get("attention_mask")
    if isinstance(mask, torch.Tensor) and mask.ndim == 2 and not bool(mask[:, -1].all()):
        raise InputError(
            "a row ends in a padding token, but this model reads the last position. Remove `padding_side` from "
            '`processing_kwargs`, or set `processor.padding_side = "left"` '
            '(`processor.tokenizer.padding_side = "left"`).'
        )


def _prepend(sample: Sample, prompt: str) -> Sample:
    """Put a prompt before a text, or before the first of a pair."""
    first = sample.parts[0]
    return Sample(sample.modality, (Part("text", prompt + first.value, True), *sample.parts[1:]), (), sample.is_pair)
