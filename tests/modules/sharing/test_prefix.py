"""The common beginning is held once, handed out before each row's own, and never grows."""

from __future__ import annotations

import pytest
import torch
import transformers as tf
from transformers.cache_utils import DynamicCache

from sensorium.modules.sharing.packing import lay_out, make_mask
from sensorium.modules.sharing.prefix import Prefix, PrefixLayer
from tests.tiny.weights import make_model

HEADS, DIM = 2, 4


def make_pair(seed: int, rows: int, tokens: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    keys, values = torch.randn(2, rows, HEADS, tokens, DIM, generator=generator)
    return keys, values


@pytest.fixture(scope="module")
def network() -> tf.LlamaModel:
    config = tf.LlamaConfig(
        vocab_size=50, hidden_size=16, intermediate_size=24, num_hidden_layers=3, num_attention_heads=2, head_dim=8
    )
    return make_model(lambda: tf.LlamaModel(config), 0, 1.5)


@pytest.fixture(scope="module")
def prefix(network: tf.LlamaModel) -> Prefix:
    """The first seven of the tokens below, computed by themselves."""
    cache = DynamicCache()
    with torch.no_grad():
        network(torch.arange(7)[None], past_key_values=cache, use_cache=True)
    return Prefix.from_cache(cache)


def test_each_row_sees_the_common_part_and_then_its_own() -> None:
    keys, values = make_pair(0, 1, 5)
    own_keys, own_values = make_pair(1, 3, 2)
    seen_keys, seen_values = PrefixLayer(keys, values).update(own_keys, own_values)
    for row in range(3):
        assert torch.equal(seen_keys[row], torch.cat([keys[0], own_keys[row]], 1))
        assert torch.equal(seen_values[row], torch.cat([values[0], own_values[row]], 1))


def test_nothing_of_a_row_is_kept() -> None:
    keys, values = make_pair(0, 1, 5)
    layer = PrefixLayer(keys, values)
    first = layer.update(*make_pair(1, 3, 2))
    layer.update(*make_pair(2, 8, 9))
    again = layer.update(*make_pair(1, 3, 2))
    assert layer.get_seq_length() == 5
    assert layer.keys is keys, "the beginning was copied"
    assert layer.values is values
    assert all(map(torch.equal, first, again))


def test_length_and_layers(network: tf.LlamaModel, prefix: Prefix) -> None:
    assert prefix.length == 7
    cache = prefix.as_cache()
    assert len(cache.layers) == network.config.num_hidden_layers
    assert cache.get_seq_length() == 7


def test_rows_behind_a_prefix_are_what_they_are_alone(network: tf.LlamaModel, prefix: Prefix) -> None:
    ends = [torch.tensor(ids) for ids in ([9, 8, 7], [9, 8, 1, 2, 3], [4], [30, 31])]
    for length in (7, 3):
        layout = lay_out([7 - length + len(end) for end in ends], 6)
        ids = torch.zeros(layout.rows, layout.width, dtype=torch.int64)
        positions = torch.zeros_like(ids)
        for place, end in zip(layout.places, ends, strict=True):
            own = slice(place.start, place.start + place.length)
            ids[place.row, own] = torch.cat([torch.arange(length, 7), end])
            positions[place.row, own] = torch.arange(length, length + place.length)
        mask = make_mask(layout, length, torch.float32, torch.device("cpu"))
        with torch.no_grad():
            cache = prefix.cut(length).as_cache()
            states = network(ids, attention_mask=mask, position_ids=positions, past_key_values=cache).last_hidden_state
            for place, end in zip(layout.places, ends, strict=True):
                alone = network(torch.cat([torch.arange(7), end])[None]).last_hidden_state[0, -1]
                shared = states[place.row, place.start + place.length - 1]
                torch.testing.assert_close(shared, alone, rtol=0, atol=1e-5)
        assert cache.get_seq_length() == length, "the pass left something behind"


def test_one_prefix_serves_several_passes(network: tf.LlamaModel, prefix: Prefix) -> None:
    def run() -> torch.Tensor:
        with torch.no_grad():
            ids, positions = torch.tensor([[5], [6]]), torch.tensor([[7], [7]])
            output = network(ids, position_ids=positions, past_key_values=prefix.as_cache(), use_cache=True)
        return output.last_hidden_state

    assert torch.equal(run(), run())
    assert prefix.length == 7


def test_a_cut_keeps_the_first_tokens_in_memory_of_their_own() -> None:
    layers = [make_pair(seed, 1, 6) for seed in range(2)]
    cut = Prefix(layers).cut(4)
    assert cut.length == 4
    for layer, (keys, values) in zip(cut.as_cache().layers, layers, strict=True):
        assert torch.equal(layer.keys, keys[..., :4, :])
        assert torch.equal(layer.values, values[..., :4, :])
        assert layer.keys.untyped_storage().nbytes() == HEADS * 4 * DIM * 4, "the whole beginning is still held"


@pytest.mark.parametrize("length", [6, 9])
def test_what_is_short_enough_is_not_copied(length: int) -> None:
    prefix = Prefix([make_pair(0, 1, 6)])
    assert prefix.cut(length) is prefix
