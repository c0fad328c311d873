"""What an encoder makes of a record is what it makes of the file, to the last bit; and it leaves a thumbnail behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sensorium import SentenceTransformer, builtin_model
from sensorium.ingest import IngestSettings, Record, image_files, pdf_pages, read_all, video_segments
from tests.ingest.made_files import make_pdf
from tests.media.media_files import encode_image, noise_image, write_clip


@pytest.fixture(scope="module")
def model() -> SentenceTransformer:
    return SentenceTransformer(str(builtin_model()), device="cpu")


def read(path: Path) -> list[Record]:
    records = list(read_all(path, IngestSettings(video_segment_s=2)))
    assert all(isinstance(record, Record) for record in records)
    return records  # type: ignore[return-value]


def make_turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encode_image(noise_image(300, 200), "JPEG", exif=exif)


def make_deep() -> bytes:
    pixels = np.random.default_rng(0).integers(0, 1 << 16, (120, 90), np.uint16)
    return encode_image(Image.fromarray(pixels), "PNG")


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("turned.jpg", make_turned),
        ("alpha.png", lambda: encode_image(noise_image(120, 90, 4), "PNG")),
        ("deep.png", make_deep),
    ],
)
def test_an_image(model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, make: Any) -> None:
    path = tmp_path / name
    path.write_bytes(make())
    (record,) = read(path)
    np.testing.assert_array_equal(model.encode(record.to_sample()), model.encode(path))
    monkeypatch.setattr(image_files, "decode_image", None)
    assert record.thumbnail() is not None


def test_records_in_a_batch(model: Any, tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}.png").write_bytes(encode_image(noise_image(seed=number % 3), "PNG"))
    records = read(tmp_path)
    vectors = model.encode([record.to_sample() for record in records])
    # Equal records are computed once, so the same is asked of the paths.
    paths = model.encode([Path(str(record.path)) for record in records[:3]])
    np.testing.assert_array_equal(vectors, paths[[0, 1, 2, 0, 1]])


def test_a_page(model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.pdf").write_bytes(make_pdf(["One", "Two"]))
    for record in read(tmp_path / "a.pdf"):
        np.testing.assert_array_equal(model.encode(record.to_sample()), model.encode(record.content.decode()))
        with monkeypatch.context() as patched:
            patched.setattr(pdf_pages.PdfFile, "draw", None)
            assert record.thumbnail() is not None


def test_a_clip(model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = read(write_clip(tmp_path / "a.mp4", 40))
    vectors = model.encode([record.to_sample() for record in records])
    assert np.isfinite(vectors).all()
    monkeypatch.setattr(video_segments, "decode_video", None)
    assert all(record.thumbnail() is not None for record in records)
