"""The façade: every public name of Sensorium, each loaded from its home on first use.

`import sensorium` costs milliseconds: torch, transformers and numpy are loaded by the first name that needs them. The
imports under `TYPE_CHECKING` say the same to type checkers, and a test holds the two lists to each other. Nothing
inside the package imports this file, and it must not hold logic.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from sensorium._version import __version__

if TYPE_CHECKING:
    from sensorium import models, modules, util
    from sensorium.collection import (
        Collection,
        CollectionStats,
        IndexProgress,
        IndexReport,
        ScoreParts,
        SearchResult,
        Unreadable,
    )
    from sensorium.encoders import (
        CrossEncoder,
        MultiVectorEncoder,
        RerankedHit,
        SentenceTransformer,
        SparseEncoder,
        retrieve_and_rerank,
    )
    from sensorium.engine.report import EncodeResult, ItemError, PredictResult, RankResult
    from sensorium.errors import (
        CheckpointError,
        DiskFullError,
        EndpointError,
        EngineError,
        FetchError,
        InputError,
        MediaError,
        MediaLimitError,
        MissingExtraError,
        MissingMediaError,
        ModelError,
        ModelNotFoundError,
        NotBuiltError,
        SensoriumError,
        StoreError,
        StoreNotFoundError,
        UnknownArgumentError,
        UnsupportedModalityError,
        WorkerError,
    )
    from sensorium.hub.builtin import builtin_model, builtin_sample
    from sensorium.ingest import IngestSettings
    from sensorium.media.limits import FetchPolicy, MediaLimits, MediaSettings
    from sensorium.scoring import SimilarityFunction, quantize_embeddings

#: Home -> the names that live there.
_HOMES: dict[str, tuple[str, ...]] = {
    "sensorium.collection": (
        "Collection",
        "CollectionStats",
        "IndexProgress",
        "IndexReport",
        "ScoreParts",
        "SearchResult",
        "Unreadable",
    ),
    "sensorium.encoders": (
        "CrossEncoder",
        "MultiVectorEncoder",
        "RerankedHit",
        "SentenceTransformer",
        "SparseEncoder",
        "retrieve_and_rerank",
    ),
    "sensorium.engine.report": ("EncodeResult", "ItemError", "PredictResult", "RankResult"),
    "sensorium.errors": (
        "CheckpointError",
        "DiskFullError",
        "EndpointError",
        "EngineError",
        "FetchError",
        "InputError",
        "MediaError",
        "MediaLimitError",
        "MissingExtraError",
        "MissingMediaError",
        "ModelError",
        "ModelNotFoundError",
        "NotBuiltError",
        "SensoriumError",
        "StoreError",
        "StoreNotFoundError",
        "UnknownArgumentError",
        "UnsupportedModalityError",
        "WorkerError",
    ),
    "sensorium.hub.builtin": ("builtin_model", "builtin_sample"),
    "sensorium.ingest": ("IngestSettings",),
    "sensorium.media.limits": ("FetchPolicy", "MediaLimits", "MediaSettings"),
    "sensorium.scoring": ("SimilarityFunction", "quantize_embeddings"),
}

#: Rooms that are public under their own name.
_ROOMS: tuple[str, ...] = ("models", "modules", "util")

_HOME_OF: dict[str, str] = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "CheckpointError",
    "Collection",
    "CollectionStats",
    "CrossEncoder",
    "DiskFullError",
    "EncodeResult",
    "EndpointError",
    "EngineError",
    "FetchError",
    "FetchPolicy",
    "IndexProgress",
    "IndexReport",
    "IngestSettings",
    "InputError",
    "ItemError",
    "MediaError",
    "MediaLimitError",
    "MediaLimits",
    "MediaSettings",
    "MissingExtraError",
    "MissingMediaError",
    "ModelError",
    "ModelNotFoundError",
    "MultiVectorEncoder",
    "NotBuiltError",
    "PredictResult",
    "RankResult",
    "RerankedHit",
    "ScoreParts",
    "SearchResult",
    "SensoriumError",
    "SentenceTransformer",
    "SimilarityFunction",
    "SparseEncoder",
    "StoreError",
    "StoreNotFoundError",
    "UnknownArgumentError",
    "Unreadable",
    "UnsupportedModalityError",
    "WorkerError",
    "__version__",
    "builtin_model",
    "builtin_sample",
    "models",
    "modules",
    "quantize_embeddings",
    "retrieve_and_rerank",
    "util",
]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"sensorium.{name}")
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'sensorium' has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value  # the next access is a plain lookup
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
