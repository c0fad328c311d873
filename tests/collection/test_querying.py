"""What may be asked with, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sensorium.collection.querying import Query, read_query
from sensorium.errors import InputError, MediaError, MissingMediaError
from sensorium.ingest import IngestSettings
from sensorium.media.samples import Sample
from sensorium.store import LanceStore, Row
from tests.collection.fakes import DIM, make_manifest
from tests.ingest.made_files import make_pdf

VECTOR = np.arange(1, DIM + 1, dtype=np.float32)


class Door:
    """Gives a model that notes what it is asked to encode."""

    def __init__(self) -> None:
        self.given: list[Sample] = []

    def load(self) -> SimpleNamespace:
        return SimpleNamespace(encode_query=self._encode)

    def _encode(self, sample: Sample) -> np.ndarray:
        self.given.append(sample)
        return VECTOR


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LanceStore]:
    with LanceStore.create(tmp_path / "store", make_manifest()) as made:
        made.write([Row(id="a", key="a", modality="image", digest="d", vector=VECTOR, text="words")])
        yield made


@pytest.fixture
def read(store: LanceStore, door: Door) -> Any:
    return lambda query: read_query(query, store, door, IngestSettings(passage_characters=40, passage_overlap=5))  # type: ignore[arg-type]


def check(query: Query, modality: str, text: str | None) -> None:
    assert (query.modality, query.text) == (modality, text)
    assert np.array_equal(query.vector, VECTOR)
    assert query.sample is not None
    assert query.record_id is None


@pytest.mark.parametrize("text", ["a wolf", "glasses.png", "/etc/passwd", "https://example.org/a.png"])
def test_a_string_is_a_text_whatever_it_looks_like(read: Any, door: Door, text: str) -> None:
    check(read(text), "text", text)
    assert door.given[0].parts[0].value == text


@pytest.mark.parametrize(
    ("query", "modality", "text"),
    [
        (Image.new("RGB", (8, 8)), "image", None),
        ({"array": np.zeros(800, np.float32), "sampling_rate": 16000}, "audio", None),
        ({"text": "a wolf", "image": Image.new("RGB", (8, 8))}, "image+text", "a wolf"),
        ({"text": "a wolf"}, "text", "a wolf"),
        ({"video": np.zeros((2, 8, 8, 3), np.uint8)}, "video", None),
    ],
)
def test_media_and_mixtures(read: Any, query: Any, modality: str, text: str | None) -> None:
    check(read(query), modality, text)


def test_a_path_is_a_file_read_by_what_it_holds(read: Any, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "picture.txt", "PNG")
    check(read(tmp_path / "picture.txt"), "image", None)
    (tmp_path / "note").write_text("A wolf howls.")
    check(read(tmp_path / "note"), "text", "A wolf howls.")


def test_a_long_file_is_asked_with_by_its_first_piece(read: Any, door: Door, tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("A wolf howls at night. " * 20)
    query = read(tmp_path / "long.txt")
    assert len(query.text) <= 40
    (tmp_path / "pages.pdf").write_bytes(make_pdf(["One", "Two"]))
    assert read(tmp_path / "pages.pdf").modality == "image"
    assert len(door.given) == 2


@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e30])
def test_a_vector_is_compared_as_it_is_at_any_length(read: Any, door: Door, scale: float) -> None:
    query = read(VECTOR.astype(np.float64) * scale)
    assert (query.modality, query.text, query.sample) == (None, None, None)
    assert query.vector.dtype == np.float32
    assert query.vector @ VECTOR / np.linalg.norm(query.vector) / np.linalg.norm(VECTOR) == pytest.approx(1.0)
    assert door.given == []


def test_a_tensor_is_a_vector(read: Any) -> None:
    torch = pytest.importorskip("torch")
    assert np.allclose(read(torch.tensor(VECTOR, dtype=torch.bfloat16, requires_grad=True)).vector, VECTOR / DIM)


def test_an_id_is_the_record(read: Any, door: Door) -> None:
    query = read({"id": "a"})
    assert (query.modality, query.text, query.record_id) == ("image", None, "a")
    assert np.array_equal(query.vector, VECTOR)
    assert door.given == []


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "empty"),
        ("  \n", "empty"),
        ({"id": "b"}, r"'b'.*\.id"),
        ({"id": 7}, "int"),
        (np.zeros(DIM + 1), "shape"),
        (np.array(["a"] * DIM), "numbers"),
        ({}, "no input"),
        (None, "NoneType"),
        (object(), "object"),
        ({"smell": "a"}, "smell"),
    ],
)
def test_what_cannot_be_asked_with(read: Any, door: Door, query: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read(query)
    assert door.given == []


def test_files_that_cannot_be_asked_with(read: Any, tmp_path: Path) -> None:
    with pytest.raises(MissingMediaError, match=r"gone\.png"):
        read(tmp_path / "gone.png")
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(InputError, match=r"empty\.txt"):
        read(tmp_path / "empty.txt")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 90)
    with pytest.raises(MediaError, match=r"broken\.png"):
        read(tmp_path / "broken.png")
    (tmp_path / "archive.zip").write_bytes(b"PK\x03\x04" + b"\0" * 90)
    with pytest.raises(InputError, match=r"archive\.zip"):
        read(tmp_path / "archive.zip")
    with pytest.raises(InputError):
        read(tmp_path)
