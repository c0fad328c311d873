"""A stream gives the rows of `encode`, in order, as they come."""

from __future__ import annotations

import itertools
import threading
import weakref

import numpy as np
import pytest
import torch

from sensorium import InputError
from sensorium.encoders.running import StreamRow
from tests.encoders.mixtures import everything
from tests.tiny import media


def numbered(count=None, seen=None):
    """Yield texts, noting how many were asked for."""
    for number in itertools.count() if count is None else range(count):
        if seen is not None:
            seen.append(number)
        yield f"text number {number} " + "and so on " * (number % 5)


@pytest.mark.parametrize("name", ["bert", "clip", "clap", "router", "qwen3_vl"])
@pytest.mark.parametrize("window", [1, 4, None])
def test_rows_equal_those_of_encode(model, tmp_path, name, window):
    inputs = everything(name, tmp_path)
    inputs += inputs[:3]
    rows = list(model(name).encode_stream(iter(inputs), window=window, batch_size=3))
    assert all(isinstance(row, np.ndarray) for row in rows)
    np.testing.assert_allclose(np.stack(rows), model(name).encode(inputs), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "kwargs",
    [
        {"normalize_embeddings": True, "truncate_dim": 8},
        {"precision": "ubinary"},
        {"precision": "binary", "truncate_dim": 16},
        {"prompt": "find: "},
        {"convert_to_tensor": True},
        {"processing_kwargs": {"text": {"max_length": 5}}},
        {"task": "query"},
    ],
    ids=str,
)
def test_keywords_mean_what_they_mean_for_encode(model, kwargs):
    texts = list(numbered(9))
    rows = list(model("bert").encode_stream(texts, **kwargs))
    wanted = model("bert").encode(texts, **kwargs)
    assert {type(row) for row in rows} == {torch.Tensor if "convert_to_tensor" in kwargs else np.ndarray}
    assert {row.dtype for row in rows} == {wanted.dtype}
    np.testing.assert_allclose(np.stack([np.asarray(row) for row in rows]), np.asarray(wanted), rtol=0, atol=1e-5)


def test_an_endless_iterator_is_pulled_by_windows(model):
    seen = []
    stream = model("bert").encode_stream(numbered(seen=seen), window=8, batch_size=2)
    assert seen == []
    wanted = model("bert").encode(list(numbered(30)))
    for index, row in enumerate(itertools.islice(stream, 30)):
        assert len(seen) <= index + 1 + 8
        np.testing.assert_allclose(row, wanted[index], rtol=0, atol=1e-5)
    stream.close()
    assert len(seen) <= 30 + 8


def test_closing_ends_the_threads_and_the_source(model):
    before = threading.active_count()
    is_closed = []

    def source():
        try:
            for seed in itertools.count():
                yield media.make_image(seed % 7)
        finally:
            is_closed.append(True)

    pictures = source()
    stream = model("clip").encode_stream(pictures, window=6, batch_size=2)
    next(stream)
    stream.close()
    assert threading.active_count() == before
    assert list(stream) == []
    next(pictures)  # the caller's own iterator stays the caller's
    pictures.close()
    assert is_closed == [True]


def test_rows_and_inputs_are_not_kept(model):
    class Text(str):
        """A string that can be watched."""

    alive = weakref.WeakSet()

    def source():
        for number in range(60):
            text = Text(f"text {number}")
            alive.add(text)
            yield text

    most = 0
    for _ in model("bert").encode_stream(source(), window=6, batch_size=2):
        most = max(most, len(alive))
    assert most <= 6 + 2


def test_a_report_gives_rows_with_position_and_error(model):
    rows = list(model("bert").encode_stream(["a", None, "b"], on_error="skip", return_report=True))
    assert all(isinstance(row, StreamRow) for row in rows)
    assert [row.index for row in rows] == [0, 1, 2]
    assert [type(row.error) for row in rows] == [type(None), InputError, type(None)]
    assert rows[1].error.index == 1
    assert rows[1].embedding.shape == rows[0].embedding.shape
    with pytest.raises(AttributeError):
        rows[0].index = 5


def test_rows_before_an_error_are_handed_over(model):
    stream = model("bert").encode_stream(["a", "b", None, "c"], window=8)
    assert np.isfinite(next(stream)).all()
    assert np.isfinite(next(stream)).all()
    with pytest.raises(InputError) as caught:
        next(stream)
    assert caught.value.index == 2


def test_an_error_of_the_source_comes_in_its_place(model):
    def source():
        yield "a"
        yield "b"
        raise KeyError("the source broke")

    stream = model("bert").encode_stream(source())
    assert len([next(stream), next(stream)]) == 2
    with pytest.raises(KeyError, match="the source broke"):
        next(stream)


def test_nothing_in_nothing_out(model):
    assert list(model("bert").encode_stream([])) == []


def test_arguments_are_checked_before_the_first_row(model):
    with pytest.raises(InputError, match="batch_size"):
        model("bert").encode_stream(numbered(), batch_size=0)
    with pytest.raises(InputError, match="window"):
        model("bert").encode_stream(numbered(), window=0)


@pytest.mark.parametrize("value", ["a text, not a stream of letters", b"bytes", {"text": "a"}])
def test_a_stream_takes_items_not_a_single_input(model, value):
    with pytest.raises(InputError, match="iterable of inputs"):
        model("bert").encode_stream(value)


def test_one_model_streams_and_encodes_in_turns(model):
    bert = model("bert")
    texts = list(numbered(12))
    wanted = bert.encode(texts)
    stream = bert.encode_stream(iter(texts), window=4, batch_size=2)
    for index, row in enumerate(stream):
        np.testing.assert_allclose(row, wanted[index], rtol=0, atol=1e-5)
        np.testing.assert_allclose(bert.encode(texts[-1 - index]), wanted[-1 - index], rtol=0, atol=1e-5)
