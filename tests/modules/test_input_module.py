from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer, models

from sensorium.errors import InputError
from sensorium.media.samples import MediaCost, Part, Sample
from sensorium.modules.input_module import InputModule, plain_texts

TEXT = Sample("text", (Part("text", "a b", True),))
PAIR = Sample("text", (Part("text", "a", True), Part("text", "b", True)), is_pair=True)


class Nothing(InputModule):
    def forward(self, features: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return features

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        self.save_tokenizer(output_path)


class Older(Nothing):
    def tokenize(self, texts: list[str], **kwargs: Any) -> dict[str, Any]:
        return {"texts": texts, **kwargs}


class Newer(Nothing):
    def preprocess(self, inputs: Any, prompt: str | None = None, **kwargs: Any) -> dict[str, Any]:
        return {"inputs": list(inputs), "prompt": prompt, **kwargs}


def test_module_that_overrides_tokenize_is_used_with_a_warning(caplog: Any) -> None:
    with caplog.at_level(logging.WARNING, logger="sensorium.modules"):
        assert Older().preprocess(["a", TEXT], prompt="p: ", task="query") == {
            "texts": ["p: a", "p: a b"],
            "task": "query",
        }
    assert "Older overrides `tokenize`" in caplog.text
    assert Older().preprocess([PAIR], prompt="p: ") == {"texts": [("p: a", "b")]}
    assert Older().preprocess(["a"]) == {"texts": ["a"]}


def test_tokenize_is_preprocess_with_a_warning(caplog: Any) -> None:
    with caplog.at_level(logging.WARNING, logger="sensorium.modules"):
        assert Newer().tokenize(["a"], x=1) == {"inputs": ["a"], "prompt": None, "x": 1}
    assert "deprecated" in caplog.text


def test_module_without_preprocess_says_so() -> None:
    for method in (Nothing().preprocess, Nothing().tokenize):
        with pytest.raises(NotImplementedError, match="Nothing must implement the `preprocess` method"):
            method(["a"])


def test_defaults() -> None:
    module = Nothing()
    assert module.modalities == ["text"]
    assert module.save_in_root
    assert not hasattr(module, "tokenizer")
    assert module.group(TEXT) == "text"
    module.check(TEXT)


def test_tokens_grow_with_every_kind_of_content() -> None:
    module = Nothing()
    empty = module.count_tokens(TEXT, MediaCost())
    assert empty >= 1
    larger = [
        MediaCost(characters=400),
        MediaCost(pixels=640 * 480),
        MediaCost(seconds=10.0),
        MediaCost(frames=8, frame_pixels=640 * 480),
    ]
    for cost in larger:
        assert module.count_tokens(TEXT, cost) > empty + 90


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        ("", ""),
        (np.str_("a"), "a"),
        (TEXT, "a b"),
        (PAIR, ("a", "b")),
        (("a", "b"), ("a", "b")),
        (["a", "b"], ("a", "b")),
        ({"text": "photo.jpg"}, "photo.jpg"),
        ({"text": ("a", "b")}, ("a", "b")),
    ],
)
def test_texts_are_taken_out_of_every_form(value: Any, text: Any) -> None:
    assert plain_texts([value], None, "Test") == [text]


def test_prompt_goes_before_the_first_text() -> None:
    assert plain_texts(["a", ("b", "c")], "p: ", "Test") == ["p: a", ("p: b", "c")]
    assert plain_texts([], "p: ", "Test") == []


@pytest.mark.parametrize(
    "value", [None, 3, b"a", ("a",), ("a", 1), Sample("image", (Part("image", "x.jpg"),)), {"a": 1}]
)
def test_what_is_not_text_is_refused(value: Any) -> None:
    with pytest.raises(InputError, match="Test takes only text"):
        plain_texts([value], None, "Test")


def test_tokenizer_is_saved(tmp_path: Path) -> None:
    module = Nothing()
    module.save(str(tmp_path))
    assert list(tmp_path.iterdir()) == []
    module.tokenizer = Tokenizer(models.WordLevel({"a": 0}, unk_token="a"))
    module.save(str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["tokenizer.json"]
