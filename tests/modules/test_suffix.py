"""A truncated chat ends as its template ends, token for token as with the peer; everything else is left alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from sensorium.media.samples import Part, Turn
from sensorium.modules import suffix as suffix_file
from sensorium.modules.suffix import TemplateSuffix
from sensorium.modules.transformer import Transformer
from tests.modules.rendering import prepare
from tests.tiny import media

LONG = "The orchestra plays before the old brick wall, and two children listen to the music in the evening. " * 3
FAMILIES = ("qwen3_chat", "qwen3_vl", "embedding_gemma2")
LENGTHS = range(6, 41)


def turns(*texts: tuple[str, str]) -> list[dict[str, Any]]:
    return [{"role": role, "content": [{"type": "text", "text": text}]} for role, text in texts]


#: Batches of which each has rows that are cut and rows that are not.
BATCHES: dict[str, list[Any]] = {
    "texts": [LONG, "rain", "two words"],
    "pairs": [(f"a {LONG}", LONG), ("wet?", "rain"), ("wet?", LONG)],
    "chats": [turns(("system", "Judge."), ("user", LONG), ("assistant", LONG)), turns(("user", "rain"))],
}


@pytest.fixture(params=["left", "right"])
def side(request: pytest.FixtureRequest, ours: Any, theirs: Any) -> Iterator[str]:
    """Pad on one side in both libraries, and put the models back as they were."""
    tokenizers = [load(name).tokenizer for load in (ours, theirs) for name in FAMILIES]
    former = [tokenizer.padding_side for tokenizer in tokenizers]
    for tokenizer in tokenizers:
        tokenizer.padding_side = request.param
    yield request.param
    for tokenizer, own in zip(tokenizers, former, strict=True):
        tokenizer.padding_side = own


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("name", FAMILIES)
def test_tokens_equal_the_peers_at_every_length(ours: Any, theirs: Any, side: str, name: str, batch: str) -> None:
    settings = {"chat_template": {"add_generation_prompt": True}}
    for length in LENGTHS:
        found, wanted = (
            prepare(
                module,
                BATCHES[batch],
                max_length=length,
                prompt="P" if length % 2 else None,
                processing_kwargs=settings,
            )
            for module in (ours(name), theirs(name))
        )
        assert found["input_ids"].tolist() == wanted["input_ids"].tolist(), length
        assert found["attention_mask"].tolist() == wanted["attention_mask"].tolist(), length


@pytest.mark.parametrize(
    "settings",
    [
        {"chat_template": {"restore_suffix": False}},
        {"text": {"truncation": False}},
        {"text": {"truncation": True}},
        {"text": {"truncation": None}},
        {"text": {"padding": "max_length"}},
        {"text": {"max_length": 20}},
        {"chat_template": {"max_length": 20}},
        {"chat_template": {"truncation": False}},
    ],
    ids=str,
)
def test_tokens_equal_the_peers_under_settings(ours: Any, theirs: Any, settings: dict[str, Any]) -> None:
    for length in (8, 20, 33):
        found, wanted = (
            prepare(load("qwen3_vl"), BATCHES["texts"], max_length=length, processing_kwargs=settings)
            for load in (ours, theirs)
        )
        assert found["input_ids"].tolist() == wanted["input_ids"].tolist(), length


def test_the_ending_is_there_and_can_be_left_out(ours: Callable[[str], Transformer]) -> None:
    module = ours("qwen3_vl")
    end = module.tokenizer.convert_tokens_to_ids("<|endoftext|>")  # type: ignore[union-attr]
    restored = module.preprocess([LONG], max_length=30)["input_ids"][0].tolist()
    cut = module.preprocess([LONG], max_length=30, processing_kwargs={"chat_template": {"restore_suffix": False}})
    whole = module.preprocess([LONG])["input_ids"][0].tolist()
    assert restored[-1] == end == whole[-1]
    assert cut["input_ids"][0].tolist() == whole[:30]
    kept = next(i for i in range(30) if restored[i] != whole[i])
    assert restored[kept:] == whole[-(30 - kept) :]


def test_rows_with_media_are_left_alone(ours: Callable[[str], Transformer]) -> None:
    """Of a batch that is cut at the length of its picture's row, only the text's row is changed."""
    module = ours("qwen3_vl")
    mixed = {"image": media.make_image(1), "text": "what?"}
    length = len(module.preprocess([mixed])["input_ids"][0])
    features = module.preprocess([mixed, LONG], max_length=length)
    plain = module.preprocess(
        [mixed, LONG], max_length=length, processing_kwargs={"chat_template": {"restore_suffix": False}}
    )
    assert torch.equal(features["input_ids"][0], plain["input_ids"][0])
    assert not torch.equal(features["input_ids"][1], plain["input_ids"][1])


# The room's own object, with a template of letters


class Letters:
    """A processor and tokenizer of which each letter is a token."""

    chat_template = "<start>{content}<end>"

    def __init__(self) -> None:
        self.renders = 0

    def apply_chat_template(self, messages: list[Any], tokenize: bool, **variables: Any) -> list[str]:
        self.renders += len(messages)
        return ["(" + "|".join(m["content"] for m in chat) + variables.get("tail", ")!") for chat in messages]

    def __call__(self, text: str, add_special_tokens: bool) -> dict[str, list[int]]:
        assert not add_special_tokens
        return {"input_ids": [ord(letter) for letter in text]}


def said(*texts: str, role: str = "user") -> list[Turn]:
    return [Turn(role, (Part("text", text, True),)) for text in texts]


def cut(texts: list[str], length: int, side: str = "right") -> dict[str, torch.Tensor]:
    rows = [[ord(letter) for letter in text[:length]] for text in texts]
    width = max(map(len, rows))
    pads = [[0] * (width - len(row)) for row in rows]
    if side == "right":
        rows = [row + pad for row, pad in zip(rows, pads, strict=True)]
    else:
        rows = [pad + row for row, pad in zip(rows, pads, strict=True)]
    ids = torch.tensor(rows)
    return {"input_ids": ids, "attention_mask": (ids > 0).long()}


def show(features: dict[str, torch.Tensor]) -> list[str]:
    return ["".join(chr(token) if token else "_" for token in row) for row in features["input_ids"].tolist()]


@pytest.mark.parametrize(
    ("side", "limit", "wanted"),
    [
        ("right", 6, ["(abc)!", "(ab)!_"]),
        ("left", 6, ["(abc)!", "_(ab)!"]),
        ("right", None, ["(abc)!", "(ab)!_"]),
        ("right", 7, ["(abcde", "(ab)!_"]),
    ],
)
def test_only_rows_that_were_cut_are_changed(side: str, limit: int | None, wanted: list[str]) -> None:
    letters: Any = Letters()
    features = cut(["(abcdefg)!", "(ab)!"], 6, side)
    conversations = [said("abcdefg"), said("ab")]
    TemplateSuffix().restore(features, conversations, letters, letters, "flat", {}, limit)
    assert show(features) == wanted


def test_an_ending_longer_than_the_row_is_cut_from_its_front() -> None:
    letters: Any = Letters()
    features = cut(["(abcdefg) the end"], 4)
    TemplateSuffix().restore(features, [said("abcdefg")], letters, letters, "flat", {"tail": ") the end"}, 4)
    assert show(features) == [" end"]


def test_a_template_that_ends_with_the_text_has_no_ending() -> None:
    letters: Any = Letters()
    features = cut(["(abcdefg"], 4)
    TemplateSuffix().restore(features, [said("abcdefg")], letters, letters, "flat", {"tail": ""}, 4)
    assert show(features) == ["(abc"]


@pytest.mark.parametrize(
    "features",
    [
        {"input_ids": torch.tensor([[40, 97, 98, 99]])},
        {"input_ids": [[40, 97, 98, 99]], "attention_mask": [[1, 1, 1, 1]]},
        {"input_ids": torch.tensor([40, 97, 98, 99]), "attention_mask": torch.ones(4, dtype=torch.long)},
        {"attention_mask": torch.ones(1, 4, dtype=torch.long)},
    ],
    ids=["no mask", "lists", "flat", "no ids"],
)
def test_shapes_that_are_not_understood_are_left_alone(features: dict[str, Any]) -> None:
    letters: Any = Letters()
    before = {name: value.clone() if isinstance(value, torch.Tensor) else value for name, value in features.items()}
    TemplateSuffix().restore(features, [said("abcdefg")], letters, letters, "flat", {}, 4)
    assert letters.renders == 0
    assert all(torch.equal(torch.as_tensor(features[name]), torch.as_tensor(before[name])) for name in before)


def test_endings_are_found_once_a_shape_of_conversation() -> None:
    letters: Any = Letters()
    endings = TemplateSuffix()

    def restore(conversation: list[Turn], **variables: Any) -> str:
        features = cut(["(abcdefg)!"], 6)
        endings.restore(features, [conversation], letters, letters, "flat", variables, 6)
        return show(features)[0]

    assert restore(said("abcdefg")) == "(abc)!"
    assert restore(said("another text of other length")) == "(abc)!"
    assert letters.renders == 2
    assert restore(said("abcdefg"), tail="?") == "(abcd?"
    assert restore(said("abcdefg", role="query")) == "(abc)!"
    assert letters.renders == 6
    letters.chat_template = "changed in place"
    restore(said("abcdefg"))
    assert letters.renders == 8


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suffix_file, "_MAX_CACHED", 3)
    letters: Any = Letters()
    endings = TemplateSuffix()
    for role in "abcde":
        endings.restore(cut(["(abcdefg)!"], 6), [said("x", role=role)], letters, letters, "flat", {}, 6)
    assert letters.renders == 10
    for role in "cde":
        endings.restore(cut(["(abcdefg)!"], 6), [said("x", role=role)], letters, letters, "flat", {}, 6)
    assert letters.renders == 10
    endings.restore(cut(["(abcdefg)!"], 6), [said("x", role="a")], letters, letters, "flat", {}, 6)
    assert letters.renders == 12
