"""The best pairs against trying them all."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sensorium.errors import InputError
from sensorium.scoring import cos_sim, dot_score, paraphrase_mining, paraphrase_mining_embeddings

#: torch says so once a process, when two sparse matrices are multiplied.
pytestmark = pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta:UserWarning")

#: In double precision no two scores are equal but for rounding.
VECTORS = torch.randn(40, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def _all_pairs(vectors, top_k: int, score=cos_sim) -> list[tuple[float, int, int]]:
    scores = score(vectors, vectors).double().numpy()
    pairs = set()
    for i, row in enumerate(scores):
        others = sorted((j for j in range(len(row)) if j != i), key=lambda j: (-row[j], j))[:top_k]
        pairs |= {(min(i, j), max(i, j)) for j in others}
    return sorted(((scores[i, j], i, j) for i, j in pairs), key=lambda pair: (-pair[0], pair[1], pair[2]))


@pytest.mark.parametrize("top_k", [1, 3, 100])
@pytest.mark.parametrize(("query_chunk", "corpus_chunk"), [(5000, 100000), (7, 9), (1, 1), (40, 3)])
@pytest.mark.parametrize("score", [cos_sim, dot_score])
def test_equal_to_trying_all(top_k, query_chunk, corpus_chunk, score) -> None:
    found = paraphrase_mining_embeddings(VECTORS, query_chunk, corpus_chunk, top_k=top_k, score_function=score)
    expected = _all_pairs(VECTORS, top_k, score)
    assert [pair[1:] for pair in found] == [[i, j] for _, i, j in expected]
    np.testing.assert_allclose([pair[0] for pair in found], [pair[0] for pair in expected], atol=1e-5)


@pytest.mark.parametrize("convert", [np.asarray, list, torch.Tensor.tolist, torch.Tensor.to_sparse])
def test_every_form_of_vectors(convert) -> None:
    found = paraphrase_mining_embeddings(convert(VECTORS), max_pairs=20)
    assert [pair[1:] for pair in found] == [list(pair[1:]) for pair in _all_pairs(VECTORS, 100)[:20]]


@pytest.mark.parametrize("query_chunk", [5000, 3])
def test_the_best_are_kept(query_chunk) -> None:
    found = paraphrase_mining_embeddings(VECTORS, query_chunk, max_pairs=5)
    assert [pair[1:] for pair in found] == [list(pair[1:]) for pair in _all_pairs(VECTORS, 100)[:5]]
    assert paraphrase_mining_embeddings(VECTORS, max_pairs=0) == []
    assert paraphrase_mining_embeddings(VECTORS, top_k=0) == []


def test_ties_go_to_the_lower_indices() -> None:
    found = paraphrase_mining_embeddings(torch.ones(4, 4))
    assert found == [[1.0, i, j] for i in range(4) for j in range(i + 1, 4)]
    # With one partner each, 0 has 1, and every other has 0.
    assert paraphrase_mining_embeddings(torch.ones(4, 4), top_k=1) == [[1.0, 0, 1], [1.0, 0, 2], [1.0, 0, 3]]


def test_vectors_with_nan_are_in_no_pair() -> None:
    vectors = VECTORS.clone()
    vectors[[0, 7]] = torch.nan
    rest = [i for i in range(40) if i not in (0, 7)]
    expected = [[rest[i], rest[j]] for _, i, j in paraphrase_mining_embeddings(vectors[rest])]
    assert [pair[1:] for pair in paraphrase_mining_embeddings(vectors)] == expected


def test_scores_of_nan_make_no_pair() -> None:
    def score(a, b):
        return dot_score(a, b).fill_(torch.nan)

    assert paraphrase_mining_embeddings(VECTORS, score_function=score) == []


@pytest.mark.parametrize("vectors", [[], torch.zeros(0, 3), [[1.0, 2.0]], [1.0, 2.0], [[torch.nan], [torch.nan]]])
def test_fewer_than_two_vectors_give_nothing(vectors) -> None:
    assert paraphrase_mining_embeddings(vectors) == []


def test_results_are_plain_numbers() -> None:
    [pair] = paraphrase_mining_embeddings(VECTORS, max_pairs=1)
    assert [type(value) for value in pair] == [float, int, int]


@pytest.mark.parametrize(
    ("name", "value"), [("query_chunk_size", 0), ("corpus_chunk_size", 0), ("max_pairs", -1), ("top_k", -1)]
)
def test_numbers_out_of_range_are_refused(name, value) -> None:
    with pytest.raises(InputError, match=f"{name} must be at least"):
        paraphrase_mining_embeddings(VECTORS, **{name: value})


def test_sentences_are_encoded_by_the_model() -> None:
    calls = []

    class Model:
        def encode(self, sentences, **kwargs):
            calls.append((sentences, kwargs))
            return VECTORS[: len(sentences)]

    found = paraphrase_mining(
        Model(), ["a", "b", "c"], True, 7, max_pairs=2, truncate_dim=3, prompt_name="query", prompt="q: "
    )
    assert found == paraphrase_mining_embeddings(VECTORS[:3], max_pairs=2)
    options = {"show_progress_bar": True, "batch_size": 7, "convert_to_tensor": True}
    options |= {"truncate_dim": 3, "prompt_name": "query", "prompt": "q: "}
    assert calls == [(["a", "b", "c"], options)]
