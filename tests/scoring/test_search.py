"""Search, as its callers see it."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from sensorium.errors import InputError, NotBuiltError
from sensorium.scoring import cos_sim, dot_score, semantic_search, semantic_search_faiss, semantic_search_usearch
from tests.scoring.sizes import LargestTensor

#: torch says so once a process, when two sparse matrices are multiplied.
pytestmark = pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta:UserWarning")

QUERIES = torch.randn(5, 8, generator=torch.Generator().manual_seed(0))
CORPUS = torch.randn(30, 8, generator=torch.Generator().manual_seed(1))


def _ids(results: list[list[dict]]) -> list[list[int]]:
    return [[hit["corpus_id"] for hit in hits] for hits in results]


@pytest.mark.parametrize("convert", [torch.clone, np.asarray, list, torch.Tensor.tolist, torch.Tensor.to_sparse])
def test_best_first(convert) -> None:
    results = semantic_search(convert(QUERIES), convert(CORPUS), top_k=4)
    scores, ids = cos_sim(QUERIES, CORPUS).topk(4)
    assert _ids(results) == ids.tolist()
    np.testing.assert_allclose([[hit["score"] for hit in hits] for hits in results], scores.numpy(), atol=1e-6)


def test_results_are_plain_numbers() -> None:
    hit = semantic_search(QUERIES[0], CORPUS, top_k=1)[0][0]
    assert json.loads(json.dumps(hit)) == hit
    assert type(hit["corpus_id"]) is int
    assert type(hit["score"]) is float


@pytest.mark.parametrize(("query_chunk", "corpus_chunk"), [(1, 1), (2, 7), (100, 30), (3, 500)])
def test_chunks_do_not_show(query_chunk, corpus_chunk) -> None:
    for score in (cos_sim, dot_score):
        expected = _ids(semantic_search(QUERIES, CORPUS, score_function=score))
        chunked = semantic_search(
            QUERIES, CORPUS, score_function=score, query_chunk_size=query_chunk, corpus_chunk_size=corpus_chunk
        )
        assert _ids(chunked) == expected


@pytest.mark.parametrize("corpus_chunk", [3, 500])
def test_ties_go_to_the_lower_id(corpus_chunk) -> None:
    results = semantic_search(torch.ones(2, 4), torch.ones(12, 4), top_k=5, corpus_chunk_size=corpus_chunk)
    assert _ids(results) == [[0, 1, 2, 3, 4]] * 2


@pytest.mark.parametrize("corpus_chunk", [1, 2, 500])
def test_vectors_with_nan_come_last(corpus_chunk) -> None:
    corpus = torch.tensor([[torch.nan, 0.0], [-1.0, 0.0], [torch.nan, torch.nan], [1.0, 0.0]])
    [hits] = semantic_search([[1.0, 0.0]], corpus, corpus_chunk_size=corpus_chunk)
    assert [hit["corpus_id"] for hit in hits] == [3, 1, 0, 2]
    assert [math.isnan(hit["score"]) for hit in hits] == [False, False, True, True]
    assert _ids(semantic_search([[1.0, 0.0]], corpus, top_k=2, corpus_chunk_size=corpus_chunk)) == [[3, 1]]


def test_a_query_with_nan_gets_nan_in_order_and_harms_no_other() -> None:
    queries = QUERIES.clone()
    queries[2] = torch.nan
    results = semantic_search(queries, CORPUS, top_k=3)
    assert [hit["corpus_id"] for hit in results[2]] == [0, 1, 2]
    assert all(math.isnan(hit["score"]) for hit in results[2])
    others = [0, 1, 3, 4]
    assert _ids([results[i] for i in others]) == _ids(semantic_search(QUERIES[others], CORPUS, top_k=3))


def test_nothing_to_search() -> None:
    assert semantic_search([], CORPUS) == []
    assert semantic_search(torch.zeros(0, 8), CORPUS) == []
    assert semantic_search(QUERIES, []) == [[]] * 5
    assert semantic_search(QUERIES, torch.zeros(0, 8)) == [[]] * 5
    assert semantic_search(QUERIES, CORPUS, top_k=0) == [[]] * 5


def test_mixed_precision() -> None:
    assert _ids(semantic_search(QUERIES.double(), CORPUS)) == _ids(semantic_search(QUERIES, CORPUS.double()))
    assert len(semantic_search(QUERIES.half(), CORPUS.bfloat16())) == 5


def test_inputs_are_left_alone_and_need_no_gradient() -> None:
    queries, corpus = QUERIES.clone().requires_grad_(), CORPUS.clone()
    semantic_search(queries, corpus)
    assert torch.equal(corpus, CORPUS)
    assert queries.grad is None


def test_queries_go_to_the_device_of_the_corpus() -> None:
    seen = []

    def score(a, b):
        seen.append((a.device.type, b.device.type))
        return torch.zeros(a.shape[0], b.shape[0])

    semantic_search(QUERIES, CORPUS.to("meta"), score_function=score)
    assert seen == [("meta", "meta")]


def test_memory_is_that_of_one_block() -> None:
    generator = torch.Generator().manual_seed(0)
    queries, corpus = torch.randn(64, 4, generator=generator), torch.randn(4096, 4, generator=generator)
    with LargestTensor() as largest:
        semantic_search(queries, corpus, query_chunk_size=8, corpus_chunk_size=512)
    assert largest.numel <= max(corpus.numel(), 8 * 512)


@pytest.mark.parametrize(("name", "value"), [("query_chunk_size", 0), ("corpus_chunk_size", 0), ("top_k", -1)])
def test_numbers_out_of_range_are_refused(name, value) -> None:
    with pytest.raises(InputError, match=f"{name} must be at least"):
        semantic_search(QUERIES, CORPUS, **{name: value})


def test_different_dimensions_are_refused() -> None:
    with pytest.raises(InputError, match="8 and 5"):
        semantic_search(QUERIES, CORPUS[:, :5])


@pytest.mark.parametrize("search", [semantic_search_faiss, semantic_search_usearch])
def test_indexes_are_named_and_not_built(search) -> None:
    with pytest.raises(NotBuiltError, match="Use semantic_search"):
        search(QUERIES.numpy(), CORPUS.numpy())
