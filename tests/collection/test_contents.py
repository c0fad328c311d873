"""What can still be read of a stored record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sensorium.collection.contents import read_content
from sensorium.errors import MediaError
from sensorium.ingest import IngestSettings
from sensorium.media.decode import DecodeSpec, load_sample
from sensorium.media.limits import MediaSettings
from sensorium.store import Place, Row
from tests.collection.test_pictures import encode

SETTINGS = IngestSettings()


def make_row(modality: str, path: Path | None = None, **fields: Any) -> Row:
    shown = None if path is None else str(path)
    return Row(id="1", key="k", path=shown, modality=modality, digest="d", vector=np.ones(2, np.float32), **fields)


def test_a_file_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encode(Image.new("RGB", (40, 30), "red")))
    sample = read_content(make_row("image", path, thumbnail=encode(Image.new("RGB", (4, 3)))), SETTINGS)
    assert sample is not None
    assert load_sample(sample, DecodeSpec(), MediaSettings()).parts[0].value.size == (40, 30)


def test_a_file_that_is_gone_leaves_its_thumbnail_or_its_words(tmp_path: Path) -> None:
    thumbnail = encode(Image.new("RGB", (4, 3)))
    sample = read_content(make_row("image", tmp_path / "gone.png", thumbnail=thumbnail, text="words"), SETTINGS)
    assert sample is not None
    assert (sample.modality, sample.parts[0].value) == ("image", thumbnail)
    sample = read_content(make_row("image", tmp_path / "gone.png", text="words"), SETTINGS)
    assert sample is not None
    assert (sample.modality, sample.parts[0].value) == ("text", "words")
    assert read_content(make_row("image", tmp_path / "gone.png"), SETTINGS) is None


def test_a_file_that_is_broken_now(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encode(Image.new("RGB", (40, 30)))[:50])
    with pytest.raises(MediaError):
        sample = read_content(make_row("image", path), SETTINGS)
        assert sample is not None
        load_sample(sample, DecodeSpec(), MediaSettings())


def test_a_loose_sound_is_gone() -> None:
    assert read_content(make_row("audio", thumbnail=b"no picture of it"), SETTINGS) is None


def test_a_passage_is_what_was_encoded() -> None:
    """With the headings above it, where it has any."""
    row = make_row("text", text="words", place=Place(start=5, end=10), metadata={"heading": "Title"})
    for heading in ("Title", None, 3):
        row.metadata["heading"] = heading  # type: ignore[index]
        sample = read_content(row, SETTINGS)
        assert sample is not None
        value = sample.parts[0].value
        assert value.endswith("words")
        assert ("Title" in value) is (heading == "Title")
