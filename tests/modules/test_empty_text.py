"""An empty text gives at least one token, whatever the tokenizer makes of nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer

from sensorium.media.modality import read_sample
from sensorium.modules.empty_text import fill_empty_texts
from sensorium.modules.transformer import Transformer
from tests.compat.peer import quiet


class Tokens:
    """A tokenizer that adds `adds` special tokens."""

    def __init__(self, adds: int = 0, eos: Any = None, pad: Any = None, unk: Any = None) -> None:
        self.adds = adds
        self.eos_token, self.pad_token, self.unk_token = eos, pad, unk

    def __call__(self, text: str, add_special_tokens: bool = True) -> dict[str, list[int]]:
        return {"input_ids": [0] * (len(text) + self.adds * add_special_tokens)}


@pytest.mark.parametrize(
    ("tokenizer", "wanted"),
    [
        (Tokens(eos="E", pad="P", unk="U"), "E"),
        (Tokens(pad="P", unk="U"), "P"),
        (Tokens(unk="U"), "U"),
        (Tokens(), " "),
        (Tokens(adds=1, eos="E"), ""),
        (None, ""),
    ],
)
def test_what_stands_for_nothing(tokenizer: Any, wanted: str) -> None:
    assert fill_empty_texts(["a", "", "b"], tokenizer) == ["a", wanted, "b"]
    assert fill_empty_texts(["a"], tokenizer) == ["a"]
    assert fill_empty_texts([], tokenizer) == []


def test_special_tokens_that_will_not_be_added_do_not_count() -> None:
    tokenizer: Any = Tokens(adds=2, eos="E")
    assert fill_empty_texts([""], tokenizer, adds_special_tokens=True) == [""]
    assert fill_empty_texts([""], tokenizer, adds_special_tokens=False) == ["E"]


def test_samples_keep_their_form_and_pairs_are_left_alone() -> None:
    tokenizer: Any = Tokens(eos="E")
    empty, full, pair = (read_sample(value) for value in ("", "a", ("", "b")))
    filled = fill_empty_texts([empty, full, pair], tokenizer)
    assert filled[0].parts[0].value == "E"
    assert filled[0].parts[0].is_loaded
    assert filled[1] is full
    assert filled[2] is pair
    assert empty.parts[0].value == ""


@pytest.mark.parametrize("name", ["bert", "qwen3", "qwen3_chat", "clip", "siglip", "t5", "gemma", "qwen3_vl"])
def test_every_model_takes_an_empty_text_beside_others(ours: Callable[[str], Transformer], name: str) -> None:
    module = ours(name)
    with torch.inference_mode():
        for inputs in ([""], ["", "rain"], ["", ""]):
            output = module(module.preprocess(inputs))[module.module_output_name]
            assert output.shape[0] == len(inputs)
            assert torch.isfinite(output).all()


@pytest.mark.parametrize("name", ["bert", "roberta"])
def test_an_empty_text_without_special_tokens(ours: Callable[[str], Transformer], name: str) -> None:
    features = ours(name).preprocess(["", ""], processing_kwargs={"text": {"add_special_tokens": False}})
    assert features["input_ids"].shape == (2, 1)
    assert features["attention_mask"].tolist() == [[1], [1]]


@pytest.mark.parametrize("name", ["bert", "qwen3"])
def test_a_template_that_renders_nothing(tiny: Callable[..., Path], name: str) -> None:
    template = "{% for message in messages %}{{ message.content }}{% endfor %}"
    with quiet():
        module = Transformer(str(tiny(name)), processor_kwargs={"chat_template": template})
    features = module.preprocess(["", "rain"])
    assert features["modality"] == "message"
    assert int(features["attention_mask"].sum(dim=1).min()) == 1
    with torch.inference_mode():
        assert torch.isfinite(module(features)["token_embeddings"]).all()


def test_what_the_peer_does_with_nothing_is_kept_where_it_works(
    ours: Callable[[str], Transformer], theirs: Callable[[str], Any]
) -> None:
    for name in ("bert", "qwen3", "t5", "gemma"):
        assert ours(name).preprocess([""])["input_ids"].tolist() == theirs(name).preprocess([""])["input_ids"].tolist()


def test_the_tokenizer_is_not_asked_where_no_text_is_empty(tiny: Callable[..., Path]) -> None:
    tokenizer = AutoTokenizer.from_pretrained(str(tiny("qwen3_plain")))
    assert fill_empty_texts(["a", "b"], object()) == ["a", "b"]  # type: ignore[arg-type]
    assert fill_empty_texts([""], tokenizer) == [""]
