"""Prompts: which text goes before an input, by the name a call, a model or a checkpoint gives it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sensorium.encoders.stored_config import check_prompts
from sensorium.errors import InputError

logger = logging.getLogger(__name__)

_DOCUMENT_NAMES = ("document", "passage", "corpus")


@dataclass(frozen=True)
class Prompts:
    """Prompts by name, and the name of the one that calls use which name none."""

    texts: dict[str, str]
    default: str | None = None

    def __post_init__(self) -> None:
        if self.default is not None and self.default not in self.texts:
            raise InputError(
                f"Default prompt name '{self.default}' not found in the configured prompts dictionary with keys "
                f"{list(self.texts)}."
            )

    @classmethod
    def merge(
        cls,
        given: Mapping[str, str] | None,
        default: str | None,
        saved: Mapping[str, Any],
        always: tuple[str, ...],
    ) -> Prompts:
        """Join the caller's prompts with the checkpoint's; the caller's win, an empty text included."""
        check_prompts(given, "the argument `prompts`", InputError)
        texts: dict[str, Any] = {**dict.fromkeys(always), **(given or {})}
        for name, text in (saved.get("prompts") or {}).items():
            if texts.get(name) is None:
                texts[name] = text
        default = default or saved.get("default_prompt_name")
        return cls({name: text or "" for name, text in texts.items()}, default)

    def resolve(self, prompt: str | None, name: str | None) -> str | None:
        """Return the text for a call.

        Args:
            prompt: A text; wins.
            name: A name.

        Returns:
            The text; None or "" for none.

        Raises:
            InputError: There is no prompt of that name.
        """
        if prompt is not None:
            if name is not None:
                logger.warning("Both `prompt` and `prompt_name` were given; `prompt_name` is ignored.")
            return prompt
        if name is not None:
            if name not in self.texts:
                raise InputError(
                    f"Prompt name '{name}' not found in the configured prompts dictionary with keys {list(self.texts)}."
                )
            return self.texts[name]
        return None if self.default is None else self.texts[self.default]

    def query_name(self) -> str | None:
        """Return the name of the prompt for queries, if there is one."""
        return "query" if "query" in self.texts else None

    def document_name(self) -> str | None:
        """Return the name of the prompt for documents, if there is one."""
        return next((name for name in _DOCUMENT_NAMES if name in self.texts), None)
