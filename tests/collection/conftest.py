"""The built-in model, loaded once, and small folders of real files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("lancedb")

from sensorium import SentenceTransformer, builtin_model
from sensorium.collection import Collection

SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.fixture(scope="session")
def model() -> SentenceTransformer:
    return SentenceTransformer(builtin_model())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two notes, a page file, a picture, a spoken word and a clip."""
    made = tmp_path / "things"
    for name in (
        "notes/glasses.txt",
        "notes/wolf.txt",
        "papers/travel-report.pdf",
        "pictograms/pictures/glasses.png",
        "pictograms/words/glasses.flac",
        "pictograms/clips/peach.mp4",
    ):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SAMPLES / name, made / name)
    return made


@pytest.fixture
def empty(tmp_path: Path, model: SentenceTransformer) -> Iterator[Collection]:
    with Collection.create(tmp_path / "collection", model) as collection:
        yield collection


@pytest.fixture
def full(empty: Collection, folder: Path) -> Collection:
    """A collection of `folder`."""
    report = empty.add(folder)
    assert not report.unreadable
    return empty
