"""A processor that prepares each image, clip and sound once, though many prompts are made with it.

A processor is called once a pair, with the pair's media; the parts of it that prepare media are replaced here by ones
that remember. What they remember is forgotten as soon as the decoded medium is. Must not know prompts or networks.
"""

from __future__ import annotations

import copy
import functools
import weakref
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from transformers import BatchFeature

from sensorium.modules.processors import is_processor

#: The parts of a processor that prepare media, by the names under which processors hold them.
_PARTS = ("image_processor", "video_processor", "feature_extractor", "audio_processor")


def prepare_once(processor: Any) -> Any:
    """Return a processor that works as `processor` does and prepares each medium once; `processor` is not changed.

    One that prepares nothing but text, or a single medium by itself, comes back as it is.
    """
    if not is_processor(processor):
        return processor
    twin = copy.copy(processor)
    for name in _PARTS:
        part = getattr(processor, name, None)
        if part is not None:
            setattr(twin, name, RememberingPart(part))
    return twin


class RememberingPart:
    """Stands in for the part of a processor that prepares one kind of medium. Media are told apart by identity.

    Args:
        part: What prepares them.
    """

    def __init__(self, part: Any) -> None:
        self._part = part
        self._done: dict[int, tuple[weakref.ref[Any], BatchFeature]] = {}

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
        known = self._done.get(id(value))
        if known is not None and known[0]() is value:
            return known[1]
        result = self._part([value], **kwargs)
        try:
            reference = weakref.ref(value, functools.partial(self._forget, id(value)))
        except TypeError:  # a value of a kind that cannot be watched
            return result
        self._done[id(value)] = reference, result
        return result

    def _forget(self, key: int, _: Any) -> None:
        self._done.pop(key, None)


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
        if isinstance(first, torch.Tensor):
            if any(value.shape[1:] != first.shape[1:] for value in values):
                return None
            joined[name] = values[0] if len(values) == 1 else torch.cat(values)
        elif isinstance(first, np.ndarray):
            if any(value.shape[1:] != first.shape[1:] for value in values):
                return None
            joined[name] = np.concatenate(values)
        elif isinstance(first, list):
            joined[name] = [item for value in values for item in value]
        else:
            return None
    return BatchFeature(joined)
