"""Where a checkpoint is looked for: folders, the hub's cache; and what is said where there is none."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from sensorium import ModelNotFoundError
from tests.compat.peer import load_ours
from tests.encoders.checkpoint_files import load


def test_no_such_folder_says_where_was_looked(tmp_path):
    missing = tmp_path / "missing"
    with pytest.raises(ModelNotFoundError, match="no such folder") as caught:
        load(missing)
    assert str(missing) in str(caught.value)
    assert caught.value.model == str(missing)
    assert isinstance(caught.value, FileNotFoundError)
    for name in ("./missing", "a/b/c", "~/missing"):
        with pytest.raises(ModelNotFoundError, match="not found"):
            load(name)


def test_a_file_is_no_folder(tmp_path):
    path = tmp_path / "model.bin"
    path.touch()
    with pytest.raises(NotADirectoryError, match="is a file, not a directory"):
        load(path)


def test_an_empty_folder_holds_no_model(tmp_path):
    with pytest.raises(ModelNotFoundError, match="holds no model"):
        load(tmp_path)
    with pytest.raises(ModelNotFoundError):
        load("")


def test_a_hub_name_is_looked_up_in_the_cache_and_said_so(tmp_path):
    with pytest.raises(ModelNotFoundError, match="HF_HUB_OFFLINE") as caught:
        load("somebody/some-model", cache_folder=str(tmp_path))
    assert str(tmp_path) in str(caught.value)
    with pytest.raises(ModelNotFoundError, match="sentence-transformers/all-nothing"):
        load("all-nothing", cache_folder=str(tmp_path))


@pytest.fixture
def cached(saved, tmp_path):
    """The checkpoint as the hub's cache keeps it: blobs, a snapshot of links, a reference."""

    def lay_out(name: str) -> tuple[Path, str]:
        commit = "0123456789abcdef0123456789abcdef01234567"
        root = tmp_path / "cache" / f"models--{name.replace('/', '--')}"
        snapshot = root / "snapshots" / commit
        (root / "blobs").mkdir(parents=True)
        (root / "refs").mkdir()
        (root / "refs" / "main").write_text(commit)
        files = sorted(path for path in saved.rglob("*") if path.is_file())
        for number, path in enumerate(files):
            blob = root / "blobs" / f"{number:040x}"
            shutil.copy(path, blob)
            link = snapshot / path.relative_to(saved)
            link.parent.mkdir(parents=True, exist_ok=True)
            os.symlink(os.path.relpath(blob, link.parent), link)
        return tmp_path / "cache", commit

    return lay_out


@pytest.mark.parametrize("name", ["somebody/some-model", "some-model"])
def test_the_hubs_cache_is_enough(cached, saved, name):
    cache, commit = cached(name if "/" in name else f"sentence-transformers/{name}")
    wanted = load_ours(saved).encode("rain")
    for kwargs in ({}, {"local_files_only": True}, {"revision": "main"}, {"revision": commit}):
        model = load_ours(name, cache_folder=str(cache), **kwargs)
        np.testing.assert_array_equal(model.encode("rain"), wanted)
    with pytest.raises(ModelNotFoundError):
        load_ours(name, cache_folder=str(cache), revision="no-such-branch")


def test_the_cache_is_found_by_its_variable(cached, saved, monkeypatch):
    cache, _ = cached("somebody/some-model")
    monkeypatch.setenv("SENTENCE_TRANSFORMERS_HOME", str(cache))
    model = load_ours("somebody/some-model")
    np.testing.assert_array_equal(model.encode("rain"), load_ours(saved).encode("rain"))


def test_a_plain_checkpoint_in_the_cache(tiny, tmp_path):
    root = tmp_path / "models--somebody--plain"
    shutil.copytree(tiny("bert"), root / "snapshots" / ("a" * 40))
    (root / "refs").mkdir()
    (root / "refs" / "main").write_text("a" * 40)
    model = load_ours("somebody/plain", cache_folder=str(tmp_path))
    np.testing.assert_array_equal(model.encode("rain"), load_ours(tiny("bert")).encode("rain"))
