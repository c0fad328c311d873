"""Load and call the peer, sentence-transformers, for comparison. Says loudly if it did not really answer."""

from __future__ import annotations

import contextlib
import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

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


def load_peer_reranker(path: Path | str, *args: Any, **kwargs: Any) -> Any:
    """Load a reranker with the peer, on the CPU unless told otherwise."""
    from sentence_transformers import CrossEncoder

    return _load_reranker(CrossEncoder, path, args, kwargs)


def load_our_reranker(path: Path | str, *args: Any, **kwargs: Any) -> Any:
    """Load a reranker with this library, on the CPU unless told otherwise."""
    from sensorium import CrossEncoder

    return _load_reranker(CrossEncoder, path, args, kwargs)


def _load_reranker(cls: Any, path: Path | str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if len(args) < 4:  # the fourth was the device, in earlier releases
        kwargs = {"device": "cpu", **kwargs}
    with quiet():
        return cls(str(path), *args, **kwargs)


def score(model: Any, pairs: Any, **kwargs: Any) -> Any:
    """Score pairs with either library."""
    return call(model, "predict", pairs, **kwargs)


def rank(model: Any, query: Any, documents: Any, **kwargs: Any) -> Any:
    """Rank documents with either library."""
    return call(model, "rank", query, documents, **kwargs)


def call(model: Any, method: str, *args: Any, **kwargs: Any) -> Any:
    """Call a method of a model of either library; what the peer warns of is kept back, what ours warns of is not."""
    is_peer = type(model).__module__.startswith("sentence_transformers")
    with quiet() if is_peer else contextlib.nullcontext():
        return getattr(model, method)(*args, **kwargs)


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


def assert_same_results(ours: Any, theirs: Any, tolerance: float = TOLERANCE) -> None:
    """Hold what a call returned to what the peer's returned: kinds, types, shapes, places and numbers."""
    assert type(ours) is type(theirs)
    if isinstance(theirs, (list, tuple)):
        assert len(ours) == len(theirs)
        for mine, other in zip(ours, theirs, strict=True):
            assert_same_results(mine, other, tolerance)
    elif isinstance(theirs, dict):
        assert list(ours) == list(theirs)
        for key in theirs:
            assert_same_results(ours[key], theirs[key], tolerance)
    elif isinstance(theirs, (np.ndarray, np.generic, torch.Tensor)):
        assert ours.dtype == theirs.dtype
        assert ours.shape == theirs.shape
        if isinstance(theirs, torch.Tensor):
            assert ours.device == theirs.device
            ours, theirs = ours.double().numpy(), theirs.double().numpy()
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance)
    elif isinstance(theirs, float):
        assert ours == pytest.approx(theirs, abs=tolerance)
    else:
        assert ours == theirs
