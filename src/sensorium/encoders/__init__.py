"""Encoders: what users load and call."""

from sensorium.encoders.cross_encoder import CrossEncoder
from sensorium.encoders.not_built import MultiVectorEncoder, SparseEncoder
from sensorium.encoders.retrieval import RerankedHit, retrieve_and_rerank
from sensorium.encoders.sentence_transformer import SentenceTransformer

__all__ = [
    "CrossEncoder",
    "MultiVectorEncoder",
    "RerankedHit",
    "SentenceTransformer",
    "SparseEncoder",
    "retrieve_and_rerank",
]
