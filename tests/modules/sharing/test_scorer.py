"""However prompts are laid out and whatever they share, each gets the score it has by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorium import CrossEncoder
from sensorium.modules.sharing import scorer as scoring
from sensorium.modules.sharing.media_table import MediaTable
from sensorium.modules.sharing.network import SharedNetwork
from sensorium.modules.sharing.rows import PromptRow, count_positions
from sensorium.modules.sharing.scorer import Group, SharedScorer
from tests.compat.peer import load_our_reranker
from tests.tiny import media

BIG = 10_000


@pytest.fixture(scope="module")
def model(tiny: Callable[..., Path]) -> CrossEncoder:
    return load_our_reranker(tiny("llama_reranker"))


@pytest.fixture(scope="module")
def seeing(tiny: Callable[..., Path]) -> CrossEncoder:
    return load_our_reranker(tiny("qwen3_vl_reranker"))


class Watched(SharedNetwork):
    """Notes each pass of the decoder: rows, tokens of a row, tokens kept before it."""

    def __init__(self, modules: Sequence[Any]) -> None:
        super().__init__(modules)
        self.passes: list[tuple[int, int, int]] = []
        self.towers: list[tuple[str, int]] = []

    def decode(self, embeddings: Any, positions: Any, mask: Any, cache: Any, deep: Any) -> torch.Tensor:
        kept = 0 if cache is None else cache.get_seq_length()
        self.passes.append((*embeddings.shape[:2], kept))
        return super().decode(embeddings, positions, mask, cache, deep)

    def run_tower(self, kind: Any, inputs: Any) -> Any:
        self.towers.append((kind, len(inputs)))
        return super().run_tower(kind, inputs)


def make_table() -> MediaTable:
    return MediaTable(lambda part: None)


def make_row(*ids: int) -> PromptRow:
    return PromptRow(np.array(ids, dtype=np.int64), count_positions(len(ids), 1))


def make_rows(*prompts: Sequence[int]) -> list[PromptRow]:
    return [make_row(*prompt) for prompt in prompts]


def score_alone(model: CrossEncoder, rows: Sequence[PromptRow]) -> torch.Tensor:
    """Score each prompt by the whole network, in a pass of its own."""
    first: Any = model[0]
    tail: Any = model[1]
    scores = []
    for row in rows:
        logits = first.model(input_ids=torch.from_numpy(row.ids)[None]).logits
        scores.append(tail({tail.module_input_name: logits})["scores"])
    return torch.cat(scores)


def check(model: CrossEncoder, scorer: SharedScorer, rows: Sequence[PromptRow], group: Group) -> None:
    with torch.inference_mode():
        scores = scorer.score(rows, group)["scores"]
        torch.testing.assert_close(scores, score_alone(model, rows), rtol=0, atol=1e-4)


PROMPT = st.lists(st.integers(1, 3), min_size=1, max_size=9)


@settings(max_examples=40, derandomize=True)
@given(
    beginning=st.lists(st.integers(1, 3), max_size=6),
    batches=st.lists(st.lists(PROMPT, min_size=1, max_size=5), min_size=1, max_size=3),
    row_tokens=st.integers(1, 12),
    copy_tokens=st.integers(1, 60),
    least_saving=st.sampled_from([1, 6]),
    knows_beginning=st.booleans(),
)
def test_any_prompts_in_any_batches(
    model: CrossEncoder,
    beginning: list[int],
    batches: list[list[list[int]]],
    row_tokens: int,
    copy_tokens: int,
    least_saving: int,
    knows_beginning: bool,
) -> None:
    """Three tokens make prompts that begin alike, are each other's beginning, or are the same."""
    rows = [make_rows(*[beginning + prompt for prompt in batch]) for batch in batches]
    known = np.array(beginning, dtype=np.int64) if knows_beginning else None
    group = Group("query", sum(map(len, rows)), known)
    network = Watched(list(model))
    scorer = SharedScorer(network, make_table(), copy_tokens, least_saving)
    original, scoring.ROW_TOKENS = scoring.ROW_TOKENS, row_tokens
    try:
        for batch in rows:
            check(model, scorer, batch, group)
    finally:
        scoring.ROW_TOKENS = original
    for count, width, kept in network.passes:
        assert count == 1 or count * (kept + width) <= copy_tokens


def test_the_beginning_is_computed_once_and_the_ends_are_packed(model: CrossEncoder) -> None:
    """What goes through the decoder adds up to the beginning and the ends, without padding."""
    network = Watched(list(model))
    scorer = SharedScorer(network, make_table(), BIG)
    beginning = [5, 6, 7, 8, 9, 10]
    first = make_rows([*beginning, 1], [*beginning, 2, 3], [*beginning, 4, 4, 4])
    second = make_rows([*beginning, 9, 9], [*beginning, 3])
    group = Group("query", 5)
    check(model, scorer, first, group)
    check(model, scorer, second, group)
    assert network.passes == [(1, 6, 0), (1, 6, 6), (1, 3, 6)]


def test_a_later_prompt_that_departs_sooner_cuts_the_beginning_shorter_for_good(model: CrossEncoder) -> None:
    network = Watched(list(model))
    scorer = SharedScorer(network, make_table(), BIG)
    group = Group("query", 6)
    for batch in ([[1, 2, 3, 4, 5], [1, 2, 3, 4, 6]], [[1, 2, 9], [1, 2, 3, 4]], [[1, 2, 3, 4, 5]]):
        check(model, scorer, make_rows(*batch), group)
    assert [kept for _, _, kept in network.passes] == [0, 4, 2, 2]
    assert network.passes[0] == (1, 4, 0), "the beginning was not computed once"


def test_a_batch_that_shares_nothing_leaves_the_beginning_to_the_others(model: CrossEncoder) -> None:
    network = Watched(list(model))
    scorer = SharedScorer(network, make_table(), BIG)
    group = Group("query", 6)
    for batch in ([[1, 2, 3, 4], [1, 2, 3, 5]], [[9, 8], [7, 6]], [[1, 2, 3, 6], [1, 2, 3, 7]]):
        check(model, scorer, make_rows(*batch), group)
    assert network.passes == [(1, 3, 0), (1, 2, 3), (1, 4, 0), (1, 2, 3)]


def test_equal_prompts_leave_a_token_each(model: CrossEncoder) -> None:
    """Of what all share, the last token is computed for each: its state is what is read."""
    network = Watched(list(model))
    rows = make_rows([1, 2, 3], [1, 2, 3], [1, 2, 3, 4])
    check(model, SharedScorer(network, make_table(), BIG), rows, Group("query", 3))
    assert network.passes == [(1, 2, 0), (1, 4, 2)]


def test_a_known_beginning_is_not_gone_beyond(model: CrossEncoder) -> None:
    """Prompts of later batches are known to depart there."""
    network = Watched(list(model))
    scorer = SharedScorer(network, make_table(), BIG)
    group = Group("query", 4, np.array([1, 2]))
    check(model, scorer, make_rows([1, 2, 3, 3, 4], [1, 2, 3, 3, 5]), group)
    check(model, scorer, make_rows([1, 2, 4], [1, 2, 5]), group)
    assert [kept for _, _, kept in network.passes] == [0, 2, 2]


@pytest.mark.parametrize(("size", "is_shared"), [(1, False), (2, False), (3, True), (100, True)])
def test_a_beginning_that_saves_too_little_has_no_pass_of_its_own(
    model: CrossEncoder, size: int, is_shared: bool
) -> None:
    """What counts is the size of the group, not of the batch: four tokens, saved for all prompts but one."""
    network = Watched(list(model))
    scorer = SharedScorer(network, make_table(), BIG, least_saving=8)
    check(model, scorer, make_rows([1, 2, 3, 4, 5]), Group("query", size))
    assert network.passes == ([(1, 4, 0), (1, 1, 4)] if is_shared else [(1, 5, 0)])


def test_groups_have_a_beginning_each_and_the_last_two_used_are_kept(model: CrossEncoder) -> None:
    network = Watched(list(model))
    scorer = SharedScorer(network, make_table(), BIG)
    groups = {key: Group(key, 8) for key in "abc"}
    for key in "abac" + "ab":
        start = 10 * (ord(key) - ord("a"))
        check(model, scorer, make_rows([start + 1, start + 2, 3], [start + 1, start + 2, 4]), groups[key])
    beginnings = [place for place, (_, _, kept) in enumerate(network.passes) if kept == 0]
    assert beginnings == [0, 2, 5, 8], "for c, the one not used for longest was to be let go"


def test_copies_of_the_beginning_stay_within_what_is_allowed(
    model: CrossEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "ROW_TOKENS", 4)
    network = Watched(list(model))
    scorer = SharedScorer(network, make_table(), copy_tokens=36)
    rows = make_rows(*[[1, 2, 3, 4, 5, 6, 7, 8, end, 9] for end in range(10, 24)])
    check(model, scorer, rows, Group("query", len(rows)))
    assert network.passes[0] == (1, 8, 0)
    assert network.passes[1:] == [(3, 4, 8), (3, 4, 8), (1, 4, 8)]


def test_one_row_goes_through_whatever_is_allowed(model: CrossEncoder) -> None:
    network = Watched(list(model))
    scorer = SharedScorer(network, make_table(), copy_tokens=1)
    check(model, scorer, make_rows([1, 2, 3, 4], [1, 2, 5]), Group("query", 2))
    assert network.passes == [(1, 2, 0), (1, 3, 2)]


def test_scores_come_in_the_order_of_prompts(model: CrossEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "ROW_TOKENS", 3)
    rows = make_rows(*[[1, 2, *range(3, 3 + length)] for length in (1, 5, 2, 4, 7, 3)])
    group = Group("query", len(rows))
    with torch.inference_mode():
        there = SharedScorer(SharedNetwork(list(model)), make_table(), 30).score(rows, group)["scores"]
        back = SharedScorer(SharedNetwork(list(model)), make_table(), 30).score(rows[::-1], group)["scores"]
    torch.testing.assert_close(there, back.flip(0), rtol=0, atol=1e-5)
    assert len(set(there[:, 0].tolist())) == len(rows)


# Media


def prepare(
    seeing: CrossEncoder, pairs: Sequence[Any], same: Sequence[Sequence[Any]]
) -> tuple[Watched, MediaTable, list[PromptRow]]:
    """Make prompts of pairs of pictures; `same` names the pictures of each pair, equal ones alike."""
    first: Any = seeing[0]
    network, table = Watched(list(seeing)), make_table()
    listed: list[list[tuple[Any, int]]] = [[("image", table.add("image", key)) for key in keys] for keys in same]
    features = first.make_features([first.load_sample(first.read_pair(pair)) for pair in pairs])
    numbers = [number for own in listed for _, number in own]
    for number, inputs in zip(numbers, network.split_inputs("image", features), strict=True):
        table.keep_inputs(number, inputs)
    return network, table, network.make_rows(features, listed)


def check_seeing(seeing: CrossEncoder, scorer: SharedScorer, pairs: Any, rows: Any, group: Group) -> None:
    with torch.inference_mode():
        scores = scorer.score(rows, group)["scores"][:, 0]
        first: Any = seeing[0]
        alone = [seeing(first.preprocess([first.read_pair(pair)]))["scores"][0, 0] for pair in pairs]
        torch.testing.assert_close(scores, torch.stack(alone), rtol=0, atol=1e-4)


def test_each_picture_goes_through_the_tower_once(seeing: CrossEncoder) -> None:
    images = [media.make_image(seed, 48 + 16 * seed, 64) for seed in range(3)]
    keys = [(0, 1), (0, 2), (0, 0), (1, 2), (0, 1)]
    pairs = [(images[query], images[document]) for query, document in keys]
    network, table, rows = prepare(seeing, pairs, keys)
    scorer = SharedScorer(network, table, BIG)
    check_seeing(seeing, scorer, pairs[:3], rows[:3], Group("query", 5))
    check_seeing(seeing, scorer, pairs[3:], rows[3:], Group("query", 5))
    assert network.towers == [("image", 3)]
    assert all(table[number].inputs is None for number in range(3)), "pixels are held although the tower has run"


def test_a_beginning_holds_whole_pictures(seeing: CrossEncoder) -> None:
    """A prompt that departs within a picture's tokens cannot, as pictures are told apart; nor can a hint cut one."""
    images = [media.make_image(seed, 64, 64) for seed in range(3)]
    keys = [(0, 1), (0, 2)]
    pairs = [(images[query], images[document]) for query, document in keys]
    network, table, rows = prepare(seeing, pairs, keys)
    places = rows[0].media[0].places
    assert len(places) > 2
    group = Group("query", 2, rows[0].identity[: places[1]])
    check_seeing(seeing, SharedScorer(network, table, BIG), pairs, rows, group)
    assert network.passes[0] == (1, int(places[0]), 0)


def test_pictures_stand_in_the_beginning_the_ends_or_both(seeing: CrossEncoder) -> None:
    images = [media.make_image(seed, 48, 64) for seed in range(3)]
    keys = [(0, 1), (0, 2), (0, 2, 1)]
    pairs: list[Any] = [(images[0], images[1]), (images[0], images[2])]
    pairs.append((images[0], {"image": [images[2], images[1]], "text": "both"}))
    network, table, rows = prepare(seeing, pairs, keys)
    check_seeing(seeing, SharedScorer(network, table, BIG), pairs, rows, Group("query", 3))
    kept = network.passes[0][1]
    assert rows[0].media[0].places[-1] < kept <= rows[0].media[1].places[0]


def test_equal_ids_of_different_pictures_share_nothing_from_there(seeing: CrossEncoder) -> None:
    images = [media.make_image(seed, 64, 64) for seed in range(2)]
    keys = [(0,), (1,)]
    pairs = [(image, "rain") for image in images]
    network, table, rows = prepare(seeing, pairs, keys)
    assert rows[0].ids.tolist() == rows[1].ids.tolist()
    check_seeing(seeing, SharedScorer(network, table, BIG), pairs, rows, Group("query", 2))
    assert network.passes[0] == (1, int(rows[0].media[0].places[0]), 0)
