from __future__ import annotations

import json
import logging
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import torch
from sentence_transformers.base.modules import Dense as PeerDense
from torch import nn

from sensorium.errors import CheckpointError, InputError
from sensorium.modules.dense import Dense
from tests.modules.interchange import TOLERANCE, assert_interchangeable, run

FEATURES = {"sentence_embedding": torch.randn(3, 4, generator=torch.Generator().manual_seed(0))}


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"bias": False},
        {"activation_function": None},
        {"activation_function": nn.GELU()},
        {"activation_function": nn.Identity()},
        {"activation_function": nn.PReLU()},
        {"module_output_name": "scores"},
        {"use_residual": True},
        {"use_residual": True, "out_features": 4},
    ],
)
def test_folders_are_interchangeable(arguments: dict[str, Any], tmp_path: Path) -> None:
    arguments = {"in_features": 4, "out_features": 3, **arguments}
    theirs = PeerDense(**arguments)
    ours = Dense(**arguments)
    ours.load_state_dict(theirs.state_dict())
    torch.testing.assert_close(run(ours, FEATURES), run(theirs, FEATURES), **TOLERANCE)
    assert_interchangeable(ours, theirs, FEATURES, tmp_path)
    assert ours.get_embedding_dimension() == theirs.get_embedding_dimension()


def test_first_weights_are_used() -> None:
    weight, bias = torch.randn(3, 4), torch.randn(3)
    module = Dense(4, 3, init_weight=weight, init_bias=bias, activation_function=None)
    expected = FEATURES["sentence_embedding"] @ weight.T + bias
    torch.testing.assert_close(run(module, FEATURES)["sentence_embedding"], expected)
    assert module.linear.weight.requires_grad


def test_missing_feature_is_named() -> None:
    with pytest.raises(InputError, match=r"'token_embeddings'.*\['sentence_embedding'\]"):
        Dense(4, 3, module_input_name="token_embeddings")(dict(FEATURES))


def _saved(folder: Path, **changes: Any) -> str:
    Dense(4, 3).save(str(folder))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))
    return str(folder)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("torch.nn.modules.activation.ReLU", nn.ReLU),
        ("torch.nn.ReLU", nn.ReLU),
        ("torch.nn.modules.linear.Identity", nn.Identity),
        ("torch.nn.Identity", nn.Identity),
        ("torch.nn.modules.activation.Softmax", nn.Softmax),
        (None, nn.Identity),
    ],
)
def test_activations_of_torch_are_built(path: str | None, expected: type[nn.Module], tmp_path: Path) -> None:
    assert type(Dense.load(_saved(tmp_path, activation_function=path)).activation_function) is expected


@pytest.mark.parametrize(
    "path",
    [
        "os.system",
        "torch.nn.Linear",
        "torch.nn.modules.activation.Linear",
        "torch.nn.modules.activation.torch",
        "torch.nn.modules.activation.MultiheadAttention",
        "torch.nn.Module",
        "torch.nn.Bilinear",
        "torch.tanh",
        "torch.load",
        "torch.hub.load",
        "torch.nn.functional.relu",
        "torch.nn.modules.activation",
        "",
        "Tanh",
        "torch.nn.init",
        3,
    ],
)
def test_anything_else_needs_trust(path: Any, tmp_path: Path, caplog: Any) -> None:
    with caplog.at_level(logging.WARNING, logger="sensorium.modules"):
        module = Dense.load(_saved(tmp_path, activation_function=path))
    assert type(module.activation_function) is nn.Tanh
    assert "is not trusted" in caplog.text


def test_untrusted_code_is_not_even_imported(tmp_path: Path) -> None:
    (tmp_path / "sensorium_test_evil.py").write_text("raise SystemExit('imported')")
    sys.path.insert(0, str(tmp_path))
    try:
        folder = tmp_path / "model"
        folder.mkdir()
        Dense.load(_saved(folder, activation_function="sensorium_test_evil.Act"))
        assert "sensorium_test_evil" not in sys.modules
    finally:
        sys.path.remove(str(tmp_path))


def test_trusted_code_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("sensorium_test_activations")
    module.Double = type("Double", (nn.Module,), {"forward": lambda self, x: 2 * x})  # type: ignore[attr-defined]
    module.number = 3  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    folder = _saved(tmp_path, activation_function=f"{module.__name__}.Double")
    assert type(Dense.load(folder).activation_function) is nn.Tanh
    assert type(Dense.load(folder, trust_remote_code=True).activation_function).__name__ == "Double"
    folder = _saved(tmp_path, activation_function="torch.tanh")
    assert Dense.load(folder, trust_remote_code=True).activation_function is torch.tanh


@pytest.mark.parametrize("path", ["no_such_package_x.Act", "torch.nn.NoSuch", "torch.nn.Linear", "math.pi", "nodots"])
def test_trusted_path_that_cannot_be_built_is_an_error(path: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="activation function"):
        Dense.load(_saved(tmp_path, activation_function=path), trust_remote_code=True)


def test_unknown_keys_and_missing_use_residual_load(tmp_path: Path, caplog: Any) -> None:
    with caplog.at_level(logging.WARNING, logger="sensorium.modules"):
        assert not Dense.load(_saved(tmp_path, colour="red")).use_residual
    assert "colour" in caplog.text


def test_defaults_of_the_caller_fill_the_file(tmp_path: Path) -> None:
    folder = _saved(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    del config["module_output_name"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert Dense.load(folder, init_defaults={"module_output_name": "x", "in_features": 9}).module_output_name == "x"
