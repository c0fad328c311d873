"""Pairs that cannot be used, and too little time: what can be scored is, and the rest is accounted for."""

from __future__ import annotations

import contextlib
import json
import math
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sensorium import CrossEncoder, InputError, MediaError, MissingMediaError
from sensorium.engine.report import PredictResult, RankResult
from tests.compat.questions import DOCUMENTS, PAIRS, QUERY
from tests.tiny import media

Reranker = Callable[[str], CrossEncoder]

NAMES = ["bert_ce", "qwen3_reranker_st", "qwen3_vl_reranker"]
HUNDRED = [f"{DOCUMENTS[number % 5]} {number}" for number in range(100)]


@pytest.fixture(params=[True, False], ids=["shared", "plain"])
def shared(request: pytest.FixtureRequest) -> bool:
    """Whether what pairs have in common is computed once."""
    return bool(request.param)


@pytest.fixture
def vl(reranker: Reranker) -> CrossEncoder:
    return reranker("qwen3_vl_reranker")


@pytest.fixture(params=["header", "data", "missing"])
def bad_file(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A picture whose header is damaged, whose pixels are cut off, or that is not there."""
    path = tmp_path / "broken.png"
    if request.param == "missing":
        return str(path)
    whole = media.write_image(tmp_path / "whole.png", 1, 200, 160).read_bytes()
    path.write_bytes(whole[: 40 if request.param == "header" else len(whole) // 2])
    return str(path)


def assert_close(scores: Any, wanted: Any) -> None:
    np.testing.assert_allclose(scores, wanted, rtol=0, atol=1e-5)


# Raised


@pytest.mark.parametrize("position", [0, 1, 4])
@pytest.mark.parametrize("batch_size", [1, 32])
def test_the_error_names_position_and_path(
    vl: CrossEncoder, bad_file: str, position: int, batch_size: int, shared: bool
) -> None:
    pairs: list[Any] = [(QUERY, DOCUMENTS[0]), (QUERY, media.make_image(1)), *PAIRS[1:3]]
    for bad in ((QUERY, Path(bad_file)), ({"image": bad_file}, QUERY)):
        pairs.insert(position, bad)
        with pytest.raises(MediaError) as caught:
            vl.predict(pairs, batch_size=batch_size, shared=shared)
        assert caught.value.index == position
        assert caught.value.source == bad_file
        assert str(caught.value).startswith(f"input {position} ({bad_file}): ")
        assert isinstance(caught.value, ValueError)
        del pairs[position]


def test_a_bad_document_of_a_ranking_is_named(vl: CrossEncoder, bad_file: str, shared: bool) -> None:
    with pytest.raises(MediaError) as caught:
        vl.rank(QUERY, [*DOCUMENTS, Path(bad_file)], shared=shared)
    assert caught.value.index == len(DOCUMENTS)
    assert caught.value.source == bad_file


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [None, 5, {}, {"colour": 1}, {"text": None}, "broken \ud83d text"], ids=ascii)
def test_a_value_that_is_no_input_is_named(reranker: Reranker, name: str, value: Any, shared: bool) -> None:
    for pair in ((QUERY, value), (value, QUERY)):
        with pytest.raises(InputError) as caught:
            reranker(name).predict([*PAIRS[:2], pair, PAIRS[3]], shared=shared)
        assert caught.value.index == 2
    with pytest.raises(InputError) as caught:
        reranker(name).rank(QUERY, [*DOCUMENTS[:3], value], shared=shared)
    assert caught.value.index == 3


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("query", [None, 5, {}, [], ("a", "b"), np.zeros(())], ids=repr)
@pytest.mark.parametrize("documents", [DOCUMENTS, []], ids=["documents", "none"])
def test_a_query_that_is_no_input_is_named(
    reranker: Reranker, name: str, query: Any, documents: list[str], shared: bool
) -> None:
    """An argument of the call, so it is not skipped."""
    with pytest.raises(InputError, match="the query") as caught:
        reranker(name).rank(query, documents, on_error="skip", shared=shared)
    assert caught.value.index is None


def test_an_error_of_the_activation_is_not_skipped(reranker: Reranker, shared: bool) -> None:
    def fail(scores: torch.Tensor) -> torch.Tensor:
        raise ZeroDivisionError("mine")

    for name in NAMES:
        with pytest.raises(ZeroDivisionError, match="mine"):
            reranker(name).predict(PAIRS, activation_fn=fail, on_error="skip", shared=shared)


# Skipped


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("position", [0, 37, 99])
def test_one_bad_document_in_a_hundred_comes_last(reranker: Reranker, name: str, position: int, shared: bool) -> None:
    model = reranker(name)
    documents: list[Any] = [*HUNDRED[:position], None, *HUNDRED[position + 1 :]]
    wanted = {hit["corpus_id"]: hit["score"] for hit in model.rank(QUERY, HUNDRED, shared=shared)}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = model.rank(QUERY, documents, on_error="skip", return_report=True, return_documents=True, shared=shared)
    assert isinstance(result, RankResult)
    assert result.unscored == 0
    assert [error.index for error in result.errors] == [position]
    assert result.errors[0].error.index == position
    *good, bad = result.ranking
    assert bad["corpus_id"] == position
    assert math.isnan(bad["score"])
    assert bad["text"] is None
    assert len(good) == 99
    assert_close([hit["score"] for hit in good], [wanted[hit["corpus_id"]] for hit in good])
    scores = [hit["score"] for hit in good]
    assert scores == sorted(scores, reverse=True)
    assert len(model.rank(QUERY, documents, top_k=99, on_error="skip", return_report=True, shared=shared).ranking) == 99


def test_a_warning_counts_what_was_skipped(reranker: Reranker) -> None:
    model = reranker("bert_ce")
    with pytest.warns(UserWarning, match="2 of the documents could not be used.*The first: input 1") as record:
        ranking = model.rank(QUERY, ["a", None, "b", 5], on_error="skip")
    assert [hit["corpus_id"] for hit in ranking][2:] == [1, 3]
    assert len(record) == 1
    assert record[0].filename == __file__
    with pytest.warns(UserWarning, match="1 of the pairs could not be used.*input 0") as record:
        scores = model.predict([(QUERY, None), ("a", "b")], on_error="skip")
    assert np.isnan(scores).tolist() == [True, False]
    assert len(record) == 1
    assert record[0].filename == __file__


def test_bad_media_are_skipped(vl: CrossEncoder, bad_file: str, shared: bool) -> None:
    picture = media.make_image(1)
    good = [(QUERY, DOCUMENTS[0]), (QUERY, picture), (picture, DOCUMENTS[1]), (picture, picture)]
    wanted = vl.predict(good, shared=shared)
    pairs: list[Any] = [
        (QUERY, Path(bad_file)), good[0], (picture, {"image": bad_file}), *good[1:3],
        ({"image": [picture, bad_file]}, picture), good[3], (QUERY, Path(bad_file)),
    ]  # fmt: skip
    for batch_size in (1, 3, 32):
        result = vl.predict(pairs, on_error="skip", return_report=True, batch_size=batch_size, shared=shared)
        assert isinstance(result, PredictResult)
        assert [error.index for error in result.errors] == [0, 2, 5, 7]
        assert [error.source for error in result.errors] == [bad_file] * 4
        assert all(isinstance(error.error, MediaError) for error in result.errors)
        assert np.isnan(result.scores[[0, 2, 5, 7]]).all()
        assert_close(result.scores[[1, 3, 4, 6]], wanted)


def test_a_query_that_is_missing_is_named(vl: CrossEncoder, tmp_path: Path, shared: bool) -> None:
    with pytest.raises(MissingMediaError, match="the query cannot be used: no such file"):
        vl.rank(tmp_path / "missing.png", DOCUMENTS, on_error="skip", shared=shared)


@pytest.mark.parametrize("bad_file", ["header", "data"], indirect=True)
def test_a_query_whose_picture_is_bad_fails_every_document(vl: CrossEncoder, bad_file: str, shared: bool) -> None:
    result = vl.rank(Path(bad_file), DOCUMENTS, on_error="skip", return_report=True, shared=shared)
    assert [hit["corpus_id"] for hit in result.ranking] == list(range(len(DOCUMENTS)))
    assert all(math.isnan(hit["score"]) for hit in result.ranking)
    assert [error.index for error in result.errors] == list(range(len(DOCUMENTS)))
    with pytest.raises(MediaError, match="broken.png"):
        vl.rank(Path(bad_file), DOCUMENTS, shared=shared)


def test_a_missing_file_is_a_file_error(vl: CrossEncoder, tmp_path: Path, shared: bool) -> None:
    with pytest.raises(MissingMediaError, match="no such file") as caught:
        vl.predict([PAIRS[0], (QUERY, tmp_path / "missing.png")], shared=shared)
    assert isinstance(caught.value, FileNotFoundError)
    assert caught.value.index == 1


@pytest.mark.parametrize("containers", [{}, {"convert_to_tensor": True}, {"convert_to_numpy": False}], ids=str)
@pytest.mark.parametrize("name", ["bert_ce", "bert_ce3"])
@pytest.mark.parametrize("has_good", [True, False])
def test_skipped_scores_are_nan_in_every_container(
    reranker: Reranker, name: str, containers: dict[str, bool], has_good: bool, shared: bool
) -> None:
    pairs: list[Any] = [(QUERY, None), *(PAIRS[:1] if has_good else [(None, QUERY)])]
    result = reranker(name).predict(pairs, on_error="skip", return_report=True, shared=shared, **containers)
    assert type(result.scores) is type(reranker(name).predict(PAIRS[:2], **containers))
    rows = [np.asarray(row) for row in result.scores]
    assert [row.shape for row in rows] == [(3,) if name == "bert_ce3" else ()] * 2
    assert [row.dtype for row in rows] == [np.float32] * 2
    assert np.isnan(rows[0]).all()
    assert np.isfinite(rows[1]).all() == has_good


def test_a_single_pair_may_be_skipped(reranker: Reranker) -> None:
    result = reranker("bert_ce").predict((QUERY, None), on_error="skip", return_report=True)
    assert math.isnan(result.scores)
    assert [error.index for error in result.errors] == [0]


@pytest.mark.parametrize("name", NAMES)
def test_a_report_without_failures_is_empty(reranker: Reranker, name: str, shared: bool) -> None:
    model = reranker(name)
    result = model.predict(PAIRS, return_report=True, shared=shared)
    assert result.errors == ()
    assert_close(result.scores, model.predict(PAIRS, shared=shared))
    ranked = model.rank(QUERY, DOCUMENTS, return_report=True, shared=shared)
    assert (ranked.errors, ranked.unscored) == ((), 0)
    assert json.loads(json.dumps(ranked.ranking)) == ranked.ranking
    assert model.rank(QUERY, [], return_report=True) == RankResult([])
    with pytest.raises(AttributeError):
        ranked.ranking = []


def test_scores_that_are_not_numbers_come_last(reranker: Reranker) -> None:
    def spoil(scores: torch.Tensor) -> torch.Tensor:
        return torch.where(scores > scores.median(), torch.nan, scores)

    ranking = reranker("bert_ce").rank(QUERY, DOCUMENTS, activation_fn=spoil)
    assert [math.isnan(hit["score"]) for hit in ranking] == [False] * 3 + [True] * 2
    assert ranking[0]["score"] >= ranking[1]["score"] >= ranking[2]["score"]
    assert ranking[3]["corpus_id"] < ranking[4]["corpus_id"]


# Too little time


@contextlib.contextmanager
def slowed(model: CrossEncoder, seconds: float) -> Iterator[list[float]]:
    """Make every pass of a model's network wait; yields the times of passes."""
    network: Any = model.model
    layers = network.bert.encoder.layer if hasattr(network, "bert") else network.get_decoder().layers
    passes: list[float] = []

    def wait(*_: Any) -> None:
        passes.append(time.monotonic())
        time.sleep(seconds)

    handle = layers[0].register_forward_pre_hook(wait)
    try:
        yield passes
    finally:
        handle.remove()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_scored_when_the_time_is_up_is_returned(reranker: Reranker, name: str, shared: bool) -> None:
    model = reranker(name)
    wanted = {hit["corpus_id"]: hit["score"] for hit in model.rank(QUERY, HUNDRED, shared=shared)}
    with slowed(model, 0.05), warnings.catch_warnings():
        warnings.simplefilter("error")
        start = time.monotonic()
        result = model.rank(QUERY, HUNDRED, max_time_s=0.4, batch_size=2, return_report=True, shared=shared)
        taken_s = time.monotonic() - start
    assert taken_s < 1.5
    scored = [hit["corpus_id"] for hit in result.ranking]
    assert 2 <= len(scored) <= 20
    assert result.unscored == 100 - len(scored)
    assert result.errors == ()
    # Begun in the order given: of the two batches that threads prepare ahead, the second may be ready before the first.
    assert max(scored) < len(scored) + 4
    scores = [hit["score"] for hit in result.ranking]
    assert scores == sorted(scores, reverse=True)
    assert_close(scores, [wanted[place] for place in scored])


def test_a_warning_says_how_many_were_not_scored(reranker: Reranker) -> None:
    model = reranker("bert_ce")
    with slowed(model, 0.05), pytest.warns(UserWarning, match=r"0.2 s was up before (\d+) of 100 documents") as record:
        ranking = model.rank(QUERY, HUNDRED, max_time_s=0.2, batch_size=1, top_k=2)
    assert len(ranking) == 2
    assert len(record) == 1
    assert record[0].filename == __file__


@pytest.mark.parametrize("name", NAMES)
def test_no_time_at_all(reranker: Reranker, name: str, shared: bool) -> None:
    model = reranker(name)
    with slowed(model, 0.0) as passes:
        result = model.rank(QUERY, DOCUMENTS, max_time_s=0, return_report=True, shared=shared)
    assert result == RankResult([], (), len(DOCUMENTS))
    assert passes == []


@pytest.mark.parametrize("name", NAMES)
def test_enough_time_changes_nothing(reranker: Reranker, name: str, shared: bool) -> None:
    model = reranker(name)
    documents = [*DOCUMENTS, DOCUMENTS[0]]
    wanted = model.rank(QUERY, documents, shared=shared)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = model.rank(QUERY, documents, max_time_s=60, shared=shared)
    assert [hit["corpus_id"] for hit in got] == [hit["corpus_id"] for hit in wanted]
    assert_close([hit["score"] for hit in got], [hit["score"] for hit in wanted])


def test_the_bad_and_the_late_are_told_apart(reranker: Reranker) -> None:
    model = reranker("bert_ce")
    documents: list[Any] = [HUNDRED[0], None, *HUNDRED[2:]]
    with slowed(model, 0.05):
        result = model.rank(QUERY, documents, max_time_s=0.3, batch_size=1, on_error="skip", return_report=True)
    assert [error.index for error in result.errors] == [1]
    assert result.ranking[-1]["corpus_id"] == 1
    assert result.unscored == 100 - len(result.ranking)
    assert 0 < result.unscored < 99


def test_media_in_time(vl: CrossEncoder) -> None:
    documents: list[Any] = [media.make_image(seed) if seed % 2 else HUNDRED[seed] for seed in range(20)]
    wanted = {hit["corpus_id"]: hit["score"] for hit in vl.rank(QUERY, documents)}
    with slowed(vl, 0.05):
        result = vl.rank(QUERY, documents, max_time_s=0.5, batch_size=2, return_report=True)
    scored = [hit["corpus_id"] for hit in result.ranking]
    assert 2 <= len(scored) < 20
    # By and large in the order given: what is slow to prepare does not hold up what is ready.
    assert max(scored) < len(scored) + 4
    assert result.unscored == 20 - len(scored)
    assert_close([hit["score"] for hit in result.ranking], [wanted[place] for place in scored])


@pytest.mark.parametrize("value", [-1, -0.5, math.nan, "3", [1]], ids=repr)
def test_a_time_that_is_none_is_named(reranker: Reranker, value: Any) -> None:
    with pytest.raises(InputError, match="max_time_s"):
        reranker("bert_ce").rank(QUERY, DOCUMENTS, max_time_s=value)


def test_no_time_limit_in_other_processes(reranker: Reranker) -> None:
    with pytest.raises(InputError, match="max_time_s works in this process only"):
        reranker("bert_ce").rank(QUERY, DOCUMENTS, max_time_s=1, device=["cpu", "cpu"])
