from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import sentence_transformers.sentence_transformer.modules.tokenizer as peer
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from sensorium.errors import CheckpointError, NotBuiltError
from sensorium.modules.stop_words import ENGLISH_STOP_WORDS
from sensorium.modules.word_tokenizers import (
    TransformersTokenizerWrapper,
    WhitespaceTokenizer,
    resolve_tokenizer_class,
)

WORDS = ["apple", "Pie", "the", "The", "x.", "new_york", "apple-pie", "don't", "ÉCOLE", "école", "'", ".."]


def _texts(count: int, seed: int = 0) -> list[str]:
    generator = random.Random(seed)
    pieces = [*WORDS, "APPLE", "pie", "(apple)", "apple,", "--Pie--", "''", "!", "unknown", "École.", "THE", "x"]
    joints = [" ", "  ", "\t", "\n", "\u00a0", "-", ", "]
    return ["".join(generator.choice(pieces) + generator.choice(joints) for _ in range(8)) for _ in range(count)]


def test_default_stop_words_are_the_peers() -> None:
    assert set(ENGLISH_STOP_WORDS) == set(peer.ENGLISH_STOP_WORDS)
    assert len(ENGLISH_STOP_WORDS) == len(set(ENGLISH_STOP_WORDS))


@pytest.mark.parametrize("arguments", [{}, {"stop_words": []}, {"stop_words": ["apple", "pie"]}])
@pytest.mark.parametrize("do_lower_case", [True, False])
def test_words_found_are_the_peers(arguments: dict[str, Any], do_lower_case: bool) -> None:
    words = [*WORDS, "apple"]
    ours = WhitespaceTokenizer(words, do_lower_case=do_lower_case, **arguments)
    theirs = peer.WhitespaceTokenizer(words, do_lower_case=do_lower_case, **arguments)
    for text in ["", " ", *_texts(300)]:
        assert ours.tokenize(text) == theirs.tokenize(text), text
    assert ours.get_vocab() == theirs.get_vocab()
    assert ours.word2idx == theirs.word2idx


def test_files_are_interchangeable(tmp_path: Path) -> None:
    ours = WhitespaceTokenizer(WORDS, stop_words=["the"], do_lower_case=True)
    ours.save(str(tmp_path))
    theirs = peer.WhitespaceTokenizer.load(str(tmp_path))
    assert (theirs.vocab, theirs.stop_words, theirs.do_lower_case) == (WORDS, {"the"}, True)
    theirs.save(str(tmp_path))
    again = WhitespaceTokenizer.load(str(tmp_path))
    assert (again.vocab, again.stop_words, again.do_lower_case) == (WORDS, {"the"}, True)


def test_words_that_occur_twice_keep_their_ids(tmp_path: Path) -> None:
    WhitespaceTokenizer(["a", "b", "a"], stop_words=[]).save(str(tmp_path))
    for kind in (WhitespaceTokenizer, peer.WhitespaceTokenizer):
        assert kind.load(str(tmp_path)).tokenize("a b") == [2, 1]


@pytest.mark.parametrize("content", [None, "{", "[]", '{"vocab": 3}'])
def test_malformed_file_is_an_error(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "whitespacetokenizer_config.json").write_text(content)
    with pytest.raises(CheckpointError, match="cannot be read"):
        WhitespaceTokenizer.load(str(tmp_path))


def test_unknown_keys_of_the_file_are_dropped(tmp_path: Path) -> None:
    (tmp_path / "whitespacetokenizer_config.json").write_text(json.dumps({"vocab": ["a"], "colour": 1}))
    assert WhitespaceTokenizer.load(str(tmp_path)).vocab == ["a"]


def test_transformers_tokenizers_are_wrapped(tmp_path: Path) -> None:
    inner = Tokenizer(models.WordLevel({"[UNK]": 0, "a": 1, "b": 2}, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    ours = TransformersTokenizerWrapper(PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="[UNK]"))
    assert ours.tokenize("a b z") == [1, 2, 0]
    assert ours.get_vocab() == {"[UNK]": 0, "a": 1, "b": 2}
    ours.save(str(tmp_path))
    assert TransformersTokenizerWrapper.load(str(tmp_path)).tokenize("b a") == [2, 1]
    with pytest.raises(NotBuiltError, match="cannot be replaced"):
        ours.set_vocab(["a"])


@pytest.mark.parametrize(
    "reference",
    [
        "sentence_transformers.sentence_transformer.modules.tokenizer.whitespace.WhitespaceTokenizer",
        "sentence_transformers.models.tokenizer.WhitespaceTokenizer.WhitespaceTokenizer",
        "sentence_transformers.models.tokenizer.WhitespaceTokenizer",
        "sensorium.modules.word_tokenizers.WhitespaceTokenizer",
    ],
)
def test_type_names_of_every_release_are_known(reference: str) -> None:
    assert resolve_tokenizer_class(reference) is WhitespaceTokenizer


def test_other_types_are_gated() -> None:
    with pytest.raises(NotBuiltError, match="PhraseTokenizer"):
        resolve_tokenizer_class("sentence_transformers.models.tokenizer.PhraseTokenizer")
    with pytest.raises(CheckpointError, match="trust_remote_code"):
        resolve_tokenizer_class("json.JSONDecoder")
    assert resolve_tokenizer_class("json.JSONDecoder", trust_remote_code=True) is json.JSONDecoder
    for reference in ("no_such_package_x.Y", "json.NoSuch", "nodots"):
        with pytest.raises(CheckpointError, match="cannot be imported"):
            resolve_tokenizer_class(reference, trust_remote_code=True)
