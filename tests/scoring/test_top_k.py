"""The best of each row against plain sorting, with ties, NaN and infinities mixed in."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorium.errors import InputError
from sensorium.scoring import cos_sim, dot_score
from sensorium.scoring.top_k import search_top_k, take_top_k

#: torch says so once a process, when two sparse matrices are multiplied.
pytestmark = pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta:UserWarning")

#: Few values, so that ties are everywhere.
FEW_VALUES = st.sampled_from([-math.inf, -1.0, 0.0, 0.5, 1.0, math.inf])


def _sort(scores: list[list[float]], k: int) -> tuple[list[list[float]], list[list[int]]]:
    order = [sorted(range(len(row)), key=lambda i: (math.isnan(row[i]), -row[i], i))[:k] for row in scores]
    return [[row[i] for i in chosen] for row, chosen in zip(scores, order, strict=True)], order


@st.composite
def _tables(draw, values):
    columns = draw(st.integers(1, 12))
    return draw(st.lists(st.lists(values, min_size=columns, max_size=columns), min_size=1, max_size=4))


@settings(deadline=None, max_examples=200)
@given(_tables(FEW_VALUES), st.integers(0, 14))
def test_equal_to_sorting(table, k) -> None:
    k = min(k, len(table[0]))
    values, indices = take_top_k(torch.tensor(table), k)
    assert (values.tolist(), indices.tolist()) == _sort(table, k)


@settings(deadline=None, max_examples=200)
@given(_tables(st.sampled_from([math.nan, 0.0, 0.5, 1.0])), st.integers(0, 14))
def test_nan_comes_last(table, k) -> None:
    k = min(k, len(table[0]))
    values, indices = take_top_k(torch.tensor(table), k)
    expected_values, expected_indices = _sort(table, k)
    assert indices.tolist() == expected_indices
    torch.testing.assert_close(values, torch.tensor(expected_values).reshape(values.shape), equal_nan=True)


def test_many_contested_rows_are_settled_in_blocks(monkeypatch) -> None:
    monkeypatch.setattr("sensorium.scoring.top_k.TIE_ELEMENTS", 40)
    scores = torch.randint(0, 3, (50, 20), generator=torch.Generator().manual_seed(0)).float()
    values, indices = take_top_k(scores, 7)
    assert (values.tolist(), indices.tolist()) == _sort(scores.tolist(), 7)


def test_scores_are_left_alone() -> None:
    scores = torch.tensor([[torch.nan, 1.0, 1.0]])
    before = scores.clone()
    take_top_k(scores, 1)
    torch.testing.assert_close(scores, before, equal_nan=True)


@settings(deadline=None, max_examples=100)
@given(_tables(st.sampled_from([math.nan, 0.0, 1.0, 2.0])), st.integers(0, 14), st.integers(1, 5), st.integers(1, 5))
def test_chunks_do_not_show(table, k, query_chunk, corpus_chunk) -> None:
    scores = torch.tensor(table)
    queries, corpus = torch.eye(scores.shape[0]), torch.arange(float(scores.shape[1]))[:, None].expand(-1, len(table))

    def look_up(a, b):
        return scores[a.argmax(dim=1)][:, b[:, 0].long()]

    found = search_top_k(queries, corpus, k, look_up, query_chunk, corpus_chunk)
    indices = [row for _, chunk in found for row in chunk.tolist()]
    assert indices == _sort(table, k)[1]
    values = torch.cat([chunk for chunk, _ in found])
    expected = scores.gather(1, torch.tensor(indices, dtype=torch.int64).reshape(len(table), -1))
    torch.testing.assert_close(values, expected, equal_nan=True)


@pytest.mark.parametrize("is_sparse", [False, True])
def test_cosine_by_lengths_equals_cosine(is_sparse) -> None:
    generator = torch.Generator().manual_seed(0)
    queries, corpus = torch.randn(5, 6, generator=generator), 100 * torch.randn(9, 6, generator=generator)
    corpus[4] = 0
    given_corpus = corpus.to_sparse() if is_sparse else corpus
    [(values, indices)] = search_top_k(queries, given_corpus, 9, cos_sim, 10, 10)
    torch.testing.assert_close(values, cos_sim(queries, corpus).gather(1, indices), atol=1e-6, rtol=1e-6)


def test_low_precision_and_integer_scores_are_raised() -> None:
    queries, corpus = torch.eye(2), torch.eye(2)
    for convert in (torch.Tensor.half, torch.Tensor.int):
        [(values, indices)] = search_top_k(queries, corpus, 1, lambda a, b, to=convert: to(dot_score(a, b)), 2, 2)
        assert values.dtype == torch.float32
        assert indices.tolist() == [[0], [1]]


@pytest.mark.parametrize("score", [lambda a, b: (a * b).sum(dim=1), lambda a, b: 1.0])
def test_score_functions_of_another_shape_are_refused(score) -> None:
    with pytest.raises(InputError, match=r"of the shape \[2, 2\], got"):
        search_top_k(torch.eye(2), torch.eye(2), 1, score, 2, 2)
