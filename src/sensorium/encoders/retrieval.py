"""Find documents by their vectors, then order the best of them by a reranker: quick over all, careful over a few.

A small function over `semantic_search` and `rank`, for any modality. Must not know how vectors or scores are computed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sensorium.encoders.running import as_list
from sensorium.errors import InputError
from sensorium.scoring.search import semantic_search

if TYPE_CHECKING:
    from sensorium.encoders.call import OnError
    from sensorium.encoders.cross_encoder import CrossEncoder
    from sensorium.encoders.sentence_transformer import SentenceTransformer


@dataclass(frozen=True, slots=True)
class RerankedHit:
    """One document that was found and reranked.

    Attributes:
        index: Its position in the corpus, from 0.
        document: The document itself.
        retrieval_score: The similarity of its vector to the query's.
        rerank_score: The reranker's score; NaN if the reranker could not use it, None if the time was up before.
        retrieval_rank: Its place by similarity, from 1.
        rerank_rank: Its place in the result, from 1.
    """

    index: int
    document: Any
    retrieval_score: float
    rerank_score: float | None
    retrieval_rank: int
    rerank_rank: int


def retrieve_and_rerank(
    query: Any,
    *,
    encoder: SentenceTransformer,
    reranker: CrossEncoder,
    corpus: Sequence[Any],
    embeddings: Any = None,
    top_k: int = 100,
    rerank_top_k: int | None = 10,
    max_time_s: float | None = None,
    on_error: OnError = "raise",
    encode_kwargs: Mapping[str, Any] | None = None,
    rank_kwargs: Mapping[str, Any] | None = None,
) -> list[RerankedHit]:
    """Find the documents nearest to a query, and order them by a reranker.

    Args:
        query: Anything that both models take.
        encoder: Finds: `encode_query` makes the query's vector, `encode_document` those of the corpus, and the model's
            own similarity compares them.
        reranker: Orders what was found; it has one label.
        corpus: The documents, of any modality. With `embeddings`, only those found are looked at, so that it may be
            anything with positions and a length.
        embeddings: Vectors of the corpus, `[documents, dim]`, from `encoder.encode_document(corpus)`; made here if
            None.
        top_k: Documents found by their vectors, and reranked.
        rerank_top_k: Documents returned; None for all that were found.
        max_time_s: For the reranker; see `rank`. Documents that it did not reach come behind the others, in the order
            in which they were found.
        on_error: `"raise"`, or `"skip"`: documents that the encoder cannot use are not found, and those that the
            reranker cannot use come behind the others, with NaN.
        encode_kwargs: Further arguments of both `encode` calls, such as `batch_size`.
        rank_kwargs: Further arguments of `rank`, such as `prompt`.

    Returns:
        Hits, best first; empty for an empty corpus.

    Raises:
        InputError: The query or a document cannot be used; `embeddings` has not one row a document.

    Example:
        >>> hits = retrieve_and_rerank(  # doctest: +SKIP
        ...     "How much was spent on travel?", encoder=encoder, reranker=reranker, corpus=page_images
        ... )
        >>> hits[0].index, hits[0].retrieval_rank  # doctest: +SKIP
        (17, 4)
    """
    corpus = _check_corpus(corpus)
    if not len(corpus):
        return []
    _check_count("top_k", top_k)
    if rerank_top_k is not None:
        _check_count("rerank_top_k", rerank_top_k)
    options = dict(encode_kwargs or {})
    if embeddings is None:
        embeddings = encoder.encode_document(list(corpus), **{"on_error": on_error, **options})
    rows = len(embeddings)
    if rows != len(corpus):
        raise InputError(
            f"embeddings has {rows} rows for a corpus of {len(corpus)} documents. Give one row a document."
        )
    found = _find(encoder, encoder.encode_query([query], **options), embeddings, top_k)
    report = reranker.rank(
        query,
        [corpus[index] for index, _ in found],
        on_error=on_error,
        max_time_s=max_time_s,
        return_report=True,
        **(rank_kwargs or {}),
    )
    scores = {entry["corpus_id"]: entry["score"] for entry in report.ranking}
    order = list(scores)
    reached = [place for place in order if not math.isnan(scores[place])]
    late = [place for place in range(len(found)) if place not in scores]
    failed = [place for place in order if math.isnan(scores[place])]
    return [
        RerankedHit(
            index=found[place][0],
            document=corpus[found[place][0]],
            retrieval_score=found[place][1],
            rerank_score=scores.get(place),
            retrieval_rank=place + 1,
            rerank_rank=rank + 1,
        )
        for rank, place in enumerate([*reached, *late, *failed][:rerank_top_k])
    ]


def _check_corpus(corpus: Any) -> Sequence[Any]:
    if corpus is None or isinstance(corpus, (str, bytes, Mapping)):
        kind = "nothing" if corpus is None else f"one {type(corpus).__name__}"
        raise InputError(
            f"corpus must hold the documents, got {kind}. The reranker reads them; vectors are not enough."
        )
    return corpus if hasattr(corpus, "__getitem__") and hasattr(corpus, "__len__") else as_list(corpus)


def _check_count(name: str, value: int) -> None:
    if value < 1:
        raise InputError(f"{name}={value!r} is not usable: it must be a whole number above 0.")


def _find(encoder: SentenceTransformer, query: Any, embeddings: Any, top_k: int) -> list[tuple[int, float]]:
    """Return positions and similarities of the nearest vectors. Rows of NaN belong to documents that failed."""
    hits = semantic_search(query, embeddings, top_k=top_k, score_function=encoder.similarity)[0]
    return [(int(hit["corpus_id"]), float(hit["score"])) for hit in hits if not math.isnan(hit["score"])]
