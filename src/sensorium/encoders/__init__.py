"""Encoders: what users load and call."""

from sensorium.encoders.cross_encoder import CrossEncoder
from sensorium.encoders.not_built import MultiVectorEncoder, SparseEncoder
from sensorium.encoders.sentence_transformer import SentenceTransformer

__all__ = ["CrossEncoder", "MultiVectorEncoder", "SentenceTransformer", "SparseEncoder"]
