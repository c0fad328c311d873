"""Pairs that cannot be used, memory that runs out, and calls side by side leave the other scores as they are."""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sensorium import CrossEncoder, InputError, MediaError
from sensorium.encoders.shared_steps import SharedSteps
from tests.encoders.sharing_models import assert_shared_is_plain, score_alone, small_parts
from tests.encoders.sharing_watch import DOCUMENTS, QUERY, ask, assert_nothing_is_held, note_calls, watch
from tests.tiny import media

Reranker = Callable[[str], CrossEncoder]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[SharedSteps]:
    """The steps of each call that shares, in order."""
    return note_calls(monkeypatch)


# Faults


def write_broken(path: Path) -> Path:
    whole = media.write_image(path, 1, 200, 160).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return path


@pytest.mark.parametrize("batch_size", [1, 3, 32])
def test_a_broken_picture_of_several_pairs_spoils_those_and_no_others(
    reranker: Reranker, tmp_path: Path, calls: list[SharedSteps], batch_size: int
) -> None:
    model = reranker("qwen3_vl_reranker")
    broken, image, clip = write_broken(tmp_path / "broken.png"), media.make_image(2), media.make_clip(1)
    good = [*ask("rain", ["wind", image, clip]), *ask(image, ["wind", image, clip])]
    bad = [("rain", broken), (image, broken), (broken, image), ({"image": [image, broken]}, clip), ("wind", broken)]
    pairs = [pair for both in zip(good, [*bad, ("x", "y")], strict=True) for pair in both]
    with small_parts():
        report = model.predict(pairs, batch_size=batch_size, on_error="skip", return_report=True)
    assert [error.index for error in report.errors] == [1, 3, 5, 7, 9]
    assert all(isinstance(error.error, MediaError) for error in report.errors)
    assert np.isnan(report.scores[[1, 3, 5, 7, 9]]).all()
    np.testing.assert_allclose(report.scores[::2], score_alone(model, good), rtol=0, atol=1e-4)
    assert report.scores[11] == pytest.approx(score_alone(model, [("x", "y")])[0], abs=1e-4)
    assert_nothing_is_held(calls[0])


def test_a_broken_picture_as_the_query_leaves_other_queries_alone(reranker: Reranker, tmp_path: Path) -> None:
    model, broken = reranker("qwen3_vl_reranker"), write_broken(tmp_path / "broken.png")
    documents: list[Any] = ["wind", media.make_image(2), media.make_clip(1), *DOCUMENTS[:3]]
    with small_parts():
        report = model.predict([*ask(broken, documents), *ask("rain", documents)], on_error="skip", return_report=True)
    assert [error.index for error in report.errors] == list(range(len(documents)))
    np.testing.assert_allclose(
        report.scores[len(documents) :], score_alone(model, ask("rain", documents)), rtol=0, atol=1e-4
    )


def test_a_picture_that_the_prompt_is_too_short_for_spoils_its_pair(
    reranker: Reranker, calls: list[SharedSteps]
) -> None:
    """What is refused only when prompts are made: the batch is halved until the guilty is alone."""
    model = reranker("qwen3_vl_reranker")
    images = [media.make_image(seed, 64, 64) for seed in range(4)]
    pairs: list[Any] = [*ask("rain", images), ("rain", {"text": "x " * 80, "image": images[0]}), *ask("rain", "ab")]
    processing = {"text": {"max_length": 140}}
    with small_parts():
        report = model.predict(pairs, on_error="skip", return_report=True, processing_kwargs=processing)
    assert [error.index for error in report.errors] == [4]
    good = [pair for place, pair in enumerate(pairs) if place != 4]
    alone = score_alone(model, good, processing_kwargs=processing)
    np.testing.assert_allclose(np.delete(report.scores, 4), alone, rtol=0, atol=1e-4)
    assert_nothing_is_held(calls[0])


def test_a_broken_text_spoils_its_pair(reranker: Reranker) -> None:
    model = reranker("qwen3_reranker")
    documents = [*DOCUMENTS[:4], "half a \ud83d pair", *DOCUMENTS[4:8]]
    with small_parts():
        report = model.predict(ask(QUERY, documents), on_error="skip", return_report=True)
    assert [error.index for error in report.errors] == [4]
    assert isinstance(report.errors[0].error, InputError)
    alone = score_alone(model, ask(QUERY, DOCUMENTS[:8]))
    np.testing.assert_allclose(np.delete(report.scores, 4), alone, rtol=0, atol=1e-4)


@contextlib.contextmanager
def out_of_memory(model: CrossEncoder, fails: Callable[[int, tuple[int, ...], int], bool]) -> Iterator[list[int]]:
    """Make the decoder run out of memory in passes for which `fails(number, shape, tokens kept)` says so."""
    failed: list[int] = []
    count = [0]

    def note(given: dict[str, Any]) -> None:
        cache = given.get("past_key_values")
        number, count[0] = count[0], count[0] + 1
        if fails(number, tuple(given["inputs_embeds"].shape[:2]), 0 if cache is None else cache.get_seq_length()):
            failed.append(number)
            raise torch.OutOfMemoryError("no room")

    with watch(model[0].model.get_decoder(), note):
        yield failed


@pytest.mark.parametrize("name", ["qwen3_reranker", "qwen3_vl_reranker"])
@pytest.mark.parametrize("number", [0, 1, 2, 4])
def test_a_pass_that_does_not_fit_is_halved(
    reranker: Reranker, calls: list[SharedSteps], name: str, number: int
) -> None:
    """Be it over the beginning, or over the ends of any batch."""
    model = reranker(name)
    pairs = ask(QUERY, DOCUMENTS)
    if "vl" in name:
        pairs += ask(media.make_image(1), [media.make_image(2), media.make_clip(1), *DOCUMENTS[:4]])
    alone = score_alone(model, pairs)
    with small_parts(), out_of_memory(model, lambda turn, shape, kept: turn == number) as failed:
        scores = model.predict(pairs, activation_fn=None, batch_size=6)
    assert failed == [number]
    np.testing.assert_allclose(scores, alone, rtol=0, atol=1e-4)
    assert_nothing_is_held(calls[0])


def test_a_device_too_small_for_more_than_a_few_ends(reranker: Reranker) -> None:
    model, pairs = reranker("qwen3_reranker"), ask(QUERY, DOCUMENTS)
    with out_of_memory(model, lambda turn, shape, kept: kept > 0 and shape[0] * shape[1] > 120) as failed:
        scores = model.predict(pairs)
    assert failed
    np.testing.assert_allclose(scores, score_alone(model, pairs), rtol=0, atol=1e-4)


# Several threads, and several calls


def test_two_threads_call_one_model_at_once(reranker: Reranker) -> None:
    model = reranker("qwen3_vl_reranker")
    image, clip = media.make_image(1), media.make_clip(1)
    calls: list[list[Any]] = [
        ask(image, [*DOCUMENTS[:6], clip, image]),
        ask("rain", [image, clip, media.make_image(2), *DOCUMENTS[6:12]]),
        [*ask(QUERY, DOCUMENTS[:10]), *ask(clip, [image, "rain"])],
    ]
    alone = [score_alone(model, pairs) for pairs in calls]
    start = threading.Barrier(len(calls), timeout=60)

    def work(number: int) -> list[np.ndarray]:
        start.wait()
        return [model.predict(calls[number], batch_size=3) for _ in range(3)]

    with small_parts(), ThreadPoolExecutor(len(calls)) as pool:
        for rounds, expected in zip(pool.map(work, range(len(calls))), alone, strict=True):
            for scores in rounds:
                np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-4)


def test_shared_and_plain_calls_side_by_side(reranker: Reranker) -> None:
    model, pairs = reranker("qwen3_reranker"), ask(QUERY, DOCUMENTS)
    alone, start = score_alone(model, pairs), threading.Barrier(2, timeout=60)

    def work(shared: bool) -> list[np.ndarray]:
        start.wait()
        return [model.predict(pairs, shared=shared) for _ in range(4)]

    with ThreadPoolExecutor(2) as pool:
        for rounds in pool.map(work, (True, False)):
            for scores in rounds:
                np.testing.assert_allclose(scores, alone, rtol=0, atol=1e-4)


def test_calls_do_not_remember_each_other(reranker: Reranker, tmp_path: Path) -> None:
    """A file that changes between two calls is read again."""
    model, path = reranker("qwen3_vl_reranker"), tmp_path / "picture.png"
    documents = [*DOCUMENTS[:3], path]
    media.write_image(path, 1, 96, 64)
    first = assert_shared_is_plain(model, ask(QUERY, documents))
    media.write_image(path, 5, 64, 96)
    second = assert_shared_is_plain(model, ask(QUERY, documents))
    np.testing.assert_allclose(first[:3], second[:3], rtol=0, atol=1e-5)
    assert abs(first[3] - second[3]) > 1e-4


class OneWay(io.BytesIO):
    """A file that is read as a network's answer is: forwards, once."""

    def seekable(self) -> bool:
        return False


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("wrap", [lambda stream: stream, lambda stream: {"image": stream}], ids=["bare", "dict"])
def test_a_query_that_can_be_read_once_serves_all_documents(
    reranker: Reranker, tmp_path: Path, wrap: Callable[[Any], Any], shared: bool
) -> None:
    model, path = reranker("qwen3_vl_reranker"), media.write_image(tmp_path / "picture.png", 1)
    expected = model.rank(path, DOCUMENTS[:4], shared=shared)
    got = model.rank(wrap(OneWay(path.read_bytes())), DOCUMENTS[:4], shared=shared)
    assert [entry["corpus_id"] for entry in got] == [entry["corpus_id"] for entry in expected]
    for one, other in zip(got, expected, strict=True):
        assert one["score"] == pytest.approx(other["score"], abs=1e-4)
