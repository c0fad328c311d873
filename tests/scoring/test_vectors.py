"""Normalising, cutting and moving vectors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sensorium.errors import InputError
from sensorium.scoring import batch_to_device, normalize_embeddings, truncate_embeddings

VECTORS = torch.randn(5, 6, generator=torch.Generator().manual_seed(0))


def test_vectors_get_length_one() -> None:
    expected = VECTORS / VECTORS.norm(dim=1, keepdim=True)
    torch.testing.assert_close(normalize_embeddings(VECTORS), expected)
    torch.testing.assert_close(normalize_embeddings(VECTORS[0]), expected[0])
    torch.testing.assert_close(normalize_embeddings(VECTORS[None]), expected[None])
    torch.testing.assert_close(normalize_embeddings(VECTORS.to_sparse()).to_dense(), expected)
    torch.testing.assert_close(normalize_embeddings(VECTORS[0].to_sparse()).to_dense(), expected[0])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("is_sparse", [False, True])
def test_dtype_and_layout_are_kept(dtype, is_sparse) -> None:
    vectors = VECTORS.to(dtype)
    normalized = normalize_embeddings(vectors.to_sparse() if is_sparse else vectors)
    assert normalized.dtype == dtype
    assert normalized.is_sparse == is_sparse


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_arrays_stay_arrays(dtype) -> None:
    vectors = VECTORS.numpy().astype(dtype)
    normalized = normalize_embeddings(vectors)
    assert isinstance(normalized, np.ndarray)
    assert normalized.dtype == dtype
    np.testing.assert_allclose(np.linalg.norm(normalized, axis=1), 1, atol=1e-3)
    np.testing.assert_array_equal(vectors, VECTORS.numpy().astype(dtype))


def test_integers_become_float() -> None:
    assert normalize_embeddings(torch.tensor([[3, 4]])).dtype == torch.float32
    assert normalize_embeddings(np.array([[3, 4]])).dtype == np.float32


def test_half_precision_does_not_overflow_on_the_way() -> None:
    torch.testing.assert_close(
        normalize_embeddings(torch.full((1, 4), 6e4, dtype=torch.float16)), torch.full((1, 4), 0.5).half()
    )


def test_zero_nan_and_nothing() -> None:
    assert normalize_embeddings(torch.zeros(2, 3)).eq(0).all()
    assert normalize_embeddings(torch.tensor([[0.0, 0.0], [3.0, 4.0]]).to_sparse()).to_dense().tolist()[0] == [0, 0]
    assert normalize_embeddings(torch.zeros(0, 3)).shape == (0, 3)
    has_nan = torch.isnan(normalize_embeddings(torch.tensor([[1.0, torch.nan], [3.0, 4.0]])))
    assert has_nan.tolist() == [[True, True], [False, False]]


def test_repeated_entries_of_a_sparse_vector_are_added_first() -> None:
    repeated = torch.sparse_coo_tensor(
        torch.tensor([[0, 0, 0], [1, 1, 0]]), torch.tensor([1.0, 2.0, 4.0]), (1, 2), check_invariants=False
    )
    torch.testing.assert_close(normalize_embeddings(repeated).to_dense(), torch.tensor([[0.8, 0.6]]))


@pytest.mark.parametrize("dim", [1, 4, 6, 99])
def test_vectors_are_cut(dim) -> None:
    expected = VECTORS[:, :dim]
    assert torch.equal(truncate_embeddings(VECTORS, dim), expected)
    assert torch.equal(truncate_embeddings(VECTORS[0], dim), expected[0])
    assert torch.equal(truncate_embeddings(VECTORS.to_sparse(), dim).to_dense(), expected)
    assert torch.equal(truncate_embeddings(VECTORS.tolist(), dim), expected)
    assert torch.equal(truncate_embeddings(list(VECTORS), dim), expected)
    array = truncate_embeddings(VECTORS.numpy(), dim)
    assert isinstance(array, np.ndarray)
    assert np.array_equal(array, expected.numpy())


def test_a_cut_is_a_view() -> None:
    assert truncate_embeddings(VECTORS, 2).data_ptr() == VECTORS.data_ptr()
    assert np.shares_memory(truncate_embeddings(VECTORS.numpy(), 2), VECTORS.numpy())


def test_integers_keep_their_dtype_when_cut() -> None:
    assert truncate_embeddings(np.ones((2, 4), dtype=np.int8), 2).dtype == np.int8


def test_none_keeps_the_object() -> None:
    assert truncate_embeddings(VECTORS, None) is VECTORS


@pytest.mark.parametrize("dim", [0, -1])
def test_no_dimensions_are_refused(dim) -> None:
    with pytest.raises(InputError, match=f"truncate_dim must be at least 1, got {dim}"):
        truncate_embeddings(VECTORS, dim)


def test_batch_is_moved_in_place() -> None:
    nested = [torch.ones(1)]
    batch = {"input_ids": torch.ones(2), "names": ["a"], "nested": nested}
    assert batch_to_device(batch, torch.device("meta")) is batch
    assert batch["input_ids"].device.type == "meta"
    assert batch["names"] == ["a"]
    assert batch["nested"] is nested
    assert nested[0].device.type == "cpu"
