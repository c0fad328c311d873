from __future__ import annotations

import shutil

import pytest

from sensorium.errors import ModelError
from sensorium.hub.fingerprint import fingerprint_folder


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "model"
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "1_Pooling" / "config.json").write_text('{"mode": "mean"}')
    (folder / "model.safetensors").write_bytes(bytes(range(256)) * 12_000)
    return folder


def test_a_copy_elsewhere_has_the_same_name(model, tmp_path):
    shutil.copytree(model, tmp_path / "copy")
    (tmp_path / "copy" / "README.md").write_text("# A card\n")
    (tmp_path / "copy" / ".cache").mkdir()
    (tmp_path / "copy" / ".cache" / "lock").write_text("x")
    assert fingerprint_folder(tmp_path / "copy") == fingerprint_folder(model)


@pytest.mark.parametrize("change", ["config", "begin", "end", "length", "name", "new"])
def test_any_change_that_a_vector_may_depend_on_gives_another_name(model, change):
    before = fingerprint_folder(model)
    weights = model / "model.safetensors"
    content = bytearray(weights.read_bytes())
    if change == "config":
        (model / "config.json").write_text('{"hidden_size": 2}')
    elif change == "begin":
        content[7] ^= 1
    elif change == "end":
        content[-7] ^= 1
    elif change == "length":
        content += b"\0"
    elif change == "name":
        weights.rename(model / "pytorch_model.bin")
    else:
        (model / "2_Dense").mkdir()
        (model / "2_Dense" / "config.json").write_text("{}")
    if change in ("begin", "end", "length"):
        weights.write_bytes(content)
    assert fingerprint_folder(model) != before


def test_a_folder_that_cannot_be_read_is_named(tmp_path):
    file = tmp_path / "file"
    file.symlink_to(tmp_path / "nowhere")
    with pytest.raises(ModelError, match=r"cannot be read"):
        fingerprint_folder(tmp_path)
