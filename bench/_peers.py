"""The two sides in one process: this library and the peer, sentence-transformers, with the same checkpoint.

Must not know what is measured.
"""

from __future__ import annotations

from typing import Any


def load_sides(folder: str, device: str = "cpu", **model_kwargs: Any) -> tuple[Any, Any]:
    """Load an embedding checkpoint with both libraries.

    Args:
        folder: The checkpoint.
        device: Where both compute.
        **model_kwargs: For the networks of both (`dtype`, ...).

    Returns:
        Our `SentenceTransformer` and the peer's.
    """
    import sentence_transformers
    from transformers.utils import logging

    import sensorium

    logging.disable_progress_bar()  # "Loading weights" would be printed into the report
    return (
        sensorium.SentenceTransformer(folder, device=device, model_kwargs=dict(model_kwargs)),
        sentence_transformers.SentenceTransformer(folder, device=device, model_kwargs=dict(model_kwargs)),
    )


def load_rerankers(folder: str, device: str = "cpu", **model_kwargs: Any) -> tuple[Any, Any]:
    """Load a reranking checkpoint with both libraries; see `load_sides`.

    Returns:
        Our `CrossEncoder` and the peer's.
    """
    import sentence_transformers
    from transformers.utils import logging

    import sensorium

    logging.disable_progress_bar()
    return (
        sensorium.CrossEncoder(folder, device=device, model_kwargs=dict(model_kwargs)),
        sentence_transformers.CrossEncoder(folder, device=device, model_kwargs=dict(model_kwargs)),
    )
