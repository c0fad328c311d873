"""Adapters, half precision, other heads and other kinds of attention: pairs together score as each alone."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import Qwen3ForSequenceClassification

from sensorium import CrossEncoder
from tests.compat.peer import load_our_reranker, quiet
from tests.encoders.sharing_models import (
    CAUSAL,
    DOCUMENTS,
    QUERIES,
    SEEING,
    SIDES,
    add_adapter,
    ask,
    assert_shared_is_plain,
    build_network,
    forget_logits_to_keep,
    load,
    make_tokenizer,
    score_alone,
    small_parts,
)
from tests.tiny import text
from tests.tiny.weights import make_model

Reranker = Callable[[str], CrossEncoder]


def test_an_adapter_is_applied(tmp_path: Path) -> None:
    folder = build_network(tmp_path, "llama", tie_word_embeddings=False)
    pairs = [*ask(QUERIES[0], DOCUMENTS), *ask("rain", DOCUMENTS[:3])]
    with small_parts():
        bare = load(folder).predict(pairs)
        model = add_adapter(load(folder), ("q_proj", "v_proj", "down_proj", "embed_tokens"))
        adapted = assert_shared_is_plain(model, pairs)
    assert np.abs(adapted - bare).max() > 0.05, "the adapter makes no difference"


def test_an_adapter_on_a_seeing_network(tiny: Callable[..., Path]) -> None:
    pairs = ask(SIDES["image"], ["rain", SIDES["clip"], SIDES["second image"], DOCUMENTS[8]])
    with small_parts():
        bare = load(tiny("qwen3_vl_reranker")).predict(pairs)
        model = add_adapter(load(tiny("qwen3_vl_reranker")), ("q_proj", "v_proj", "qkv"))
        adapted = assert_shared_is_plain(model, pairs)
    assert np.abs(adapted - bare).max() > 0.01, "the adapter makes no difference"


@pytest.mark.parametrize("name", ["qwen3_reranker", "qwen3_seq_cls", *SEEING])
def test_eager_attention(tiny: Callable[..., Path], name: str) -> None:
    model = load(tiny(name), model_kwargs={"attn_implementation": "eager"})
    pairs = [*ask(QUERIES[0], DOCUMENTS), *ask("rain", DOCUMENTS[:3])]
    if name in SEEING:
        pairs += ask(SIDES["image"], ["rain", SIDES["clip"], SIDES["second image"]])
    with small_parts():
        assert_shared_is_plain(model, pairs)


@pytest.mark.parametrize("name", CAUSAL)
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_half_precision_is_no_further_from_the_truth(tiny: Callable[..., Path], name: str, attention: str) -> None:
    """Both ways round differently; neither may round more."""
    kwargs = {"attn_implementation": attention}
    pairs = [*ask(QUERIES[0], DOCUMENTS), *ask("rain", DOCUMENTS[:3])]
    if name in SEEING:
        pairs += ask(SIDES["image"], ["rain", SIDES["clip"], SIDES["second image"]])
    exact = score_alone(load(tiny(name)), pairs)
    model = load(tiny(name), model_kwargs={**kwargs, "dtype": torch.bfloat16})
    assert model[0].model.dtype == torch.bfloat16
    plain = np.abs(score_alone(model, pairs) - exact)
    with small_parts():
        scores = model.predict(pairs)
    shared = np.abs(scores - exact)
    assert scores.dtype == np.float32
    assert shared.max() <= 2 * plain.max() + 0.05
    assert shared.mean() <= 1.5 * plain.mean() + 0.02


def test_a_network_that_computes_logits_of_all_positions(tiny: Callable[..., Path]) -> None:
    model = forget_logits_to_keep(load(tiny("llama_reranker")))
    with small_parts():
        assert_shared_is_plain(model, ask(QUERIES[0], DOCUMENTS))


def test_a_head_kept_in_float32(tiny: Callable[..., Path]) -> None:
    model = load(
        tiny("qwen3_reranker"),
        keep_in_fp32_modules=["0.model.lm_head"],
        model_kwargs={"dtype": torch.bfloat16},
    )
    with small_parts():
        assert_shared_is_plain(model, ask(QUERIES[0], DOCUMENTS), tolerance=0.1)


def test_a_classifier_of_three_labels(tmp_path: Path) -> None:
    tokenizer = make_tokenizer(template="")
    tokenizer.chat_template = None
    config = text.qwen3_config(tokenizer, num_labels=3)
    make_model(lambda: Qwen3ForSequenceClassification(config), 0, 2.0).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    model = load(tmp_path)
    pairs = [*ask(QUERIES[0], DOCUMENTS), *ask("rain", DOCUMENTS[:3])]
    with small_parts():
        scores = assert_shared_is_plain(model, pairs)
        chances = assert_shared_is_plain(model, pairs, apply_softmax=True)
    assert scores.shape == (len(pairs), 3)
    np.testing.assert_allclose(chances.sum(1), 1, atol=1e-5)


def test_a_text_that_holds_the_padding_token(reranker: Reranker) -> None:
    """A classifier looks for its last token by what it is, and may find it in the document, or in the query."""
    model = reranker("qwen3_seq_cls")
    padding = model.tokenizer.pad_token
    ends = ["a dog", f"a dog{padding}", f"{padding}", f"a {padding} dog {padding}{padding}", f"{padding} a"]
    pairs = [*ask(QUERIES[0], ends), *ask(f"rain {padding}", ends), *ask(padding, ends[1:3])]
    with small_parts():
        assert_shared_is_plain(model, pairs, activation_fn=torch.nn.Identity())


def test_other_tokens_for_yes_and_no_and_one_alone(tiny: Callable[..., Path]) -> None:
    model = load(tiny("llama_reranker"))
    for true_token, false_token in ((300, 301), (17, 17), (41, None)):
        model[1].true_token_id, model[1].false_token_id = true_token, false_token
        with small_parts():
            assert_shared_is_plain(model, ask(QUERIES[0], DOCUMENTS[:5]))


def test_a_model_that_was_moved_and_copied(tiny: Callable[..., Path]) -> None:
    model = load(tiny("qwen3_reranker"))
    pairs = ask(QUERIES[0], DOCUMENTS)
    with small_parts():
        before = model.predict(pairs)
        assert np.array_equal(copy.deepcopy(model).predict(pairs), before)
        double = model.to(torch.float64)
        np.testing.assert_allclose(assert_shared_is_plain(double, pairs), before, rtol=0, atol=1e-4)


def test_a_model_saved_after_it_has_shared(tiny: Callable[..., Path], tmp_path: Path) -> None:
    model = load(tiny("qwen3_vl_reranker"))
    pairs = ask("rain", [SIDES["image"], "rain", SIDES["clip"]])
    with small_parts():
        before = model.predict(pairs)
        with quiet():
            model.save(str(tmp_path / "again"))
        after = load_our_reranker(tmp_path / "again", activation_fn=torch.nn.Identity())
        np.testing.assert_allclose(assert_shared_is_plain(after, pairs), before, rtol=0, atol=1e-5)
