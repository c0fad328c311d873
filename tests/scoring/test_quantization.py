"""Quantised values against the definition, ranges, and rows that cannot be quantised."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch

from sensorium.errors import InputError
from sensorium.scoring import quantize_embeddings

VECTORS = np.random.default_rng(0).standard_normal((200, 20)).astype(np.float32)
PRECISIONS = {
    "float32": (np.float32, 20),
    "int8": (np.int8, 20),
    "uint8": (np.uint8, 20),
    "binary": (np.int8, 3),
    "ubinary": (np.uint8, 3),
}
EVERY = pytest.mark.parametrize("precision", list(PRECISIONS))
STEPS = pytest.mark.parametrize("precision", ["int8", "uint8"])
RANGES = np.stack([VECTORS.min(axis=0), VECTORS.max(axis=0)])


@EVERY
def test_shape_and_dtype(precision) -> None:
    dtype, width = PRECISIONS[precision]
    quantized = quantize_embeddings(VECTORS, precision)
    assert quantized.dtype == dtype
    assert quantized.shape == (200, width)


@EVERY
@pytest.mark.parametrize("convert", [torch.from_numpy, np.ndarray.tolist, list, lambda x: list(torch.from_numpy(x))])
def test_every_form_of_vectors(precision, convert) -> None:
    expected = quantize_embeddings(VECTORS, precision).astype(np.float32)
    # Nested lists hold doubles, which may fall on the other side of a step.
    assert np.abs(quantize_embeddings(convert(VECTORS), precision).astype(np.float32) - expected).max() <= 1


def test_steps_span_the_range() -> None:
    assert quantize_embeddings(np.arange(256.0)[:, None], "uint8")[:, 0].tolist() == list(range(256))
    ranges = np.array([[0.0], [255.0]], dtype=np.float32)
    given = np.array([[-5.0], [0.0], [0.9], [1.0], [254.9], [255.0], [900.0], [-np.inf], [np.inf]])
    steps = [0, 0, 0, 1, 254, 255, 255, 0, 255]
    assert quantize_embeddings(given, "uint8", ranges)[:, 0].tolist() == steps
    assert quantize_embeddings(given, "int8", ranges)[:, 0].tolist() == [step - 128 for step in steps]


def test_bits_are_signs() -> None:
    unsigned = quantize_embeddings(VECTORS, "ubinary")
    assert np.array_equal(np.unpackbits(unsigned, axis=1)[:, :20], VECTORS > 0)
    assert not np.unpackbits(unsigned, axis=1)[:, 20:].any()
    assert np.array_equal(quantize_embeddings(VECTORS, "binary"), unsigned.astype(int) - 128)


def test_zero_is_not_above_zero() -> None:
    assert quantize_embeddings(np.array([[0.0, -0.0, 1e-30]]), "ubinary").tolist() == [[0b00100000]]


@STEPS
def test_ranges_come_before_calibration_and_calibration_before_data(precision) -> None:
    calibration = VECTORS[:120] * 0.5
    own = np.stack([calibration.min(axis=0), calibration.max(axis=0)])
    by_calibration = quantize_embeddings(VECTORS, precision, calibration_embeddings=calibration)
    assert np.array_equal(by_calibration, quantize_embeddings(VECTORS, precision, ranges=own))
    by_ranges = quantize_embeddings(VECTORS, precision, ranges=RANGES, calibration_embeddings=calibration)
    assert np.array_equal(by_ranges, quantize_embeddings(VECTORS, precision))
    assert not np.array_equal(by_ranges, by_calibration)


@STEPS
@pytest.mark.parametrize("convert", [torch.from_numpy, np.ndarray.tolist, np.float64])
def test_ranges_and_calibration_in_other_forms(precision, convert) -> None:
    expected = quantize_embeddings(VECTORS, precision)
    assert np.array_equal(quantize_embeddings(VECTORS, precision, ranges=convert(RANGES)), expected)
    assert np.array_equal(quantize_embeddings(VECTORS, precision, calibration_embeddings=convert(VECTORS)), expected)


@EVERY
@pytest.mark.parametrize("convert", [np.asarray, torch.from_numpy])
def test_matrices_share_their_ranges(precision, convert) -> None:
    matrices = [convert(VECTORS[:50]), convert(VECTORS[50:50]), convert(VECTORS[50:])]
    quantized = quantize_embeddings(matrices, precision)
    assert isinstance(quantized, list)
    assert [matrix.shape[0] for matrix in quantized] == [50, 0, 150]
    assert np.array_equal(np.concatenate(quantized), quantize_embeddings(VECTORS, precision))


@EVERY
def test_nothing_gives_nothing(precision) -> None:
    dtype, width = PRECISIONS[precision]
    assert quantize_embeddings([], precision) == []
    for ranges in (None, RANGES):
        empty = quantize_embeddings(VECTORS[:0], precision, ranges=ranges)
        assert (empty.shape, empty.dtype) == ((0, width), dtype)
    assert [m.shape for m in quantize_embeddings([VECTORS[:0]] * 2, precision)] == [(0, width)] * 2


@STEPS
@pytest.mark.parametrize("one", [VECTORS[0], VECTORS[:1], [VECTORS[0]], [VECTORS[:1], VECTORS[:0]]])
def test_one_vector_has_no_ranges(precision, one) -> None:
    with pytest.raises(ValueError, match="single embedding"):
        quantize_embeddings(one, precision)
    assert len(quantize_embeddings(one, precision, ranges=RANGES)) == len(quantize_embeddings(one, "float32"))


def test_one_vector_keeps_its_shape() -> None:
    assert quantize_embeddings(VECTORS[0], "int8", RANGES).shape == (20,)
    assert quantize_embeddings(VECTORS[0], "ubinary").shape == (3,)


@EVERY
@pytest.mark.parametrize("ranges", [None, RANGES])
@pytest.mark.parametrize("row", [np.full(20, np.nan), np.where(np.arange(20) == 4, np.nan, 1e6)], ids=["all", "one"])
def test_vectors_with_nan_become_zeros_and_leave_the_others_alone(precision, ranges, row) -> None:
    spoilt = np.insert(VECTORS, 3, row, axis=0).astype(np.float32)
    quantized = quantize_embeddings(spoilt, precision, ranges=ranges)
    assert np.array_equal(np.delete(quantized, 3, axis=0), quantize_embeddings(VECTORS, precision, ranges=ranges))
    if precision == "float32":
        assert np.array_equal(quantized[3], spoilt[3], equal_nan=True)
    else:
        assert not quantized[3].any()


@EVERY
def test_nothing_but_nan_becomes_zeros(precision) -> None:
    quantized = quantize_embeddings(np.full((2, 20), np.nan), precision)
    assert quantized.shape == (2, PRECISIONS[precision][1])
    assert np.isnan(quantized).all() if precision == "float32" else not quantized.any()


@STEPS
def test_a_single_nan_vector_becomes_zeros(precision) -> None:
    assert not quantize_embeddings(np.full(20, np.nan), precision, ranges=RANGES).any()


@STEPS
def test_infinite_values_do_not_stretch_the_ranges(precision) -> None:
    spoilt = np.insert(VECTORS, 3, np.inf, axis=0).astype(np.float32)
    quantized = quantize_embeddings(spoilt, precision)
    assert np.array_equal(np.delete(quantized, 3, axis=0), quantize_embeddings(VECTORS, precision))
    assert (quantized[3] == np.iinfo(quantized.dtype).max).all()


@STEPS
def test_calibration_leaves_out_nan(precision) -> None:
    calibration = np.insert(VECTORS, 3, np.nan, axis=0)
    quantized = quantize_embeddings(VECTORS, precision, calibration_embeddings=calibration)
    assert np.array_equal(quantized, quantize_embeddings(VECTORS, precision))
    for empty in (VECTORS[:0], np.full((2, 20), np.nan), []):
        with pytest.raises(InputError, match="no finite vector"):
            quantize_embeddings(VECTORS, precision, calibration_embeddings=empty)


@STEPS
def test_large_matrices_are_converted_in_blocks(precision, monkeypatch) -> None:
    expected = quantize_embeddings(VECTORS, precision)
    expected_bits = quantize_embeddings(VECTORS, "binary")
    monkeypatch.setattr("sensorium.scoring.quantization.BLOCK_ELEMENTS", 7 * 20)
    assert np.array_equal(quantize_embeddings(VECTORS, precision), expected)
    assert np.array_equal(quantize_embeddings(VECTORS, "binary"), expected_bits)


def test_a_constant_dimension_has_steps_of_one() -> None:
    assert not quantize_embeddings(np.ones((120, 3)), "uint8").any()
    assert quantize_embeddings(np.full((1, 3), 3.5), "uint8", ranges=np.ones((2, 3))).tolist() == [[2, 2, 2]]


def test_few_embeddings_are_worth_a_warning(caplog) -> None:
    with caplog.at_level(logging.WARNING):
        quantize_embeddings(VECTORS, "int8")
        quantize_embeddings(VECTORS[:5], "int8", ranges=RANGES)
        quantize_embeddings(VECTORS, "int8", calibration_embeddings=VECTORS[:5])
        assert caplog.records == []
        quantize_embeddings(VECTORS[:99], "int8")
    assert ["from 99 embeddings" in record.getMessage() for record in caplog.records] == [True]


@EVERY
def test_inputs_are_left_alone_and_results_are_new(precision) -> None:
    vectors = VECTORS.copy()
    quantized = quantize_embeddings(vectors, precision)
    assert np.array_equal(vectors, VECTORS)
    assert not np.shares_memory(quantized, vectors)


@EVERY
def test_tensors_with_gradients_and_in_low_precision(precision) -> None:
    vectors = torch.from_numpy(VECTORS).requires_grad_()
    assert np.array_equal(quantize_embeddings(vectors, precision), quantize_embeddings(VECTORS, precision))
    low = torch.from_numpy(VECTORS).bfloat16()
    expected = quantize_embeddings(low.float().numpy(), precision)
    assert np.array_equal(quantize_embeddings(low, precision), expected)


@EVERY
@pytest.mark.parametrize("vectors", [np.ones((3, 4), np.int8), torch.ones((3, 4), dtype=torch.uint8)])
def test_quantised_vectors_are_refused(precision, vectors) -> None:
    for given in (vectors, [vectors]):
        with pytest.raises(InputError, match="quantised already"):
            quantize_embeddings(given, precision)


def test_unknown_precision_is_refused() -> None:
    with pytest.raises(ValueError, match="Precision 'int4' is not supported"):
        quantize_embeddings(VECTORS, "int4")


@STEPS
@pytest.mark.parametrize(
    ("ranges", "reason"),
    [
        (np.ones((3, 20)), r"shape \[2, 20\], got \[3, 20\]"),
        (np.ones((2, 19)), r"shape \[2, 20\], got \[2, 19\]"),
        (RANGES[::-1], "least value of each dimension first"),
        (np.full((2, 20), np.nan), "finite"),
    ],
)
def test_wrong_ranges_are_refused(precision, ranges, reason) -> None:
    with pytest.raises(InputError, match=reason):
        quantize_embeddings(VECTORS, precision, ranges=ranges)


@STEPS
@pytest.mark.parametrize(
    "vectors", [[VECTORS, VECTORS[:, :3]], VECTORS[None], np.float32(1)], ids=["ragged", "tokens", "number"]
)
def test_vectors_without_one_dimension_are_refused(precision, vectors) -> None:
    with pytest.raises(InputError, match=r"vectors of one dimension|a single number"):
        quantize_embeddings(vectors, precision)


@STEPS
def test_calibration_of_another_dimension_is_refused(precision) -> None:
    with pytest.raises(InputError, match="dimension of the embeddings, 20, got 19"):
        quantize_embeddings(VECTORS, precision, calibration_embeddings=VECTORS[:, :19])


def test_lists_of_no_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="must be numbers"):
        quantize_embeddings([["a"]], "int8")
