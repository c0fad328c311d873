"""Features are made the plain way or through a template, with what is worth keeping kept, from any thread."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch

from sensorium.errors import InputError, UnsupportedModalityError
from sensorium.media.modality import read_sample
from sensorium.modules import feature_maker
from sensorium.modules.feature_maker import FeatureMaker, check_left_padding
from sensorium.modules.preparation import Settings
from sensorium.modules.transformer import Transformer
from tests.modules.rendering import prepare
from tests.tiny import media
from tests.tiny.corpus import SAMPLE_TEXTS


def make(module: Transformer, values: list[Any], prompt: str | None = None, **settings: Any) -> dict[str, Any]:
    """Make features with a maker of one's own, as the module would."""
    maker = FeatureMaker(module.config.model_type, module.modalities, module.message_format)
    samples = [module.load_sample(module.read(value)) for value in values]
    return maker.make(module.processor, samples, prompt, Settings.for_model(module.config.model_type, settings), None)


# Which way


@pytest.mark.parametrize(
    ("name", "values", "modality"),
    [
        ("bert", ["rain"], "text"),
        ("bert", [("a", "b"), "c"], "text"),
        ("clip", [media.make_image(1)], "image"),
        ("whisper", [media.make_wave(1)], "audio"),
        ("qwen3_vl", ["rain"], "message"),
        ("qwen3_vl", [media.make_image(1), "rain"], "message"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_the_way_is_that_of_the_modality(
    ours: Callable[[str], Transformer], name: str, values: list[Any], modality: str
) -> None:
    assert make(ours(name), values)["modality"] == modality


def test_what_cannot_share_a_batch_is_refused(ours: Callable[[str], Transformer]) -> None:
    with pytest.raises(UnsupportedModalityError, match="Encode each modality separately") as caught:
        make(ours("clip"), ["rain", media.make_image(1)])
    assert isinstance(caught.value, ValueError)
    with pytest.raises(UnsupportedModalityError, match=r"image\+text|image and text"):
        maker = FeatureMaker("clip", ["text", "image"], "structured")
        sample = read_sample({"image": media.make_image(1), "text": "rain"})
        maker.make(ours("clip").processor, [sample], None, Settings.for_model("clip"), None)


def test_a_mixture_that_the_model_takes(ours: Callable[[str], Transformer]) -> None:
    module = ours("clip")
    maker = FeatureMaker("clip", [("image", "text")], "structured")
    sample = module.load_sample(read_sample({"text": "rain", "image": media.make_image(1)}))
    features = maker.make(module.processor, [sample, sample], None, Settings.for_model("clip"), None)
    assert features["modality"] == ("image", "text")
    assert {"input_ids", "pixel_values"} <= set(features)


# Prompts


def test_a_prompt_is_put_before_texts_and_counted(
    ours: Callable[[str], Transformer], theirs: Callable[[str], Any]
) -> None:
    for name in ("bert", "roberta", "t5", "qwen3", "gemma"):
        for prompt in ("wet: ", "a", "Represent this: "):
            found = make(ours(name), ["rain", "snow"], prompt)
            wanted = prepare(theirs(name), ["rain", "snow"], prompt=prompt)
            assert found["prompt_length"] == wanted["prompt_length"]
            assert found["input_ids"].tolist() == wanted["input_ids"].tolist()
            joined = make(ours(name), [f"{prompt}rain", f"{prompt}snow"])
            assert found["input_ids"].tolist() == joined["input_ids"].tolist()


def test_a_prompt_does_not_reach_media_alone(ours: Callable[[str], Transformer]) -> None:
    features = make(ours("clip"), [media.make_image(1)], "wet: ")
    assert set(features) == {"pixel_values", "modality"}


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, 63),
        ({"text": {"max_length": 12}}, 11),
        ({"text": {"truncation": False}}, 91),
        ({"text": {"truncation": "do_not_truncate"}}, 91),
    ],
)
def test_a_prompt_is_no_longer_than_its_row(
    ours: Callable[[str], Transformer], settings: dict[str, Any], wanted: int
) -> None:
    features = make(ours("bert"), ["rain"], "wet: " * 30, **settings)
    assert features["prompt_length"] == wanted < features["input_ids"].shape[1]


def test_prompts_are_counted_once_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_maker, "_MAX_PROMPTS", 3)
    maker = FeatureMaker("bert", ["text"], "structured")
    calls: list[str] = []

    def tokenizer(text: str, **kwargs: Any) -> dict[str, list[int]]:
        calls.append(text)
        return {"input_ids": [2, *range(len(text))]}

    tokenizer.all_special_ids = [2]  # type: ignore[attr-defined]
    short = Settings.for_model("bert", {"text": {"max_length": 4}})
    for settings in (Settings.for_model("bert"), short, Settings.for_model("bert"), short):
        assert maker._count_prompt(tokenizer, "wet", settings) == 3
    assert calls == ["wet", "wet"]
    for number in range(9):
        maker._count_prompt(tokenizer, str(number), short)
    assert len(maker._prompt_lengths) == 3


# Padding


@pytest.mark.parametrize(
    "features",
    [
        {},
        {"attention_mask": torch.tensor([[0, 1], [1, 1]])},
        {"attention_mask": [[1, 0]]},
        {"attention_mask": torch.tensor([1, 0])},
    ],
)
def test_rows_that_end_in_a_token_pass(features: dict[str, Any]) -> None:
    check_left_padding(features)


def test_rows_that_end_in_padding_are_refused_with_advice() -> None:
    with pytest.raises(InputError, match="ends in a padding token") as caught:
        check_left_padding({"attention_mask": torch.tensor([[1, 1], [1, 0]])})
    text = str(caught.value)
    for way in ("`processing_kwargs`", 'processor.padding_side = "left"', 'processor.tokenizer.padding_side = "left"'):
        assert way in text


# Threads


@pytest.mark.parametrize("name", ["bert", "qwen3_chat", "qwen3_vl"])
def test_many_threads_give_what_one_gives(ours: Callable[[str], Transformer], name: str) -> None:
    module = ours(name)
    picture = media.make_image(1)

    def work(number: int) -> list[Any]:
        inputs: list[Any] = list(SAMPLE_TEXTS[: 1 + number % 5])
        if name == "qwen3_vl" and number % 3 == 0:
            inputs = [picture]
        length = None if name == "qwen3_vl" and number % 3 == 0 else 8 + number % 7
        prompt = ("wet: ", None, "a longer prompt: ")[number % 3]
        features = module.preprocess(inputs, prompt=prompt, max_length=length)
        return [features["input_ids"].tolist(), features["attention_mask"].tolist(), features.get("prompt_length")]

    wanted = [work(number) for number in range(21)]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(2):
            assert list(pool.map(work, range(21))) == wanted


def test_tokens_of_a_text_are_counted_exactly(ours: Callable[[str], Transformer], tmp_path: Path) -> None:
    module = ours("siglip")
    for text in SAMPLE_TEXTS:
        sample = module.read(text)
        count = len(module.tokenizer(text)["input_ids"])  # type: ignore[misc]
        assert module._maker.count_tokens(module.processor, sample) == count
