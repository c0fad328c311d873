"""What stands in the way of sharing is found and named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from torch import nn

from sensorium import CrossEncoder
from sensorium.modules import Normalize, Pooling, StaticEmbedding
from sensorium.modules.sharing.network import find_obstacle
from tests.compat.peer import load_our_reranker
from tests.encoders.sharing_models import NETWORKS, add_adapter, build_network, load

SHARING = [
    "qwen3_reranker",
    "qwen3_seq_cls",
    "llama_reranker",
    "qwen3_vl_reranker",
    "qwen2_vl_reranker",
    "qwen2_5_vl_reranker",
    "qwen2_5_omni_reranker",
]


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


def test_every_network_of_the_table_is_judged() -> None:
    judged = {"gemma2", "granite", "cohere", "opt", "bloom", "gpt2", "qwen2", "llama", "gemma", "mistral", "phi3"}
    assert set(NETWORKS) - judged == {"qwen3", "mistral_window"}
