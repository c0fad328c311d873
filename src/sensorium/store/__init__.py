"""The room that keeps a collection on disk: rows with vectors, found by nearness, by words and by conditions.

Must not know models, and never imports torch. LanceDB and Arrow are imported when a store is created or opened.
"""

from sensorium.store.lance_store import LanceStore
from sensorium.store.manifest import Manifest, check_model
from sensorium.store.policy import IndexPolicy, UpkeepPolicy
from sensorium.store.protocol import VectorStore, Where
from sensorium.store.rows import Entry, Hit, Metadata, MetadataValue, Place, Row
from sensorium.store.sources import SourceLog, SourceNote

__all__ = [
    "Entry",
    "Hit",
    "IndexPolicy",
    "LanceStore",
    "Manifest",
    "Metadata",
    "MetadataValue",
    "Place",
    "Row",
    "SourceLog",
    "SourceNote",
    "UpkeepPolicy",
    "VectorStore",
    "Where",
    "check_model",
]
