"""Names, parameter order and defaults of the interface are the peer's; each exception has its reason here."""

from __future__ import annotations

import inspect

import pytest
from sentence_transformers import SentenceTransformer as Peer
from sentence_transformers.base.modules import Dense, Normalize, Router, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling, StaticEmbedding

from sensorium import SentenceTransformer, modules

#: Public names of the peer's class that this one lacks, and why.
ABSENT = {
    "model_card_data_class": "model cards are minimal",
    "model_card_data": "model cards are minimal",
    "old_fit": "training is not built",
    "smart_batching_collate": "training is not built",
    "get_sentence_features": "training is not built",
    "merge": "merging weights of several models is not built",
    "save_to_hub": "older name of push_to_hub, which is not built",
    "clear_placement_cache": "the peer's own bookkeeping",
    "SUPPORTED_SIMILARITY_FN_NAMES": "the peer's own bookkeeping",
}

#: Parameters that only we have, keyword-only or at the end, and why.
OURS = {
    ("__init__", "media"): "limits and fetch policy",
    ("__init__", "tokenizer_kwargs"): "the peer takes this older name through a decorator, unseen in its signature",
    ("encode", "on_error"): "skip what cannot be used",
    ("encode", "return_report"): "say what was skipped",
}

#: Methods whose parameters are not compared, and why.
NOT_COMPARED = {
    "fit": "not built; takes anything and says so",
    "push_to_hub": "not built; takes anything and says so",
}


def _public(cls):
    return {name for name in dir(cls) if not name.startswith("_")} - set(dir(__import__("torch").nn.Sequential))


def test_no_name_is_missing():
    assert _public(Peer) - _public(SentenceTransformer) <= set(ABSENT)


def _parameters(function):
    return [
        (name, parameter.default)
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    ]


METHODS = ["__init__", *sorted(_public(Peer) - set(ABSENT) - set(NOT_COMPARED))]


@pytest.mark.parametrize("name", METHODS)
def test_parameters_equal(name):
    theirs, ours = getattr(Peer, name), getattr(SentenceTransformer, name)
    if not callable(theirs):
        assert not callable(ours)
        return
    wanted = _parameters(theirs)
    got = [(key, default) for key, default in _parameters(ours) if (name, key) not in OURS]
    if name in ("encode", "encode_query", "encode_document"):
        # `inputs` may be left out here, for its older name `sentences`, which the peer takes through a decorator.
        assert got[1] == ("inputs", None)
        got[1] = wanted[1]
    assert got == wanted


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (modules.Transformer, Transformer),
        (modules.Pooling, Pooling),
        (modules.Dense, Dense),
        (modules.Normalize, Normalize),
        (modules.Router, Router),
        (modules.StaticEmbedding, StaticEmbedding),
    ],
    ids=lambda cls: cls.__module__.split(".")[0] + "." + cls.__name__,
)
def test_module_parameters_equal(ours, theirs):
    assert [(name, repr(default)) for name, default in _parameters(ours.__init__)] == [
        (name, repr(default)) for name, default in _parameters(theirs.__init__)
    ]
