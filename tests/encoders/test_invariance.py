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
    inputs, rows = alone(name)
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
