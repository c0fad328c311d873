"""PDF files: a record a page, drawn to a number of pixels, with the page's words; and files that cannot be read."""

from __future__ import annotations

import math
import pickle
import sys
import threading
from io import BytesIO
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sensorium.errors import MediaError, MediaLimitError, MissingExtraError
from sensorium.ingest import IngestSettings, Place, Record, UnreadableFile
from sensorium.ingest.pdf_file import MAX_SCALE, PdfFile, _clean, _find_scale
from sensorium.ingest.pdf_pages import read_pdf
from sensorium.media import (
    DecodeSpec,
    MediaLimits,
    MediaSettings,
    load_sample,
    open_source,
    probe_sample,
    sample_key,
)
from tests.ingest.made_files import make_origin, make_pdf


def read(data: bytes | Path, settings: IngestSettings | None = None) -> list[Record]:
    entries = list(read_pdf(open_source(data), make_origin(settings), None))
    assert all(isinstance(one, Record) for one in entries), entries
    return entries  # type: ignore[return-value]


def test_a_record_a_page() -> None:
    records = read(make_pdf(["First words", "Second\nwords", ""]))
    assert [record.place for record in records] == [Place(page=1), Place(page=2), Place(page=3)]
    assert [record.text for record in records] == ["First words", "Second\nwords", None]
    assert {record.modality for record in records} == {"image"}
    assert len({record.digest for record in records}) == len({record.id for record in records}) == 3
    assert records[0].metadata == {"format": "PDF", "title": "A made file", "pages": 3}


@pytest.mark.parametrize("size", [(200, 300), (600, 30), (13, 17), (3, 2000)])
@pytest.mark.parametrize("pixels", [1, 1000, 50_000])
def test_a_page_is_drawn_to_a_number_of_pixels(size: tuple[int, int], pixels: int) -> None:
    (record,) = read(make_pdf(["x"], size), IngestSettings(page_pixels=pixels))
    image = record.content.decode()
    assert image.mode == "RGB"
    assert image.width * image.height <= max(pixels, 1) or 1 in image.size
    wanted = min(pixels, size[0] * size[1] * MAX_SCALE**2)
    if min(image.size) > 20:
        assert image.width * image.height > 0.9 * wanted
        assert image.width / image.height == pytest.approx(size[0] / size[1], rel=0.05)


def test_what_is_drawn_is_the_page() -> None:
    (record,) = read(make_pdf(["x"], (200, 300)), IngestSettings(page_pixels=200 * 300))
    pixels = np.asarray(record.content.decode())
    assert pixels[300 - 40, 40].tolist() == [0, 0, 0]  # the square, 20 to 60 points from below
    assert pixels[5, 5].tolist() == [255, 255, 255]
    assert pixels[20:40, 15:40].min() < 128  # the letter
    with Image.open(BytesIO(record.thumbnail() or b"")) as small:
        assert max(small.size) == 256


def test_asking_for_a_page_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    (record,) = read(make_pdf(["x"], (210, 297)), IngestSettings(page_pixels=100_000))
    with monkeypatch.context() as patched:
        patched.setattr(PdfFile, "draw", None)
        sample = record.to_sample()
        cost = probe_sample(sample, MediaSettings())
        assert sample_key(sample) is not None
    loaded = load_sample(sample, DecodeSpec(), MediaSettings()).parts[0].value
    assert loaded.tobytes() == record.content.decode().tobytes()
    assert cost.pixels == pytest.approx(loaded.width * loaded.height, rel=0.01)
    assert record.content.size == pytest.approx(loaded.size, rel=0.01)
    settings = MediaSettings(limits=MediaLimits(max_pixels=1000))
    with pytest.raises(MediaLimitError):
        load_sample(sample, DecodeSpec(), settings)


@pytest.mark.parametrize("pixels", [200_000, 1000])
def test_drawing_a_page_leaves_a_thumbnail(monkeypatch: pytest.MonkeyPatch, pixels: int) -> None:
    (record,) = read(make_pdf(["x"]), IngestSettings(page_pixels=pixels, thumbnail_side=100))
    record.content.decode()
    drawn: list[int] = []
    draw = PdfFile.draw
    monkeypatch.setattr(PdfFile, "draw", lambda self, *args: drawn.append(args[1]) or draw(self, *args))
    with Image.open(BytesIO(record.thumbnail() or b"")) as small:
        assert max(small.size) == 100
    assert drawn == ([] if pixels > 1000 else [20_000])  # the page itself is drawn smaller than the thumbnail
    assert record.thumbnail() == record.thumbnail()
    assert len(drawn) <= 1


def test_pages_are_drawn_after_the_file_was_read_and_in_another_process(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(make_pdf(["One", "Two"]))
    reading = read_pdf(open_source(tmp_path / "a.pdf"), make_origin(), None)
    first = next(reading)
    assert isinstance(first, Record)
    while_open = np.asarray(first.content.decode())
    assert len(list(reading)) == 1
    again = pickle.loads(pickle.dumps(first)).content.decode()
    assert np.array_equal(while_open, np.asarray(again))
    (tmp_path / "a.pdf").unlink()
    with pytest.raises(MediaError):
        first.content.decode()


def test_digests_rest_on_the_bytes_the_page_and_its_pixels(tmp_path: Path) -> None:
    data = make_pdf(["One"])
    (tmp_path / "a.pdf").write_bytes(data)
    assert read(data)[0].digest == read(tmp_path / "a.pdf")[0].digest
    assert read(data)[0].digest != read(data, IngestSettings(page_pixels=9))[0].digest
    assert read(data)[0].digest != read(make_pdf(["Two"]))[0].digest


def test_a_file_is_open_no_longer_than_it_is_read() -> None:
    file = PdfFile(open_source(make_pdf(["One", "Two"])))
    with file.kept_open():
        assert file._document is not None
        assert file.count_pages() == 2
    assert file._document is None
    reading = read_pdf(open_source(make_pdf(["One", "Two"])), make_origin(), None)
    first = next(reading)
    assert isinstance(first, Record)
    reading.close()  # type: ignore[attr-defined]
    assert first.held.file._document is None  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (make_pdf(["x"], is_locked=True), "password"),
        (b"%PDF-1.4\nnothing of the kind", "damaged"),
        (make_pdf(["x"])[:60], "damaged"),
        (make_pdf([]), "damaged"),
    ],
    ids=["locked", "damaged", "cut", "no-pages"],
)
def test_a_file_that_cannot_be_read_is_an_error(data: bytes, words: str) -> None:
    with pytest.raises(MediaError, match=words):
        list(read_pdf(open_source(data), make_origin(), None))


def test_a_damaged_page_is_reported_and_the_others_are_read() -> None:
    # The second page's object becomes something that is no page.
    data = make_pdf(["One", "Two", "Three"]).replace(b"7 0 obj\n<< /Type /Page ", b"7 0 obj\n<< /Typo /Page ")
    broken = data.replace(b"/Kids [5 0 R 7 0 R 9 0 R]", b"/Kids [5 0 R 99 0 R 9 0 R]")
    entries = list(read_pdf(open_source(broken), make_origin(), None))
    pages = {one.place.page: type(one) for one in entries}  # type: ignore[union-attr]
    assert pages == {1: Record, 2: UnreadableFile, 3: Record}


def test_a_page_of_a_size_that_no_page_has_is_an_error() -> None:
    for size in ((0.0, 10.0), (10.0, 1e9), (float("nan"), 1.0)):
        with pytest.raises(MediaError, match="points"):
            _find_scale(size, 1000, "a")


@given(st.floats(1, 20_000), st.floats(1, 20_000), st.integers(1, 4_000_000))
def test_the_scale_keeps_to_the_pixels(width: float, height: float, pixels: int) -> None:
    scale = _find_scale((width, height), pixels, "a")
    sides = [math.ceil(side * scale) for side in (width, height)]
    assert sides[0] * sides[1] <= pixels or 1 in sides
    assert scale <= MAX_SCALE


def test_words_are_cleaned() -> None:
    assert _clean("  hy\x02\r\nphen and soft\ufffe\nly\r\nnext\x00\x07 \ud800") == "hyphen and softly\nnext"


def test_threads_draw_side_by_side_as_alone(tmp_path: Path) -> None:
    files = []
    for number in range(3):
        path = tmp_path / f"{number}.pdf"
        path.write_bytes(make_pdf([f"File {number} page {page}" for page in range(4)]))
        files.append(path)
    alone = [np.asarray(record.content.decode()).sum() for path in files for record in read(path)]
    found: dict[int, list[int]] = {}

    def draw(number: int) -> None:
        found[number] = [
            np.asarray(record.content.decode()).sum()  # type: ignore[union-attr]
            for record in read_pdf(open_source(files[number]), make_origin(), None)
        ]

    threads = [threading.Thread(target=draw, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [total for number in range(3) for total in found[number]] == alone


def test_a_long_file_is_read_as_it_is_taken() -> None:
    source = open_source(make_pdf(["x"] * 500))
    reading = read_pdf(source, make_origin(), "known")
    assert [one.place.page for one in islice(reading, 3)] == [1, 2, 3]  # type: ignore[union-attr]
    reading.close()  # type: ignore[attr-defined]


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    with pytest.raises(MissingExtraError, match=r"sensorium\[pdf\]"):
        read(make_pdf(["x"]))
