from __future__ import annotations

import json
import logging
import os
import pickle
import random
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from sensorium.errors import CheckpointError
from sensorium.modules.dense import Dense
from sensorium.modules.layer_norm import LayerNorm
from sensorium.modules.module import Module
from sensorium.modules.normalize import Normalize
from sensorium.modules.weighted_module import WeightedModule
from sensorium.modules.weights import WeightsError, read_state_dict


class Scale(WeightedModule):
    """A module as a user would write one."""

    config_keys = ["dim", "factor"]  # noqa: RUF012
    config_key_renames = {"width": "dim"}  # noqa: RUF012

    def __init__(self, dim: int, factor: float = 2.0) -> None:
        super().__init__()
        self.dim, self.factor = dim, factor
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, features: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        features["x"] = features["x"] * self.weight * self.factor
        return features


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    Scale(3, factor=0.5).save(str(tmp_path))
    return tmp_path


def test_module_is_abstract() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Module()  # type: ignore[abstract]


def test_repr_shows_the_configuration() -> None:
    assert repr(Scale(3)) == "Scale({'dim': 3, 'factor': 2.0})"


@pytest.mark.parametrize("is_safe", [True, False])
def test_round_trip(tmp_path: Path, is_safe: bool) -> None:
    module = Scale(3, factor=0.5)
    nn.init.normal_(module.weight)
    module.save(str(tmp_path), safe_serialization=is_safe)
    weights = "model.safetensors" if is_safe else "pytorch_model.bin"
    assert sorted(os.listdir(tmp_path)) == sorted(["config.json", weights])
    loaded = Scale.load(str(tmp_path))
    assert loaded.factor == 0.5
    assert torch.equal(loaded.weight, module.weight)
    assert Scale.load(str(tmp_path.parent), subfolder=tmp_path.name).factor == 0.5


def test_saving_in_the_other_format_leaves_no_stale_weights(tmp_path: Path) -> None:
    old, new = Scale(3), Scale(3)
    nn.init.zeros_(new.weight)
    old.save(str(tmp_path))
    new.save(str(tmp_path), safe_serialization=False)
    assert torch.equal(Scale.load(str(tmp_path)).weight, new.weight)
    old.save(str(tmp_path))
    assert torch.equal(Scale.load(str(tmp_path)).weight, old.weight)


def test_unknown_keys_are_warned_about_and_dropped(saved: Path, caplog: Any) -> None:
    config = {"dim": 3, "factor": 0.5, "colour": "red", "depth": 2}
    (saved / "config.json").write_text(json.dumps(config))
    with caplog.at_level(logging.WARNING, logger="sensorium.modules"):
        assert Scale.load(str(saved)).factor == 0.5
    assert len(caplog.records) == 1
    assert "['colour', 'depth']" in caplog.text


def test_older_key_names_are_read(saved: Path) -> None:
    (saved / "config.json").write_text('{"width": 3}')
    assert Scale.load(str(saved)).dim == 3
    (saved / "config.json").write_text('{"width": 9, "dim": 3}')
    assert Scale.load(str(saved)).dim == 3


def test_defaults_fill_only_what_the_file_lacks(saved: Path) -> None:
    assert Scale.load(str(saved), init_defaults={"factor": 7.0}).factor == 0.5
    (saved / "config.json").write_text('{"dim": 3}')
    assert Scale.load(str(saved), init_defaults={"factor": 7.0}).factor == 7.0


def test_missing_settings_are_named(saved: Path) -> None:
    (saved / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"does not state \['dim'\] for Scale"):
        Scale.load(str(saved))


def test_missing_folder_of_a_module_without_settings_is_fine(tmp_path: Path) -> None:
    assert Normalize.load(str(tmp_path), subfolder="2_Normalize").module_input_name == "sentence_embedding"


def test_malformed_configuration_names_the_file(saved: Path) -> None:
    (saved / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"config\.json"):
        Scale.load(str(saved))


def test_subfolder_cannot_leave_the_checkpoint(saved: Path) -> None:
    with pytest.raises(CheckpointError, match="leaves the checkpoint"):
        Scale.load(str(saved), subfolder=f"../{saved.name}")


# Weights


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ({}, r"missing \['weight'\], unexpected \[\]"),
        ({"weight": torch.ones(3), "bias": torch.ones(3)}, r"unexpected \['bias'\]"),
        ({"weight": torch.ones(4)}, "size mismatch"),
    ],
)
def test_weights_that_do_not_fit_are_an_error(saved: Path, state: dict[str, Any], text: str) -> None:
    save_file(state, saved / "model.safetensors")
    with pytest.raises(WeightsError, match=text) as caught:
        Scale.load(str(saved))
    assert isinstance(caught.value, CheckpointError)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, RuntimeError)


def test_safetensors_wins_over_a_pickle(saved: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, saved / "pytorch_model.bin")
    assert torch.equal(Scale.load(str(saved)).weight, torch.ones(3))


def test_absent_weights_are_an_error(saved: Path) -> None:
    (saved / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="Could not find"):
        Scale.load(str(saved))


class _Attack:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (os.environ["ATTACKED"],)


@pytest.mark.parametrize("as_zip", [True, False])
def test_pickled_code_is_never_run(saved: Path, monkeypatch: pytest.MonkeyPatch, as_zip: bool) -> None:
    target = saved / "attacked"
    monkeypatch.setenv("ATTACKED", str(target))
    (saved / "model.safetensors").unlink()
    path = saved / "pytorch_model.bin"
    if as_zip:
        torch.save({"weight": _Attack()}, path)
    else:
        path.write_bytes(pickle.dumps(_Attack(), protocol=2))
    with pytest.raises(WeightsError, match="cannot be read"):
        Scale.load(str(saved))
    assert not target.exists()


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
@pytest.mark.parametrize("content", [b"", b"garbage that is no weights at all", b"\xff" * 64])
def test_damaged_weights_are_an_error(saved: Path, name: str, content: bytes) -> None:
    (saved / "model.safetensors").unlink()
    (saved / name).write_bytes(content)
    with pytest.raises(WeightsError, match="cannot be read"):
        Scale.load(str(saved))


@pytest.mark.parametrize("as_zip", [True, False])
@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_mutated_pickles_are_read_or_an_error(tmp_path: Path, as_zip: bool) -> None:
    path = tmp_path / "pytorch_model.bin"
    torch.save({"weight": torch.ones(3), "bias": torch.ones(2)}, path, _use_new_zipfile_serialization=as_zip)
    valid, generator, refused = path.read_bytes(), random.Random(0), 0
    for _ in range(300):
        content = bytearray(valid)
        for _ in range(generator.randint(1, 6)):
            content[generator.randrange(min(len(content), 500))] = generator.randrange(256)
        path.write_bytes(content)
        try:
            read_state_dict(path)
        except WeightsError:
            refused += 1
    assert refused > 50


def test_pickle_of_something_else_than_tensors_is_an_error(saved: Path) -> None:
    (saved / "model.safetensors").unlink()
    torch.save([1, 2], saved / "pytorch_model.bin")
    with pytest.raises(WeightsError, match="not a dictionary of tensors"):
        Scale.load(str(saved))


class Tied(WeightedModule):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(2, 2, bias=False)
        self.second = nn.Linear(2, 2, bias=False)
        self.second.weight = self.first.weight

    def forward(self, features: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return features


def test_tied_weights_are_written_once_and_read_back(tmp_path: Path) -> None:
    module = Tied()
    module.save(str(tmp_path))
    loaded = Tied.load(str(tmp_path))
    assert torch.equal(loaded.second.weight, module.first.weight)
    assert loaded.second.weight is loaded.first.weight


def test_weights_without_a_module_come_as_a_dictionary(saved: Path) -> None:
    weights = Scale.load_torch_weights(str(saved))
    assert isinstance(weights, dict)
    assert torch.equal(weights["weight"], torch.ones(3))


# The compatible surface


def test_files_and_folders_are_found(saved: Path) -> None:
    assert Scale.load_file_path(str(saved), "config.json") == str(saved / "config.json")
    assert Scale.load_file_path(str(saved.parent), "config.json", saved.name) == str(saved / "config.json")
    assert Scale.load_file_path(str(saved), "absent.json") is None
    assert Scale.load_dir_path(str(saved.parent), saved.name) == str(saved)
    assert Scale.load_dir_path(str(saved), "absent") is None


@pytest.mark.parametrize("name", ["get_sentence_embedding_dimension", "get_word_embedding_dimension"])
def test_older_method_names_work_with_a_warning(name: str) -> None:
    with pytest.warns(FutureWarning, match="renamed to `get_embedding_dimension`"):
        assert getattr(LayerNorm(3), name)() == 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not hasattr(Normalize(), name)


def test_unknown_attribute_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'colour'"):
        _ = Normalize().colour


def test_on_model_ready_does_nothing() -> None:
    module = Dense(2, 2)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    module.on_model_ready(object())
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
