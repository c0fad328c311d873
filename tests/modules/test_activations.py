from __future__ import annotations

import pytest
import torch
from sentence_transformers.util import fullname
from torch import nn

from sensorium.modules.activations import activation_path, load_activation


@pytest.mark.parametrize("activation", [nn.Tanh(), nn.Identity(), nn.Sigmoid(), nn.GELU(), nn.Softmax(dim=-1)])
def test_paths_are_those_the_peer_writes_and_lead_back(activation: nn.Module) -> None:
    path = activation_path(activation)
    assert path == fullname(activation)
    assert type(load_activation(path)) is type(activation)


@pytest.mark.parametrize("function", [torch.nn.functional.relu, torch.nn.functional.softmax])
def test_functions_have_paths_and_need_trust(function: object) -> None:
    path = activation_path(function)
    assert path == f"torch.nn.functional.{function.__name__}"  # type: ignore[attr-defined]
    assert load_activation(path) is None
    assert load_activation(path, trust_remote_code=True) is function
