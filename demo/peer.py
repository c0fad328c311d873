"""Asking the peer, sentence-transformers: what it raised, how far its numbers are, whether it could open a file itself.

Must not know what is asked for, nor how results are printed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Beginnings of the names under which networks take images, clips and sounds.
_MEDIA_FEATURES = ("pixel_values", "input_features")


class PeerError(Exception):
    """The peer raised; the text is its error's type and first sentence."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that the peer did not read as what it is, and why, in the peer's words."""

    name: str
    modality: str
    reason: str


def ask(method: Callable[[Any], Any], value: Any) -> Any:
    """Call the peer.

    Raises:
        PeerError: It raised, whatever it was.
    """
    try:
        return method(value)
    except Exception as exc:  # a foreign library's faults, whatever they are, are what is reported here
        sentence = " ".join(str(exc).split()).partition(". ")[0]
        raise PeerError(f"{type(exc).__name__}: {sentence}") from exc


def largest_difference(ours: Any, theirs: Any) -> float:
    """Return the largest difference of two arrays in any place; NaN where there is nothing to compare."""
    ours, theirs = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    if ours.shape != theirs.shape or not theirs.size:
        return float("nan")
    return float(np.abs(ours - theirs).max())


def find_reading_fault(theirs: Any, path: str, given: Any, features: Iterable[str]) -> str | None:
    """Find out whether the peer reads a file from its path.

    Args:
        theirs: The peer's model.
        path: The file's.
        given: The path, or a pair with it.
        features: Names of what Sensorium's preparation gives for the same.

    Returns:
        What went wrong, or None if the file was read as what it is.
    """
    try:
        read = ask(theirs.preprocess, [given])
    except PeerError as exc:
        return str(exc).replace(repr(path), "the path")
    media = {name for name in features if name.startswith(_MEDIA_FEATURES)}
    return None if media <= set(read) else "took the path for a text, and encoded that"
