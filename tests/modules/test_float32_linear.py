"""Chosen layers compute in float32 whatever their weights' type; the rest of the model does not know."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import nn

from sensorium import InputError
from sensorium.modules.float32_linear import Float32Linear, choose_float32_layers


@pytest.fixture
def model() -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Sequential(nn.Linear(8, 3, bias=False)))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_the_product_is_taken_in_float32(dtype: torch.dtype, bias: bool) -> None:
    plain = nn.Linear(6, 3, bias=bias).to(dtype)
    layer = copy.deepcopy(plain)
    layer.__class__ = Float32Linear
    states = torch.randn(2, 5, 6, generator=torch.Generator().manual_seed(0)).to(dtype)
    output = layer(states)
    assert output.dtype == torch.float32
    torch.testing.assert_close(output, plain.float()(states.float()), rtol=0, atol=1e-6)
    assert layer.weight.dtype == dtype, "weights stay as they are stored"


def test_double_precision_is_kept() -> None:
    layer = Float32Linear(6, 3, dtype=torch.float64)
    states = torch.randn(2, 6, dtype=torch.float64)
    output = layer(states)
    assert output.dtype == torch.float64
    torch.testing.assert_close(output, states @ layer.weight.T + layer.bias, rtol=0, atol=1e-12)


def test_autocast_does_not_narrow_it(model: nn.Sequential) -> None:
    states = torch.randn(2, 4, generator=torch.Generator().manual_seed(0))
    choose_float32_layers(model, ["0"])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert model[0](states).dtype == torch.float32
        assert model[2](torch.ones(2, 8)).dtype == torch.bfloat16, "autocast was off anyway"


def test_layers_are_chosen_by_name(model: nn.Sequential) -> None:
    weights = [id(parameter) for parameter in model.parameters()]
    keys = list(model.state_dict())
    choose_float32_layers(model, ["2.0"])
    assert [type(model[0]), type(model[2][0])] == [nn.Linear, Float32Linear]
    assert [id(parameter) for parameter in model.parameters()] == weights
    assert list(model.state_dict()) == keys
    half = model.to(torch.bfloat16)
    assert half(torch.ones(1, 4, dtype=torch.bfloat16)).dtype == torch.float32


def test_a_new_choice_replaces_the_old(model: nn.Sequential) -> None:
    choose_float32_layers(model, ["0", "2.0"])
    choose_float32_layers(model, ["2.0"])
    assert [type(model[0]), type(model[2][0])] == [nn.Linear, Float32Linear]
    choose_float32_layers(model, [])
    assert [type(model[0]), type(model[2][0])] == [nn.Linear, nn.Linear]


@pytest.mark.parametrize("name", ["head", "1", "2", "", "0.weight"])
def test_a_name_of_no_linear_layer_is_refused_and_nothing_is_changed(model: nn.Sequential, name: str) -> None:
    choose_float32_layers(model, ["0"])
    with pytest.raises(InputError, match=f"names {name!r}.*The last of its 2 are: \\['0', '2.0'\\]"):
        choose_float32_layers(model, ["2.0", name])
    assert [type(model[0]), type(model[2][0])] == [Float32Linear, nn.Linear]


def test_a_linear_layer_of_another_kind_is_refused(model: nn.Sequential) -> None:
    """It computes in a way of its own, which a change of class would undo."""

    class Quantised(nn.Linear):
        pass

    model[0].__class__ = Quantised
    with pytest.raises(InputError, match="no plain linear layer"):
        choose_float32_layers(model, ["0"])


def test_a_chosen_layer_survives_copying_and_pickling(model: nn.Sequential) -> None:
    choose_float32_layers(model, ["0"])
    states = torch.ones(1, 4)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert type(other[0]) is Float32Linear
        assert torch.equal(other(states), model(states))
