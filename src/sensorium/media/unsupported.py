"""The error for inputs that a model does not take: one place for its sentences, which name what to do instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from sensorium.errors import InputError, UnsupportedModalityError
from sensorium.media.modality import format_modality, infer_modality

if TYPE_CHECKING:
    from sensorium.types import Modality


def raise_unsupported_modality_error(
    inputs: Sequence[Any], modality: Modality, supported_modalities: Sequence[Modality], source: str
) -> NoReturn:
    """Raise, saying what the inputs are and what the model takes.

    Args:
        inputs: The inputs of the batch, or samples.
        modality: What the batch is; `"message"` for a chat, and for a mixture.
        supported_modalities: What the model takes.
        source: Who refuses, such as `"SentenceTransformer model"`.

    Raises:
        UnsupportedModalityError: Always.
    """
    known = f"Supported modalities: {', '.join(map(format_modality, supported_modalities))}."
    if modality == "message":
        present = _find_present(inputs, supported_modalities)
        if present is not None:
            raise UnsupportedModalityError(_explain_batch(present, supported_modalities, source, known))
    elif isinstance(modality, tuple) and all(part in supported_modalities for part in modality):
        parts = " and ".join(modality)
        raise UnsupportedModalityError(
            f"This {source} supports {parts} individually, but cannot combine them in a single input. Encode each "
            f"modality "
            "separately (one call per modality)."
        )
    raise UnsupportedModalityError(f"Modality '{format_modality(modality)}' is not supported by this {source}. {known}")


def _find_present(inputs: Sequence[Any], supported: Sequence[Modality]) -> set[Modality] | None:
    try:
        return {infer_modality(value, supported) for value in inputs}
    except InputError:
        return None


def _explain_batch(present: set[Modality], supported: Sequence[Modality], source: str, known: str) -> str:
    if "message" in present:
        mixed = ", which this batch mixes with other modalities" if len(present) > 1 else ""
        return (
            f"This {source} does not support chat-style 'message' inputs (dicts or lists of dicts with 'role' and "
            f"'content'){mixed}. {known}"
        )
    names = ", ".join(sorted(map(format_modality, present)))
    missing = sorted(_base_parts(present) - _base_parts(supported))
    if missing:
        return (
            f"This batch mixes multiple modalities ({names}), but this {source} does not support "
            f"{' and '.join(missing)}. "
            f"{known}"
        )
    return (
        f"This batch mixes multiple modalities ({names}), which this {source} cannot encode in a single batch. "
        f"Encode each "
        "modality separately (one call per modality)."
    )


def _base_parts(modalities: Iterable[Modality]) -> set[str]:
    return {part for modality in modalities for part in ((modality,) if isinstance(modality, str) else modality)}
