"""Scores, search, mining and communities against the installed peer: signatures and outputs."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch

from sensorium import util
from tests.compat.peer import quiet

peer = pytest.importorskip("sentence_transformers.util")

#: torch says so once a process, when two sparse matrices are multiplied.
pytestmark = pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta:UserWarning")

#: Names that are no functions of the peer's `util`, and why.
WITHOUT_SIGNATURE = {"SimilarityFunction": "an enum; its values and functions are compared below"}
SIMILARITIES = ["cos_sim", "pytorch_cos_sim", "dot_score", "euclidean_sim", "manhattan_sim"]
PAIRWISE = [f"pairwise_{name}" for name in ("cos_sim", "dot_score", "euclidean_sim", "manhattan_sim", "angle_sim")]


def _peer_function(name: str):
    if hasattr(peer, name):
        return getattr(peer, name)
    from sentence_transformers.util import quantization

    return getattr(quantization, name)


def _describe(function) -> list[tuple]:
    """Return each parameter's name, kind and default; functions as defaults by name."""
    return [
        (parameter.name, parameter.kind, getattr(parameter.default, "__name__", parameter.default))
        for parameter in inspect.signature(function).parameters.values()
    ]


@pytest.mark.parametrize("name", sorted(set(util.__all__) - set(WITHOUT_SIGNATURE)))
def test_signatures_are_the_peers(name) -> None:
    assert _describe(getattr(util, name)) == _describe(_peer_function(name))


def _vectors(seed: int, count: int = 60, dim: int = 10) -> torch.Tensor:
    return torch.randn(count, dim, generator=torch.Generator().manual_seed(seed))


def _assert_same(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    assert theirs.numel() > 0
    assert torch.isfinite(theirs).all()
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", SIMILARITIES + PAIRWISE)
@pytest.mark.parametrize(
    "convert",
    [
        torch.clone,
        torch.Tensor.numpy,
        torch.Tensor.tolist,
        list,
        torch.Tensor.half,
        torch.Tensor.bfloat16,
        torch.Tensor.double,
        lambda x: x.double().numpy(),
        torch.Tensor.to_sparse,
        lambda x: x[0],
        lambda x: x[:1],
        lambda x: x[:3],
    ],
    ids=["tensor", "array", "nested", "list", "half", "bfloat16", "double", "float64", "sparse", "one", "row", "few"],
)
def test_scores_are_the_peers(name, convert) -> None:
    left, right = _vectors(0), _vectors(1)
    ours = getattr(util, name)(convert(left), convert(right))
    if name == "pairwise_angle_sim" and util.pairwise_cos_sim(convert(left), convert(right)).ndim == 0:
        with pytest.raises(IndexError), quiet():  # two single vectors, which its other scores take
            _peer_function(name)(convert(left), convert(right))
        return
    with quiet():
        theirs = _peer_function(name)(convert(left), convert(right))
    _assert_same(ours, theirs)


def test_similarity_functions_are_the_peers() -> None:
    from sentence_transformers import SimilarityFunction

    assert util.SimilarityFunction.possible_values() == SimilarityFunction.possible_values()
    members = {name: member.value for name, member in SimilarityFunction.__members__.items()}
    assert {name: member.value for name, member in util.SimilarityFunction.__members__.items()} == members
    for value in SimilarityFunction.possible_values():
        for method in ("to_similarity_fn", "to_similarity_pairwise_fn"):
            ours, theirs = (getattr(cls, method)(value) for cls in (util.SimilarityFunction, SimilarityFunction))
            assert ours.__name__ == theirs.__name__


@pytest.mark.parametrize("name", SIMILARITIES)
@pytest.mark.parametrize("top_k", [1, 10, 500])
@pytest.mark.parametrize(("query_chunk", "corpus_chunk"), [(100, 500000), (7, 50)])
def test_search_is_the_peers(name, top_k, query_chunk, corpus_chunk) -> None:
    # In double precision no two scores are equal but for rounding, so that the order can be compared.
    queries, corpus = _vectors(0, 20).double(), _vectors(1, 300).double()
    options = {"top_k": top_k, "query_chunk_size": query_chunk, "corpus_chunk_size": corpus_chunk}
    with quiet():
        theirs = peer.semantic_search(queries, corpus, score_function=getattr(peer, name), **options)
    ours = util.semantic_search(queries, corpus, score_function=getattr(util, name), **options)
    assert len(theirs) == 20
    for our_hits, their_hits in zip(ours, theirs, strict=True):
        assert [hit["corpus_id"] for hit in our_hits] == [hit["corpus_id"] for hit in their_hits]
        our_scores, their_scores = ([hit["score"] for hit in hits] for hits in (our_hits, their_hits))
        np.testing.assert_allclose(our_scores, their_scores, atol=1e-5)


@pytest.mark.parametrize("convert", [torch.clone, torch.Tensor.numpy, list, torch.Tensor.half, torch.Tensor.to_sparse])
def test_scores_of_search_are_the_peers(convert) -> None:
    queries, corpus = _vectors(0, 20), _vectors(1, 300)
    with quiet():
        theirs = peer.semantic_search(convert(queries), convert(corpus))
    ours = util.semantic_search(convert(queries), convert(corpus))
    scores = [[[hit["score"] for hit in hits] for hits in results] for results in (ours, theirs)]
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-5)
    assert [hits[0]["corpus_id"] for hits in ours] == [hits[0]["corpus_id"] for hits in theirs]


@pytest.mark.parametrize("top_k", [1, 4, 100])
@pytest.mark.parametrize("max_pairs", [5, 500000])
@pytest.mark.parametrize(("query_chunk", "corpus_chunk"), [(5000, 100000), (9, 11)])
def test_mining_is_the_peers(top_k, max_pairs, query_chunk, corpus_chunk) -> None:
    vectors = _vectors(0).double()
    options = {"top_k": top_k, "max_pairs": max_pairs}
    options |= {"query_chunk_size": query_chunk, "corpus_chunk_size": corpus_chunk}
    with quiet():
        theirs = peer.paraphrase_mining_embeddings(vectors, **options)
    ours = util.paraphrase_mining_embeddings(vectors, **options)
    assert len(theirs) > 0
    assert [pair[1:] for pair in ours] == [pair[1:] for pair in theirs]
    np.testing.assert_allclose([pair[0] for pair in ours], [pair[0] for pair in theirs], atol=1e-5)


class _Recorder:
    def __init__(self) -> None:
        self.calls: list[tuple] = []

    def encode(self, *args, **kwargs):
        self.calls.append((args, kwargs))
        return _vectors(0, len(args[0]))


def test_mining_asks_the_model_as_the_peer_does() -> None:
    ours, theirs = _Recorder(), _Recorder()
    options = {"batch_size": 3, "truncate_dim": 4, "prompt_name": "query", "prompt": "q: "}
    with quiet():
        expected = peer.paraphrase_mining(theirs, list("abcdef"), **options)
    found = util.paraphrase_mining(ours, list("abcdef"), **options)
    assert ours.calls == theirs.calls
    assert len(ours.calls) == 1
    assert [pair[1:] for pair in found] == [pair[1:] for pair in expected]


@pytest.mark.parametrize("seed", range(20))
def test_communities_are_the_peers(seed) -> None:
    rng = np.random.default_rng(seed)
    vectors = _vectors(seed, int(rng.integers(5, 200)), int(rng.integers(2, 8))).double()
    options = {"threshold": float(rng.uniform(0, 0.9)), "min_community_size": int(rng.integers(1, 5))}
    options["batch_size"] = int(rng.integers(1, 100))
    with quiet():
        theirs = peer.community_detection(vectors, **options)
    assert len(theirs) > 0
    assert util.community_detection(vectors, **options) == theirs


@pytest.mark.parametrize("convert", [torch.clone, torch.Tensor.half, torch.Tensor.to_sparse, lambda x: x[0]])
def test_normalised_vectors_are_the_peers(convert) -> None:
    vectors = _vectors(0)
    with quiet():
        theirs = peer.normalize_embeddings(convert(vectors))
    ours = util.normalize_embeddings(convert(vectors))
    assert (ours.dtype, ours.layout, ours.shape) == (theirs.dtype, theirs.layout, theirs.shape)
    tolerance = 1e-3 if ours.dtype == torch.float16 else 1e-6
    torch.testing.assert_close(ours.to_dense(), theirs.to_dense(), atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("dim", [None, 1, 4, 99])
@pytest.mark.parametrize("convert", [torch.clone, torch.Tensor.numpy, lambda x: x[0]])
def test_cut_vectors_are_the_peers(dim, convert) -> None:
    vectors = convert(_vectors(0))
    theirs = peer.truncate_embeddings(vectors, dim)
    ours = util.truncate_embeddings(vectors, dim)
    assert type(ours) is type(theirs)
    assert np.array_equal(np.asarray(ours), np.asarray(theirs))


def test_batches_are_moved_as_the_peer_moves_them() -> None:
    def batch():
        return {"ids": torch.ones(2), "names": ["a"], "nested": {"inner": torch.ones(1)}}

    ours, theirs = batch(), batch()
    assert util.batch_to_device(ours, torch.device("meta")) is ours
    assert peer.batch_to_device(theirs, torch.device("meta")) is theirs
    assert ours["ids"].device == theirs["ids"].device == torch.device("meta")
    assert ours["nested"]["inner"].device == theirs["nested"]["inner"].device
