"""Every keyword of `rank`, every form of documents and what comes out, is as in the peer."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from torch import nn

from tests.compat.peer import assert_same_results, rank
from tests.compat.questions import DOCUMENTS, QUERY

NAMES = ["bert_ce", "modernbert_ce", "qwen3_seq_cls", "qwen3_reranker_st", "qwen3_vl_reranker"]

Rerankers = Callable[[str], tuple[Any, Any]]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"top_k": 2},
        {"top_k": 0},
        {"top_k": 100},
        {"top_k": -1},
        {"return_documents": True},
        {"return_documents": True, "top_k": 1},
        {"batch_size": 1},
        {"prompt": "Find: "},
        {"activation_fn": nn.Identity()},
        {"show_progress_bar": False, "device": "cpu"},
    ],
    ids=str,
)
def test_rankings_equal(rerankers: Rerankers, name: str, kwargs: dict[str, Any]) -> None:
    ours, theirs = rerankers(name)
    wanted = rank(theirs, QUERY, DOCUMENTS, **kwargs)
    assert_same_results(rank(ours, QUERY, DOCUMENTS, **kwargs), wanted, 5e-5)
    assert_same_results(rank(ours, QUERY, DOCUMENTS, shared=False, **kwargs), wanted, 5e-5)


def test_a_ranking_can_be_written_as_json(rerankers: Rerankers) -> None:
    for model in rerankers("bert_ce"):
        ranking = rank(model, QUERY, DOCUMENTS, return_documents=True)
        assert json.loads(json.dumps(ranking)) == ranking
        assert {type(hit["score"]) for hit in ranking} == {float}
        assert {type(hit["corpus_id"]) for hit in ranking} == {int}


@pytest.mark.parametrize(
    "make",
    [tuple, np.array, iter, lambda documents: [np.str_(text) for text in documents], lambda documents: []],
    ids=["tuple", "array", "iterator", "numpy strings", "none"],
)
def test_forms_of_documents_equal(rerankers: Rerankers, make: Callable[[list[str]], Any]) -> None:
    ours, theirs = rerankers("bert_ce")
    got, wanted = (rank(model, QUERY, make(DOCUMENTS)) for model in (ours, theirs))
    assert_same_results(got, wanted)


def test_equal_scores_keep_the_order_of_documents(rerankers: Rerankers) -> None:
    documents = ["same", "same", DOCUMENTS[0], "same"]
    for name in ("bert_ce", "qwen3_reranker_st"):
        got, wanted = ([hit["corpus_id"] for hit in rank(model, QUERY, documents)] for model in rerankers(name))
        assert got == wanted
        assert [place for place in got if place != 2] == [0, 1, 3]


def test_ranking_with_several_labels_is_refused_by_both(rerankers: Rerankers) -> None:
    for model in rerankers("bert_ce3"):
        with pytest.raises(ValueError, match="CrossEncoder.rank\\(\\) only works for models with num_labels=1"):
            rank(model, QUERY, DOCUMENTS)


def test_one_document_instead_of_documents_is_refused_here(rerankers: Rerankers) -> None:
    """The peer ranks the letters of a text, and the keys of a dict."""
    ours, theirs = rerankers("bert_ce")
    assert len(rank(theirs, QUERY, "abc")) == 3
    for document in ("abc", {"text": "abc"}):
        with pytest.raises(ValueError, match="documents must be a batch"):
            rank(ours, QUERY, document)


@pytest.mark.parametrize(
    "kwargs",
    [
        {"activation_fct": nn.Identity()},
        {"apply_softmax": True},
        {"convert_to_numpy": False},
        {"convert_to_tensor": True},
        {"num_workers": 3},
    ],
    ids=str,
)
def test_older_names_in_rank_equal(
    rerankers: Rerankers, kwargs: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    ours, theirs = rerankers("bert_ce")
    with caplog.at_level(logging.WARNING):
        got = rank(ours, QUERY, DOCUMENTS, **kwargs)
    assert "deprecated" in caplog.text
    assert f"`{next(iter(kwargs))}`" in caplog.text
    assert_same_results(got, rank(theirs, QUERY, DOCUMENTS, **kwargs), 5e-5)
