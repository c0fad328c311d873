"""Load and call the peer, sentence-transformers, for comparison. Says loudly if it did not really answer."""

from __future__ import annotations

import contextlib
import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np

#: Largest difference allowed between the peer's vectors and ours, in float32.
TOLERANCE = 1e-5


@contextlib.contextmanager
def quiet():
    """Keep the peer's and transformers' warnings out of a suite in which warnings are errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)


def load_peer(path: Path | str, **kwargs: Any) -> Any:
    """Load a checkpoint with the peer, on the CPU."""
    from sentence_transformers import SentenceTransformer

    with quiet():
        return SentenceTransformer(str(path), device="cpu", **kwargs)


def load_ours(path: Path | str, **kwargs: Any) -> Any:
    """Load a checkpoint with this library, on the CPU."""
    from sensorium import SentenceTransformer

    with quiet():
        return SentenceTransformer(str(path), device="cpu", **kwargs)


def encode(model: Any, inputs: Any, method: str = "encode", **kwargs: Any) -> Any:
    """Encode with either library."""
    with quiet():
        return getattr(model, method)(inputs, **kwargs)


def assert_same_vectors(ours: Any, theirs: Any, tolerance: float = TOLERANCE) -> float:
    """Hold our vectors to the peer's, and the peer's to be real: finite, of more than one value.

    Returns:
        The largest difference.
    """
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.dtype == theirs.dtype
    if ours.dtype == np.float16:  # a checkpoint stored in half precision: one step of it
        tolerance = max(tolerance, float(np.finfo(np.float16).eps) * float(np.abs(theirs).max()))
    ours, theirs = ours.astype(np.float64), theirs.astype(np.float64)
    assert theirs.size > 0, "the peer returned nothing"
    assert np.isfinite(theirs).all(), "the peer returned NaN"
    assert np.ptp(theirs) > 0, "the peer returned a constant"
    assert ours.shape == theirs.shape
    difference = float(np.abs(ours - theirs).max())
    assert difference <= tolerance, f"largest difference {difference:.2e}"
    return difference
