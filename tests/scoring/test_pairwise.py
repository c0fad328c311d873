"""Scores of pairs equal the diagonal of the score matrices; the angle score follows its definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sensorium import scoring
from sensorium.errors import InputError

A = torch.randn(6, 8, generator=torch.Generator().manual_seed(0))
B = torch.randn(6, 8, generator=torch.Generator().manual_seed(1))
NAMES = ["cos_sim", "dot_score", "euclidean_sim", "manhattan_sim"]
ALL = [getattr(scoring, f"pairwise_{name}") for name in [*NAMES, "angle_sim"]]
PAIRWISE = pytest.mark.parametrize("score", ALL, ids=lambda score: score.__name__)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("convert", [list, np.asarray, torch.clone, torch.Tensor.to_sparse])
def test_pairs_are_the_diagonal(name, convert) -> None:
    scores = getattr(scoring, f"pairwise_{name}")(convert(A), convert(B))
    assert scores.shape == (6,)
    torch.testing.assert_close(scores, getattr(scoring, name)(A, B).diagonal(), atol=1e-5, rtol=1e-5)


def test_angle_follows_complex_division() -> None:
    x, y = A.double().numpy(), B.double().numpy()
    z, w = x[:, :4] + 1j * x[:, 4:], y[:, :4] + 1j * y[:, 4:]
    lengths = np.linalg.norm(x, axis=1), np.linalg.norm(y, axis=1)
    quotient = z * w.conj() / (lengths[0] * lengths[1])[:, None]
    expected = np.abs((quotient.real + quotient.imag).sum(axis=1))
    for left, right in ((A, B), (A.to_sparse(), B)):
        np.testing.assert_allclose(scoring.pairwise_angle_sim(left, right).numpy(), expected, atol=1e-6)


def test_angle_of_zero_is_zero() -> None:
    zero = torch.zeros(1, 8)
    for left, right in ((zero, A[:1]), (A[:1], zero), (zero, zero)):
        assert scoring.pairwise_angle_sim(left, right).tolist() == [0.0]


def test_angle_needs_an_even_dimension() -> None:
    with pytest.raises(InputError, match="even dimension, got 7"):
        scoring.pairwise_angle_sim(A[:, :7], B[:, :7])


@PAIRWISE
def test_two_single_vectors_give_a_bare_score(score) -> None:
    for left, right in ((A[0], B[0]), (A[0].tolist(), B[0].numpy())):
        scores = score(left, right)
        assert scores.shape == ()
        torch.testing.assert_close(scores, score(A[:1], B[:1])[0])


@PAIRWISE
def test_one_vector_meets_each_of_a_batch(score) -> None:
    expected = score(A[:1].expand(6, 8), B)
    for single in (A[0], A[:1], A[:1].to_sparse()):
        torch.testing.assert_close(score(single, B), expected)
        torch.testing.assert_close(score(single, B.to_sparse()), expected)


@PAIRWISE
def test_sparse_beside_dense(score) -> None:
    torch.testing.assert_close(score(A.to_sparse(), B), score(A, B))
    torch.testing.assert_close(score(A, B.to_sparse()), score(A, B))


@PAIRWISE
@pytest.mark.parametrize("empty", [[], torch.zeros(0, 8), np.zeros(0, dtype=np.float32)], ids=repr)
def test_two_empty_batches_give_no_scores(score, empty) -> None:
    assert score(empty, empty).shape == (0,)


@PAIRWISE
@pytest.mark.parametrize("count", [0, 2, 5])
def test_different_numbers_of_vectors_are_refused(score, count) -> None:
    with pytest.raises(InputError, match=f"got 6 and {count}"):
        score(A, B[:count])
    if count == 0:
        with pytest.raises(InputError, match="got 1 and 0"):
            score(A[0], B[:0])


@PAIRWISE
def test_only_a_pair_with_nan_scores_nan(score) -> None:
    left = A.clone()
    left[2, 1] = torch.nan
    assert torch.isnan(score(left, B)).tolist() == [False, False, True, False, False, False]
    assert torch.isnan(score(left.to_sparse(), B.to_sparse())).tolist() == [False, False, True, False, False, False]


@PAIRWISE
def test_precision_is_single_unless_double_is_given(score) -> None:
    assert score(A.half(), B.bfloat16()).dtype == torch.float32
    assert score(A.to(torch.int8), B.to(torch.int8)).dtype == torch.float32
    assert score(A.double(), B).dtype == torch.float64


@PAIRWISE
def test_gradients_pass_even_between_equal_vectors(score) -> None:
    left = A.clone().requires_grad_()
    score(left, A).sum().backward()
    assert left.grad is not None
    assert torch.isfinite(left.grad).all()
