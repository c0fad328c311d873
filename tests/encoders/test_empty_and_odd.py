"""Empty, odd and over-long inputs, and every way to hand over a batch."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest
import torch

from sensorium import InputError
from tests.compat.peer import encode, load_peer
from tests.tiny import media
from tests.tiny.families import BY_NAME, FAMILIES

WITH_TEXT = [family.name for family in FAMILIES if "text" in family.modalities]

ODD = {
    "space": " ",
    "spaces": "   \t  ",
    "newline": "\n",
    "letter": "a",
    "full stop": ".",
    "emoji": "🚲",
    "family emoji": "👩‍👩‍👧‍👦",
    "right to left": "שלום עולם",
    "combining": "e\u0301" * 9,
    "null": "a\0b",
    "control": "\x01\x02\x7f",
    "unpaired surrogate free": "\U0010ffff",
    "zero width": "\u200b",
    "template words": "<|im_start|>{{ x }} [CLS] </s>",
}


@pytest.mark.parametrize("name", WITH_TEXT)
def test_an_empty_text_has_a_vector(model, name):
    alone = model(name).encode("")
    assert alone.shape == (BY_NAME[name].dim,)
    assert np.isfinite(alone).all()
    together = model(name).encode(["a longer text beside it", "", "rain", ""])
    np.testing.assert_allclose(together[1], alone, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(together[1], together[3])
    prompted = model(name).encode_query("")
    assert np.isfinite(prompted).all()


@pytest.mark.parametrize("name", WITH_TEXT)
def test_odd_texts_have_vectors(model, name):
    rows = model(name).encode(list(ODD.values()))
    assert np.isfinite(rows).all(), [key for key, row in zip(ODD, rows, strict=True) if not np.isfinite(row).all()]


@pytest.mark.parametrize(
    "name", ["bert", "roberta", "t5", "qwen3", "qwen3_plain", "gemma", "clip", "static", "qwen3_chat"]
)
def test_long_and_odd_texts_equal_the_peers(model, tiny, name):
    odd = [text for text in ODD.values() if text.strip()]
    texts = ["many words and then some more of them, " * 60, "x" * 3000, *odd]
    theirs = encode(load_peer(tiny(name)), texts)
    np.testing.assert_allclose(model(name).encode(texts), theirs, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["bert", "qwen3_vl", "clip"])
def test_a_long_text_is_truncated_to_the_models_length(model, name):
    features = model(name).preprocess(["many words and then some more of them, " * 400])
    assert features["input_ids"].shape[1] <= model(name).max_seq_length


def test_an_empty_text_inside_other_inputs(model):
    encoder = model("qwen3_vl")
    chat = [{"role": "user", "content": ""}]
    empty = [{"role": "user", "content": []}]
    image = media.make_image(1)
    instructed = [{"role": "system", "content": ""}, *chat]
    rows = encoder.encode([{"text": ""}, chat, {"text": "", "image": image}, instructed])
    assert np.isfinite(rows).all()
    np.testing.assert_allclose(rows[0], encoder.encode(""), rtol=0, atol=1e-5)
    with pytest.raises(InputError, match="empty list") as caught:
        encoder.encode(["rain", empty])
    assert caught.value.index == 1


# Containers


def wanted(model):
    return model("bert").encode(["rain", "a red bicycle"])


CONTAINERS = {
    "tuple": lambda texts: tuple(texts),
    "generator": lambda texts: (text for text in texts),
    "iterator": lambda texts: iter(texts),
    "map": lambda texts: map(str, texts),
    "string array": lambda texts: np.array(texts),
    "object array": lambda texts: np.array(texts, dtype=object),
    "numpy strings": lambda texts: [np.str_(text) for text in texts],
}


@pytest.mark.parametrize("kind", CONTAINERS)
def test_a_batch_may_come_in_any_container(model, kind):
    batch = CONTAINERS[kind](["rain", "a red bicycle"])
    np.testing.assert_array_equal(model("bert").encode(batch), wanted(model))


def test_a_column_of_a_data_set_is_a_batch(model, monkeypatch):
    class Column:
        """Like `datasets.Column`: it has a length and items, and no list behind it."""

        def __init__(self, items):
            self.items = items

        def __len__(self):
            return len(self.items)

        def __getitem__(self, index):
            return self.items[index]

        def __iter__(self):
            return iter(self.items)

    package = types.ModuleType("datasets")
    package.Column = Column
    monkeypatch.setitem(sys.modules, "datasets", package)
    np.testing.assert_array_equal(model("bert").encode(Column(["rain", "a red bicycle"])), wanted(model))


@pytest.mark.parametrize("empty", [[], (), np.array([], dtype=str), np.array([], dtype=object), iter(())], ids=repr)
def test_an_empty_batch(model, empty):
    got = model("bert").encode(empty)
    assert isinstance(got, np.ndarray)
    assert got.shape == (0,)


def test_empty_batches_keep_their_type(model):
    bert = model("bert")
    assert isinstance(bert.encode([], convert_to_tensor=True), torch.Tensor)
    assert bert.encode([], convert_to_numpy=False) == []
    assert bert.encode([], output_value=None) == []
    assert bert.encode([], output_value="token_embeddings") == []
    assert bert.encode([], precision="int8").shape[0] == 0
    report = bert.encode([], return_report=True)
    assert report.errors == ()


def test_single_inputs_have_one_dimension(model):
    bert = model("bert")
    assert bert.encode("rain").shape == (32,)
    assert bert.encode(np.str_("rain")).shape == (32,)
    assert bert.encode({"text": "rain"}).shape == (32,)
    assert bert.encode(["rain"]).shape == (1, 32)
    assert bert.encode("rain", convert_to_tensor=True).shape == (32,)
    assert bert.encode("rain", precision="binary").shape == (4,)
    assert isinstance(bert.encode("rain", output_value=None), dict)
    assert bert.encode("rain", output_value="token_embeddings").ndim == 2


def test_pairs_of_texts(model):
    bert = model("bert")
    pairs = bert.encode([("rain", "sun"), ["rain", "sun"], ("sun", "rain")])
    np.testing.assert_array_equal(pairs[0], pairs[1])
    assert np.abs(pairs[0] - pairs[2]).max() > 1e-4
    assert np.abs(pairs[0] - bert.encode("rain sun")).max() > 1e-4
    assert bert.encode(("rain", "sun")).shape == (2, 32)  # a tuple is a batch, not a pair


@pytest.mark.parametrize("value", [("a", "b", "c"), ("a",), [["a"]], [1, 2]])
def test_a_sequence_that_is_no_pair_is_an_error(model, value):
    with pytest.raises(InputError) as caught:
        model("bert").encode(["fine", value])
    assert caught.value.index == 1


@pytest.mark.parametrize("name", ["bert", "qwen3_vl"])
def test_a_huge_batch_size_and_a_tiny_one(model, name):
    texts = [f"text {number}" for number in range(20)]
    np.testing.assert_allclose(
        model(name).encode(texts, batch_size=10_000), model(name).encode(texts, batch_size=1), rtol=0, atol=1e-5
    )
    np.testing.assert_array_equal(model(name).encode(texts, batch_size=np.int64(4)).shape[0], 20)


def test_very_many_duplicates_are_computed_once(model, monkeypatch):
    bert = model("bert")
    seen = []
    make = bert[0]._maker.make
    monkeypatch.setattr(bert[0]._maker, "make", lambda *args: seen.append(len(args[1])) or make(*args))
    rows = bert.encode(["rain", "sun"] * 500)
    assert sum(seen) == 2
    np.testing.assert_array_equal(rows, np.tile(bert.encode(["rain", "sun"]), (500, 1)))
