"""What callers hold becomes one tensor form: viewed where it can be, refused with a reason where it cannot."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sensorium.errors import InputError
from sensorium.scoring.inputs import (
    as_matrix,
    as_matrix_pair,
    as_tensor,
    find_nan_rows,
    is_one_vector,
    take_rows,
)

ROWS = [[1.0, 2.0], [3.0, 4.0]]


@pytest.mark.parametrize(
    "values",
    [
        ROWS,
        tuple(ROWS),
        [tuple(row) for row in ROWS],
        np.array(ROWS),
        np.array(ROWS, dtype=np.float16),
        np.array(ROWS, dtype=np.int8),
        np.array(ROWS, dtype=">f4"),
        np.array(ROWS, dtype=object),
        np.array(ROWS)[::-1][::-1],
        np.array(ROWS).T.copy().T,
        torch.tensor(ROWS),
        torch.tensor(ROWS).bfloat16(),
        torch.tensor(ROWS).to(torch.int8),
        [torch.tensor(row) for row in ROWS],
        [torch.tensor(row).half() for row in ROWS],
        [np.array(row, dtype=np.float32) for row in ROWS],
        torch.tensor(ROWS).to_sparse(),
    ],
    ids=repr,
)
def test_every_form_gives_the_same_numbers(values) -> None:
    tensor = as_tensor(values)
    assert tensor.dtype in (torch.float32, torch.float64)
    assert tensor.to_dense().tolist() == ROWS


def test_objects_with_an_array_interface_are_read() -> None:
    class Column:
        def __array__(self, dtype=None, copy=None):
            return np.array(ROWS, dtype=dtype)

    assert as_tensor(Column()).tolist() == ROWS


@pytest.mark.filterwarnings("ignore:Sparse:UserWarning")  # torch calls its own compressed layouts beta
@pytest.mark.parametrize("layout", ["to_sparse_csr", "to_sparse_csc"])
def test_compressed_layouts_become_coordinates(layout) -> None:
    tensor = as_tensor(getattr(torch.tensor(ROWS), layout)())
    assert tensor.layout == torch.sparse_coo
    assert tensor.to_dense().tolist() == ROWS


def test_only_double_precision_stays_double() -> None:
    assert as_tensor(np.zeros((1, 2))).dtype == torch.float64
    assert as_tensor([np.zeros(2)]).dtype == torch.float64
    assert as_tensor([[0.0, 0.0]]).dtype == torch.float32
    assert as_tensor(torch.zeros(1, 2, dtype=torch.float16)).dtype == torch.float32


def test_writable_arrays_are_viewed() -> None:
    array = np.zeros((2, 2), dtype=np.float32)
    tensor = as_tensor(array)
    array[0, 0] = 7
    assert tensor[0, 0] == 7


def test_read_only_arrays_are_copied() -> None:
    array = np.zeros((2, 2), dtype=np.float32)
    array.flags.writeable = False
    tensor = as_tensor(array)
    tensor[0, 0] = 7
    assert array[0, 0] == 0


def test_gradients_pass() -> None:
    vector = torch.ones(2, requires_grad=True)
    as_tensor(vector.half()).sum().backward()
    assert vector.grad is not None
    assert vector.grad.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ("text", "not str"),
        (None, "not NoneType"),
        ([[1.0], [1.0, 2.0]], "do not stack"),
        ([torch.ones(1), torch.ones(2)], "do not stack"),
        ([torch.ones(1), [1.0]], "do not stack"),
        ([np.ones(1), np.ones(2)], "do not stack"),
        (["text"], "do not stack"),
        (np.array(["text"]), "must hold numbers"),
        (torch.ones(1, dtype=torch.complex64), "real numbers"),
    ],
)
def test_what_is_no_vector_is_refused(values, reason) -> None:
    with pytest.raises(InputError, match=reason):
        as_tensor(values)


@pytest.mark.parametrize("values", [[], (), np.zeros(0), torch.zeros(0)], ids=repr)
def test_nothing_is_no_rows(values) -> None:
    assert as_matrix(values).shape == (0, 0)
    assert not is_one_vector(values)


@pytest.mark.parametrize("values", [1.0, torch.tensor(1.0), np.zeros((1, 1, 1))], ids=repr)
def test_other_numbers_of_dimensions_are_refused(values) -> None:
    with pytest.raises(InputError, match=r"must (have the shape|be a list)"):
        as_matrix(values)


def test_one_vector_is_told_from_a_batch() -> None:
    for vector in ([1.0, 2.0], np.ones(2), torch.ones(2)):
        assert is_one_vector(vector)
        assert as_matrix(vector).shape == (1, 2)
    for batch in (ROWS, [np.ones(2)], [torch.ones(2)], np.ones((1, 2)), torch.ones(1, 2)):
        assert not is_one_vector(batch)


def test_pairs_share_a_dtype() -> None:
    first, second = as_matrix_pair(torch.ones(1, 2, dtype=torch.float64), torch.ones(1, 2))
    assert first.dtype == second.dtype == torch.float64


def test_pairs_of_different_dimensions_are_refused() -> None:
    with pytest.raises(InputError, match="2 and 3"):
        as_matrix_pair(torch.ones(1, 2), torch.ones(1, 3))


def test_an_empty_side_takes_the_dimension_of_the_other() -> None:
    first, second = as_matrix_pair([], torch.ones(3, 5))
    assert (first.shape, second.shape) == ((0, 5), (3, 5))


def test_a_list_goes_to_the_device_of_the_tensor_beside_it() -> None:
    first, second = as_matrix_pair(ROWS, torch.ones(1, 2, device="meta"))
    assert first.device.type == second.device.type == "meta"
    first, second = as_matrix_pair(torch.ones(1, 2, device="meta"), ROWS)
    assert first.device.type == second.device.type == "meta"


def test_tensors_on_two_devices_are_refused() -> None:
    with pytest.raises(InputError, match="cpu and meta"):
        as_matrix_pair(torch.ones(1, 2), torch.ones(1, 2, device="meta"))


def test_rows_are_taken_alike_from_dense_and_sparse() -> None:
    dense = torch.arange(12.0).reshape(4, 3)
    for start, stop in ((0, 2), (1, 3), (3, 9), (4, 6)):
        assert take_rows(dense.to_sparse(), start, stop).to_dense().tolist() == dense[start:stop].tolist()
        assert take_rows(dense, start, stop).tolist() == dense[start:stop].tolist()


def test_nan_rows_are_found_in_dense_and_sparse() -> None:
    matrix = torch.tensor([[1.0, 0.0], [torch.nan, 0.0], [0.0, 0.0]])
    assert find_nan_rows(matrix).tolist() == [False, True, False]
    assert find_nan_rows(matrix.to_sparse()).tolist() == [False, True, False]
