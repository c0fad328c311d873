"""The parts of a checkpoint, one a file. Names are loaded on first use, for transformers takes seconds to import."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from sensorium.modules import registry

if TYPE_CHECKING:
    from sensorium.modules.bow import BoW
    from sensorium.modules.clip_model import CLIPModel
    from sensorium.modules.cnn import CNN
    from sensorium.modules.dense import Dense
    from sensorium.modules.dropout import Dropout
    from sensorium.modules.input_module import InputModule
    from sensorium.modules.layer_norm import LayerNorm
    from sensorium.modules.logit_score import LogitScore
    from sensorium.modules.lstm import LSTM
    from sensorium.modules.mlm_transformer import MLMTransformer
    from sensorium.modules.module import Module
    from sensorium.modules.normalize import Normalize
    from sensorium.modules.pooling import Pooling
    from sensorium.modules.router import Asym, Router
    from sensorium.modules.static_embedding import StaticEmbedding
    from sensorium.modules.transformer import Transformer
    from sensorium.modules.weighted_layer_pooling import WeightedLayerPooling
    from sensorium.modules.word_embeddings import WordEmbeddings
    from sensorium.modules.word_weights import WordWeights

__all__ = [
    "CNN",
    "LSTM",
    "Asym",
    "BoW",
    "CLIPModel",
    "Dense",
    "Dropout",
    "InputModule",
    "LayerNorm",
    "LogitScore",
    "MLMTransformer",
    "Module",
    "Normalize",
    "Pooling",
    "Router",
    "StaticEmbedding",
    "Transformer",
    "WeightedLayerPooling",
    "WordEmbeddings",
    "WordWeights",
]

_HOMES = {**registry.HOMES, "Module": "module", "InputModule": "input_module"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"sensorium.modules.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
