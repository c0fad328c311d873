"""What a reranker does besides scoring: its activation, its arguments, what it refuses and what it leaves alone."""

from __future__ import annotations

import copy
import json
import logging
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from transformers import Qwen3ForCausalLM

from sensorium import CheckpointError, CrossEncoder, InputError, UnknownArgumentError, modules
from tests.compat.peer import load_our_reranker, load_peer_reranker, quiet, score
from tests.compat.questions import DOCUMENTS, PAIRS, QUERY
from tests.encoders.test_side_effects import frozen
from tests.tiny import chat_templates, media, text, tokenizers

Reranker = Callable[[str], CrossEncoder]
Tiny = Callable[..., Path]

#: One that shares nothing, one that shares texts, one that shares images, too.
NAMES = ["bert_ce", "qwen3_reranker_st", "qwen3_vl_reranker"]


def assert_close(ours: Any, wanted: Any) -> None:
    """Hold scores to others that only rounding may tell apart: where a tensor lies in memory, sums are ordered by."""
    np.testing.assert_allclose(ours, wanted, rtol=0, atol=1e-6)


# Keywords


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("inputs", [PAIRS, [], PAIRS[0]], ids=["pairs", "none", "one"])
@pytest.mark.parametrize(
    ("keyword", "nearest"),
    [("batchsize", "batch_size"), ("promt", "prompt"), ("task", None), ("normalize_embeddings", None), ("top_k", None)],
)
def test_a_keyword_that_nothing_reads_is_named(
    reranker: Reranker, name: str, inputs: Any, keyword: str, nearest: str | None
) -> None:
    """The peer ignores it without a word."""
    with pytest.raises(UnknownArgumentError, match=rf"CrossEncoder.predict\(\) got .*'{keyword}'") as caught:
        reranker(name).predict(inputs, **{keyword: 3}, on_error="skip")
    assert caught.value.argument == keyword
    if nearest is not None:
        assert f"Did you mean '{nearest}'?" in str(caught.value)


@pytest.mark.parametrize(
    ("keyword", "nearest"), [("topk", "top_k"), ("max_time", "max_time_s"), ("returns_documents", "return_documents")]
)
def test_a_keyword_that_nothing_reads_is_named_in_rank(reranker: Reranker, keyword: str, nearest: str) -> None:
    with pytest.raises(UnknownArgumentError, match=rf"CrossEncoder.rank\(\) got .*'{keyword}'.*'{nearest}'\?"):
        reranker("bert_ce").rank(QUERY, DOCUMENTS, **{keyword: 3})
    with pytest.raises(TypeError):
        reranker("bert_ce").rank(QUERY, [], **{keyword: 3})


@pytest.mark.parametrize("settings", [5, {"text": 5}, ["text"]], ids=repr)
def test_processing_kwargs_of_a_wrong_type_are_named(reranker: Reranker, settings: Any) -> None:
    for name in NAMES:
        with pytest.raises(UnknownArgumentError, match="processing_kwargs must be a dict"):
            reranker(name).predict(PAIRS, processing_kwargs=settings, on_error="skip")


def test_unknown_processing_kwargs_are_warned_about(reranker: Reranker, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "sensorium"):
        reranker("bert_ce").rank(QUERY, DOCUMENTS, processing_kwargs={"txt": {}})
    assert "Unknown keys in per-call `processing_kwargs`: ['txt']" in caplog.text


@pytest.mark.parametrize("kwargs", [{"batch_size": 0}, {"batch_size": 2.5}, {"on_error": "ignore"}], ids=str)
def test_values_that_cannot_be_used_are_named(reranker: Reranker, kwargs: dict[str, Any]) -> None:
    keyword, value = next(iter(kwargs.items()))
    for inputs in (PAIRS, []):
        with pytest.raises(InputError, match=f"{keyword}={value!r} is not usable"):
            reranker("bert_ce").predict(inputs, **kwargs)


def test_ranking_with_several_labels_says_what_to_do(reranker: Reranker) -> None:
    with pytest.raises(InputError, match="num_labels=1, and this one has 3.*predict"):
        reranker("bert_ce3").rank(QUERY, DOCUMENTS)


# The activation


@pytest.mark.parametrize("name", NAMES)
def test_the_activation_is_no_part_of_the_model(tiny: Tiny, name: str) -> None:
    model = load_our_reranker(tiny(name), activation_fn=nn.PReLU())
    names, weights, length = set(dict(model.named_modules())), set(model.state_dict()), len(model)
    for activation in (nn.Tanh(), nn.Sequential(nn.Linear(1, 1), nn.ReLU()), torch.tanh):
        model.activation_fn = activation
        assert model.activation_fn is activation
        assert set(dict(model.named_modules())) == names
        assert set(model.state_dict()) == weights
        assert len(model) == length
    assert model.activation_fn(torch.zeros(1)) == 0


@pytest.mark.parametrize("name", NAMES)
def test_the_activation_of_a_call_does_not_stick(tiny: Tiny, name: str) -> None:
    model = load_our_reranker(tiny(name))
    before, activation = model.predict(PAIRS), model.activation_fn
    raw = model.predict(PAIRS, activation_fn=nn.Identity())
    model.rank(QUERY, DOCUMENTS, activation_fn=torch.tanh)
    assert model.activation_fn is activation
    assert_close(model.predict(PAIRS), before)
    np.testing.assert_allclose(1 / (1 + np.exp(-raw)), before, rtol=0, atol=1e-6)


def test_copies_keep_the_activation(tiny: Tiny) -> None:
    model = load_our_reranker(tiny("bert_ce"), activation_fn=nn.Tanh())
    again = copy.deepcopy(model)
    assert type(again.activation_fn) is nn.Tanh
    assert_close(again.predict(PAIRS), model.predict(PAIRS))


@pytest.mark.parametrize(
    "path", ["some.package.Scale", "torch.hub.load", "os.system", "torch.nn.Linear", "builtins.print"]
)
def test_an_activation_that_is_not_trusted_is_left_out(
    tiny: Tiny, tmp_path: Path, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A checkpoint is data: it chooses among activations, and runs nothing else."""
    folder = _edit(tiny("bert_ce"), tmp_path / "model", activation_fn=path)
    with caplog.at_level(logging.WARNING, "sensorium"):
        model = CrossEncoder(str(folder), device="cpu")
    assert f"{path!r} is not trusted, using default activation function instead." in caplog.text
    assert type(model.activation_fn) is nn.Sigmoid


def test_a_trusted_activation_that_is_not_there_is_an_error(tiny: Tiny, tmp_path: Path) -> None:
    folder = _edit(tiny("bert_ce"), tmp_path / "model", activation_fn="no_such_package.Scale")
    with pytest.raises(CheckpointError, match="'no_such_package.Scale'"):
        load_our_reranker(folder, trust_remote_code=True)
    assert load_our_reranker(folder, trust_remote_code=True, activation_fn=nn.Tanh()).predict(PAIRS[0]) < 1


def _edit(source: Path, target: Path, **changes: Any) -> Path:
    shutil.copytree(source, target)
    path = target / "config_sentence_transformers.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return target


# Numbers


@pytest.mark.parametrize("name", ["qwen3_reranker_st", "llama_reranker", "qwen3_vl_reranker"])
def test_scores_of_half_precision_models_do_not_tie(tiny: Tiny, name: str) -> None:
    """The peer subtracts in the type of the weights, so that many documents score the same."""
    half = {"model_kwargs": {"torch_dtype": torch.bfloat16}}
    pairs = [(QUERY, f"{document} {number}") for number in range(12) for document in DOCUMENTS]
    ours = load_our_reranker(tiny(name), **half)
    for shared in (True, False):
        scores = ours.predict(pairs, activation_fn=nn.Identity(), shared=shared)
        assert scores.dtype == np.float32
        assert len(set(scores.tolist())) == len(pairs)
    theirs = score(load_peer_reranker(tiny(name), **half), pairs, activation_fn=nn.Identity())
    assert len(set(theirs.tolist())) < len(pairs)


def test_rows_leave_the_device_by_the_batch(reranker: Reranker, monkeypatch: pytest.MonkeyPatch) -> None:
    copied = []
    leave = torch.Tensor.cpu

    def count(tensor: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        copied.append(tensor.shape)
        return leave(tensor, *args, **kwargs)

    monkeypatch.setattr(torch.Tensor, "cpu", count)
    scores = reranker("bert_ce").predict([(QUERY, f"text {number}") for number in range(40)], batch_size=20)
    assert scores.shape == (40,)
    assert copied == [(20,), (20,)]


def test_scoring_ends_training_mode(tiny: Tiny) -> None:
    model = load_our_reranker(tiny("bert_ce"))
    wanted = model.predict(PAIRS)
    model.train()
    assert_close(model.predict(PAIRS), wanted)
    assert not model.training


@pytest.mark.parametrize("name", NAMES)
def test_several_threads_may_score_at_once(reranker: Reranker, name: str) -> None:
    model = reranker(name)
    pairs = [PAIRS[:4], PAIRS[2:], [("rain", document) for document in DOCUMENTS]]
    wanted = [model.predict(batch) for batch in pairs]
    got: list[Any] = [None] * 9

    def work(place: int) -> None:
        got[place] = model.predict(pairs[place % 3])

    threads = [threading.Thread(target=work, args=(place,)) for place in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for place, scores in enumerate(got):
        np.testing.assert_allclose(scores, wanted[place % 3], rtol=0, atol=1e-5)


# What is left alone


@pytest.mark.parametrize("name", ["bert_ce_plain", "qwen3_reranker_st", "qwen3_vl_reranker"])
def test_arguments_of_loading_are_not_changed(tiny: Tiny, name: str) -> None:
    """The peer writes `num_labels` and `max_length` into the caller's dicts."""
    given: dict[str, Any] = {
        "model_kwargs": {"dtype": torch.float32, "attn_implementation": "eager", "code_revision": "main"},
        "processor_kwargs": {"padding_side": "left"},
        "config_kwargs": {"use_cache": True, "code_revision": "main"},
        "prompts": {"one": "find: ", "none": None},
        "keep_in_fp32_modules": [],
    }
    before = copy.deepcopy(given)
    load_our_reranker(tiny(name), num_labels=1, max_length=200, **given)
    assert given == before


@pytest.mark.parametrize("shared", [True, False])
def test_arguments_of_calls_are_not_changed(reranker: Reranker, shared: bool) -> None:
    picture, clip, turn = media.make_image(1), media.make_clip(1), {"role": "user", "content": "a bridge"}
    documents = [
        picture, clip, turn, {"text": "a bridge", "image": [picture, media.make_image(2)]}, [turn],
        {"image": media.make_pixels(3)}, "a bridge",
    ]  # fmt: skip
    pairs = [(QUERY, document) for document in documents] + [[{"text": "x"}, "y"]]
    settings = {"image": {"size": {"shortest_edge": 1024, "longest_edge": 4096}}, "text": {"max_length": 400}}
    before = frozen([pairs, documents, settings])
    model = reranker("qwen3_vl_reranker")
    model.predict(pairs, processing_kwargs=settings, prompt="Judge.", shared=shared)
    model.rank(picture, documents, processing_kwargs=settings, return_documents=True, shared=shared)
    assert frozen([pairs, documents, settings]) == before
    assert picture.size == (48, 40)


@pytest.mark.parametrize("name", NAMES)
def test_a_call_leaves_nothing_behind(reranker: Reranker, name: str) -> None:
    """Neither in the model's settings nor in its scores, though it shares work within a call."""
    model = reranker(name)
    before = model.predict(PAIRS)
    held = set(vars(model)), set(vars(model[0]))
    model.predict(
        [("something else", "entirely")] * 3 + PAIRS, prompt="Other.", processing_kwargs={"text": {"max_length": 100}}
    )
    assert (set(vars(model)), set(vars(model[0]))) == held
    assert_close(model.predict(PAIRS), before)


# Models that cannot be used


def test_a_language_model_without_answers_is_refused(tmp_path: Path) -> None:
    tokenizer = tokenizers.qwen_tokenizer(("<|im_start|>", "<|im_end|>"))
    assert "yes" not in tokenizer.get_vocab()
    tokenizer.chat_template = chat_templates.QWEN3_RERANKER
    config = text.qwen3_config(tokenizer)
    folder = text.save_plain(tmp_path / "model", lambda: Qwen3ForCausalLM(config), tokenizer, 0)
    with pytest.raises(CheckpointError, match="no tokens 'yes' and 'no'.*LogitScore"):
        load_our_reranker(folder)
    with quiet():
        transformer = modules.Transformer(str(folder), transformer_task="text-generation")
    model = CrossEncoder(modules=[transformer, modules.LogitScore(5, 6)], device="cpu")
    assert np.isfinite(model.predict(PAIRS)).all()


def test_a_model_that_makes_no_scores_is_named(tiny: Tiny) -> None:
    with quiet():
        transformer = modules.Transformer(str(tiny("bert")))
    for chain in ([transformer], [transformer, modules.Pooling(32, "mean")]):
        model = CrossEncoder(modules=chain, device="cpu")
        for shared in (True, False):
            with pytest.raises(InputError, match="this model produces no scores.*LogitScore"):
                model.predict(PAIRS, shared=shared)


def test_a_model_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="needs a model_name_or_path"):
        CrossEncoder()
    with pytest.raises(FileNotFoundError):
        CrossEncoder("no-such-folder/and-no-such-model", local_files_only=True)
