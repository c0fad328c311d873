"""Which features a network takes, which of its outputs is read, and how wide that is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from sentence_transformers.base.modules import Transformer as PeerTransformer
from torch import nn
from transformers import AutoTokenizer
from transformers.modeling_outputs import BaseModelOutputWithPooling

from sensorium.errors import CheckpointError, ModelError
from sensorium.modules.outputs import (
    BOOKKEEPING,
    MethodArguments,
    find_embedding_dimension,
    read_output,
    unwrap_adapter,
    wants_hidden_states,
)
from sensorium.modules.transformer import Transformer
from tests.compat.peer import quiet
from tests.modules.weightless import weightless, write_config
from tests.tiny.families import FAMILIES

FEATURES: dict[str, Any] = {
    "input_ids": 1,
    "attention_mask": 2,
    "token_type_ids": 3,
    "pixel_values": 4,
    "own": 5,
    "return_dict": True,
    **dict.fromkeys(BOOKKEEPING, 0),
}


class Closed(nn.Module):
    def forward(self, input_ids: Any, pixel_values: Any = None) -> None: ...
    def get_image_features(self, pixel_values: Any) -> None: ...


class Open(nn.Module):
    def forward(self, input_ids: Any, task: Any = None, **kwargs: Any) -> None: ...


class Wrapped(nn.Module):
    """As an adapter's wrapper: takes anything, for a network that does not."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, *args: Any, **kwargs: Any) -> None: ...

    def get_base_model(self) -> nn.Module:
        return self.inner


def selected(model: nn.Module, method: str = "forward") -> set[str]:
    return set(MethodArguments().select(model, method, FEATURES))


def test_a_closed_forward_gets_what_it_declares_and_the_basics() -> None:
    basics = {"input_ids", "attention_mask", "token_type_ids", "return_dict"}
    assert selected(Closed()) == {*basics, "pixel_values"}
    assert selected(Wrapped(Closed())) == {*basics, "pixel_values"}


def test_an_open_forward_gets_all_but_the_librarys_own_notes() -> None:
    assert selected(Open()) == set(FEATURES) - BOOKKEEPING | {"task"}


def test_another_method_gets_what_it_declares() -> None:
    assert selected(Closed(), "get_image_features") == {"pixel_values"}


def test_signatures_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = MethodArguments()
    first = arguments.select(Closed(), "forward", FEATURES)
    monkeypatch.setattr("inspect.signature", None)
    assert arguments.select(Closed(), "forward", FEATURES) == first


def test_networks_without_adapters_are_themselves() -> None:
    model = Closed()
    assert unwrap_adapter(model) is model
    assert unwrap_adapter(Wrapped(model)) is model
    odd: Any = SimpleNamespace(get_base_model="not a method")
    assert unwrap_adapter(odd) is odd


# Outputs


def output() -> BaseModelOutputWithPooling:
    states = tuple(torch.full((2, 3, 4), float(layer)) for layer in range(3))
    return BaseModelOutputWithPooling(
        last_hidden_state=states[-1], pooler_output=torch.ones(2, 4), hidden_states=states
    )  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("last_hidden_state", 2.0),
        (["last_hidden_state"], 2.0),
        ("pooler_output", 1.0),
        (["hidden_states", 0], 0.0),
        (["hidden_states", -2], 1.0),
        (("hidden_states", 1), 1.0),
        ([0], 2.0),
    ],
)
def test_paths(path: Any, wanted: float) -> None:
    assert torch.all(read_output(output(), path) == wanted)


def test_attributes_and_keys_are_steps() -> None:
    inner = {"b": torch.ones(1, 2)}
    assert read_output(SimpleNamespace(a=inner), ["a", "b"]).shape == (1, 2)


@pytest.mark.parametrize("path", [None, []])
def test_no_path_reads_the_output_itself(path: Any) -> None:
    tensor = torch.ones(2, 4)
    assert read_output(tensor, path) is tensor


def test_a_feature_map_becomes_tokens() -> None:
    tensor = torch.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    tokens = read_output(tensor, None)
    assert tokens.shape == (2, 20, 3)
    assert torch.equal(tokens[1, 7], tensor[1, :, 1, 2])


@pytest.mark.parametrize("path", ["logits", ["hidden_states", 7], ["pooler_output", "x"]])
def test_an_absent_field_is_named_with_those_there_are(path: Any) -> None:
    with pytest.raises(ModelError, match="has no field") as caught:
        read_output(output(), path)
    if path == "logits":
        assert "['last_hidden_state', 'pooler_output', 'hidden_states']" in str(caught.value)


@pytest.mark.parametrize(
    ("path", "wanted"),
    [("hidden_states", True), (["hidden_states", -1], True), ("last_hidden_state", False), (None, False), ([], False)],
)
def test_when_all_layers_are_needed(path: Any, wanted: bool) -> None:
    assert wants_hidden_states(path) is wanted


# Widths


@pytest.mark.parametrize(
    "name", [family.name for family in FAMILIES if family.name not in ("asym", "model2vec_quantized")]
)
def test_width_of_small_checkpoints_is_the_peers(
    ours: Callable[[str], Any], theirs: Callable[[str], Any], name: str
) -> None:
    if not hasattr(theirs(name), "get_embedding_dimension"):
        pytest.skip("its first module has no width")
    assert ours(name).get_embedding_dimension() == theirs(name).get_embedding_dimension()


@pytest.mark.parametrize(
    "model_type",
    [
        "bert",
        "vit",
        "convnext",
        "segformer",
        "mobilevit",
        "swin",
        "levit",
        "pvt",
        "clip",
        "blip",
        "flava",
        "qwen2_vl",
        "llava",
        "paligemma",
    ],
)
def test_width_of_configurations_is_the_peers(tiny: Callable[..., Path], tmp_path: Path, model_type: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(str(tiny("bert")))
    path = write_config(tmp_path / "model", model_type)
    with weightless(tokenizer):
        ours, theirs = Transformer(path), PeerTransformer(path)
    with quiet():
        assert ours.get_embedding_dimension() == theirs.get_embedding_dimension() > 0


def config(**fields: Any) -> Any:
    return SimpleNamespace(model_type="x", **fields)


@pytest.mark.parametrize(
    ("fields", "feature", "wanted"),
    [
        ({"hidden_size": 3, "projection_dim": 5}, "token_embeddings", 3),
        ({"hidden_size": 3, "projection_dim": 5}, "sentence_embedding", 5),
        ({"hidden_sizes": [3, 4]}, "token_embeddings", 4),
        ({"neck_hidden_sizes": (9, 8), "hidden_sizes": [3, 4]}, "token_embeddings", 8),
        ({"embed_dims": [3, 6]}, "token_embeddings", 6),
        ({"hidden_dim": 7}, "token_embeddings", 7),
        ({"text_config": config(hidden_size=2)}, "token_embeddings", 2),
        ({"sub_configs": {"vision_config": 0}, "vision_config": config(hidden_size=6)}, "token_embeddings", 6),
        ({"sub_configs": {"a": 0}, "a": None, "hidden_dim": 7}, "token_embeddings", 7),
    ],
)
def test_where_the_width_stands(fields: dict[str, Any], feature: str, wanted: int) -> None:
    assert find_embedding_dimension(config(**fields), feature) == wanted


def test_timm_networks_say_it_themselves() -> None:
    timm: Any = SimpleNamespace(model_type="timm_wrapper", num_features=11, hidden_size=3)
    assert find_embedding_dimension(timm, "token_embeddings") == 11


def test_a_width_that_nobody_states_is_an_error() -> None:
    with pytest.raises(CheckpointError, match="Could not determine embedding dimension.*'x'"):
        find_embedding_dimension(config(), "token_embeddings")
