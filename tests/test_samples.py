"""The shipped samples: each is listed with its licence, is the file that was listed, and opens."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from PIL import Image

SAMPLES = Path(__file__).parents[1] / "samples"
FREE = {"CC0 1.0", "public domain"}


def _files(folder: str) -> list[Path]:
    return sorted(path for path in (SAMPLES / folder).iterdir() if path.is_file())


def _listed() -> dict[str, tuple[str, str]]:
    """Return path -> (licence, beginning of the digest), as LICENSES.md has it."""
    rows = re.findall(r"^\| (\w+/\S+) \|.*\| ([^|]+) \| `(\w+)` \|$", (SAMPLES / "LICENSES.md").read_text(), re.M)
    return {name: (licence, digest) for name, licence, digest in rows}


def test_every_media_file_is_listed_under_a_free_licence() -> None:
    listed = _listed()
    shipped = {path.relative_to(SAMPLES).as_posix() for kind in ("images", "sounds", "clips") for path in _files(kind)}
    assert shipped == set(listed)
    assert {licence for licence, _ in listed.values()} == FREE


@pytest.mark.parametrize("name", sorted(_listed()))
def test_file_is_the_listed_one(name: str) -> None:
    digest = hashlib.sha256((SAMPLES / name).read_bytes()).hexdigest()
    assert digest.startswith(_listed()[name][1])


def test_the_set_is_small_and_complete() -> None:
    assert sum(path.stat().st_size for path in SAMPLES.rglob("*") if path.is_file()) < 15_000_000
    assert len(_files("images")) >= 8
    assert len(_files("sounds")) >= 5
    assert len(_files("clips")) == 2
    assert len(_files("texts")) >= 12


@pytest.mark.parametrize("path", _files("images"), ids=lambda path: path.name)
def test_image_opens(path: Path) -> None:
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"))
    assert min(pixels.shape[:2]) >= 300
    assert pixels.std() > 5


@pytest.mark.parametrize("path", _files("sounds"), ids=lambda path: path.name)
def test_sound_opens(path: Path) -> None:
    array, rate = soundfile.read(path, always_2d=True)
    assert rate == 44100
    assert 0.3 < len(array) / rate < 12
    assert np.abs(array).max() > 0.05


@pytest.mark.parametrize("path", _files("clips"), ids=lambda path: path.name)
def test_clip_opens_and_moves(path: Path) -> None:
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) in {60, 96}
    assert np.abs(frames[0].astype(int) - frames[-1].astype(int)).mean() > 5


def test_questions_have_their_passage() -> None:
    questions = json.loads((SAMPLES / "questions.json").read_text(encoding="utf-8"))
    assert len(questions) == 5
    for question in questions:
        assert question["question"].endswith("?")
        assert (SAMPLES / question["answer"]).read_text(encoding="utf-8").strip()


def test_pictograms_are_those_of_the_models_sample() -> None:
    origin = SAMPLES.parent / "models" / "mini" / "sample"
    for kind, folder in (("pictures", "pictures"), ("words", "sounds"), ("clips", "clips")):
        files = _files(f"pictograms/{kind}")
        assert len(files) >= 8
        for file in files:
            assert file.read_bytes() == (origin / folder / file.name).read_bytes(), file.name


def test_everything_is_readable_as_a_collection() -> None:
    """What the demo and the guides index: every file gives records, and what describes the samples is left out."""
    from sensorium.ingest import Record, read_all

    entries = list(read_all(SAMPLES))
    assert all(isinstance(entry, Record) for entry in entries), [e for e in entries if not isinstance(e, Record)]
    keys = {entry.key for entry in entries}
    assert "papers/travel-report.pdf" in keys
    assert not {"LICENSES.md", "questions.json"} & keys
    files = {path.relative_to(SAMPLES).as_posix() for path in SAMPLES.rglob("*") if path.is_file()}
    assert keys == files - {"LICENSES.md", "questions.json", ".sensoriumignore"}
