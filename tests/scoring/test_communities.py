"""Communities against the definition written out, and the memory they take."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorium.errors import InputError
from sensorium.scoring import community_detection, cos_sim
from tests.scoring.sizes import LargestTensor

#: torch says so once a process, when two sparse matrices are multiplied.
pytestmark = pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta:UserWarning")


def _define(vectors: torch.Tensor, threshold: float, min_size: int) -> list[list[int]]:
    scores = cos_sim(vectors, vectors).numpy()
    near = [np.flatnonzero(row >= threshold) for row in scores]
    taken: set[int] = set()
    communities = []
    for centre in sorted(range(len(near)), key=lambda i: -len(near[i])):
        members = [int(i) for i in near[centre] if i not in taken]
        if centre in taken or len(near[centre]) < min_size or len(members) < min_size:
            continue
        communities.append(sorted(members, key=lambda i: (i != centre, -scores[centre, i], i)))
        taken.update(members)
    return sorted(communities, key=len, reverse=True)


def _clusters(seed: int = 0, spread: float = 0.2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(8, 16, generator=generator)
    chosen = torch.randint(0, 8, (120,), generator=generator)
    return centres[chosen] + spread * torch.randn(120, 16, generator=generator)


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 10_000), st.integers(1, 60), st.floats(0.0, 0.95), st.integers(1, 6), st.integers(1, 70))
def test_equal_to_the_definition(seed, count, threshold, min_size, batch_size) -> None:
    # Double precision, so that no two similarities are equal but for rounding.
    vectors = torch.randn(count, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    found = community_detection(vectors, threshold, min_size, batch_size)
    assert found == _define(vectors, threshold, min_size)


@pytest.mark.parametrize("spread", [0.0, 0.2, 0.5])
@pytest.mark.parametrize("convert", [torch.clone, np.asarray, list, torch.Tensor.tolist, torch.Tensor.to_sparse])
def test_clusters_are_found_in_every_form(spread, convert) -> None:
    vectors = _clusters(spread=spread)
    found = community_detection(convert(vectors), min_community_size=3)
    assert [sorted(community) for community in found] == [sorted(c) for c in _define(vectors, 0.75, 3)]


def test_the_centre_is_first_and_no_index_is_in_two() -> None:
    vectors = _clusters()
    found = community_detection(vectors, min_community_size=3)
    members = [index for community in found for index in community]
    assert len(members) == len(set(members)) > 0
    for community in found:
        scores = cos_sim(vectors[community[0]], vectors[community])[0]
        assert (scores >= 0.75).all()
        assert scores[1:].tolist() == sorted(scores[1:].tolist(), reverse=True)
    assert [len(community) for community in found] == sorted(map(len, found), reverse=True)


def test_ties_go_to_the_lower_index() -> None:
    assert community_detection(torch.ones(6, 4), min_community_size=2) == [[0, 1, 2, 3, 4, 5]]
    # Three communities of one size, in the order of their centres.
    repeated = torch.eye(3).repeat(3, 1)
    assert community_detection(repeated, min_community_size=2) == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]


def test_vectors_with_nan_and_zero_vectors_are_in_none() -> None:
    vectors = torch.ones(6, 4)
    vectors[1, 2] = torch.nan
    vectors[4] = 0
    assert community_detection(vectors, min_community_size=1) == [[0, 2, 3, 5]]


@pytest.mark.parametrize("vectors", [[], torch.zeros(0, 3), torch.ones(9, 3)])
def test_too_few_vectors_give_nothing(vectors) -> None:
    assert community_detection(vectors) == []


def test_results_are_plain_numbers() -> None:
    [community] = community_detection(torch.ones(3, 4), min_community_size=1)
    assert [type(index) for index in community] == [int] * 3


def test_inputs_are_left_alone() -> None:
    vectors = _clusters().numpy()
    before = vectors.copy()
    community_detection(vectors, min_community_size=3)
    assert np.array_equal(vectors, before)


def test_the_similarity_matrix_is_never_held() -> None:
    vectors = torch.randn(600, 4, generator=torch.Generator().manual_seed(0))
    with LargestTensor() as largest:
        community_detection(vectors, min_community_size=3, batch_size=20)
    assert largest.numel == 20 * 600


def test_blocks_are_bounded_whatever_the_batch_size(monkeypatch) -> None:
    monkeypatch.setattr("sensorium.scoring.communities.BLOCK_ELEMENTS", 10 * 120)
    vectors = _clusters()
    with LargestTensor() as largest:
        found = community_detection(vectors, min_community_size=3, batch_size=10**6)
    assert largest.numel == max(10 * 120, vectors.numel())
    assert found == _define(vectors, 0.75, 3)


def test_progress_is_shown_on_request(capsys) -> None:
    community_detection(_clusters(), min_community_size=3, show_progress_bar=True)
    assert "Finding communities" in capsys.readouterr().err
    community_detection(_clusters(), min_community_size=3)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("name", "value"), [("min_community_size", 0), ("batch_size", 0)])
def test_numbers_out_of_range_are_refused(name, value) -> None:
    with pytest.raises(InputError, match=f"{name} must be at least 1, got 0"):
        community_detection(_clusters(), **{name: value})
