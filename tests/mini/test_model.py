"""The shipped model: both libraries load it and agree, its text route is the original's, and it finds things."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from tools.mini.assemble import find_text_model
from tools.mini.sample import SAMPLE, Sample

from sensorium import UnsupportedModalityError, builtin_model
from tests.compat.peer import load_ours, load_peer, quiet

ROOT = Path(__file__).parents[2]
FOLDER = Path(builtin_model())
FIGURES = {figure["name"]: figure for figure in json.loads((FOLDER.parent / "figures.json").read_text("utf-8"))}
TEXTS = ["a tabby cat", "face with tears of joy", "", "the train leaves in the rain " * 30, "ÆØÅ"]


@pytest.fixture(scope="module")
def model():
    return load_ours(FOLDER)


@pytest.fixture(scope="module")
def peer():
    return load_peer(FOLDER)


@pytest.fixture(scope="module")
def sample(model):
    return Sample(model)


def sounds(count: int) -> list[dict[str, np.ndarray]]:
    """Read sounds as arrays at the model's rate: with a router, the other library opens no files of sound."""
    return [{"audio": soundfile.read(path, dtype="float32")[0]} for path in files("sounds", count)]


def files(kind: str, count: int) -> list[str]:
    return [str(path) for path in sorted((SAMPLE / kind).iterdir())[:count]]


@pytest.mark.parametrize(("kind", "inputs"), [("text", TEXTS), ("image", files("pictures", 20)), ("audio", sounds(20))])
def test_both_libraries_give_the_same_vectors(model, peer, kind, inputs):
    with quiet():
        ours, theirs = model.encode(inputs), peer.encode(inputs)
    assert ours.dtype == theirs.dtype == np.float32
    assert ours.shape == theirs.shape == (len(inputs), 384)
    assert np.abs(ours - theirs).max() < 1e-5
    assert np.allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-5)


def test_the_text_route_is_the_original(model):
    original = load_ours(find_text_model())
    texts = [*TEXTS, *(name for names in ("pictures", "sounds") for name in Sample(model).names_of(names))]
    ours, theirs = model.encode(texts), original.encode(texts)
    assert np.abs(ours - theirs).max() <= 5e-4
    assert (ours * theirs).sum(axis=1).min() >= 0.99999


def test_every_network_computes_in_float32(model):
    configs = [json.loads(path.read_text("utf-8")) for path in FOLDER.rglob("config.json")]
    assert [config["dtype"] for config in configs if "model_type" in config] == ["float32"] * 3
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_only_this_library_takes_clips(model, peer):
    clips = files("clips", 3)
    vectors = model.encode(clips)
    assert model.video_as_frames == 8
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert "video" not in peer.modalities
    model.video_as_frames = False
    try:
        with pytest.raises(UnsupportedModalityError, match="video"):
            model.encode({"video": clips[0]})
    finally:
        model.video_as_frames = 8


def test_routes_mix_in_one_call(model):
    inputs = [files("clips", 1)[0], "a cat", *files("pictures", 2), *files("sounds", 2), "a dog"]
    together = model.encode(inputs, batch_size=2)
    assert np.allclose(together, np.stack([model.encode(value) for value in inputs]), atol=1e-5)


@pytest.mark.parametrize("key", ["words_to_picture", "picture_to_words", "sound_to_picture", "words_to_clip"])
def test_it_finds_what_its_card_states(sample, key):
    found = sample.measure()[key]
    stated = FIGURES[f"sample_{key}"]["values"][0]
    assert found.values[0] == pytest.approx(stated, abs=3.0)
    # By lot one in thirty pictures is found, and one in four clips.
    assert found.values[0] >= 3 * found.chance


def test_the_sample_is_what_its_index_says():
    index = json.loads((SAMPLE / "index.json").read_text("utf-8"))
    for kind, least in (("pictures", 300), ("sounds", 80), ("clips", 40)):
        assert {path.name for path in (SAMPLE / kind).iterdir()} == set(index[kind])
        assert len(index[kind]) >= least
        assert set(index[kind].values()) <= set(index["pictures"].values())


def test_the_evaluation_runs_on_the_shipped_sample():
    command = [sys.executable, "-m", "tools.mini.evaluate"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert result.returncode == 0, result.stderr
    rows = [line.split("|") for line in result.stdout.splitlines() if "shipped sample" in line]
    stated = {figure["title"]: figure["values"][0] for name, figure in FIGURES.items() if name.startswith("sample_")}
    assert {row[1].strip(): float(row[5]) for row in rows} == pytest.approx(stated, abs=3.0)


def test_the_evaluation_does_not_write_a_card_of_half_the_figures():
    command = [sys.executable, "-m", "tools.mini.evaluate", "--card"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert result.returncode == 2
    assert "needs WORK" in result.stderr
