"""Installs without the optional packages: a model loads and says what it does without, or names the pip command."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.tiny import media

#: Hides packages as if they were not installed, then loads and encodes; prints what came of each step.
PROBE = """
import importlib.machinery, json, logging, sys, warnings

hidden, picture, sound, clip, *folders = sys.argv[1:]
hidden = hidden.split(",")

class Without(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] in hidden:
            return None
        return super().find_spec(name, path, target)

sys.meta_path[:] = [Without if finder is importlib.machinery.PathFinder else finder for finder in sys.meta_path]
warnings.simplefilter("ignore")

class Notes(logging.Handler):
    def emit(self, record):
        said.append(record.getMessage())

said = []
logging.getLogger("sensorium").addHandler(Notes())

from sensorium import MissingExtraError, SentenceTransformer

def attempt(action):
    try:
        return action()
    except MissingExtraError as error:
        return f"MissingExtraError {error.extra}: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"

found = {}
for folder in folders:
    said.clear()
    model = attempt(lambda: SentenceTransformer(folder, device="cpu"))
    steps = found[folder.rsplit("/", 1)[1]] = {}
    if isinstance(model, str):
        steps["load"] = model
        continue
    steps["load"] = [model.image_backend, " ".join(said)]
    inputs = {"text": "rain", "image": picture, "audio": sound, "video": clip}
    for kind, value in inputs.items():
        if kind in model.modalities:
            row = attempt(lambda: model.encode(value))
            steps[kind] = row if isinstance(row, str) else len(row)
print("FOUND" + json.dumps(found))
"""

FAMILIES = ("bert", "clip", "qwen3_vl", "qwen2_5_omni", "embedding_gemma2")


@pytest.fixture(scope="module")
def probe(tiny, tmp_path_factory):
    """Give `probe(*names)`: what each family does where these packages are absent."""
    folder = tmp_path_factory.mktemp("files")
    files = [
        media.write_image(folder / "one.png", 1),
        media.write_sound(folder / "one.wav", 1),
        media.write_clip(folder / "one.mp4", 1),
    ]

    def run(*hidden):
        command = [sys.executable, "-c", PROBE, ",".join(hidden), *map(str, files), *(str(tiny(n)) for n in FAMILIES)]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=200, env=dict(os.environ))
        assert ran.returncode == 0, ran.stderr[-3000:]
        return json.loads(ran.stdout.partition("FOUND")[2])

    return run


def assert_names_the_command(answer, *extras):
    """Accept a vector's length, or a MissingExtraError for one of `extras`."""
    if isinstance(answer, str):
        assert any(
            answer.startswith(f"MissingExtraError {extra}:") and f'pip install "sensorium[{extra}]"' in answer
            for extra in extras
        ), answer
    else:
        assert answer


def test_without_torchvision(probe):
    found = probe("torchvision")
    assert found["bert"]["text"] == 32
    for name in FAMILIES[1:]:
        load = found[name]["load"]
        if isinstance(load, str):
            assert_names_the_command(load, "image", "video")
            continue
        backend, said = load
        assert backend == "pil"
        assert "PIL" in said
        assert 'pip install "sensorium[image]"' in said
        for kind, answer in found[name].items():
            if kind != "load":
                assert_names_the_command(answer, "image", "video")
    assert found["clip"]["image"] == 32


def test_without_the_decoders(probe):
    found = probe("soundfile", "soxr", "av", "librosa", "torchcodec", "decord", "cv2")
    assert found["bert"]["text"] == 32
    for name in FAMILIES[1:]:
        assert found[name]["load"][0] == "torchvision", found[name]["load"]
        assert isinstance(found[name]["text"], int)
        assert isinstance(found[name]["image"], int)
        for kind, extra in (("audio", "audio"), ("video", "video")):
            if kind in found[name]:
                assert isinstance(found[name][kind], str), f"{kind} was decoded without a decoder"
                assert_names_the_command(found[name][kind], extra)
    assert "audio" in found["qwen2_5_omni"]
    assert "video" in found["qwen3_vl"]


def test_without_any_of_them(probe):
    found = probe("torchvision", "soundfile", "soxr", "av", "peft", "librosa", "torchaudio")
    assert found["bert"]["text"] == 32
    assert found["clip"]["image"] == 32
    for name in FAMILIES[2:]:
        for answer in found[name].values():
            assert_names_the_command(answer, "image", "audio", "video")
