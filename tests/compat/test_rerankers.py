"""The same checkpoint gives pairs the same scores as the peer, computed plainly or shared, and the same rankings."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import nn

from tests.compat.peer import assert_same_vectors, rank, score
from tests.tiny.reranker_families import RERANKERS, RERANKERS_BY_NAME, RerankerFamily

#: Largest difference allowed between what is shared and what is not.
SHARED_TOLERANCE = 1e-5

CASES = [(family.name, key) for family in RERANKERS for key in family.pairs]
UNPAIRED = [
    (name, key) for name, key in CASES if name == "qwen3_no_roles" and key in RERANKERS_BY_NAME[name].peer_errors
]
DESCRIBED = [(name, key) for name, key in CASES if key.endswith(":described")]
COMPARED = [case for case in CASES if case not in (*UNPAIRED, *DESCRIBED)]
BATCHED = [(*case, 3) for case in CASES if case not in UNPAIRED] + [
    (*case, 1) for case in COMPARED if case[1] in ("text", "text->image", "mixed")
]
RANKED = [(name, key) for name, key in COMPARED if "message" not in key and RERANKERS_BY_NAME[name].num_labels == 1]

#: Families whose attention looks both ways, or not at all tokens: nothing is shared, and the log says why.
PLAIN = {"bert_ce", "bert_ce3", "modernbert_ce", "modernbert_ce3", "bert_ce_v3", "bert_ce_v4", "bert_ce_plain"}
PLAIN |= {"mistral_sliding_reranker"}

Rerankers = Callable[[str], tuple[Any, Any]]


def _peer_scores(model: Any, family: RerankerFamily, key: str, pairs: list[Any], **kwargs: Any) -> np.ndarray:
    if key not in family.peer_mixes:
        return score(model, pairs, **kwargs)
    # The peer's score depends on the pair's neighbours: compare each pair alone.
    return np.concatenate([score(model, [pair], **kwargs) for pair in pairs])


@pytest.mark.parametrize(("name", "key"), COMPARED)
def test_scores_equal_the_peers(name: str, key: str, rerankers: Rerankers, tmp_path: Path) -> None:
    family = RERANKERS_BY_NAME[name]
    ours, theirs = rerankers(name)
    pairs = family.pairs[key](tmp_path)
    wanted = _peer_scores(theirs, family, key, pairs)
    assert wanted.shape == ((len(pairs),) if family.num_labels == 1 else (len(pairs), family.num_labels))
    assert_same_vectors(score(ours, pairs, shared=False), wanted)
    assert_same_vectors(score(ours, pairs), wanted)


@pytest.mark.parametrize("name", [name for name, key in COMPARED if key == "text"])
def test_scores_before_the_activation_equal(name: str, rerankers: Rerankers, tmp_path: Path) -> None:
    """A sigmoid flattens what is far from zero."""
    ours, theirs = rerankers(name)
    pairs = RERANKERS_BY_NAME[name].pairs["text"](tmp_path)
    wanted = score(theirs, pairs, activation_fn=nn.Identity())
    for shared in (True, False):
        assert_same_vectors(score(ours, pairs, shared=shared, activation_fn=nn.Identity()), wanted, 5e-5)


@pytest.mark.parametrize(("name", "key", "batch_size"), BATCHED)
def test_shared_scores_equal_plain_ones(
    name: str, key: str, batch_size: int, rerankers: Rerankers, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ours, _ = rerankers(name)
    pairs = RERANKERS_BY_NAME[name].pairs[key](tmp_path)
    plain = score(ours, pairs, shared=False)
    with caplog.at_level(logging.DEBUG, logger="sensorium"):
        shared = score(ours, pairs, batch_size=batch_size)
    assert_same_vectors(shared, plain, SHARED_TOLERANCE)
    reasons = [record for record in caplog.records if "nothing they have in common is shared" in record.message]
    assert len(reasons) == (1 if name in PLAIN else 0)


@pytest.mark.parametrize(("name", "key"), RANKED)
def test_rankings_equal_the_peers(name: str, key: str, rerankers: Rerankers, tmp_path: Path) -> None:
    family = RERANKERS_BY_NAME[name]
    ours, theirs = rerankers(name)
    pairs = family.pairs[key](tmp_path)
    query = pairs[0][0]
    documents = [document for other, document in pairs if other is query]
    assert len(documents) >= 2
    wanted = rank(theirs, query, documents, return_documents=True)
    for shared in (True, False):
        got = rank(ours, query, documents, return_documents=True, shared=shared)
        np.testing.assert_allclose([hit["score"] for hit in got], [hit["score"] for hit in wanted], rtol=0, atol=1e-5)
        assert [set(hit) for hit in got] == [set(hit) for hit in wanted] == [{"corpus_id", "score", "text"}] * len(got)
        assert all(hit["text"] is documents[hit["corpus_id"]] for hit in got)
        places = [hit["corpus_id"] for hit in got]
        if key in family.peer_ties:  # rounding decides which of two that score the same comes first
            assert sorted(places) == list(range(len(documents)))
        else:
            assert places == [hit["corpus_id"] for hit in wanted]


@pytest.mark.parametrize(("name", "key"), UNPAIRED)
def test_both_refuse_a_template_without_roles(name: str, key: str, rerankers: Rerankers, tmp_path: Path) -> None:
    pairs = RERANKERS_BY_NAME[name].pairs[key](tmp_path)
    for model in rerankers(name):
        with pytest.raises(ValueError, match="cannot carry a 'query'/'document' pair") as caught:
            score(model, pairs)
        assert "'query' and 'document' content" in str(caught.value)


@pytest.mark.parametrize(("name", "key"), DESCRIBED)
def test_what_is_known_of_media_in_a_pair_counts(name: str, key: str, rerankers: Rerankers, tmp_path: Path) -> None:
    """The peer takes it only beside the pairs, for clips, and not at all for sounds: there it is held to that."""
    ours, theirs = rerankers(name)
    pairs = RERANKERS_BY_NAME[name].pairs[key](tmp_path)
    wanted = np.concatenate([_score_described(theirs, query, document) for query, document in pairs])
    assert_same_vectors(score(ours, pairs, shared=False), wanted)
    assert_same_vectors(score(ours, pairs), wanted)


def _score_described(model: Any, query: Any, document: dict[str, Any]) -> np.ndarray:
    told = {}
    if "video_metadata" in document:
        told = {"processing_kwargs": {"video": {"video_metadata": [document["video_metadata"]]}}}
    else:
        assert document["sampling_rate"] == 16_000  # what the peer takes bare samples to have
    return score(model, [(query, document["array"])], **told)
