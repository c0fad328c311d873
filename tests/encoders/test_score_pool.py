"""Scoring in worker processes: the scores of one process, whatever the keywords, and every failure reported."""

from __future__ import annotations

import math
import multiprocessing
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from sensorium import CrossEncoder, InputError, MediaError, UnknownArgumentError
from tests.compat.questions import DOCUMENTS, PAIRS, QUERY
from tests.tiny import media

Reranker = Callable[[str], CrossEncoder]

#: Enough pairs that each of two workers gets several chunks; some are media.
MANY: list[Any] = [
    *PAIRS,
    *((QUERY, f"text number {number}") for number in range(7)),
    (QUERY, media.make_image(1)),
    (media.make_image(1), DOCUMENTS[0]),
    (QUERY, {"image": media.make_image(2), "text": "a bridge"}),
]


@pytest.fixture(scope="module")
def model(reranker: Reranker) -> CrossEncoder:
    return reranker("qwen3_vl_reranker")


@pytest.fixture(scope="module")
def pool(model: CrossEncoder) -> Iterator[Any]:
    """Two workers that the tests of this file share."""
    running = model.start_multi_process_pool(["cpu", "cpu"])
    yield running
    model.stop_multi_process_pool(running)


def assert_close(scores: Any, wanted: Any) -> None:
    np.testing.assert_allclose(scores, wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("chunk_size", [None, 1, 5, 100])
def test_scores_equal_those_of_one_process(
    model: CrossEncoder, pool: Any, chunk_size: int | None, shared: bool
) -> None:
    got = model.predict(MANY, pool=pool, chunk_size=chunk_size, batch_size=3, shared=shared)
    assert_close(got, model.predict(MANY, shared=shared))


@pytest.mark.parametrize(
    "kwargs",
    [
        {"convert_to_tensor": True},
        {"convert_to_numpy": False},
        {"activation_fn": nn.Identity()},
        {"activation_fn": torch.tanh},
        {"apply_softmax": True},
        {"prompt": "Judge."},
        {"processing_kwargs": {"text": {"max_length": 300}}},
    ],
    ids=str,
)
def test_keywords_mean_the_same(model: CrossEncoder, pool: Any, kwargs: dict[str, Any]) -> None:
    got, wanted = model.predict(MANY, pool=pool, chunk_size=4, **kwargs), model.predict(MANY, **kwargs)
    assert type(got) is type(wanted)
    assert [type(row) for row in got] == [type(row) for row in wanted]
    assert {row.dtype for row in got} == {row.dtype for row in wanted}
    assert_close(np.array([float(row) for row in got]), [float(row) for row in wanted])


def test_one_pair_and_none(model: CrossEncoder, pool: Any) -> None:
    assert_close(model.predict(PAIRS[0], pool=pool), model.predict(PAIRS[0]))
    assert type(model.predict(PAIRS[0], pool=pool)) is np.float32
    for kwargs in ({}, {"convert_to_tensor": True}, {"convert_to_numpy": False}):
        got = model.predict([], pool=pool, **kwargs)
        assert type(got) is type(model.predict([], **kwargs))
        assert len(got) == 0
    assert model.rank(QUERY, [], pool=pool) == []


def test_a_ranking_equals_that_of_one_process(model: CrossEncoder, pool: Any) -> None:
    documents = [*DOCUMENTS, media.make_image(1), media.make_image(2), DOCUMENTS[0]]
    for query in (QUERY, media.make_image(3)):
        got = model.rank(query, documents, pool=pool, chunk_size=2, top_k=6, return_documents=True)
        wanted = model.rank(query, documents, top_k=6, return_documents=True)
        assert [hit["corpus_id"] for hit in got] == [hit["corpus_id"] for hit in wanted]
        assert_close([hit["score"] for hit in got], [hit["score"] for hit in wanted])
        assert all(hit["text"] is documents[hit["corpus_id"]] for hit in got)
        assert {type(hit["score"]) for hit in got} == {float}


@pytest.mark.parametrize("position", [0, 6, 15])
def test_an_error_names_the_position_in_the_call(model: CrossEncoder, pool: Any, tmp_path: Any, position: int) -> None:
    bad = tmp_path / "broken.png"
    bad.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    pairs = [*MANY[:position], (QUERY, bad), *MANY[position:]]
    with pytest.raises(MediaError) as caught:
        model.predict(pairs, pool=pool, chunk_size=3)
    assert caught.value.index == position
    assert caught.value.source == str(bad)
    assert_close(model.predict(PAIRS, pool=pool), model.predict(PAIRS))


def test_skipped_pairs_are_reported_once(model: CrossEncoder, pool: Any) -> None:
    pairs = [(QUERY, None), *MANY[:8], None, *MANY[8:], (None, QUERY)]
    failed = [0, 9, len(pairs) - 1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = model.predict(pairs, pool=pool, chunk_size=4, on_error="skip", return_report=True)
    assert [error.index for error in result.errors] == failed
    assert np.isnan(result.scores[failed]).all()
    assert_close(np.delete(result.scores, failed), model.predict(MANY))
    documents = ["a", None, "b"]
    with pytest.warns(UserWarning, match="1 of the documents") as record:
        ranking = model.rank(QUERY, documents, pool=pool, chunk_size=1, on_error="skip")
    assert ranking[-1]["corpus_id"] == 1
    assert math.isnan(ranking[-1]["score"])
    assert record[0].filename == __file__


def test_an_argument_is_never_skipped(model: CrossEncoder, pool: Any) -> None:
    with pytest.raises(UnknownArgumentError, match="batchsize"):
        model.predict(PAIRS, pool=pool, batchsize=3, on_error="skip")
    with pytest.raises(InputError, match="chunk_size"):
        model.predict(PAIRS, pool=pool, chunk_size=0)


def test_the_model_here_is_untouched(model: CrossEncoder, pool: Any) -> None:
    before, activation = model.predict(PAIRS), model.activation_fn
    model.predict(PAIRS, pool=pool, activation_fn=nn.Identity())
    assert model.device == torch.device("cpu")
    assert model.activation_fn is activation
    assert_close(model.predict(PAIRS), before)


def test_several_labels_come_back_whole(reranker: Reranker) -> None:
    """In a list of devices, which is a pool for one call."""
    model = reranker("bert_ce3")
    before = set(multiprocessing.active_children())
    got = model.predict(PAIRS, device=["cpu"], chunk_size=2, apply_softmax=True)
    assert got.shape == (len(PAIRS), 3)
    assert_close(got, model.predict(PAIRS, apply_softmax=True))
    assert set(multiprocessing.active_children()) == before


def test_an_activation_that_cannot_be_sent_is_named(model: CrossEncoder, pool: Any) -> None:
    with pytest.raises(InputError, match="cannot be sent"):
        model.predict(PAIRS, pool=pool, activation_fn=lambda scores: scores)
    assert_close(model.predict(PAIRS, pool=pool), model.predict(PAIRS))
