"""The interface of each module, compared with the installed peer's."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
import sentence_transformers.base.modules as peer_base
import sentence_transformers.cross_encoder.modules as peer_cross_encoder
import sentence_transformers.sentence_transformer.modules as peer

from tests.modules.interchange import parameters_of

HOMES = {
    "Module": ("module", peer_base),
    "InputModule": ("input_module", peer_base),
    "Dense": ("dense", peer_base),
    "Normalize": ("normalize", peer_base),
    "Pooling": ("pooling", peer),
    "StaticEmbedding": ("static_embedding", peer),
    "LayerNorm": ("layer_norm", peer),
    "Dropout": ("dropout", peer),
    "WeightedLayerPooling": ("weighted_layer_pooling", peer),
    "WordEmbeddings": ("word_embeddings", peer),
    "CNN": ("cnn", peer),
    "LSTM": ("lstm", peer),
    "BoW": ("bow", peer),
    "WordWeights": ("word_weights", peer),
    "LogitScore": ("logit_score", peer_cross_encoder),
}
METHODS = (
    "__init__",
    "load",
    "save",
    "load_config",
    "load_file_path",
    "load_dir_path",
    "load_torch_weights",
    "save_config",
    "save_torch_weights",
    "save_tokenizer",
    "get_config_dict",
    "get_embedding_dimension",
    "get_sentence_features",
    "on_model_ready",
    "preprocess",
    "tokenize",
    "from_model2vec",
    "from_distillation",
    "from_text_file",
)
ATTRIBUTES = (
    "config_file_name",
    "config_keys",
    "config_key_renames",
    "save_in_root",
    "forward_kwargs",
    "POOLING_MODES",
)
CASES = [
    (name, method)
    for name, (_, package) in HOMES.items()
    for method in METHODS
    if hasattr(getattr(package, name), method)
]


def _classes(name: str) -> tuple[type[Any], type[Any]]:
    home, package = HOMES[name]
    return getattr(importlib.import_module(f"sensorium.modules.{home}"), name), getattr(package, name)


@pytest.mark.parametrize(("name", "method"), CASES)
def test_parameters_equal_the_peers(name: str, method: str) -> None:
    ours, theirs = _classes(name)
    assert parameters_of(getattr(ours, method)) == parameters_of(getattr(theirs, method))


@pytest.mark.parametrize("name", HOMES)
def test_class_attributes_equal_the_peers(name: str) -> None:
    ours, theirs = _classes(name)
    for attribute in ATTRIBUTES:
        if hasattr(theirs, attribute):
            assert getattr(ours, attribute) == getattr(theirs, attribute), attribute


@pytest.mark.parametrize("name", [name for name in HOMES if name not in ("Module", "InputModule")])
def test_type_name_is_the_one_the_peer_writes(name: str) -> None:
    ours, theirs = _classes(name)
    assert ours.peer_type == f"{theirs.__module__}.{theirs.__qualname__}"


def test_there_are_many_cases() -> None:
    assert len(CASES) > 120
