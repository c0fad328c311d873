"""Worker processes: the rows of one process, every failure reported, nobody waited for."""

from __future__ import annotations

import os
import signal
import time
import warnings

import numpy as np
import pytest
import torch

from sensorium import InputError, MediaError, UnknownArgumentError, WorkerError
from tests.encoders.mixtures import TEXTS
from tests.tiny import media


@pytest.fixture(scope="module")
def clip(model):
    return model("clip")


@pytest.fixture(scope="module")
def pool(clip):
    """Two workers that the tests of this file share; tests that kill one start their own."""
    running = clip.start_multi_process_pool(["cpu", "cpu"])
    yield running
    clip.stop_multi_process_pool(running)


@pytest.fixture
def inputs(tmp_path):
    picture = media.write_image(tmp_path / "one.png", 1)
    return [*TEXTS, str(picture), picture.read_bytes(), media.make_image(2), *(f"text {number}" for number in range(9))]


@pytest.fixture
def bad_file(tmp_path):
    path = tmp_path / "broken.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    return str(path)


def test_the_pool_is_the_dict_that_is_handed_around(pool):
    assert set(pool) == {"input", "output", "processes"}
    assert [process.is_alive() for process in pool["processes"]] == [True, True]


@pytest.mark.parametrize("chunk_size", [None, 1, 4, 100])
def test_rows_equal_those_of_one_process(clip, pool, inputs, chunk_size):
    got = clip.encode(inputs, pool=pool, chunk_size=chunk_size, batch_size=3)
    np.testing.assert_allclose(got, clip.encode(inputs), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "kwargs",
    [
        {"convert_to_tensor": True},
        {"convert_to_numpy": False},
        {"normalize_embeddings": True, "truncate_dim": 8},
        {"precision": "int8"},
        {"precision": "ubinary", "convert_to_tensor": True},
        {"prompt": "find: "},
        {"processing_kwargs": {"text": {"max_length": 4}}},
        {"output_value": None},
    ],
    ids=str,
)
def test_keywords_mean_the_same(clip, pool, inputs, kwargs):
    got, wanted = clip.encode(inputs, pool=pool, chunk_size=5, **kwargs), clip.encode(inputs, **kwargs)
    assert type(got) is type(wanted)
    for mine, other in zip(got, wanted, strict=True):
        if isinstance(other, dict):
            mine, other = mine["sentence_embedding"], other["sentence_embedding"]
        assert type(mine) is type(other)
        assert mine.dtype == other.dtype
        exact = "precision" in kwargs
        np.testing.assert_allclose(
            np.asarray(mine, np.float64), np.asarray(other, np.float64), rtol=0, atol=1 if exact else 1e-5
        )


def test_queries_and_single_inputs(clip, pool):
    np.testing.assert_allclose(clip.encode("rain", pool=pool), clip.encode("rain"), rtol=0, atol=1e-5)
    np.testing.assert_allclose(clip.encode_query("rain", pool=pool), clip.encode_query("rain"), rtol=0, atol=1e-5)
    rows = clip.encode_multi_process(list(TEXTS), pool, chunk_size=2)
    np.testing.assert_allclose(rows, clip.encode(list(TEXTS)), rtol=0, atol=1e-5)


@pytest.mark.parametrize("kwargs", [{}, {"convert_to_tensor": True}, {"convert_to_numpy": False}], ids=str)
def test_nothing_in_nothing_out(clip, pool, kwargs):
    got, wanted = clip.encode([], pool=pool, **kwargs), clip.encode([], **kwargs)
    assert type(got) is type(wanted)
    assert len(got) == 0


@pytest.mark.parametrize("position", [0, 7, 16])
def test_an_error_names_the_position_in_the_call(clip, pool, inputs, bad_file, position):
    inputs.insert(position, bad_file)
    with pytest.raises(MediaError) as caught:
        clip.encode(inputs, pool=pool, chunk_size=3)
    assert caught.value.index == position
    assert caught.value.source == bad_file
    np.testing.assert_allclose(clip.encode("rain", pool=pool), clip.encode("rain"), atol=1e-5)


def test_skipped_inputs_are_reported_once(clip, pool, inputs, bad_file):
    wanted = clip.encode(inputs)
    mixed = [bad_file, *inputs[:8], None, *inputs[8:], bad_file]
    failed = [0, 9, len(mixed) - 1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = clip.encode(mixed, pool=pool, chunk_size=4, on_error="skip", return_report=True)
    assert [error.index for error in result.errors] == failed
    assert [error.error.index for error in result.errors] == failed
    assert np.isnan(result.embeddings[failed]).all()
    np.testing.assert_allclose(np.delete(result.embeddings, failed, axis=0), wanted, rtol=0, atol=1e-5)
    with pytest.warns(UserWarning, match="3 of the inputs") as record:
        clip.encode(mixed, pool=pool, chunk_size=4, on_error="skip", precision="uint8")
    assert len(record) == 1


def test_all_may_fail(clip, pool, bad_file):
    result = clip.encode([bad_file, None, 5], pool=pool, chunk_size=1, on_error="skip", return_report=True)
    assert result.embeddings.shape == (3, 32)
    assert np.isnan(result.embeddings).all()


def test_an_argument_is_never_skipped(clip, pool):
    with pytest.raises(UnknownArgumentError):
        clip.encode(["a"], pool=pool, batchsize=3, on_error="skip")
    with pytest.raises(InputError, match="chunk_size"):
        clip.encode(["a"], pool=pool, chunk_size=0)


def test_an_input_that_cannot_be_sent_is_named(clip, pool):
    with pytest.raises(InputError) as caught:
        clip.encode(["a", "b", (line for line in "ab")], pool=pool, chunk_size=1)
    assert caught.value.index == 2


def test_the_model_here_is_untouched(clip, pool):
    assert clip.device == torch.device("cpu")
    assert not clip.training
    parameter = next(clip.parameters())
    before = parameter.detach().clone()
    clip.encode(["a", "b"], pool=pool)
    assert torch.equal(parameter, before)
    assert np.isfinite(clip.encode("a")).all()


def test_a_list_of_devices_is_a_pool_for_one_call(clip, inputs):
    import multiprocessing

    before = set(multiprocessing.active_children())
    got = clip.encode(inputs, device=["cpu"], chunk_size=6)
    np.testing.assert_allclose(got, clip.encode(inputs), rtol=0, atol=1e-5)
    assert set(multiprocessing.active_children()) == before


def test_a_dead_worker_is_reported(clip, inputs):
    own = clip.start_multi_process_pool(["cpu"])
    try:
        os.kill(own["processes"][0].pid, signal.SIGKILL)
        own["processes"][0].join(10)
        start = time.monotonic()
        with pytest.raises(WorkerError, match="worker"):
            clip.encode(inputs, pool=own)
        assert time.monotonic() - start < 10
    finally:
        clip.stop_multi_process_pool(own)
    clip.stop_multi_process_pool(own)
    assert not any(process.is_alive() for process in own["processes"])
    assert np.isfinite(clip.encode("a")).all()
