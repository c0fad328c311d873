"""Rerankers saved here load in the peer, and those it saved load here, with the same scores, in every layout."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from sensorium import CrossEncoder, modules
from tests.compat.peer import (
    assert_same_results,
    assert_same_vectors,
    load_our_reranker,
    load_peer_reranker,
    quiet,
    score,
)
from tests.compat.questions import PAIRS
from tests.tiny import layouts
from tests.tiny.reranker_families import RERANKERS, RERANKERS_BY_NAME

NAMES = [family.name for family in RERANKERS]
LOADERS = {"ours": load_our_reranker, "theirs": load_peer_reranker}


def _pairs(name: str, folder: Path) -> list[Any]:
    family = RERANKERS_BY_NAME[name]
    key = (
        "text->image"
        if "text->image" in family.pairs
        else next(key for key in family.pairs if key not in family.peer_errors)
    )
    return family.pairs[key](folder)


def _save(model: Any, path: Path) -> Path:
    """Save with the defaults; the peer's model card asks the network."""
    with quiet():
        if isinstance(model, CrossEncoder):
            model.save(str(path))
        else:
            model.save(str(path), create_model_card=False)
    return path


def _read(path: Path, *parts: str) -> Any:
    return json.loads(path.joinpath(*parts).read_text())


def _settings(model: Any) -> dict[str, Any]:
    return {
        "activation": type(model.activation_fn),
        "num_labels": model.num_labels,
        "max_seq_length": model.max_seq_length,
        "prompts": model.prompts,
        "default_prompt_name": model.default_prompt_name,
        "modules": [type(module).__name__ for module in model],
        "modalities": model.modalities,
    }


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("saver", LOADERS)
def test_what_one_saves_both_load(tiny: Callable[..., Path], tmp_path: Path, name: str, saver: str) -> None:
    model = LOADERS[saver](tiny(name))
    pairs = _pairs(name, tmp_path)
    wanted = score(model, pairs)
    path = _save(model, tmp_path / "saved")
    assert (path / "modules.json").is_file()
    for load in LOADERS.values():
        again = load(path)
        assert _settings(again) == _settings(model)
        assert_same_vectors(score(again, pairs), wanted)


@pytest.mark.parametrize("name", NAMES)
def test_the_files_say_the_same(tiny: Callable[..., Path], tmp_path: Path, name: str) -> None:
    """Both libraries name the same modules, of the same types, at the same places, and write no other file."""
    mine, other = (_save(load(tiny(name)), tmp_path / side) for side, load in LOADERS.items())
    names = {str(path.relative_to(mine)) for path in mine.rglob("*") if path.is_file()}
    assert names - {"README.md"} == {str(path.relative_to(other)) for path in other.rglob("*") if path.is_file()}
    for file in names & {
        "modules.json",
        "sentence_bert_config.json",
        "1_LogitScore/config.json",
        "3_Dense/config.json",
    }:
        assert _read(mine, file) == _read(other, file)
    ours, theirs = (_read(path, "config_sentence_transformers.json") for path in (mine, other))
    assert {**ours, "__version__": None} == {**theirs, "__version__": None}


@pytest.mark.parametrize("name", ["bert_ce", "qwen3_reranker_st"])
def test_the_card_names_the_model_and_how_to_use_it(tiny: Callable[..., Path], tmp_path: Path, name: str) -> None:
    model = load_our_reranker(tiny(name))
    with quiet():
        model.save(str(tmp_path / "named"), model_name="someone/reranker")
        model.save(str(tmp_path / "bare"), create_model_card=False)
    card = (tmp_path / "named" / "README.md").read_text()
    assert "someone/reranker" in card
    assert "CrossEncoder" in card
    assert ".predict(" in card or ".rank(" in card
    assert ".encode(" not in card
    assert not (tmp_path / "bare" / "README.md").exists()


# The layouts of earlier releases


@pytest.mark.parametrize(
    ("name", "key"), [("bert_ce_v3", "sbert_ce_default_activation_function"), ("bert_ce_v4", "sentence_transformers")]
)
def test_older_layouts_load_and_are_saved_in_the_new_one(
    tiny: Callable[..., Path], tmp_path: Path, name: str, key: str
) -> None:
    assert key in _read(tiny(name), "config.json")
    assert not (tiny(name) / "modules.json").exists()
    ours, theirs = (load(tiny(name)) for load in LOADERS.values())
    assert type(ours.activation_fn) is type(theirs.activation_fn) is nn.Identity
    wanted = score(theirs, PAIRS)
    assert_same_vectors(score(ours, PAIRS), wanted)
    path = _save(ours, tmp_path / "saved")
    assert _read(path, "config_sentence_transformers.json")["activation_fn"] == layouts.IDENTITY
    assert "sbert_ce_default_activation_function" not in _read(path, "config.json")
    for load in LOADERS.values():
        assert_same_vectors(score(load(path), PAIRS), wanted)


@pytest.mark.parametrize("name", ["bert_ce_v3", "bert_ce_v4", "bert_ce"])
def test_what_is_stated_first_wins(tiny: Callable[..., Path], tmp_path: Path, name: str) -> None:
    """The caller, then `config_sentence_transformers.json`, then the section of `config.json`, then the oldest key."""
    wanted = nn.Sigmoid if name == "bert_ce" else nn.Identity
    for load in LOADERS.values():
        assert type(load(tiny(name)).activation_fn) is wanted
        assert type(load(tiny(name), activation_fn=nn.Tanh()).activation_fn) is nn.Tanh
    path = _save(load_our_reranker(tiny(name), activation_fn=nn.Tanh()), tmp_path / "saved")
    layouts.add_to_config(
        path, sentence_transformers={"activation_fn": layouts.RELU}, sbert_ce_default_activation_function=layouts.RELU
    )
    for load in LOADERS.values():
        assert type(load(path).activation_fn) is nn.Tanh


@pytest.mark.parametrize("name", ["bert_ce", "bert_ce3", "qwen3_reranker_st"])
@pytest.mark.parametrize("activation", [nn.Tanh(), nn.Identity(), nn.Sigmoid(), nn.Softplus()], ids=str)
@pytest.mark.parametrize("saver", LOADERS)
def test_activations_are_kept(
    tiny: Callable[..., Path], tmp_path: Path, name: str, activation: nn.Module, saver: str
) -> None:
    model = LOADERS[saver](tiny(name), activation_fn=activation)
    path = _save(model, tmp_path / "saved")
    for load in LOADERS.values():
        again = load(path)
        assert type(again.activation_fn) is type(activation)
        assert_same_results(score(again, PAIRS), score(model, PAIRS))


@pytest.mark.parametrize(
    "activation", [torch.tanh, nn.functional.relu, lambda scores: scores * 2], ids=["torch", "functional", "own"]
)
def test_a_function_is_not_kept_and_does_not_keep_anyone_from_loading(
    tiny: Callable[..., Path], tmp_path: Path, activation: Callable[..., Any]
) -> None:
    """A path leads to a class; both libraries load such a model with the activation of models that state none."""
    model = load_our_reranker(tiny("bert_ce"), activation_fn=activation)
    path = _save(model, tmp_path / "saved")
    for load in LOADERS.values():
        assert type(load(path).activation_fn) is nn.Sigmoid


# Chains of modules


def _answers(tokenizer: Any) -> tuple[int, int]:
    yes, no = tokenizer.convert_tokens_to_ids(["yes", "no"])
    return yes, no


@pytest.mark.parametrize("has_false_token", [True, False])
def test_a_chain_of_transformer_and_logit_score(
    tiny: Callable[..., Path], tmp_path: Path, has_false_token: bool
) -> None:
    with quiet():
        transformer = modules.Transformer(str(tiny("qwen3_reranker")), transformer_task="text-generation")
    yes, no = _answers(transformer.tokenizer)
    head = modules.LogitScore(yes, no if has_false_token else None)
    model = CrossEncoder(
        modules=[transformer, head], device="cpu", prompts={"own": "Judge."}, default_prompt_name="own"
    )
    assert model.num_labels == 1
    path = _save(model, tmp_path / "saved")
    wanted = score(model, PAIRS)
    for load in LOADERS.values():
        again = load(path)
        assert again.prompts == {"own": "Judge."}
        assert again.default_prompt_name == "own"
        assert_same_vectors(score(again, PAIRS), wanted)
    if has_false_token:
        assert_same_vectors(wanted, score(load_peer_reranker(tiny("qwen3_reranker")), PAIRS, prompt="Judge."))


@pytest.mark.parametrize("num_labels", [1, 3])
@pytest.mark.parametrize("pooling", ["lasttoken", "mean"])
def test_a_chain_that_ends_in_dense_scores(
    tiny: Callable[..., Path], tmp_path: Path, num_labels: int, pooling: str
) -> None:
    torch.manual_seed(0)
    with quiet():
        transformer = modules.Transformer(str(tiny("qwen3_reranker")))
    dim = transformer.get_embedding_dimension()
    head = modules.Dense(dim, num_labels, bias=False, activation_function=None, module_output_name="scores")
    model = CrossEncoder(modules=[transformer, modules.Pooling(dim, pooling), head], device="cpu")
    assert model.num_labels == num_labels
    assert type(model.activation_fn) is (nn.Sigmoid if num_labels == 1 else nn.Identity)
    wanted = score(model, PAIRS)
    assert_same_vectors(score(model, PAIRS, shared=False), wanted)
    assert wanted.shape == ((len(PAIRS),) if num_labels == 1 else (len(PAIRS), num_labels))
    path = _save(model, tmp_path / "saved")
    for load in LOADERS.values():
        again = load(path)
        assert again.num_labels == num_labels
        assert type(again.activation_fn) is type(model.activation_fn)
        assert_same_vectors(score(again, PAIRS), wanted)


def _plainly(model: Any) -> dict[str, bool]:
    """Compute in the peer's order: in bfloat16, another order of the same sums shows."""
    return {"shared": False} if isinstance(model, CrossEncoder) else {}


@pytest.mark.parametrize("saver", LOADERS)
@pytest.mark.parametrize(("name", "layer"), [("bert_ce", "0.model.classifier"), ("qwen3_seq_cls", "0.model.score")])
def test_layers_kept_in_float32_are_kept(
    tiny: Callable[..., Path], tmp_path: Path, saver: str, name: str, layer: str
) -> None:
    half = {"model_kwargs": {"torch_dtype": torch.bfloat16}}
    model = LOADERS[saver](tiny(name), keep_in_fp32_modules=[layer], **half)
    wanted = score(model, PAIRS, activation_fn=nn.Identity(), **_plainly(model))
    path = _save(model, tmp_path / "saved")
    assert _read(path, "config_sentence_transformers.json")["keep_in_fp32_modules"] == [layer]
    for load in LOADERS.values():
        again = load(path, **half)
        assert again.keep_in_fp32_modules == [layer]
        assert next(again.parameters()).dtype == torch.bfloat16
        got = score(again, PAIRS, activation_fn=nn.Identity(), **_plainly(again))
        assert_same_vectors(got, wanted)
        assert (got != torch.as_tensor(got).bfloat16().float().numpy()).any(), "the last layer computed in bfloat16"


def test_saving_leaves_the_model_as_it_was(tiny: Callable[..., Path], tmp_path: Path) -> None:
    model = load_our_reranker(tiny("qwen3_reranker_st"))
    before, settings = score(model, PAIRS), _settings(model)
    _save(model, tmp_path / "saved")
    np.testing.assert_array_equal(score(model, PAIRS), before)
    assert _settings(model) == settings


def test_loading_and_saving_leaves_the_networks_configuration_alone(tiny: Callable[..., Path], tmp_path: Path) -> None:
    path = _save(load_our_reranker(tiny("qwen3_reranker_st")), tmp_path / "saved")
    before, after = _read(tiny("qwen3_reranker_st"), "config.json"), _read(path, "config.json")
    assert after.get("use_cache") == before.get("use_cache")
    assert after["architectures"] == before["architectures"]
