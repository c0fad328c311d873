"""Names, parameter order and defaults of the interface are the peer's; each exception has its reason here."""

from __future__ import annotations

import inspect

import pytest
from sentence_transformers import CrossEncoder as PeerReranker
from sentence_transformers import SentenceTransformer as Peer
from sentence_transformers.base.modules import Dense, Normalize, Router, Transformer
from sentence_transformers.cross_encoder.modules import LogitScore
from sentence_transformers.sentence_transformer.modules import Pooling, StaticEmbedding

from sensorium import CrossEncoder, SentenceTransformer, modules

#: Public names of the peer's classes that ours lack, and why.
ABSENT = {
    "model_card_data_class": "model cards are minimal",
    "model_card_data": "model cards are minimal",
    "old_fit": "training is not built",
    "smart_batching_collate": "training is not built",
    "smart_batching_collate_text_only": "training is not built",
    "get_sentence_features": "training is not built",
    "merge": "merging weights of several models is not built",
    "save_to_hub": "older name of push_to_hub, which is not built",
    "clear_placement_cache": "the peer's own bookkeeping",
    "SUPPORTED_SIMILARITY_FN_NAMES": "the peer's own bookkeeping",
}

#: Parameters that only we have, keyword-only or at the end, and why.
OURS = {
    ("__init__", "media"): "limits and fetch policy",
    ("__init__", "video_as_frames"): "clips on models of images",
    ("__init__", "tokenizer_kwargs"): "the peer takes this older name through a decorator, unseen in its signature",
    ("encode", "on_error"): "skip what cannot be used",
    ("encode", "return_report"): "say what was skipped",
    ("predict", "shared"): "compute once what pairs have in common, or each pair from nothing",
    ("predict", "on_error"): "skip what cannot be used",
    ("predict", "return_report"): "say what was skipped",
    ("rank", "shared"): "as in predict",
    ("rank", "max_time_s"): "return what is scored when the time is up",
    ("rank", "on_error"): "as in predict",
    ("rank", "return_report"): "say what was skipped, and how many documents were not scored",
}

#: Methods whose parameters are not compared, and why.
NOT_COMPARED = {
    "fit": "not built; takes anything and says so",
    "push_to_hub": "not built; takes anything and says so",
}


CLASSES = [(SentenceTransformer, Peer), (CrossEncoder, PeerReranker)]
IDS = [ours.__name__ for ours, _ in CLASSES]


def _public(cls):
    return {name for name in dir(cls) if not name.startswith("_")} - set(dir(__import__("torch").nn.Sequential))


@pytest.mark.parametrize(("ours", "theirs"), CLASSES, ids=IDS)
def test_no_name_is_missing(ours, theirs):
    assert _public(theirs) - _public(ours) <= set(ABSENT)


def test_no_exception_is_out_of_date():
    lacking = set.union(*(_public(theirs) - _public(ours) for ours, theirs in CLASSES))
    assert set(ABSENT) - {"model_card_data"} <= lacking  # set in the peer's constructor, so on no class


def _parameters(function):
    return [
        (name, parameter.default, parameter.kind)
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    ]


METHODS = [
    (ours, theirs, name)
    for ours, theirs in CLASSES
    for name in ["__init__", *sorted(_public(theirs) - set(ABSENT) - set(NOT_COMPARED))]
]


@pytest.mark.parametrize(("cls", "peer", "name"), METHODS, ids=[f"{cls.__name__}.{name}" for cls, _, name in METHODS])
def test_parameters_equal(cls, peer, name):
    theirs, ours = getattr(peer, name), getattr(cls, name)
    if not callable(theirs):
        assert not callable(ours)
        return
    wanted = _parameters(theirs)
    got = [parameter for parameter in _parameters(ours) if (name, parameter[0]) not in OURS]
    if name in ("encode", "encode_query", "encode_document"):
        # `inputs` may be left out here, for its older name `sentences`, which the peer takes through a decorator.
        assert got[1][:2] == ("inputs", None)
        got[1] = wanted[1]
    assert got == wanted


@pytest.mark.parametrize(("cls", "peer", "name"), METHODS, ids=[f"{cls.__name__}.{name}" for cls, _, name in METHODS])
def test_what_only_we_have_is_given_by_name(cls, peer, name):
    if not callable(getattr(peer, name)):
        return
    parameters = inspect.signature(getattr(cls, name)).parameters
    own = [parameter for key, parameter in parameters.items() if (name, key) in OURS]
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in own)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (modules.Transformer, Transformer),
        (modules.Pooling, Pooling),
        (modules.Dense, Dense),
        (modules.Normalize, Normalize),
        (modules.Router, Router),
        (modules.StaticEmbedding, StaticEmbedding),
        (modules.LogitScore, LogitScore),
    ],
    ids=lambda cls: cls.__module__.split(".")[0] + "." + cls.__name__,
)
def test_module_parameters_equal(ours, theirs):
    assert [(name, repr(default), kind) for name, default, kind in _parameters(ours.__init__)] == [
        (name, repr(default), kind) for name, default, kind in _parameters(theirs.__init__)
    ]
