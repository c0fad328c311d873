"""Pictures of results as data addresses."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sensorium.collection.pictures import draw_result
from sensorium.collection.results import ScoreParts, SearchResult
from sensorium.errors import MediaError, MissingExtraError
from sensorium.ingest import Place
from sensorium.media.samples import Part, Sample


def make_result(modality: str, thumbnail: bytes | None = None) -> SearchResult:
    return SearchResult(
        id="1",
        key="k",
        path=None,
        place=Place(),
        modality=modality,
        score=1.0,
        parts=ScoreParts(),
        thumbnail=thumbnail,
    )


def encode(image: Image.Image, form: str = "PNG") -> bytes:
    file = BytesIO()
    image.save(file, form)
    return file.getvalue()


def draw(modality: str, sample: Any, thumbnail: bytes | None = None) -> Image.Image | None:
    """Give the picture that was drawn, checking that its size is the one that was said."""

    def read(result: SearchResult) -> Sample | None:
        if isinstance(sample, Exception):
            raise sample
        return sample

    drawn = draw_result(make_result(modality, thumbnail), read)
    if drawn is None:
        return None
    address, size = drawn
    head, data = address.split(",", 1)
    assert head == "data:image/jpeg;base64"
    image = Image.open(BytesIO(base64.b64decode(data, validate=True)))
    assert (image.format, image.size) == ("JPEG", size)
    return image


def test_a_picture_is_scaled_down_and_never_up() -> None:
    for size, shown in (((2000, 500), (768, 192)), ((30, 20), (30, 20))):
        drawn = draw("image", Sample("image", (Part("image", encode(Image.new("RGB", size))),)))
        assert drawn is not None
        assert drawn.size == shown


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "1"])
def test_every_mode_of_pixels(mode: str) -> None:
    image = Image.new("RGB", (20, 10), "white").convert(mode)
    drawn = draw("image", Sample("image", (Part("image", image),)))
    assert drawn is not None
    assert min(drawn.convert("RGB").getpixel((5, 5))) > 240  # type: ignore[arg-type, type-var]


def test_a_clip_is_shown_by_its_middle_frame() -> None:
    frames = np.stack([np.full((16, 16, 3), value, np.uint8) for value in (0, 0, 200, 0)])
    drawn = draw("video", Sample("video", (Part("video", {"array": frames}),)))
    assert drawn is not None
    assert abs(drawn.convert("L").getpixel((8, 8)) - 200) < 3  # type: ignore[operator]


def test_a_mixture_is_shown_by_its_picture() -> None:
    picture = Part("image", encode(Image.new("RGB", (20, 10))))
    sample = Sample(("text", "image"), (Part("text", "words", True), picture))
    assert draw("image+text", sample) is not None


@pytest.mark.parametrize("sample", [None, MediaError("broken"), MissingExtraError("no package")])
def test_the_thumbnail_stands_in_for_what_is_gone(sample: Any) -> None:
    drawn = draw("image", sample, encode(Image.new("RGB", (33, 44)), "JPEG"))
    assert drawn is not None
    assert drawn.size == (33, 44)
    assert draw("image", sample) is None


@pytest.mark.parametrize("modality", ["text", "audio", "audio+text"])
def test_what_has_no_picture(modality: str) -> None:
    assert draw(modality, AssertionError("not to be read")) is None
