"""Keep a chat template's fixed ending when a long text is truncated.

An embedding read at the last token depends on what the template puts there. Truncation cuts it off, so the ending's
tokens are written over the last ones that were kept. Source: behaviour of Sentence Transformers 6. Must not know
models.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import torch

from sensorium.media.samples import Part, Turn
from sensorium.modules.chat import MessageFormat, is_text_only, render_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from transformers import PreTrainedTokenizerBase

logger = logging.getLogger(__name__)

#: Two fillers that share no token, so that what two renders share at their end is the template's own.
_FILLERS = ("0", "1 2 3 4")
_MAX_CACHED = 256


class TemplateSuffix:
    """Writes a template's ending back into truncated rows. Endings are found once a template and cached."""

    def __init__(self) -> None:
        self._cache: dict[str, list[int]] = {}

    def restore(
        self,
        features: Mapping[str, Any],
        conversations: Sequence[Sequence[Turn]],
        processor: Any,
        tokenizer: PreTrainedTokenizerBase,
        message_format: MessageFormat,
        template_kwargs: Mapping[str, Any],
        max_length: int | None,
    ) -> None:
        """Change `features["input_ids"]` in place.

        Args:
            features: Holds `input_ids` and `attention_mask`, int64 `[batch, tokens]`.
            conversations: The turns that were rendered, one list a row.
            processor: Renders the template.
            tokenizer: Tokenises the probes.
            message_format: How the template takes content.
            template_kwargs: What the rows were rendered with.
            max_length: Length at which rows were cut; rows shorter than it are left alone. None: every row is looked
                at.
        """
        ids, mask = features.get("input_ids"), features.get("attention_mask")
        if not isinstance(ids, torch.Tensor) or not isinstance(mask, torch.Tensor) or ids.ndim != 2:
            return
        lengths = mask.sum(dim=1).tolist()
        for row, (turns, length) in enumerate(zip(conversations, lengths, strict=True)):
            if (max_length is not None and length < max_length) or not is_text_only(turns):
                continue
            suffix = self._find(turns, processor, tokenizer, message_format, template_kwargs)[-length:]
            if suffix:
                positions = mask[row].nonzero().squeeze(1)[-len(suffix) :]
                ids[row, positions] = torch.tensor(suffix, dtype=ids.dtype)

    def _find(
        self,
        turns: Sequence[Turn],
        processor: Any,
        tokenizer: PreTrainedTokenizerBase,
        message_format: MessageFormat,
        template_kwargs: Mapping[str, Any],
    ) -> list[int]:
        skeleton = [(turn.role, turn.parts if turn.role == "system" else len(turn.parts), turn.extra) for turn in turns]
        key = repr((skeleton, sorted(template_kwargs.items(), key=repr), getattr(processor, "chat_template", None)))
        if key not in self._cache:
            probes = [[_fill(turn, filler) for turn in turns] for filler in _FILLERS]
            renders = [render_text(processor, [probe], message_format, template_kwargs)[0] for probe in probes]
            tokens = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in renders]
            while len(self._cache) >= _MAX_CACHED:
                self._cache.pop(next(iter(self._cache)))
            self._cache[key] = _common_suffix(*tokens)
        return self._cache[key]


def _fill(turn: Turn, filler: str) -> Turn:
    if turn.role == "system":
        return turn
    return Turn(turn.role, tuple(Part("text", filler, True) for _ in turn.parts), turn.extra)


def _common_suffix(first: list[int], second: list[int]) -> list[int]:
    """Return the longest common ending, or [] if one sequence is the ending of the other."""
    count = 0
    shortest = min(len(first), len(second))
    while count < shortest and first[-1 - count] == second[-1 - count]:
        count += 1
    return [] if count == shortest else first[len(first) - count :]
