"""A call leaves the model as it was; where it cannot share, it says why and goes the plain way."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sensorium import CrossEncoder
from sensorium.encoders.score_steps import TextSteps
from sensorium.encoders.shared_steps import SharedSteps
from tests.encoders.sharing_models import build_network, load, score_alone, small_parts
from tests.encoders.sharing_watch import DOCUMENTS, QUERY, SEEING, ask, make_seen, note_calls, watch_decoder
from tests.tiny import media

Reranker = Callable[[str], CrossEncoder]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[SharedSteps]:
    """The steps of each call that shares, in order."""
    return note_calls(monkeypatch)


# The model


def take_stock(model: CrossEncoder) -> dict[str, Any]:
    """Say what a model is made of: parts by identity, numbers by content, attributes by name and value."""
    configs = [module.config.to_dict() for module in model.modules() if hasattr(module, "config")]
    return {
        "parts": {name: id(module) for name, module in model.named_modules()},
        "classes": {name: type(module) for name, module in model.named_modules()},
        "attributes": {name: sorted(vars(module)) for name, module in model.named_modules()},
        "forwards": {name: "forward" in vars(module) for name, module in model.named_modules()},
        "hooks": [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules()],
        "parameters": {name: id(parameter) for name, parameter in model.named_parameters()},
        "sums": {name: float(value.double().sum()) for name, value in model.state_dict().items()},
        "grad": [parameter.requires_grad for parameter in model.parameters()],
        "configs": list(map(repr, configs)),
        "processor": {name: id(value) for name, value in vars(model[0].processor).items()},
        "score": vars(model[-1]).copy() if len(model) > 1 else None,
        "training": [module.training for module in model.modules()],
        "kwargs": repr(model[0].processing_kwargs),
    }


@pytest.mark.parametrize("name", ["qwen3_reranker", "qwen3_seq_cls", "mistral_sliding_reranker", "bert_ce", *SEEING])
def test_a_call_changes_nothing_of_the_model(reranker: Reranker, name: str) -> None:
    model = reranker(name)
    pairs = ask(QUERY, DOCUMENTS[:5]) + (make_seen()[0] if name in SEEING else [])
    # What networks note about themselves when they are first used is theirs to note.
    model.predict(pairs, shared=False)
    before = take_stock(model)
    with small_parts():
        model.predict(pairs)
        model.predict(pairs, batch_size=2, processing_kwargs={"text": {"padding": "longest"}})
    after = take_stock(model)
    for aspect in before:
        assert after[aspect] == before[aspect], aspect


def test_training_mode_ends_and_gradients_stay_off(tiny: Callable[..., Path]) -> None:
    model = load(tiny("qwen3_reranker")).train()
    scores = model.predict(ask(QUERY, DOCUMENTS[:3]), convert_to_tensor=True)
    assert not model.training
    assert not scores.requires_grad
    assert all(parameter.grad is None for parameter in model.parameters())


def test_callers_values_are_left_alone(reranker: Reranker) -> None:
    image, clip = media.make_image(1), media.make_clip(2)
    pixels, frames, keys = image.tobytes(), clip["array"].copy(), sorted(clip)
    document = {"image": [image, image], "text": "x"}
    with small_parts():
        reranker("qwen3_vl_reranker").predict([*ask(image, [document, clip]), *ask("rain", [document, clip])])
    assert image.tobytes() == pixels
    assert np.array_equal(clip["array"], frames)
    assert sorted(clip) == keys
    assert document == {"image": [image, image], "text": "x"}


# The plain way


def _no_cause(model: CrossEncoder) -> None:
    model[0].model.config.is_causal = False


def _flash(model: CrossEncoder) -> None:
    network: Any = model[0].model

    def eager(*args: Any, **kwargs: Any) -> Any:
        from transformers.models.qwen3.modeling_qwen3 import eager_attention_forward

        return eager_attention_forward(*args, **kwargs)

    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import eager_mask

    AttentionInterface.register("kernels_of_mine", eager)
    AttentionMaskInterface.register("kernels_of_mine", eager_mask)
    network.config._attn_implementation = "kernels_of_mine"


SHARED_LOG = "pairs are computed one by one, nothing they have in common is shared: "


def assert_plain_with_reason(
    model: CrossEncoder, words: str, calls: list[SharedSteps], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="sensorium.encoders.score_running")
    caplog.clear()
    pairs = [*ask(QUERY, DOCUMENTS[:6]), *ask("rain", DOCUMENTS[:3])]
    scores = model.predict(pairs)
    assert calls == []
    said = [record for record in caplog.records if record.name == "sensorium.encoders.score_running"]
    assert [record.levelno for record in said] == [logging.DEBUG]
    assert said[0].getMessage().startswith(SHARED_LOG)
    assert words in said[0].getMessage()
    np.testing.assert_allclose(scores, score_alone(model, pairs), rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bert_ce", "its classifier reads more than the last token"),
        ("bert_ce3", "its classifier reads more than the last token"),
        ("modernbert_ce", "its classifier reads more than the last token"),
        ("modernbert_ce3", "its classifier reads more than the last token"),
        ("mistral_sliding_reranker", "sliding window"),
    ],
)
def test_families_that_cannot_share_say_why(
    reranker: Reranker, calls: list[SharedSteps], caplog: pytest.LogCaptureFixture, name: str, words: str
) -> None:
    assert_plain_with_reason(reranker(name), words, calls, caplog)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mistral_window", "sliding window"),
        ("gemma2", "scaled"),
        ("granite", "scaled"),
        ("cohere", "scaled"),
        ("opt", "not rotary"),
        ("bloom", "takes no keys"),
    ],
)
def test_networks_that_cannot_share_say_why(
    tmp_path: Path, calls: list[SharedSteps], caplog: pytest.LogCaptureFixture, name: str, words: str
) -> None:
    assert_plain_with_reason(load(build_network(tmp_path, name)), words, calls, caplog)


def test_a_network_of_learned_positions_says_why(
    tmp_path: Path, calls: list[SharedSteps], caplog: pytest.LogCaptureFixture
) -> None:
    """One prompt a pass: padding on the left moves its positions, in the plain way as well."""
    model = load(build_network(tmp_path, "gpt2"))
    with small_parts(token_budget=1):
        assert_plain_with_reason(model, "its positions are not rotary", calls, caplog)


@pytest.mark.parametrize(("spoil", "words"), [(_no_cause, "not causal"), (_flash, "takes no mask for each token")])
def test_settings_that_forbid_sharing_say_why(
    tiny: Callable[..., Path],
    calls: list[SharedSteps],
    caplog: pytest.LogCaptureFixture,
    spoil: Callable[[CrossEncoder], None],
    words: str,
) -> None:
    model = load(tiny("qwen3_reranker"))
    spoil(model)
    assert_plain_with_reason(model, words, calls, caplog)


def test_media_take_the_plain_way_as_well(
    tiny: Callable[..., Path], calls: list[SharedSteps], caplog: pytest.LogCaptureFixture
) -> None:
    model = load(tiny("qwen3_vl_reranker"))
    _no_cause(model)
    model[0].model.config.text_config.is_causal = False
    caplog.set_level(logging.DEBUG, logger="sensorium.encoders.score_running")
    pairs, _ = make_seen()
    np.testing.assert_allclose(model.predict(pairs), score_alone(model, pairs), rtol=0, atol=1e-4)
    assert calls == []
    assert "not causal" in caplog.text


def test_sharing_says_nothing_of_the_kind(
    reranker: Reranker, calls: list[SharedSteps], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="sensorium")
    reranker("qwen3_reranker").predict(ask(QUERY, DOCUMENTS))
    assert len(calls) == 1
    assert SHARED_LOG not in caplog.text
    assert "24 prompts share their beginning" in caplog.text


def test_what_is_not_asked_for_is_not_done(reranker: Reranker, calls: list[SharedSteps]) -> None:
    model = reranker("qwen3_reranker")
    with watch_decoder(model) as passes:
        model.predict(ask(QUERY, DOCUMENTS), shared=False)
    assert calls == []
    assert {kept for _, _, kept in passes} == {0}


def test_texts_of_a_model_that_cannot_share_are_batched_by_their_true_lengths(
    reranker: Reranker, monkeypatch: pytest.MonkeyPatch
) -> None:
    collated: list[list[int]] = []
    collate = TextSteps.collate

    def note(self: TextSteps, items: Any) -> Any:
        collated.append([len(item.row) for item in items])
        return collate(self, items)

    monkeypatch.setattr(TextSteps, "collate", note)
    reranker("bert_ce").predict(ask(QUERY, DOCUMENTS), batch_size=5)
    lengths = [length for batch in collated for length in batch]
    assert lengths == sorted(lengths, reverse=True)
    assert len(lengths) == len(DOCUMENTS)
