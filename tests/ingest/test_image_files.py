"""Images: one record each, whose bytes are hashed and whose pixels are left to the encoder."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from sensorium.errors import MediaError, MediaLimitError
from sensorium.ingest import IngestSettings, Place, hash_file
from sensorium.ingest.image_files import read_image_file
from sensorium.media import MediaLimits, open_source
from tests.ingest.made_files import make_origin
from tests.media.media_files import encode_image, noise_image


def test_a_record_of_an_image(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(encode_image(noise_image(400, 300), "PNG"))
    (record,) = read_image_file(open_source(path), "PNG", make_origin(IngestSettings(thumbnail_side=64)), None)
    assert (record.modality, record.place, record.content, record.text) == ("image", Place(), path, None)
    assert record.digest == hash_file(open_source(path))
    assert record.metadata == {"format": "PNG", "width": 400, "height": 300}
    picture = record.thumbnail()
    assert picture is not None
    with Image.open(BytesIO(picture)) as small:
        assert (small.format, small.size) == ("JPEG", (64, 48))


def test_bytes_and_a_known_digest() -> None:
    data = encode_image(noise_image(), "JPEG")
    (record,) = read_image_file(open_source(data), "JPEG", make_origin(), "known")
    assert record.content == data
    assert record.digest == "known"


def test_a_damaged_header_and_a_large_image_are_errors() -> None:
    data = encode_image(noise_image(), "PNG")
    with pytest.raises(MediaError):
        list(read_image_file(open_source(data[:20]), "PNG", make_origin(), None))
    settings = IngestSettings(limits=MediaLimits(max_pixels=100))
    with pytest.raises(MediaLimitError):
        list(read_image_file(open_source(data), "PNG", make_origin(settings), None))
