"""A row depends on its input alone: not on order, neighbours, duplicates or batch size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.encoders.mixtures import everything

FAMILIES = ("bert", "qwen3", "static", "clip", "siglip", "clap", "router", "qwen3_vl", "embedding_gemma2")
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def alone(model, tmp_path_factory):
    """Give `alone(name)`: inputs of a family, and the row of each when it is encoded by itself."""
    made = {}

    def make(name):
        if name not in made:
            inputs = everything(name, tmp_path_factory.mktemp(name))
            made[name] = inputs, np.concatenate([model(name).encode([value]) for value in inputs])
        return made[name]

    return make


@pytest.mark.parametrize("name", FAMILIES)
@settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_mixture_gives_the_rows_of_one_at_a_time(alone, model, name, data):
    inputs, rows = alone(name)
    order = data.draw(st.permutations(range(len(inputs))), label="order")
    again = data.draw(st.lists(st.sampled_from(range(len(inputs))), max_size=6), label="duplicates")
    batch_size = data.draw(st.sampled_from([1, 2, 3, 5, 64]), label="batch_size")
    chosen = [*order, *again]
    got = model(name).encode([inputs[at] for at in chosen], batch_size=batch_size)
    np.testing.assert_allclose(got, rows[chosen], rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("name", FAMILIES)
def test_rows_are_finite_and_tell_inputs_apart(alone, name):
    rows = alone(name)[1]
    assert np.isfinite(rows).all()
    equal = {(i, j) for i in range(len(rows)) for j in range(i) if np.abs(rows[i] - rows[j]).max() < 1e-6}
    expected = {
        "static": {(6, 3)},
        "bert": {(6, 3)},
        "qwen3": {(6, 3)},
        "clip": {(7, 6)},
        "siglip": {(7, 6)},
        "clap": set(),
        "router": {(7, 6)},
        "qwen3_vl": {(5, 4), (11, 10)},
        "embedding_gemma2": {(5, 4), (11, 10)},
    }[name]
    assert equal == expected


@pytest.mark.parametrize("name", ["bert", "qwen3", "qwen3_chat", "t5"])
def test_token_vectors_hold_no_padding(model, name):
    texts = ["rain", "a much longer text that makes the others need padding, and then some", "two words"]
    together = model(name).encode(texts, output_value="token_embeddings")
    for text, got in zip(texts, together, strict=True):
        alone = model(name).encode(text, output_value="token_embeddings")
        assert got.shape == alone.shape
        np.testing.assert_allclose(got, alone, rtol=0, atol=TOLERANCE)
    assert len({len(row) for row in together}) == 3


@pytest.mark.parametrize("name", ["bert", "clip", "qwen3_vl", "router"])
def test_all_features_are_those_of_the_input(model, name, tmp_path):
    inputs = everything(name, tmp_path)
    together = model(name).encode(inputs, output_value=None, batch_size=4)
    for value, got in zip(inputs, together, strict=True):
        alone = model(name).encode([value], output_value=None)[0]
        assert set(got) >= set(alone)  # what is flattened over a batch belongs to all of it
        assert got["modality"] == alone["modality"]
        np.testing.assert_allclose(got["sentence_embedding"], alone["sentence_embedding"], rtol=0, atol=TOLERANCE)
        if "input_ids" in got:
            assert got["input_ids"].ndim == 1
            kept = got["input_ids"][got["attention_mask"].bool()] if "attention_mask" in got else got["input_ids"]
            assert kept.tolist()[: len(alone["input_ids"])] == alone["input_ids"].tolist()
