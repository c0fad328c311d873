"""The names that users know from `sentence_transformers.util`, each loaded from its home on first use.

Holds names only: importing it loads no torch, and nothing inside the package imports it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sensorium.modules.device import get_device_name
    from sensorium.scoring import (
        SimilarityFunction,
        batch_to_device,
        community_detection,
        cos_sim,
        dot_score,
        euclidean_sim,
        manhattan_sim,
        maxsim,
        maxsim_pairwise,
        mean_maxsim,
        mean_maxsim_pairwise,
        normalize_embeddings,
        pairwise_angle_sim,
        pairwise_cos_sim,
        pairwise_dot_score,
        pairwise_euclidean_sim,
        pairwise_manhattan_sim,
        paraphrase_mining,
        paraphrase_mining_embeddings,
        pytorch_cos_sim,
        quantize_embeddings,
        semantic_search,
        semantic_search_faiss,
        semantic_search_usearch,
        truncate_embeddings,
    )

__all__ = [
    "SimilarityFunction",
    "batch_to_device",
    "community_detection",
    "cos_sim",
    "dot_score",
    "euclidean_sim",
    "get_device_name",
    "manhattan_sim",
    "maxsim",
    "maxsim_pairwise",
    "mean_maxsim",
    "mean_maxsim_pairwise",
    "normalize_embeddings",
    "pairwise_angle_sim",
    "pairwise_cos_sim",
    "pairwise_dot_score",
    "pairwise_euclidean_sim",
    "pairwise_manhattan_sim",
    "paraphrase_mining",
    "paraphrase_mining_embeddings",
    "pytorch_cos_sim",
    "quantize_embeddings",
    "semantic_search",
    "semantic_search_faiss",
    "semantic_search_usearch",
    "truncate_embeddings",
]

#: Names that do not come from `sensorium.scoring`.
_HOMES: dict[str, str] = {"get_device_name": "sensorium.modules.device"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'sensorium.util' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES.get(name, "sensorium.scoring")), name)
    globals()[name] = value  # the next access is a plain lookup
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
