"""Every row of the table of small rerankers holds: it builds the same twice, and the peer does what it says."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sentence_transformers import CrossEncoder
from torch import nn

from tests.tiny.families import BY_NAME
from tests.tiny.reranker_families import RERANKERS, RERANKERS_BY_NAME, RerankerFamily

# transformers leaves the files of a processor's named templates to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed file .*additional_chat_templates:ResourceWarning")

_CASES = [(family.name, key) for family in RERANKERS for key in family.pairs if key not in family.peer_errors]
_STEADY_CASES = [(name, key) for name, key in _CASES if key not in RERANKERS_BY_NAME[name].peer_mixes]
_MIXING_CASES = [(name, key) for name, key in _CASES if key in RERANKERS_BY_NAME[name].peer_mixes]
_FAILING_CASES = [(family.name, key) for family in RERANKERS for key in family.peer_errors]
_PROMPTED = [family for family in RERANKERS if "text" not in family.peer_errors]
_ANSWERING = [family for family in RERANKERS if family.answers is not None]

Load = Callable[[str], CrossEncoder]


def _load(folder: Path) -> CrossEncoder:
    return CrossEncoder(str(folder), device="cpu")


@pytest.fixture(scope="module")
def peer(tiny: Callable[..., Path]) -> Load:
    loaded: dict[str, CrossEncoder] = {}

    def load(name: str) -> CrossEncoder:
        if name not in loaded:
            loaded[name] = _load(tiny(name))
        return loaded[name]

    return load


def _score(model: CrossEncoder, pairs: list[Any]) -> np.ndarray:
    """Score before the activation, float64 `[pairs, labels]`: nothing is hidden by a sigmoid's flat ends."""
    scores = model.predict(pairs, activation_fn=nn.Identity())
    return np.asarray(scores, dtype=np.float64).reshape(len(pairs), -1)


def _score_alone(model: CrossEncoder, pairs: list[Any]) -> np.ndarray:
    return np.concatenate([_score(model, [pair]) for pair in pairs])


def _smallest_gap(scores: np.ndarray) -> float:
    """Return the distance of the two pairs whose scores are most alike."""
    apart = np.abs(scores[:, None] - scores[None]).max(axis=2)
    return float(apart[np.triu_indices(len(scores), 1)].min())


def test_names_are_used_once() -> None:
    assert len(RERANKERS_BY_NAME) == len(RERANKERS)
    assert not RERANKERS_BY_NAME.keys() & BY_NAME.keys()


@pytest.mark.parametrize("family", RERANKERS, ids=lambda family: family.name)
def test_building_is_quick_small_and_repeatable(
    family: RerankerFamily, tiny: Callable[..., Path], tmp_path: Path
) -> None:
    first = tiny(family.name)
    start = time.process_time()
    second = family.build(tmp_path / "again")
    assert time.process_time() - start < 3

    def read(folder: Path) -> dict[str, bytes]:
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    before, after = read(first), read(second)
    assert sum(map(len, before.values())) < 5_000_000
    assert before.keys() == after.keys()
    assert [name for name in before if before[name] != after[name]] == []


@pytest.mark.parametrize("family", RERANKERS, ids=lambda family: family.name)
def test_peer_reads_the_settings(family: RerankerFamily, peer: Load) -> None:
    model = peer(family.name)
    assert model.num_labels == family.num_labels
    assert type(model.activation_fn).__name__ == family.activation
    default = None if model.default_prompt_name is None else model.prompts[model.default_prompt_name]
    assert default == family.prompt


@pytest.mark.parametrize("family", _ANSWERING, ids=lambda family: family.name)
def test_peer_compares_the_answers(family: RerankerFamily, peer: Load) -> None:
    transformer, score = peer(family.name)
    assert type(score).__name__ == "LogitScore"
    ids = [transformer.tokenizer.encode(answer) for answer in family.answers or ()]
    assert ids == [[score.true_token_id], [score.false_token_id]]


def test_only_the_named_template_carries_pairs(peer: Load) -> None:
    processor = peer("qwen3_vl_reranker")[0].processor
    assert sorted(processor.chat_template) == ["default", "reranker"]
    turns = [{"role": "query", "content": "apples"}, {"role": "document", "content": "pears"}]
    named = processor.apply_chat_template(turns, chat_template="reranker", tokenize=False)
    other = processor.apply_chat_template(turns, tokenize=False)
    assert "<Query>: apples\n<Document>: pears" in named
    assert named != other


def test_another_seed_gives_other_weights(tiny: Callable[..., Path], peer: Load) -> None:
    pair = [("a question", "an answer")]
    other = _load(tiny("qwen3_reranker", 1))
    assert np.abs(_score(peer("qwen3_reranker"), pair) - _score(other, pair)).max() > 0.01


@pytest.mark.parametrize(("name", "key"), _STEADY_CASES)
def test_peer_scores(name: str, key: str, peer: Load, tmp_path: Path) -> None:
    family = RERANKERS_BY_NAME[name]
    pairs = family.pairs[key](tmp_path)
    assert len(pairs) >= 3
    scores = _score(peer(name), pairs)
    assert scores.shape == (len(pairs), family.num_labels)
    assert np.isfinite(scores).all()
    assert scores.std(axis=0).min() > 0.03
    if key in family.peer_ties:
        assert _smallest_gap(scores) < 1e-5
    else:
        assert _smallest_gap(scores) > 1e-5
    assert np.abs(scores - _score_alone(peer(name), pairs)).max() < 1e-5


@pytest.mark.parametrize(("name", "key"), _MIXING_CASES)
def test_peer_mixes(name: str, key: str, peer: Load, tmp_path: Path) -> None:
    pairs = RERANKERS_BY_NAME[name].pairs[key](tmp_path)
    alone = _score_alone(peer(name), pairs)
    assert np.isfinite(alone).all()
    assert _smallest_gap(alone) > 1e-4
    assert np.abs(alone - _score(peer(name), pairs)).max() > 0.01


@pytest.mark.parametrize(("name", "key"), _FAILING_CASES)
def test_peer_fails(name: str, key: str, peer: Load, tmp_path: Path) -> None:
    family = RERANKERS_BY_NAME[name]
    kind, _, words = family.peer_errors[key].partition(": ")
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the table says which
        peer(name).predict(family.pairs[key](tmp_path))
    assert type(caught.value).__name__ == kind
    assert words in str(caught.value)


@pytest.mark.parametrize("family", _PROMPTED, ids=lambda family: family.name)
def test_an_instruction_moves_the_score(family: RerankerFamily, peer: Load, tmp_path: Path) -> None:
    pairs = family.pairs["text"](tmp_path)
    told = peer(family.name).predict(pairs, prompt="Look for music: ", activation_fn=nn.Identity())
    moved = np.abs(told.reshape(len(pairs), -1) - _score(peer(family.name), pairs)).max(axis=1)
    assert moved.max() > 0.01
