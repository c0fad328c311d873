"""Towers, positions, decoder and what follows it, taken apart, give what the network gives as a whole."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from sensorium import CrossEncoder
from sensorium.media.samples import Sample
from sensorium.modules import Dense, LogitScore
from sensorium.modules.sharing.network import SharedNetwork
from tests.compat.peer import load_our_reranker
from tests.tiny import media
from tests.tiny.corpus import SAMPLE_TEXTS

SHARING = [
    "qwen3_reranker",
    "qwen3_seq_cls",
    "llama_reranker",
    "qwen3_vl_reranker",
    "qwen2_vl_reranker",
    "qwen2_5_vl_reranker",
    "qwen2_5_omni_reranker",
]
SEEING = SHARING[3:]


@pytest.fixture(scope="module")
def kept(tiny: Callable[..., Path]) -> Callable[[str], CrossEncoder]:
    """Give `kept(name)`, a model that tests leave as it is."""
    loaded: dict[str, CrossEncoder] = {}

    def load_once(name: str) -> CrossEncoder:
        if name not in loaded:
            loaded[name] = load_our_reranker(tiny(name))
        return loaded[name]

    return load_once


def make_features(model: CrossEncoder, pairs: list[Any]) -> tuple[dict[str, Any], list[Sample]]:
    """Make the features of a padded batch of pairs, with their samples."""
    first: Any = model[0]
    samples = [first.load_sample(first.read_pair(pair)) for pair in pairs]
    return first.make_features(samples), samples


def seen_pairs() -> list[Any]:
    images = [media.make_image(1), media.make_image(2, 33, 64), media.make_image(3, 96, 48)]
    clip = media.make_clip(2)
    return [
        ("rain", images[0]),
        (images[1], {"text": SAMPLE_TEXTS[1], "image": images[2]}),
        ("a clip", clip),
        ("rain", SAMPLE_TEXTS[0]),
        ({"image": images[0], "text": "x"}, clip),
    ]


def list_media(samples: list[Sample]) -> list[list[tuple[Any, int]]]:
    """Number all media of a batch, each use apart."""
    number, listed = 0, []
    for sample in samples:
        kinds = [part.modality for part in sample.all_parts() if part.modality != "text"]
        listed.append([(kind, number + place) for place, kind in enumerate(kinds)])
        number += len(kinds)
    return listed


def make_pairs(name: str) -> list[Any]:
    heard = [("rain", media.make_wave(0)), (media.make_wave(1, 0.35), media.make_image(1))]
    return [*seen_pairs(), *(heard if "omni" in name else [])]


def prepare(kept: Callable[[str], CrossEncoder], name: str) -> tuple[Any, SharedNetwork, Any, Any]:
    model = kept(name)
    features, samples = make_features(model, make_pairs(name))
    return model[0], SharedNetwork(list(model)), features, list_media(samples)


@pytest.mark.parametrize("name", SEEING)
def test_rows_say_where_media_stand(kept: Callable[[str], CrossEncoder], name: str) -> None:
    _, network, features, listed = prepare(kept, name)
    rows = network.make_rows(features, listed)
    tokens = {getattr(network.config, f"{kind}_token_id"): kind for kind in ("image", "video")}
    tokens |= {network.config.audio_token_id: "audio"} if "omni" in name else {}
    for row, mask, ids, own in zip(rows, features["attention_mask"], features["input_ids"], listed, strict=True):
        assert row.ids.tolist() == ids[mask.bool()].tolist()
        assert sorted(medium.number for medium in row.media) == [number for _, number in own]
        assert [int(medium.places[0]) for medium in row.media] == sorted(int(one.places[0]) for one in row.media)
        kinds = {number: kind for kind, number in own}
        for medium in row.media:
            assert {tokens[row.ids[place]] for place in medium.places} == {kinds[medium.number]}
        placed = sum(len(medium.places) for medium in row.media)
        assert placed == sum(int(token) in tokens for token in row.ids)


@pytest.mark.parametrize("name", SEEING)
def test_positions_are_those_of_the_prompt_alone(kept: Callable[[str], CrossEncoder], name: str) -> None:
    """Whatever it was padded with."""
    model, network = kept(name), SharedNetwork(list(kept(name)))
    pairs = make_pairs(name)
    features, samples = make_features(model, pairs)
    together = network.make_rows(features, list_media(samples))
    assert any(row.positions[0, -1] < len(row) - 1 for row in together), "positions in pictures do not count tokens"
    for row, pair in zip(together, pairs, strict=True):
        features, samples = make_features(model, [pair])
        (alone,) = network.make_rows(features, list_media(samples))
        assert row.ids.tolist() == alone.ids.tolist()
        assert row.positions.tolist() == alone.positions.tolist()
        assert row.positions.shape == (3, len(row))


@pytest.mark.parametrize("name", SEEING)
def test_towers_tell_media_apart(kept: Callable[[str], CrossEncoder], name: str) -> None:
    """One pass over several gives each what it gets alone, as many states as it has placeholders."""
    _, network, features, listed = prepare(kept, name)
    rows = network.make_rows(features, listed)
    sizes = {medium.number: len(medium.places) for row in rows for medium in row.media}
    for kind in {kind for own in listed for kind, _ in own}:
        numbers = [number for own in listed for one, number in own if one == kind]
        inputs = network.split_inputs(kind, features)
        assert len(inputs) == len(numbers)
        with torch.inference_mode():
            together = network.run_tower(kind, inputs)
            alone = [network.run_tower(kind, [one])[0] for one in inputs]
        for number, one, other in zip(numbers, together, alone, strict=True):
            assert one.states.shape == (sizes[number], network.config.get_text_config().hidden_size)
            torch.testing.assert_close(one.states, other.states, rtol=0, atol=1e-5)
            assert len(one.deep) == len(other.deep) == (name == "qwen3_vl_reranker")
            for layer, other_layer in zip(one.deep, other.deep, strict=True):
                torch.testing.assert_close(layer, other_layer, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", SHARING)
def test_what_is_left_of_the_model_gives_its_score(kept: Callable[[str], CrossEncoder], name: str) -> None:
    """Last states through `finish` are the whole model's scores; texts, one prompt at a time, by the decoder itself."""
    model = kept(name)
    network = SharedNetwork(list(model))
    for text in SAMPLE_TEXTS[:3]:
        features, _ = make_features(model, [("rain", text)])
        with torch.inference_mode():
            ids = features["input_ids"]
            positions = torch.arange(ids.shape[1]).expand(network.axes, 1, -1)
            states = network.decode(network.embed(ids), positions, None, None, None)
            last = network.find_last(ids[0].numpy())
            scores = network.finish(states[:, last])["scores"]
            expected = model(dict(features))["scores"]
        assert scores.shape == expected.shape
        torch.testing.assert_close(scores, expected, rtol=0, atol=1e-5)


def test_the_model_is_not_changed(kept: Callable[[str], CrossEncoder]) -> None:
    model = kept("qwen3_reranker")
    before = {name: id(module) for name, module in model.named_modules()}
    tail = dict(vars(model[1]))
    SharedNetwork(list(model))
    assert {name: id(module) for name, module in model.named_modules()} == before
    assert {key: vars(model[1])[key] for key in tail} == tail


@pytest.mark.parametrize(
    ("ids", "last"), [([5, 6, 7], 2), ([5, 6, 0], 1), ([0, 5, 0, 0], 1), ([0, 0], 0), ([5, 0, 7, 0], 2)]
)
def test_a_classifier_reads_the_last_token_that_is_no_padding(
    kept: Callable[[str], CrossEncoder], ids: list[int], last: int
) -> None:
    """As `transformers` finds it: by the token, though the text itself may hold it."""
    network = SharedNetwork(list(kept("qwen3_seq_cls")))
    padding = network.config.pad_token_id
    given = np.array([padding if token == 0 else token for token in ids])
    assert padding not in (5, 6, 7)
    assert network.find_last(given) == last
    answering = SharedNetwork(list(kept("qwen3_reranker")))
    assert answering.find_last(given) == len(ids) - 1


def test_a_score_of_one_token_alone(kept: Callable[[str], CrossEncoder]) -> None:
    model = kept("llama_reranker")
    one = [model[0], LogitScore(true_token_id=17, false_token_id=None, module_input_name=model[1].module_input_name)]
    states = torch.randn(3, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        scores = SharedNetwork(one).finish(states)["scores"]
        expected = states @ model[0].model.lm_head.weight[17]
    torch.testing.assert_close(scores[:, 0], expected, rtol=0, atol=1e-5)


def test_modules_behind_the_score_are_run_too(kept: Callable[[str], CrossEncoder]) -> None:
    model = kept("llama_reranker")
    behind = Dense(1, 1, activation_function=nn.Identity(), module_input_name="scores", module_output_name="scores")
    plain, longer = SharedNetwork(list(model)), SharedNetwork([*model, behind])
    states = torch.randn(3, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = behind.linear(plain.finish(states)["scores"])
        torch.testing.assert_close(longer.finish(states)["scores"], expected, rtol=0, atol=1e-5)


def test_half_precision_scores_are_taken_in_full(kept: Callable[[str], CrossEncoder]) -> None:
    model = kept("llama_reranker")
    half = [copy.deepcopy(model[0]).to(torch.bfloat16), model[1]]
    network = SharedNetwork(half)
    assert network.dtype == torch.bfloat16
    states = torch.randn(3, 32, generator=torch.Generator().manual_seed(0)).to(torch.bfloat16)
    with torch.inference_mode():
        scores = network.finish(states)["scores"]
        rows = half[0].model.lm_head.weight[[model[1].true_token_id, model[1].false_token_id]].float()
    assert scores.dtype == torch.float32
    yes, no = (states.float() @ rows.T).T
    torch.testing.assert_close(scores[:, 0], yes - no, rtol=0, atol=1e-5)
