"""A processor that prepares each image, clip and sound once, though many prompts are made with it.

A processor is called once a pair, with the pair's media; the parts of it that prepare media are replaced here by ones
that remember, until they are told to forget. Must not know prompts or networks.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from transformers import BatchFeature

from sensorium.modules.preparation import plain_value
from sensorium.modules.processors import is_processor

if TYPE_CHECKING:
    from sensorium.media.samples import Part

#: The parts of a processor that prepare media, by the names under which processors hold them.
_PARTS = ("image_processor", "video_processor", "feature_extractor", "audio_processor")


class PrepareOnce:
    """Holds a processor that works as another does, and prepares each medium once.

    Args:
        processor: What is copied; it is not changed. One that prepares nothing but text, or a single kind of medium by
            itself, is used as it is.

    Attributes:
        processor: The copy.
    """

    def __init__(self, processor: Any) -> None:
        self.processor = processor
        self._parts: list[RememberingPart] = []
        if not is_processor(processor):
            return
        self.processor = copy.copy(processor)
        for name in _PARTS:
            part = getattr(processor, name, None)
            if part is not None:
                self._parts.append(RememberingPart(part))
                setattr(self.processor, name, self._parts[-1])

    def forget(self, part: Part) -> None:
        """Let go of what was made of a decoded medium."""
        for one in self._parts:
            one.forget(plain_value(part.value))


@dataclass(slots=True, eq=False)
class _Prepared:
    """One medium, held lest another get its identity, and what was made of it."""

    value: Any
    result: BatchFeature | None = None
    lock: Any = field(default_factory=threading.Lock)


class RememberingPart:
    """Stands in for the part of a processor that prepares one kind of medium. Media are told apart by identity.

    Args:
        part: What prepares them.
    """

    def __init__(self, part: Any) -> None:
        self._part = part
        self._done: dict[int, _Prepared] = {}
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._part, name)

    def __call__(self, values: Any, *args: Any, **kwargs: Any) -> Any:
        """Prepare media, nested lists of them included."""
        media = list(_flatten(values))
        metadata = kwargs.get("video_metadata")
        if args or (metadata is not None and len(metadata) != len(media)):
            return self._part(values, *args, **kwargs)
        prepared = []
        for number, value in enumerate(media):
            own = {} if metadata is None else {"video_metadata": [metadata[number]]}
            prepared.append(self._prepare(value, {**kwargs, **own}))
        joined = _join(prepared)
        return self._part(values, **kwargs) if joined is None else joined

    def _prepare(self, value: Any, kwargs: Mapping[str, Any]) -> BatchFeature:
        with self._lock:
            prepared = self._done.setdefault(id(value), _Prepared(value))
        with prepared.lock:  # whoever comes second waits
            if prepared.result is None:
                prepared.result = self._part([value], **kwargs)
            return prepared.result

    def forget(self, value: Any) -> None:
        """Let go of what was made of a medium."""
        with self._lock:
            self._done.pop(id(value), None)


def _flatten(values: Any) -> Iterator[Any]:
    if isinstance(values, (list, tuple)):
        for value in values:
            yield from _flatten(value)
    else:
        yield values


def _join(prepared: Sequence[BatchFeature]) -> BatchFeature | None:
    """Join what was made of several media, one behind another; None if their shapes do not allow it."""
    joined: dict[str, Any] = {}
    for name, first in prepared[0].items():
        values = [one[name] for one in prepared]
        if isinstance(first, (torch.Tensor, np.ndarray)):
            if any(value.shape[1:] != first.shape[1:] for value in values):
                return None
            join: Any = torch.cat if isinstance(first, torch.Tensor) else np.concatenate
            joined[name] = values[0] if len(values) == 1 else join(values)
        elif isinstance(first, list):
            joined[name] = [item for value in values for item in value]
        else:
            return None
    return BatchFeature(joined)
