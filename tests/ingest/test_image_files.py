"""Images: one record each, whose bytes are hashed and whose pixels are left to the encoder; what decoding leaves behind."""

from __future__ import annotations

import gc
import pickle
import threading
import weakref
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from sensorium.errors import MediaError, MediaLimitError, MissingMediaError
from sensorium.ingest import IngestSettings, Place, Record, hash_file, image_files, thumbnails
from sensorium.ingest.image_files import HeldImage, read_image_file
from sensorium.media import (
    DecodeSpec,
    MediaLimits,
    MediaSettings,
    Part,
    Sample,
    decode_image,
    load_sample,
    open_source,
    probe_sample,
    sample_key,
)
from tests.ingest.made_files import make_origin
from tests.media.media_files import encode_image, noise_image

SMALL = IngestSettings(thumbnail_side=64)


def read(value: Path | bytes, settings: IngestSettings = SMALL) -> Record:
    (record,) = read_image_file(open_source(value), "image", make_origin(settings), None)
    assert isinstance(record, Record)
    return record


def load(value: object, settings: MediaSettings | None = None, spec: DecodeSpec | None = None) -> Image.Image:
    sample = value if isinstance(value, Sample) else Sample("image", (Part("image", value),))
    return load_sample(sample, spec or DecodeSpec(), settings or MediaSettings()).parts[0].value


def size_of(picture: bytes | None) -> tuple[int, int]:
    assert picture is not None
    with Image.open(BytesIO(picture)) as small:
        assert small.format == "JPEG"
        return small.size


@pytest.fixture
def turned() -> bytes:
    """An image that is 300 pixels wide in the file, and 200 as it is shown."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return encode_image(noise_image(300, 200), "JPEG", exif=exif)


def test_a_record_of_an_image(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(encode_image(noise_image(400, 300), "PNG"))
    (record,) = read_image_file(open_source(path), "PNG", make_origin(SMALL), None)
    assert (record.modality, record.place, record.text) == ("image", Place(), None)
    assert record.digest == hash_file(open_source(path))
    assert record.metadata == {"format": "PNG", "width": 400, "height": 300}
    assert record.content.decode().tobytes() == noise_image(400, 300).tobytes()
    assert size_of(record.thumbnail()) == (64, 48)


def test_bytes_and_a_known_digest() -> None:
    data = encode_image(noise_image(), "JPEG")
    (record,) = read_image_file(open_source(data), "JPEG", make_origin(), "known")
    assert load(record.to_sample()).tobytes() == load(data).tobytes()
    assert record.digest == record.content.digest == "known"


def test_an_encoder_knows_what_it_is_without_decoding_it(turned: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_files, "decode_image", None)
    one, same, other = read(turned), read(bytes(turned)), read(encode_image(noise_image(), "PNG"))
    sample = one.to_sample()
    assert sample.modality == "image"
    assert one.content.size == (200, 300)
    assert probe_sample(sample, MediaSettings()).pixels == 60_000
    assert sample_key(sample) == sample_key(same.to_sample()) is not None
    assert sample_key(sample) != sample_key(other.to_sample())


def test_it_is_decoded_as_its_file_is(tmp_path: Path, turned: bytes) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(turned)
    settings = MediaSettings(reduced_jpeg=True)
    for value in (path, turned):
        assert load(read(value).to_sample()).tobytes() == load(path).tobytes()
        reduced = load(read(value).to_sample(), settings, DecodeSpec(min_image_side=60))
        assert reduced.size == (100, 150)
        assert reduced.tobytes() == load(path, settings, DecodeSpec(min_image_side=60)).tobytes()


@pytest.mark.parametrize("limits", [MediaLimits(max_bytes=100), MediaLimits(max_pixels=100)])
def test_the_limits_of_the_encoder_hold(tmp_path: Path, turned: bytes, limits: MediaLimits) -> None:
    (tmp_path / "a.jpg").write_bytes(turned)
    for value in (tmp_path / "a.jpg", turned):
        with pytest.raises(MediaLimitError):
            load(read(value).to_sample(), MediaSettings(limits=limits))


def test_decoding_leaves_a_thumbnail_and_no_image(turned: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    record = read(turned)
    image = load(record.to_sample())
    gone = weakref.ref(image)
    del image
    gc.collect()
    assert gone() is None
    monkeypatch.setattr(image_files, "decode_image", None)
    assert size_of(record.thumbnail()) == (43, 64)
    assert size_of(pickle.loads(pickle.dumps(record)).thumbnail()) == (43, 64)


def test_a_thumbnail_that_nobody_left_is_decoded_for_once(turned: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    record = read(turned)
    assert size_of(record.thumbnail()) == (43, 64)
    with monkeypatch.context() as patched:
        patched.setattr(image_files, "decode_image", None)
        assert size_of(record.thumbnail()) == (43, 64)
    assert size_of(record.held.thumbnail(32)) == (21, 32)  # another size is another picture
    with monkeypatch.context() as patched:
        patched.setattr(thumbnails, "draw_thumbnail", None)
        assert size_of(record.held.thumbnail(32)) == (21, 32)


def test_an_image_that_was_decoded_too_small_leaves_none(turned: bytes) -> None:
    record = read(turned, IngestSettings(thumbnail_side=200))
    load(record.to_sample(), MediaSettings(reduced_jpeg=True), DecodeSpec(min_image_side=60))
    assert size_of(record.thumbnail()) == (133, 200)


def test_a_small_image_leaves_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    record = read(encode_image(noise_image(20, 10), "PNG"))
    load(record.to_sample())
    monkeypatch.setattr(image_files, "decode_image", None)
    assert size_of(record.thumbnail()) == (20, 10)


def test_without_a_side_decoding_leaves_nothing(turned: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    held = HeldImage(open_source(turned), MediaLimits(), (200, 300))
    monkeypatch.setattr(thumbnails, "draw_thumbnail", None)
    assert held.decode().size == (200, 300)
    assert sample_key(Sample("image", (Part("image", held),))) is None


def test_threads_that_come_at_once_get_the_same(tmp_path: Path, turned: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(turned)
    record = read(tmp_path / "a.jpg")
    expected = decode_image(open_source(turned), MediaLimits()).tobytes()
    images, pictures, start = [], [], threading.Barrier(8)

    def decode(number: int) -> None:
        start.wait(60)
        if number % 2:
            images.append(load(record.to_sample()).tobytes())
        pictures.append(size_of(record.thumbnail()))

    threads = [threading.Thread(target=decode, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert images == [expected] * 4
    assert pictures == [(43, 64)] * 8


def test_a_file_that_is_gone_is_an_error(tmp_path: Path, turned: bytes) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(turned)
    record = read(path)
    path.unlink()
    for ask in (record.thumbnail, record.content.decode, lambda: load(record.to_sample())):
        with pytest.raises(MissingMediaError, match=r"a\.jpg"):
            ask()


def test_a_damaged_header_and_a_large_image_are_errors() -> None:
    data = encode_image(noise_image(), "PNG")
    with pytest.raises(MediaError):
        list(read_image_file(open_source(data[:20]), "PNG", make_origin(), None))
    settings = IngestSettings(limits=MediaLimits(max_pixels=100))
    with pytest.raises(MediaLimitError):
        list(read_image_file(open_source(data), "PNG", make_origin(settings), None))
