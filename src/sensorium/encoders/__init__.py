"""Encoders: what users load and call."""

from sensorium.encoders.not_built import CrossEncoder, MultiVectorEncoder, SparseEncoder
from sensorium.encoders.sentence_transformer import SentenceTransformer

__all__ = ["CrossEncoder", "MultiVectorEncoder", "SentenceTransformer", "SparseEncoder"]
