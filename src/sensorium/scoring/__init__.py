"""Scores between vectors, and what is built on them: search, mining, communities, quantisation.

Must not know models, media or files: everything here takes vectors that exist already. Other rooms import the names
below from here.
"""

from __future__ import annotations

from sensorium.scoring.communities import community_detection
from sensorium.scoring.late_interaction import maxsim, maxsim_pairwise, mean_maxsim, mean_maxsim_pairwise
from sensorium.scoring.mining import paraphrase_mining, paraphrase_mining_embeddings
from sensorium.scoring.pairwise import (
    pairwise_angle_sim,
    pairwise_cos_sim,
    pairwise_dot_score,
    pairwise_euclidean_sim,
    pairwise_manhattan_sim,
)
from sensorium.scoring.quantization import quantize_embeddings
from sensorium.scoring.search import semantic_search, semantic_search_faiss, semantic_search_usearch
from sensorium.scoring.similarity import cos_sim, dot_score, euclidean_sim, manhattan_sim, pytorch_cos_sim
from sensorium.scoring.similarity_function import SimilarityFunction
from sensorium.scoring.vectors import batch_to_device, normalize_embeddings, truncate_embeddings

__all__ = [
    "SimilarityFunction",
    "batch_to_device",
    "community_detection",
    "cos_sim",
    "dot_score",
    "euclidean_sim",
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
