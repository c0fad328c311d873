"""Quantised vectors equal the peer's bit by bit for the same array."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch

from sensorium import util
from tests.compat.peer import quiet

peer = pytest.importorskip("sentence_transformers.util.quantization")

PRECISIONS = ["float32", "int8", "uint8", "binary", "ubinary"]
DTYPES = [np.float16, np.float32, np.float64]
FORMS = {
    "array": np.asarray,
    "tensor": torch.from_numpy,
    "nested": np.ndarray.tolist,
    "arrays": list,
    "tensors": lambda x: list(torch.from_numpy(x)),
    "matrices": lambda x: [x[:90], x[90:91], x[91:91], x[91:]],
    "tensor matrices": lambda x: [torch.from_numpy(x[:90]), torch.from_numpy(x[90:])],
}


def _vectors(dtype, count: int = 700, dim: int = 51) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((count, dim)).astype(dtype)


def _assert_identical(ours, theirs) -> None:
    if isinstance(theirs, list):
        assert isinstance(ours, list)
        assert len(ours) == len(theirs) > 0
        for our_matrix, their_matrix in zip(ours, theirs, strict=True):
            _assert_identical(our_matrix, their_matrix)
        return
    assert isinstance(theirs, np.ndarray)
    assert ours.dtype == theirs.dtype
    assert np.array_equal(ours, theirs)


def _compare(vectors, precision, **options) -> None:
    with quiet():
        theirs = peer.quantize_embeddings(vectors, precision, **options)
    _assert_identical(util.quantize_embeddings(vectors, precision, **options), theirs)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", list(FORMS))
def test_ranges_from_the_data(precision, dtype, form) -> None:
    _compare(FORMS[form](_vectors(dtype)), precision)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", list(FORMS))
def test_ranges_from_calibration(precision, dtype, form) -> None:
    vectors = _vectors(dtype)
    _compare(FORMS[form](vectors), precision, calibration_embeddings=vectors[:150] * np.array(0.8, dtype))


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", list(FORMS))
def test_given_ranges(precision, dtype, form) -> None:
    vectors = _vectors(dtype)
    ranges = np.stack([vectors.min(axis=0), vectors.max(axis=0)]) * np.array(0.9, dtype)
    _compare(FORMS[form](vectors), precision, ranges=ranges)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_bfloat16(precision) -> None:
    _compare(torch.from_numpy(_vectors(np.float32)).bfloat16(), precision)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_edges(precision) -> None:
    _compare(_vectors(np.float32)[:0], precision)
    _compare([_vectors(np.float32)[:0]] * 2, precision)
    _compare(np.ones((120, 3), dtype=np.float32), precision)
    _compare(np.zeros((120, 8), dtype=np.float32), precision)
    _compare(_vectors(np.float32, 5), precision)
    ranges = np.stack([np.full(51, -1.0), np.full(51, 1.0)])
    _compare(_vectors(np.float32)[0], precision, ranges=ranges)
    assert util.quantize_embeddings([], precision) == peer.quantize_embeddings([], precision) == []


@pytest.mark.parametrize("precision", ["int8", "uint8"])
def test_both_refuse_one_embedding_without_ranges(precision) -> None:
    for quantize in (util.quantize_embeddings, peer.quantize_embeddings):
        with pytest.raises(ValueError, match="single embedding"):
            quantize(_vectors(np.float32)[0], precision)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_both_refuse_quantised_embeddings(precision) -> None:
    for quantize in (util.quantize_embeddings, peer.quantize_embeddings):
        with pytest.raises(Exception, match="must be float"):
            quantize(np.ones((3, 4), dtype=np.int8), precision)


def test_both_warn_of_few_embeddings(caplog) -> None:
    for quantize in (util.quantize_embeddings, peer.quantize_embeddings):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            quantize(_vectors(np.float32, 99), "int8")
            assert ["99 embeddings" in record.getMessage() for record in caplog.records] == [True]
