"""What a checkpoint may not do unasked: run code, leave its folder, unpickle objects."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from sensorium import CheckpointError, NotBuiltError
from tests.compat.peer import load_ours, load_peer
from tests.encoders.checkpoint_files import edit, load, warnings_of

CODE = """
from pathlib import Path
from sensorium.modules import Module

Path({marker!r}).touch()


class Scale(Module):
    config_keys = ["factor"]

    def __init__(self, factor=2.0):
        super().__init__()
        self.factor = factor

    def forward(self, features, **kwargs):
        return {{**features, "sentence_embedding": features["sentence_embedding"] * self.factor}}

    def save(self, output_path, *args, safe_serialization=True, **kwargs):
        self.save_config(output_path)
"""


def add_custom_module(folder: Path, reference: str, marker: Path) -> None:
    (folder / "scaling.py").write_text(CODE.format(marker=str(marker)))
    (folder / "3_Scale").mkdir()
    (folder / "3_Scale" / "config.json").write_text('{"factor": 3.0}')
    entry = {"idx": 3, "name": "scale", "path": "3_Scale", "type": reference}
    edit(folder / "modules.json", lambda entries: [*entries, entry])


def test_code_of_a_checkpoint_runs_only_if_trusted(folder, saved, tmp_path):
    marker = tmp_path / "it ran"
    add_custom_module(folder, "scaling.Scale", marker)
    with pytest.raises(CheckpointError, match="trust_remote_code=True") as caught:
        load_ours(folder)
    assert "scaling.Scale" in str(caught.value)
    assert caught.value.model == str(folder)
    assert not marker.exists()
    model = load_ours(folder, trust_remote_code=True)
    assert marker.exists()
    wanted = 3 * load_ours(saved).encode("rain")
    np.testing.assert_allclose(model.encode("rain"), wanted, rtol=1e-5)

    again = tmp_path / "again"
    model.save(str(again))
    assert json.loads((again / "modules.json").read_text())[-1]["type"] == "scaling.Scale"
    shutil.rmtree(folder)
    with pytest.raises(CheckpointError, match="trust_remote_code"):
        load_ours(again)
    np.testing.assert_allclose(load_ours(again, trust_remote_code=True).encode("rain"), wanted, rtol=1e-5)
    np.testing.assert_allclose(load_peer(again, trust_remote_code=True).encode("rain"), wanted, rtol=1e-4)


def test_a_class_of_the_environment_needs_trust_too(folder, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "somebodys_package.py").write_text(CODE.format(marker=str(tmp_path / "ran")))
    add_custom_module(folder, "somebodys_package.Scale", tmp_path / "own")
    with pytest.raises(CheckpointError, match="trust_remote_code"):
        load_ours(folder)
    assert "somebodys_package" not in sys.modules
    assert np.isfinite(load_ours(folder, trust_remote_code=True).encode("a")).all()


@pytest.mark.parametrize(
    "reference", ["os.system", "builtins.eval", "subprocess.Popen", "scaling", "", "no_such.Thing"]
)
def test_no_other_name_is_imported(folder, reference):
    edit(folder / "modules.json", lambda entries: [*entries[:2], {**entries[2], "type": reference}])
    with pytest.raises(CheckpointError, match="trust_remote_code"):
        load_ours(folder)


def test_a_trusted_name_that_means_nothing_is_an_error(folder):
    edit(folder / "modules.json", lambda entries: [*entries[:2], {**entries[2], "type": "no_such.Thing"}])
    with pytest.raises(CheckpointError, match=r"no_such\.Thing"):
        load_ours(folder, trust_remote_code=True)


def test_an_activation_of_others_needs_trust(folder, caplog):
    edit(folder / "2_Dense" / "config.json", lambda config: {**config, "activation_function": "os.system"})
    model = load(folder)
    assert "trust" in warnings_of(caplog)
    assert isinstance(model[2].activation_function, nn.Tanh)


def test_a_type_of_the_library_that_is_not_built_is_named(folder):
    kind = "sentence_transformers.sparse_encoder.modules.SpladePooling"
    edit(folder / "modules.json", lambda entries: [*entries[:2], {**entries[2], "type": kind}])
    with pytest.raises(NotBuiltError, match="SpladePooling"):
        load_ours(folder)


def test_networks_with_their_own_code_need_trust(tiny, tmp_path):
    path = Path(shutil.copytree(tiny("bert"), tmp_path / "remote"))
    (path / "configuration_odd.py").write_text(f"from pathlib import Path\nPath({str(tmp_path / 'ran')!r}).touch()\n")
    auto_map = {"AutoConfig": "configuration_odd.OddConfig", "AutoModel": "configuration_odd.OddModel"}
    edit(path / "config.json", lambda config: {**config, "model_type": "odd", "auto_map": auto_map})
    with pytest.raises(ValueError, match="trust_remote_code"):
        load_ours(path)
    assert not (tmp_path / "ran").exists()


# Paths


@pytest.mark.parametrize("path", ["../model/1_Pooling", "/etc", "1_Pooling/../../other", "C:\\temp", "..", "a\0b"])
def test_a_path_cannot_leave_the_checkpoint(folder, path):
    edit(folder / "modules.json", lambda entries: [entries[0], {**entries[1], "path": path}, entries[2]])
    with pytest.raises(CheckpointError, match="leaves the checkpoint"):
        load_ours(folder)


def test_a_link_cannot_leave_the_checkpoint(folder, tmp_path):
    outside = tmp_path / "outside"
    shutil.move(folder / "2_Dense", outside)
    os.symlink(outside, folder / "2_Dense")
    with pytest.raises(CheckpointError, match="symbolic link"):
        load_ours(folder)


@pytest.mark.parametrize("place", ["", "2_Dense"])
def test_a_pickle_that_runs_code_is_refused(folder, tmp_path, place):
    class Evil:
        def __reduce__(self):
            return Path.touch, (tmp_path / "it ran",)

    (folder / place / "model.safetensors").unlink()
    torch.save({"linear.weight": Evil()}, folder / place / "pytorch_model.bin")
    with pytest.raises(CheckpointError):
        load_ours(folder)
    assert not (tmp_path / "it ran").exists()
