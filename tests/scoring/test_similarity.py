"""Score matrices against their definitions, and what they do at the edges."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sensorium.errors import InputError
from sensorium.scoring import cos_sim, dot_score, euclidean_sim, manhattan_sim, pytorch_cos_sim
from tests.scoring.sizes import LargestTensor

#: torch says so once a process, when two sparse matrices are multiplied.
pytestmark = pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta:UserWarning")

A = torch.randn(7, 12, generator=torch.Generator().manual_seed(0))
B = torch.randn(40, 12, generator=torch.Generator().manual_seed(1))


def _cosine(x: np.ndarray, y: np.ndarray) -> float:
    return float(x @ y / np.sqrt((x @ x) * (y @ y)))


DEFINITIONS = {
    cos_sim: _cosine,
    pytorch_cos_sim: _cosine,
    dot_score: lambda x, y: float(x @ y),
    euclidean_sim: lambda x, y: -float(np.sqrt(((x - y) ** 2).sum())),
    manhattan_sim: lambda x, y: -float(np.abs(x - y).sum()),
}
SCORES = pytest.mark.parametrize("score", list(DEFINITIONS), ids=lambda score: score.__name__)


def _expected(score, a, b) -> torch.Tensor:
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    return torch.tensor([[DEFINITIONS[score](x, y) for y in b] for x in a], dtype=torch.float32)


@SCORES
@pytest.mark.parametrize(
    ("left", "right"),
    [(list, list), (np.asarray, np.asarray), (torch.clone, torch.clone), (np.asarray, torch.clone)],
)
def test_scores_follow_their_definition(score, left, right) -> None:
    scores = score(left(A), right(B))
    assert scores.dtype == torch.float32
    torch.testing.assert_close(scores, _expected(score, A, B), atol=1e-5, rtol=1e-5)


@SCORES
@pytest.mark.parametrize(("is_left_sparse", "is_right_sparse"), [(True, True), (True, False), (False, True)])
def test_sparse_vectors_score_as_dense_ones(score, is_left_sparse, is_right_sparse) -> None:
    left, right = A.relu(), B.relu()
    left[2] = 0  # a row without values
    scores = score(left.to_sparse() if is_left_sparse else left, right.to_sparse() if is_right_sparse else right)
    assert not scores.is_sparse
    torch.testing.assert_close(scores, score(left, right), atol=1e-5, rtol=1e-5)


def test_sparse_manhattan_in_several_blocks(monkeypatch) -> None:
    monkeypatch.setattr("sensorium.scoring.sparse.BLOCK_ELEMENTS", 3 * 12)
    left, right = A.relu(), B.relu()
    scores = manhattan_sim(left.to_sparse(), right.to_sparse())
    torch.testing.assert_close(scores, manhattan_sim(left, right), atol=1e-5, rtol=1e-5)


@SCORES
def test_half_precision_is_computed_in_single(score) -> None:
    scores = score(A.half(), B.bfloat16())
    assert scores.dtype == torch.float32
    torch.testing.assert_close(scores, score(A.half().float(), B.bfloat16().float()))


@SCORES
def test_double_precision_is_kept(score) -> None:
    scores = score(A.double(), B)
    assert scores.dtype == torch.float64
    torch.testing.assert_close(scores.float(), score(A, B), atol=1e-5, rtol=1e-5)


@SCORES
def test_integers_do_not_overflow(score) -> None:
    left, right = np.array([[100, 120]], dtype=np.int8), np.array([[100, 4]], dtype=np.int8)
    torch.testing.assert_close(score(left, right), _expected(score, left, right))


@SCORES
def test_single_vectors_are_batches_of_one(score) -> None:
    assert score(A[0], B).shape == (1, 40)
    assert score(A, B[0].tolist()).shape == (7, 1)
    torch.testing.assert_close(score(A[0], B[0]), score(A[:1], B[:1]))
    torch.testing.assert_close(score(A[0].to_sparse(), B), score(A[:1], B), atol=1e-5, rtol=1e-5)


@SCORES
@pytest.mark.parametrize("empty", [[], torch.zeros(0, 12), np.zeros(0, dtype=np.float32)], ids=repr)
def test_empty_batches_give_empty_scores(score, empty) -> None:
    assert score(empty, B).shape == (0, 40)
    assert score(A, empty).shape == (7, 0)
    assert score(empty, empty).shape == (0, 0)
    assert score(torch.zeros(0, 12).to_sparse(), B.to_sparse()).shape == (0, 40)


@SCORES
@pytest.mark.parametrize("is_sparse", [False, True])
def test_only_a_vector_with_nan_has_nan_scores(score, is_sparse) -> None:
    left = A.clone()
    left[3, 5] = torch.nan
    scores = score(left.to_sparse(), B.to_sparse()) if is_sparse else score(left, B)
    assert torch.isnan(scores).any(dim=1).tolist() == [False, False, False, True, False, False, False]
    assert torch.isnan(scores[3]).all()


def test_a_zero_vector_has_cosine_zero() -> None:
    assert cos_sim(torch.zeros(1, 12), B).eq(0).all()
    assert cos_sim(torch.zeros(1, 12).to_sparse(), B).eq(0).all()


@SCORES
def test_inputs_are_left_alone(score) -> None:
    left, right = A.numpy().copy(), B.clone()
    score(left, right)
    score(torch.from_numpy(left), right)
    assert np.array_equal(left, A.numpy())
    assert torch.equal(right, B)


@SCORES
def test_gradients_pass(score) -> None:
    left = A.clone().requires_grad_()
    score(left, B).sum().backward()
    assert left.grad is not None
    assert torch.isfinite(left.grad).all()


@SCORES
def test_different_dimensions_are_refused(score) -> None:
    with pytest.raises(InputError, match="12 and 11"):
        score(A, B[:, :11])


@SCORES
def test_token_matrices_are_refused(score) -> None:
    with pytest.raises(InputError, match=r"\[1, 7, 12\]"):
        score(A[None], B)


@pytest.mark.parametrize("score", [euclidean_sim, manhattan_sim])
def test_differences_are_never_held_at_once(score) -> None:
    with LargestTensor() as largest:
        score(A, B)
    assert 0 < largest.numel <= (7 + 40) * 14  # a product for distances adds two columns


def test_a_close_pair_beyond_25_vectors_is_as_exact_as_promised() -> None:
    vectors = torch.nn.functional.normalize(torch.randn(100, 384, generator=torch.Generator().manual_seed(2)))
    assert euclidean_sim(vectors, vectors).diagonal().abs().max() < 2e-3
