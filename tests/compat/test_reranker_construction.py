"""Every argument of `CrossEncoder(...)`, its older names and its older places do what they do in the peer."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests.compat.peer import assert_same_results, call, load_our_reranker, load_peer_reranker, quiet, score
from tests.compat.questions import PAIRS

LOADERS = [load_our_reranker, load_peer_reranker]
Tiny = Callable[..., Path]


def _describe(model: Any) -> dict[str, Any]:
    return {
        "activation": type(model.activation_fn).__name__,
        "num_labels": model.num_labels,
        "max_seq_length": model.max_seq_length,
        "prompts": model.prompts,
        "default_prompt_name": model.default_prompt_name,
        "modules": [type(module).__name__ for module in model],
        "modalities": model.modalities,
        "dtype": next(model.parameters()).dtype,
        "device": str(model.device),
        "network": type(model.model).__name__,
    }


def _load_both(path: Path, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
    """Load with both, from the same seed: a new classifier's weights are drawn."""
    models = []
    for load in LOADERS:
        torch.manual_seed(0)
        models.append(load(path, *args, **copy.copy(kwargs)))
    ours, theirs = models
    assert _describe(ours) == _describe(theirs)
    return ours, theirs


@pytest.mark.parametrize("name", ["bert_ce", "bert_ce_plain", "qwen3_reranker_st"])
@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"num_labels": 1},
        {"max_length": 12},
        {"max_length": 12, "processor_kwargs": {"model_max_length": 20}},
        {"num_labels": 1, "config_kwargs": {"num_labels": 7}},
        {"processor_kwargs": {"model_max_length": 14}},
        {"activation_fn": nn.Identity()},
        {"prompts": {"a": "find: "}, "default_prompt_name": "a"},
        {"prompts": {"a": None}, "default_prompt_name": "a"},
        {"model_kwargs": {"attn_implementation": "eager"}},
        {"model_kwargs": {"torch_dtype": torch.float64}},
        {"device": "cpu", "backend": "torch", "trust_remote_code": False, "local_files_only": True},
        {"revision": None, "token": None, "cache_folder": None, "modules": None, "model_card_data": None},
    ],
    ids=str,
)
def test_keywords_equal(tiny: Tiny, name: str, kwargs: dict[str, Any]) -> None:
    ours, theirs = _load_both(tiny(name), **kwargs)
    got, wanted = (score(model, PAIRS, activation_fn=nn.Identity()) for model in (ours, theirs))
    assert_same_results(got, wanted, 5e-5)


@pytest.mark.parametrize("num_labels", [None, 1, 2, 5])
def test_a_new_classifier_has_the_labels_asked_for(tiny: Tiny, num_labels: int | None) -> None:
    """On a plain encoder, which states no labels, the last layer is drawn from the seed."""
    ours, theirs = _load_both(tiny("bert"), num_labels=num_labels)
    assert ours.num_labels == (num_labels or 1)
    assert type(ours.activation_fn) is (nn.Sigmoid if ours.num_labels == 1 else nn.Identity)
    assert_same_results(score(ours, PAIRS), score(theirs, PAIRS))


@pytest.mark.parametrize(
    "name", ["bert_ce", "bert_ce3", "bert_ce_v3", "bert_ce_v4", "bert_ce_plain", "qwen3_vl_reranker"]
)
def test_what_a_checkpoint_states_equals(tiny: Tiny, name: str) -> None:
    ours, theirs = _load_both(tiny(name))
    assert type(ours.get_default_activation_fn()) is type(theirs.get_default_activation_fn())
    for modality in ("text", "image", "audio", "message", ("image", "text"), ("audio", "text")):
        assert ours.supports(modality) is bool(theirs.supports(modality))
    assert ours.get_model_kwargs() == theirs.get_model_kwargs()
    assert ours.get_backend() == theirs.get_backend() == "torch"


# Older names and places


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ({"automodel_args": {"torch_dtype": torch.float64}}, {"model_kwargs": {"torch_dtype": torch.float64}}),
        ({"tokenizer_args": {"model_max_length": 10}}, {"processor_kwargs": {"model_max_length": 10}}),
        ({"tokenizer_kwargs": {"model_max_length": 10}}, {"processor_kwargs": {"model_max_length": 10}}),
        ({"config_args": {"hidden_act": "relu"}}, {"config_kwargs": {"hidden_act": "relu"}}),
        ({"default_activation_function": nn.Tanh()}, {"activation_fn": nn.Tanh()}),
        ({"cache_dir": "a/folder"}, {"cache_folder": "a/folder"}),
        ({"classifier_dropout": 0.25}, {"config_kwargs": {"classifier_dropout": 0.25}}),
    ],
    ids=lambda kwargs: next(iter(kwargs)),
)
def test_older_names_mean_the_newer(
    tiny: Tiny, older: dict[str, Any], newer: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    from sensorium import CrossEncoder

    with caplog.at_level(logging.WARNING):
        ours = CrossEncoder(str(tiny("bert_ce_plain")), device="cpu", **older)
    assert f"`{next(iter(older))}`" in caplog.text
    assert "deprecated" in caplog.text
    theirs = load_peer_reranker(tiny("bert_ce_plain"), **older)
    named = load_our_reranker(tiny("bert_ce_plain"), **newer)
    assert _describe(ours) == _describe(theirs) == _describe(named)
    assert ours.config.classifier_dropout == theirs.config.classifier_dropout == named.config.classifier_dropout
    wanted = score(theirs, PAIRS)
    assert_same_results(score(ours, PAIRS), wanted)
    assert_same_results(score(named, PAIRS), wanted)


def test_the_path_has_an_older_name(tiny: Tiny) -> None:
    from sentence_transformers import CrossEncoder as Peer

    from sensorium import CrossEncoder

    with quiet():
        models = [cls(model_name=str(tiny("bert_ce")), device="cpu") for cls in (CrossEncoder, Peer)]
    assert_same_results(*(score(model, PAIRS) for model in models))


def test_the_newer_name_wins(tiny: Tiny) -> None:
    given = {"tokenizer_kwargs": {"model_max_length": 10}, "processor_kwargs": {"model_max_length": 14}}
    ours, theirs = _load_both(tiny("bert_ce"), **given)
    assert ours.max_seq_length == theirs.max_seq_length == 14
    given = {"default_activation_function": nn.Tanh(), "activation_fn": nn.ReLU()}
    ours, theirs = _load_both(tiny("bert_ce"), **given)
    assert type(ours.activation_fn) is nn.ReLU


@pytest.mark.parametrize("arguments", [(1,), (1, 10), (None, 10, nn.Tanh()), (1, 12, nn.Identity(), "cpu")], ids=str)
def test_older_places_equal(tiny: Tiny, arguments: tuple[Any, ...]) -> None:
    ours, theirs = _load_both(tiny("bert_ce_plain"), *arguments)
    assert_same_results(score(ours, PAIRS), score(theirs, PAIRS))
    if len(arguments) > 1:
        assert ours.max_seq_length == arguments[1]


def test_a_keyword_wins_over_its_older_place(tiny: Tiny) -> None:
    ours, theirs = _load_both(tiny("bert_ce_plain"), 1, 10, max_length=14)
    assert ours.max_seq_length == theirs.max_seq_length == 14


def test_one_place_too_many_is_refused_here(tiny: Tiny) -> None:
    """The peer says nothing of it."""
    arguments = (1, 10, nn.Identity(), "cpu", "one too many")
    assert load_peer_reranker(tiny("bert_ce_plain"), *arguments).max_seq_length == 10
    with pytest.raises(TypeError, match="positional"):
        load_our_reranker(tiny("bert_ce_plain"), *arguments)


@pytest.mark.parametrize("kwargs", [{"bogus": 1}, {"use_auth_token": None}, {"similarity_fn_name": "dot"}], ids=str)
def test_unknown_keywords_are_refused_by_both(tiny: Tiny, kwargs: dict[str, Any]) -> None:
    for load in LOADERS:
        with pytest.raises(TypeError, match=next(iter(kwargs))):
            load(tiny("bert_ce"), **kwargs)


def test_an_empty_list_of_modules_is_refused_by_both() -> None:
    from sentence_transformers import CrossEncoder as Peer

    from sensorium import CrossEncoder

    for cls in (CrossEncoder, Peer):
        with pytest.raises(ValueError, match="An empty modules list was passed"):
            cls(modules=[])


# What it is afterwards


def test_the_older_length_reads_and_sets_the_newer(tiny: Tiny) -> None:
    ours, theirs = _load_both(tiny("bert_ce"))
    for model in (ours, theirs):
        with pytest.warns(DeprecationWarning, match="max_length"):
            assert model.max_length == 64
        with pytest.warns(DeprecationWarning, match="max_length"):
            model.max_length = 8
        assert model.max_seq_length == 8
    assert_same_results(score(ours, PAIRS), score(theirs, PAIRS))


def test_the_older_activation_reads_the_newer(tiny: Tiny) -> None:
    for model in _load_both(tiny("bert_ce"), activation_fn=nn.Tanh()):
        with pytest.warns(DeprecationWarning, match="default_activation_function"):
            assert type(model.default_activation_function) is nn.Tanh


def test_setting_lengths_and_activations_equals(tiny: Tiny) -> None:
    ours, theirs = _load_both(tiny("qwen3_reranker_st"))
    before = score(ours, PAIRS)
    for model in (ours, theirs):
        model.max_seq_length = 110
        model.activation_fn = nn.Tanh()
        model.prompts = {**model.prompts, "other": "Judge these."}
        model.default_prompt_name = "other"
    got = score(ours, PAIRS)
    assert_same_results(got, score(theirs, PAIRS))
    assert np.abs(got - before).max() > 1e-3


@pytest.mark.parametrize("name", ["bert_ce", "bert_ce3", "qwen3_reranker_st"])
def test_features_and_forward_equal(tiny: Tiny, name: str) -> None:
    ours, theirs = _load_both(tiny(name))
    made = [call(model, "preprocess", PAIRS[:3]) for model in (ours, theirs)]
    for key in ("input_ids", "attention_mask", "token_type_ids"):
        assert (key in made[0]) == (key in made[1])
        if key in made[0]:
            assert torch.equal(made[0][key], made[1][key])
    with torch.inference_mode():
        scores = [model(features)["scores"] for model, features in zip((ours, theirs), made, strict=True)]
    assert_same_results(scores[0], scores[1], 5e-5)


def test_evaluators_are_called(tiny: Tiny, tmp_path: Path) -> None:
    ours, theirs = _load_both(tiny("bert_ce"))
    seen = []
    for place, model in enumerate((ours, theirs)):
        folder = str(tmp_path / str(place))
        result = model.evaluate(lambda one, path: (seen.append((one, path)), {"score": 0.5})[1], folder)
        assert result == {"score": 0.5}
        assert seen[-1] == (model, folder)
