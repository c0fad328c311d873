"""`retrieve_and_rerank`: what is found by vectors is what is reranked, and each hit says how it came to its place."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sensorium import CrossEncoder, InputError, RerankedHit, SentenceTransformer, retrieve_and_rerank
from sensorium.util import semantic_search
from tests.tiny import media
from tests.tiny.corpus import SAMPLE_TEXTS

QUERY = "Which bird makes tools?"
TEXTS = [*SAMPLE_TEXTS, "a small cat", "rain on the roof", "New Caledonian crows make tools."]


@pytest.fixture(scope="module")
def models(tiny: Callable[..., Path]) -> tuple[SentenceTransformer, CrossEncoder]:
    return SentenceTransformer(str(tiny("bert")), device="cpu"), CrossEncoder(str(tiny("bert_ce")), device="cpu")


@pytest.fixture(scope="module")
def seeing(tiny: Callable[..., Path]) -> tuple[SentenceTransformer, CrossEncoder]:
    return (
        SentenceTransformer(str(tiny("qwen3_vl")), device="cpu"),
        CrossEncoder(str(tiny("qwen3_vl_reranker")), device="cpu"),
    )


def by_hand(query: Any, encoder: Any, reranker: Any, corpus: Sequence[Any], top_k: int) -> list[RerankedHit]:
    found = semantic_search(
        encoder.encode_query(query),
        encoder.encode_document(list(corpus)),
        top_k=top_k,
        score_function=encoder.similarity,
    )[0]
    ranking = reranker.rank(query, [corpus[hit["corpus_id"]] for hit in found])
    return [
        RerankedHit(
            found[entry["corpus_id"]]["corpus_id"],
            corpus[found[entry["corpus_id"]]["corpus_id"]],
            found[entry["corpus_id"]]["score"],
            entry["score"],
            entry["corpus_id"] + 1,
            rank,
        )
        for rank, entry in enumerate(ranking, 1)
    ]


def test_equals_search_and_rank_by_hand(models: tuple[Any, Any]) -> None:
    encoder, reranker = models
    hits = retrieve_and_rerank(QUERY, encoder=encoder, reranker=reranker, corpus=TEXTS, top_k=5, rerank_top_k=None)
    assert hits == by_hand(QUERY, encoder, reranker, TEXTS, 5)
    assert [hit.rerank_rank for hit in hits] == [1, 2, 3, 4, 5]
    assert sorted(hit.retrieval_rank for hit in hits) == [1, 2, 3, 4, 5]
    assert [hit.retrieval_rank for hit in hits] != [1, 2, 3, 4, 5], "reranking changed nothing, so nothing is proven"


def test_returns_the_best_of_what_was_reranked(models: tuple[Any, Any]) -> None:
    encoder, reranker = models
    options: dict[str, Any] = {"encoder": encoder, "reranker": reranker, "corpus": TEXTS, "top_k": 6}
    every = retrieve_and_rerank(QUERY, rerank_top_k=None, **options)
    assert len(every) == 6
    assert retrieve_and_rerank(QUERY, rerank_top_k=2, **options) == every[:2]
    assert len(retrieve_and_rerank(QUERY, **{**options, "top_k": 1000})) == len(TEXTS)


def test_hits_are_frozen(models: tuple[Any, Any]) -> None:
    hit = retrieve_and_rerank(QUERY, encoder=models[0], reranker=models[1], corpus=TEXTS[:2])[0]
    with pytest.raises(FrozenInstanceError):
        hit.index = 3  # type: ignore[misc]


@pytest.mark.parametrize("kind", ["numpy", "tensor", "list"])
def test_takes_embeddings(models: tuple[Any, Any], kind: str) -> None:
    encoder, reranker = models
    made = encoder.encode_document(TEXTS, convert_to_tensor=kind == "tensor", convert_to_numpy=kind != "list")
    options: dict[str, Any] = {"encoder": encoder, "reranker": reranker, "corpus": TEXTS}
    assert retrieve_and_rerank(QUERY, embeddings=made, **options) == retrieve_and_rerank(QUERY, **options)


class Lazy:
    """A corpus of which only what is asked for is made."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self.asked: list[int] = []

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, index: int) -> str:
        self.asked.append(index)
        return self.texts[index]


def test_looks_only_at_what_was_found(models: tuple[Any, Any]) -> None:
    encoder, reranker = models
    corpus = Lazy(TEXTS)
    made = encoder.encode_document(TEXTS)
    hits = retrieve_and_rerank(QUERY, encoder=encoder, reranker=reranker, corpus=corpus, embeddings=made, top_k=3)
    assert set(corpus.asked) == {hit.index for hit in hits}
    assert len(hits) == 3


def test_takes_a_generator(models: tuple[Any, Any]) -> None:
    def generate() -> Iterator[str]:
        yield from TEXTS

    options: dict[str, Any] = {"encoder": models[0], "reranker": models[1]}
    assert retrieve_and_rerank(QUERY, corpus=generate(), **options) == retrieve_and_rerank(
        QUERY, corpus=TEXTS, **options
    )


@pytest.mark.parametrize("query", ["a red square", Image.new("RGB", (64, 48), (250, 10, 10)), {"text": "red?"}])
def test_works_across_modalities(seeing: tuple[Any, Any], query: Any, tmp_path: Path) -> None:
    encoder, reranker = seeing
    path = media.write_image(tmp_path / "page.png", 5)
    corpus = ["a text", media.make_image(1), str(path), {"text": "both", "image": media.make_image(2)}]
    hits = retrieve_and_rerank(query, encoder=encoder, reranker=reranker, corpus=corpus)
    assert sorted(hit.index for hit in hits) == [0, 1, 2, 3]
    assert all(hit.document is corpus[hit.index] for hit in hits)
    expected = by_hand(query, encoder, reranker, corpus, 4)
    assert [hit.index for hit in hits] == [hit.index for hit in expected]
    assert [hit.rerank_score for hit in hits] == pytest.approx([hit.rerank_score for hit in expected], abs=1e-5)


def test_skips_what_the_encoder_cannot_use(seeing: tuple[Any, Any], tmp_path: Path) -> None:
    encoder, reranker = seeing
    broken = tmp_path / "broken.png"
    broken.write_bytes(media.write_image(tmp_path / "whole.png", 1).read_bytes()[:90])
    corpus = ["one", str(broken), "two"]
    with pytest.warns(UserWarning, match="1 of the inputs could not be used"):
        hits = retrieve_and_rerank("q", encoder=encoder, reranker=reranker, corpus=corpus, on_error="skip")
    assert sorted(hit.index for hit in hits) == [0, 2]
    with pytest.raises(InputError, match="broken"):
        retrieve_and_rerank("q", encoder=encoder, reranker=reranker, corpus=corpus)


def test_puts_what_the_reranker_cannot_use_last(seeing: tuple[Any, Any], tmp_path: Path) -> None:
    encoder, reranker = seeing
    path = media.write_image(tmp_path / "page.png", 1)
    corpus = ["one", str(path), "two"]
    made = encoder.encode_document(corpus)
    path.write_bytes(path.read_bytes()[:90])
    hits = retrieve_and_rerank("q", encoder=encoder, reranker=reranker, corpus=corpus, embeddings=made, on_error="skip")
    assert len(hits) == 3
    assert hits[-1].index == 1
    assert hits[-1].rerank_score is not None
    assert math.isnan(hits[-1].rerank_score)
    assert hits[-1].rerank_rank == 3


def test_what_was_not_reached_follows_in_the_order_found(models: tuple[Any, Any], monkeypatch: Any) -> None:
    encoder, reranker = models
    real = reranker.rank

    def rank(*args: Any, **kwargs: Any) -> Any:
        report = real(*args, **{**kwargs, "max_time_s": None})
        kept = [entry for entry in report.ranking if entry["corpus_id"] in (1, 2)]
        return replace(report, ranking=kept, unscored=len(report.ranking) - 2)

    monkeypatch.setattr(reranker, "rank", rank)
    hits = retrieve_and_rerank(QUERY, encoder=encoder, reranker=reranker, corpus=TEXTS, top_k=5, max_time_s=1.0)
    assert sorted(hit.retrieval_rank for hit in hits[:2]) == [2, 3]
    assert [hit.retrieval_rank for hit in hits[2:]] == [1, 4, 5]
    assert [hit.rerank_score for hit in hits[2:]] == [None, None, None]


def test_no_time_leaves_the_order_found(models: tuple[Any, Any]) -> None:
    hits = retrieve_and_rerank(QUERY, encoder=models[0], reranker=models[1], corpus=TEXTS, max_time_s=0.0)
    assert [hit.retrieval_rank for hit in hits] == list(range(1, len(TEXTS) + 1))
    assert {hit.rerank_score for hit in hits} == {None}


def test_passes_arguments_on(models: tuple[Any, Any]) -> None:
    encoder, reranker = models
    options: dict[str, Any] = {"encoder": encoder, "reranker": reranker, "corpus": TEXTS}
    plain = retrieve_and_rerank(QUERY, **options)
    told = retrieve_and_rerank(
        QUERY, encode_kwargs={"prompt": "find: "}, rank_kwargs={"prompt": "judge: ", "shared": False}, **options
    )
    assert {hit.index: hit.retrieval_score for hit in plain} != {hit.index: hit.retrieval_score for hit in told}
    assert {hit.index: hit.rerank_score for hit in plain} != {hit.index: hit.rerank_score for hit in told}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"corpus": None}, "vectors are not enough"),
        ({"corpus": "one text"}, "got one str"),
        ({"corpus": TEXTS, "embeddings": np.zeros((2, 32), dtype=np.float32)}, "2 rows for a corpus of"),
        ({"corpus": TEXTS, "top_k": 0}, "top_k=0"),
        ({"corpus": TEXTS, "rerank_top_k": 0}, "rerank_top_k=0"),
    ],
)
def test_wrong_arguments(models: tuple[Any, Any], arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        retrieve_and_rerank(QUERY, encoder=models[0], reranker=models[1], **arguments)


def test_an_empty_corpus_gives_nothing(models: tuple[Any, Any]) -> None:
    assert retrieve_and_rerank(QUERY, encoder=models[0], reranker=models[1], corpus=[]) == []
