"""Every keyword of `predict`, and every kind of result, is as in the peer, on the same checkpoint."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests.compat.peer import (
    assert_same_results,
    assert_same_vectors,
    call,
    load_our_reranker,
    load_peer_reranker,
    rank,
    score,
)
from tests.compat.questions import DOCUMENTS, PAIRS, QUERY
from tests.tiny import media

NAMES = ["bert_ce", "bert_ce3", "modernbert_ce", "qwen3_seq_cls", "qwen3_reranker_st", "qwen3_vl_reranker"]

Rerankers = Callable[[str], tuple[Any, Any]]


def _double(scores: torch.Tensor) -> torch.Tensor:
    return scores * 2.0


# Numbers


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "kwargs",
    [
        {"batch_size": 1},
        {"batch_size": 2},
        {"prompt": "Find what answers this: "},
        {"prompt": ""},
        {"prompt": "first", "prompt_name": "nobody has this"},
        {"activation_fn": nn.Identity()},
        {"activation_fn": torch.tanh},
        {"activation_fn": _double, "batch_size": 4},
        {"activation_fn": nn.Softmax(dim=-1)},
        {"apply_softmax": False},
        {"apply_softmax": None},
        {"show_progress_bar": False},
        {"device": "cpu"},
        {"chunk_size": 2},
    ],
    ids=str,
)
def test_scores_equal(rerankers: Rerankers, name: str, kwargs: dict[str, Any]) -> None:
    ours, theirs = rerankers(name)
    wanted = score(theirs, PAIRS, **kwargs)
    assert_same_results(score(ours, PAIRS, **kwargs), wanted)
    assert_same_results(score(ours, PAIRS, shared=False, **kwargs), wanted)


@pytest.mark.parametrize("name", ["bert_ce3", "bert_ce", "qwen3_reranker_st"])
@pytest.mark.parametrize("activation", [None, nn.Sigmoid()], ids=str)
def test_softmax_equals(rerankers: Rerankers, name: str, activation: Any) -> None:
    """It comes after the activation, and leaves the scores of one label as they are."""
    ours, theirs = rerankers(name)
    kwargs = {"apply_softmax": True, "activation_fn": activation}
    got, wanted = score(ours, PAIRS, **kwargs), score(theirs, PAIRS, **kwargs)
    assert_same_vectors(got, wanted)
    if name == "bert_ce3":
        np.testing.assert_allclose(got.sum(axis=1), 1.0, rtol=0, atol=1e-6)
    else:
        assert_same_vectors(got, score(ours, PAIRS, activation_fn=activation))


@pytest.mark.parametrize("name", ["bert_ce", "bert_ce3", "qwen3_seq_cls"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16, torch.int32], ids=str)
@pytest.mark.parametrize("containers", [{}, {"convert_to_tensor": True}], ids=str)
def test_an_activation_that_changes_the_type_equals(
    rerankers: Rerankers, name: str, dtype: torch.dtype, containers: dict[str, bool]
) -> None:
    """numpy results are float32 whatever an activation makes; tensors are of the type that it makes."""
    ours, theirs = rerankers(name)

    def activation(scores: torch.Tensor) -> torch.Tensor:
        return (scores * 8).to(dtype)

    got, wanted = (score(model, PAIRS, activation_fn=activation, **containers) for model in (ours, theirs))
    step = 1.0 if dtype == torch.int32 else 16 * torch.finfo(dtype).eps
    assert_same_results(got, wanted, max(1e-4, step))


@pytest.mark.parametrize("name", ["bert_ce", "bert_ce3"])
def test_an_activation_that_removes_the_last_dimension_equals(rerankers: Rerankers, name: str) -> None:
    got, wanted = (score(model, PAIRS, activation_fn=lambda scores: scores.sum(-1)) for model in rerankers(name))
    assert wanted.shape == (len(PAIRS),)
    assert_same_results(got, wanted)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", [{"max_length": 20}, {"max_length": 110}], ids=str)
def test_processing_kwargs_equal(rerankers: Rerankers, name: str, text: dict[str, Any]) -> None:
    ours, theirs = rerankers(name)
    got, wanted = (score(model, PAIRS, processing_kwargs={"text": text}) for model in (ours, theirs))
    assert_same_results(got, wanted)
    assert_same_results(score(ours, PAIRS, shared=False, processing_kwargs={"text": text}), wanted)


def test_image_settings_equal(rerankers: Rerankers) -> None:
    ours, theirs = rerankers("qwen3_vl_reranker")
    pairs = [(QUERY, media.make_image(seed, 200, 160)) for seed in range(3)]
    small = {"processing_kwargs": {"image": {"size": {"shortest_edge": 32 * 32, "longest_edge": 64 * 64}}}}
    got, wanted = (score(model, pairs, **small) for model in (ours, theirs))
    assert_same_vectors(got, wanted)
    assert np.abs(got - score(ours, pairs)).max() > 1e-3
    ranked = [(hit["corpus_id"], hit["score"]) for hit in rank(ours, QUERY, [image for _, image in pairs], **small)]
    np.testing.assert_allclose([score for _, score in sorted(ranked)], got, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_half_precision_agrees(tiny: Callable[..., Path], name: str) -> None:
    """Our scores are at least as near to those of full precision as the peer's, up to a step of bfloat16."""
    kwargs = {"model_kwargs": {"torch_dtype": torch.bfloat16}}
    ours, theirs = load_our_reranker(tiny(name), **kwargs), load_peer_reranker(tiny(name), **kwargs)
    assert ours.dtype == torch.bfloat16
    exact = score(load_our_reranker(tiny(name)), PAIRS, activation_fn=nn.Identity())
    got, wanted = (score(model, PAIRS, activation_fn=nn.Identity()) for model in (ours, theirs))
    assert got.dtype == wanted.dtype == np.float32
    assert np.abs(got - exact).max() <= np.abs(wanted - exact).max() + 2**-8 * np.abs(exact).max()


# Containers


@pytest.mark.parametrize("name", ["bert_ce", "bert_ce3", "qwen3_reranker_st"])
@pytest.mark.parametrize("as_numpy", [True, False])
@pytest.mark.parametrize("as_tensor", [True, False])
@pytest.mark.parametrize("apply_softmax", [True, False])
@pytest.mark.parametrize("shape", ["batch", "single", "empty", "batch of one"])
def test_containers_equal(
    rerankers: Rerankers, name: str, as_numpy: bool, as_tensor: bool, apply_softmax: bool, shape: str
) -> None:
    inputs = {"batch": PAIRS, "single": PAIRS[0], "empty": [], "batch of one": PAIRS[:1]}[shape]
    kwargs = {"convert_to_numpy": as_numpy, "convert_to_tensor": as_tensor, "apply_softmax": apply_softmax}
    got, wanted = (score(model, inputs, **kwargs) for model in rerankers(name))
    if shape == "empty" and isinstance(wanted, np.ndarray):
        assert wanted.shape == got.shape == (0,)
        assert (wanted.dtype, got.dtype) == (np.float64, np.float32)  # ours has the type that every other result has
    else:
        assert_same_results(got, wanted)


def test_one_pair_is_a_numpy_number(rerankers: Rerankers) -> None:
    for model in rerankers("bert_ce"):
        assert type(score(model, PAIRS[0])) is np.float32
        assert score(model, PAIRS[0], convert_to_tensor=True).shape == ()
    for model in rerankers("bert_ce3"):
        assert score(model, PAIRS[0]).shape == (3,)


# Prompts


def test_prompts_by_name_equal(tiny: Callable[..., Path]) -> None:
    given = {"prompts": {"web_search": "Ours", "other": "Find: "}, "default_prompt_name": "other"}
    ours, theirs = (load(tiny("qwen3_reranker_st"), **given) for load in (load_our_reranker, load_peer_reranker))
    assert ours.prompts == theirs.prompts == given["prompts"]
    assert ours.default_prompt_name == theirs.default_prompt_name == "other"
    results = []
    for kwargs in ({}, {"prompt_name": "web_search"}, {"prompt_name": "other"}, {"prompt": "own"}, {"prompt": ""}):
        got = score(ours, PAIRS, **kwargs)
        assert_same_results(got, score(theirs, PAIRS, **kwargs))
        wanted = rank(theirs, QUERY, DOCUMENTS, **kwargs)
        assert_same_results(rank(ours, QUERY, DOCUMENTS, **kwargs), wanted)
        results.append(got)
    assert_same_results(results[0], results[2])
    for first, second in itertools.combinations(results[1:], 2):
        assert np.abs(first - second).max() > 1e-3


@pytest.mark.parametrize("name", ["bert_ce", "modernbert_ce"])
def test_prompts_of_classifiers_equal(tiny: Callable[..., Path], name: str) -> None:
    """The prompt goes before the query, and only there."""
    given = {"prompts": {"find": "find: ", "nothing": None}, "default_prompt_name": "find"}
    ours, theirs = (load(tiny(name), **given) for load in (load_our_reranker, load_peer_reranker))
    assert ours.prompts == theirs.prompts == {"find": "find: ", "nothing": ""}
    wanted = score(theirs, PAIRS)
    assert_same_results(score(ours, PAIRS), wanted)
    by_hand = [(f"find: {query}", document) for query, document in PAIRS]
    assert_same_results(score(ours, by_hand, prompt_name="nothing"), wanted)
    assert np.abs(score(ours, PAIRS, prompt="") - wanted).max() > 1e-3
    assert_same_results(score(ours, QUERY), score(theirs, QUERY))


@pytest.mark.parametrize("method", ["predict", "rank"])
def test_an_unknown_prompt_is_named_by_both(rerankers: Rerankers, method: str) -> None:
    arguments = (PAIRS,) if method == "predict" else (QUERY, DOCUMENTS)
    for model in rerankers("qwen3_reranker_st"):
        with pytest.raises(ValueError, match="Prompt name 'nope' not found .* keys \\['web_search'\\]"):
            call(model, method, *arguments, prompt_name="nope")


def test_an_unknown_default_prompt_is_named_by_both(tiny: Callable[..., Path]) -> None:
    for load in (load_our_reranker, load_peer_reranker):
        with pytest.raises(ValueError, match="Default prompt name 'nope' not found"):
            load(tiny("bert_ce"), default_prompt_name="nope")


# Older names


@pytest.mark.parametrize("name", ["bert_ce", "bert_ce3"])
@pytest.mark.parametrize(
    "kwargs", [{"activation_fct": nn.Identity()}, {"num_workers": 2}, {"activation_fct": torch.tanh, "num_workers": 0}]
)
def test_older_names_in_predict_equal(
    rerankers: Rerankers, name: str, kwargs: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    ours, theirs = rerankers(name)
    with caplog.at_level(logging.WARNING):
        got = score(ours, PAIRS, **kwargs)
    assert [argument for argument in kwargs if f"`{argument}`" in caplog.text] == list(kwargs)
    assert "deprecated" in caplog.text
    assert_same_results(got, score(theirs, PAIRS, **kwargs))
    assert_same_results(call(ours, "predict", sentences=PAIRS), call(theirs, "predict", sentences=PAIRS))


def test_the_newer_name_wins(rerankers: Rerankers) -> None:
    ours, theirs = rerankers("bert_ce")
    kwargs = {"activation_fct": torch.tanh, "activation_fn": nn.Identity()}
    assert_same_results(score(ours, PAIRS, **kwargs), score(ours, PAIRS, activation_fn=nn.Identity()))
    assert_same_results(score(theirs, PAIRS, **kwargs), score(ours, PAIRS, **kwargs))


def test_positional_arguments_of_calls_equal(rerankers: Rerankers) -> None:
    ours, theirs = rerankers("bert_ce")
    arguments = (None, "find: ", 2, False, nn.Identity(), False, False, True)
    assert_same_results(*(call(model, "predict", PAIRS, *arguments) for model in (ours, theirs)))
    arguments = (3, True, None, "find: ", 2, False, nn.Identity())
    assert_same_results(*(call(model, "rank", QUERY, DOCUMENTS, *arguments) for model in (ours, theirs)))


@pytest.mark.parametrize("method", ["predict", "rank"])
@pytest.mark.parametrize("batch_size", [0, -3])
def test_a_batch_size_that_is_none_is_refused_by_both(rerankers: Rerankers, method: str, batch_size: int) -> None:
    arguments = (PAIRS,) if method == "predict" else (QUERY, DOCUMENTS)
    for model in rerankers("bert_ce"):
        with pytest.raises(ValueError, match="batch_size"):
            call(model, method, *arguments, batch_size=batch_size)
