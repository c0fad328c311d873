"""The error for inputs that a model does not take: one place for its sentences, which say what to do instead.

Must not know what a model does with those that it takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from sensorium.errors import InputError, UnsupportedModalityError
from sensorium.media.modality import format_modality, read_sample

if TYPE_CHECKING:
    from sensorium.media.samples import Sample
    from sensorium.types import Modality

_SEPARATELY = "Encode each modality separately: one call per modality."


def raise_unsupported_modality_error(
    inputs: Sequence[Any], modality: Modality, supported_modalities: Sequence[Modality], source: str
) -> NoReturn:
    """Raise, saying what the inputs are and what the model takes.

    Args:
        inputs: The inputs of the batch, or samples.
        modality: What the batch is; `"message"` for chats, pairs and mixtures of modalities.
        supported_modalities: What the model takes.
        source: Who refuses, such as `"SentenceTransformer model"`.

    Raises:
        UnsupportedModalityError: Always.
    """
    known = f"Supported modalities: {', '.join(map(format_modality, supported_modalities))}."
    if modality == "message":
        reason = _explain_batch(inputs, supported_modalities, source, known)
        if reason is not None:
            raise UnsupportedModalityError(reason)
    elif isinstance(modality, tuple) and all(part in supported_modalities for part in modality):
        raise UnsupportedModalityError(
            f"this {source} supports {_join(modality)} individually, but cannot combine them in a single input. "
            f"{_SEPARATELY}"
        )
    raise UnsupportedModalityError(f"Modality '{format_modality(modality)}' is not supported by this {source}. {known}")


def _explain_batch(inputs: Sequence[Any], supported: Sequence[Modality], source: str, known: str) -> str | None:
    """Say what is wrong with a batch of chats, pairs or several modalities; None if that cannot be told."""
    try:
        samples = [read_sample(value, supported) for value in inputs]
    except InputError:
        return None
    if any(sample.is_pair and sample.turns for sample in samples):
        return _explain_pairs(samples, supported, source, known)
    present = {sample.modality for sample in samples}
    if "message" in present:
        return _explain_chats(samples, supported, source, known)
    if not present:
        return None
    names = ", ".join(sorted(map(format_modality, present)))
    missing = _missing(samples, supported)
    if missing:
        return f"a batch that mixes multiple modalities ({names}): this {source} does not support {missing}. {known}"
    return f"a batch that mixes multiple modalities ({names}) cannot be encoded at once by this {source}. {_SEPARATELY}"


def _explain_pairs(samples: Sequence[Sample], supported: Sequence[Modality], source: str, known: str) -> str:
    missing = _missing(samples, supported)
    reason = (
        f"the model takes no {missing}"
        if missing
        else "a pair with media needs a model that takes chat messages, with the roles query and document"
    )
    return f"Modality 'message' is not supported by this {source} for such a pair: {reason}. {known}"


def _explain_chats(samples: Sequence[Sample], supported: Sequence[Modality], source: str, known: str) -> str:
    missing = _missing(samples, supported)
    if "message" in supported and missing:
        return f"this {source} takes chat messages, but does not support {missing} in them. {known}"
    mixed = any(sample.modality != "message" for sample in samples)
    batch = ", which this batch mixes with other modalities" if mixed else ""
    return (
        f"this {source} does not support chat-style 'message' inputs (dicts with 'role' and 'content', or lists of "
        f"them){batch}. {known}"
    )


def _missing(samples: Sequence[Sample], supported: Iterable[Modality]) -> str:
    """Name the modalities that the samples hold and the model does not take by themselves; empty if there are none."""
    return _join(sorted({part.modality for sample in samples for part in sample.all_parts()} - set(supported)))


def _join(names: Sequence[str]) -> str:
    return " and ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} and {names[-1]}"
