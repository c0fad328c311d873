"""What stands in the way of sharing is found and named; what does not is computed as the network itself does."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from sensorium import CrossEncoder
from sensorium.media.samples import Sample
from sensorium.modules import Dense, LogitScore, Normalize, Pooling, StaticEmbedding
from sensorium.modules.sharing.network import SharedNetwork, find_obstacle
from tests.compat.peer import load_our_reranker
from tests.encoders.sharing_models import NETWORKS, add_adapter, build_network, load
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


@pytest.fixture
def fresh(tiny: Callable[..., Path]) -> Callable[[str], CrossEncoder]:
    """Give `fresh(name)`, a model that the test may spoil."""
    return lambda name: load_our_reranker(tiny(name))


def explain(model: CrossEncoder) -> str | None:
    return find_obstacle(list(model), model.modalities)


# Obstacles


@pytest.mark.parametrize("name", SHARING)
def test_nothing_stands_in_the_way(kept: Callable[[str], CrossEncoder], name: str) -> None:
    assert explain(kept(name)) is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bert_ce", "its classifier reads more than the last token"),
        ("modernbert_ce", "its classifier reads more than the last token"),
        ("mistral_sliding_reranker", "its attention looks back over a sliding window"),
    ],
)
def test_families_that_cannot(kept: Callable[[str], CrossEncoder], name: str, words: str) -> None:
    assert explain(kept(name)) == words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gemma2", "its logits are scaled after the head"),
        ("granite", "its logits are scaled after the head"),
        ("cohere", "its logits are scaled after the head"),
        ("opt", "its positions are not rotary"),
        ("bloom", "its network takes no keys computed before"),
        ("gpt2", ""),
    ],
)
def test_networks_that_cannot(tmp_path: Path, name: str, words: str) -> None:
    assert words in (explain(load(build_network(tmp_path, name))) or "shared")


@pytest.mark.parametrize("name", ["qwen2", "llama", "gemma", "mistral", "phi3"])
def test_networks_that_can(tmp_path: Path, name: str) -> None:
    assert explain(load(build_network(tmp_path, name))) is None


@pytest.mark.parametrize(
    ("name", "rope"),
    [
        ("llama", {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e4}),
        (
            "phi3",
            {
                "rope_type": "longrope",
                "rope_theta": 1e4,
                "short_factor": [1.0] * 4,
                "long_factor": [3.0] * 4,
                "original_max_position_embeddings": 128,
            },
        ),
    ],
)
def test_angles_that_depend_on_the_length_of_the_prompt_cannot_be_shared(
    tmp_path: Path, name: str, rope: dict[str, Any]
) -> None:
    """Keys of a beginning that was computed by itself are not those that it has within a long prompt."""
    more = {"original_max_position_embeddings": 128} if name == "phi3" else {}
    model = load(build_network(tmp_path, name, rope_parameters=rope, **more))
    assert "rotary" in (explain(model) or "shared")


def test_angles_that_are_stretched_alike_for_all_lengths_can(tmp_path: Path) -> None:
    rope = {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}
    assert explain(load(build_network(tmp_path, "llama", rope_parameters=rope))) is None


def _network(model: CrossEncoder) -> Any:
    return model[0].model


def _flash(model: CrossEncoder) -> None:
    _network(model).config._attn_implementation = "flash_attention_2"


def _two_ways(model: CrossEncoder) -> None:
    _network(model).config.is_causal = False


def _one_layer_two_ways(model: CrossEncoder) -> None:
    _network(model).model.layers[1].self_attn.is_causal = False


def _chunked(model: CrossEncoder) -> None:
    _network(model).config.layer_types = ["full_attention", "chunked_attention"]


def _window(model: CrossEncoder) -> None:
    _network(model).config.layer_types = None
    _network(model).config.sliding_window, _network(model).config.use_sliding_window = 16, True


def _capped(model: CrossEncoder) -> None:
    _network(model).config.final_logit_softcapping = 30.0


def _scattered(model: CrossEncoder) -> None:
    _network(model).hf_device_map = {"model": 0, "lm_head": 1}


def _method(model: CrossEncoder) -> None:
    model[0].modality_config["text"]["method"] = "get_text_features"


def _encoder_decoder(model: CrossEncoder) -> None:
    _network(model).config.is_encoder_decoder = True


def _odd_head(model: CrossEncoder) -> None:
    class Scaled(nn.Linear):
        pass

    _network(model).lm_head.__class__ = Scaled


def _no_score(model: CrossEncoder) -> None:
    del model[1]


def _other_feature(model: CrossEncoder) -> None:
    model[1].module_input_name = "other_logits"


def _no_rotation(model: CrossEncoder) -> None:
    del _network(model).model.rotary_emb


def _virtual_tokens(model: CrossEncoder) -> None:
    _network(model).peft_config = {"default": SimpleNamespace(is_prompt_learning=True)}


def _other_task(model: CrossEncoder) -> None:
    model[0].transformer_task = "fill-mask"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_flash, "its attention (flash_attention_2) takes no mask for each token"),
        (_two_ways, "not causal"),
        (_one_layer_two_ways, "not causal in every layer"),
        (_chunked, "not all of its layers look back over all tokens"),
        (_window, "sliding window"),
        (_capped, "scaled after the head"),
        (_scattered, "several devices"),
        (_method, "a method for each modality"),
        (_encoder_decoder, "no decoder"),
        (_odd_head, "its language head is no plain layer"),
        (_no_score, "no LogitScore reads its logits"),
        (_other_feature, "no LogitScore reads its logits"),
        (_no_rotation, "its positions are not rotary"),
        (_virtual_tokens, "virtual tokens"),
        (_other_task, "its task is fill-mask"),
    ],
)
def test_what_is_out_of_the_ordinary_is_named(
    fresh: Callable[[str], CrossEncoder], spoil: Callable[[CrossEncoder], None], words: str
) -> None:
    model = fresh("qwen3_reranker")
    assert explain(model) is None
    spoil(model)
    assert words in (explain(model) or "shared")


@pytest.mark.parametrize(
    ("modes", "is_shared"), [("lasttoken", True), ("mean", False), (("lasttoken", "mean"), False), ("cls", False)]
)
def test_pooling_must_read_the_last_token_alone(
    kept: Callable[[str], CrossEncoder], modes: Any, is_shared: bool
) -> None:
    model = kept("qwen2_vl_reranker")
    modules = [model[0], Pooling(64, modes), *list(model)[2:]]
    obstacle = find_obstacle(modules, model.modalities)
    assert (obstacle is None) == is_shared
    assert is_shared or obstacle == "its pooling reads more than the last token"


def test_a_first_module_of_another_kind_is_named(kept: Callable[[str], CrossEncoder]) -> None:
    static = StaticEmbedding(kept("qwen3_reranker").tokenizer, embedding_weights=np.zeros((700, 4), np.float32))
    assert find_obstacle([static, Normalize()], ["text"]) == "its first module is a StaticEmbedding, not a Transformer"


def test_media_need_a_tower_each_and_positions(kept: Callable[[str], CrossEncoder]) -> None:
    modules = list(kept("qwen3_vl_reranker"))
    assert find_obstacle(modules, ["text", "image", "video"]) is None
    assert find_obstacle(modules, ["text", "image", "audio"]) == "it has no tower of its own for audio"
    assert find_obstacle(modules, ["text", ("image", "audio")]) == "it has no tower of its own for audio"
    text_only = list(kept("qwen3_reranker"))
    assert find_obstacle(text_only, ["text", "image"]) == "how its media are placed among tokens is not known here"


def test_an_adapter_is_no_obstacle_unless_it_is_on_the_head(tmp_path: Path) -> None:
    folder = build_network(tmp_path, "llama", tie_word_embeddings=False)
    assert explain(add_adapter(load(folder))) is None
    assert explain(add_adapter(load(folder), ["q_proj", "lm_head"])) == "its language head is no plain layer"


# The parts, held to the network as a whole


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
        expected = states @ _network(model).lm_head.weight[17]
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


def test_every_network_of_the_table_is_judged() -> None:
    judged = {"gemma2", "granite", "cohere", "opt", "bloom", "gpt2", "qwen2", "llama", "gemma", "mistral", "phi3"}
    assert set(NETWORKS) - judged == {"qwen3", "mistral_window"}
