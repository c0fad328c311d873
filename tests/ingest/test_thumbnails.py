"""Small pictures: their size, their form, and that proportions stay."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sensorium.ingest.thumbnails import KeptThumbnail, draw_thumbnail, fit_area, fit_side, shrink_frames

SIDES = st.integers(1, 5000)


@given(st.tuples(SIDES, SIDES), SIDES)
def test_sizes_fit(size: tuple[int, int], limit: int) -> None:
    assert max(fit_side(size, limit)) <= max(limit, 1)
    width, height = fit_area(size, limit)
    assert width * height <= limit or 1 in (width, height)
    if size[0] * size[1] <= limit:
        assert (width, height) == size
    if max(size) <= limit:
        assert fit_side(size, limit) == size


@pytest.mark.parametrize(("size", "small"), [((1000, 500), (64, 32)), ((30, 20), (30, 20)), ((5000, 1), (64, 1))])
def test_a_thumbnail_is_a_jpeg_of_its_size(size: tuple[int, int], small: tuple[int, int]) -> None:
    image = Image.new("RGB", size, "red")
    with Image.open(BytesIO(draw_thumbnail(image, 64))) as drawn:
        assert (drawn.format, drawn.size) == ("JPEG", small)
        red, green, blue = drawn.convert("RGB").getpixel((0, 0))  # type: ignore[misc]
    assert red > 240
    assert max(green, blue) < 20
    assert image.size == size


@pytest.mark.parametrize("size", [(512, 512), (640, 480), (1999, 777), (3000, 2000)])
def test_short_cuts_do_not_show(size: tuple[int, int]) -> None:
    """Against a full LANCZOS, on a picture of waves of all lengths: the error is a third larger than that of the JPEG."""
    x, y = np.meshgrid(np.linspace(0, 1, size[0]), np.linspace(0, 1, size[1]))
    pixels = np.stack([np.sin(60 * x * x), np.sin(40 * y * y), np.sin(30 * x * y)], axis=2)
    image = Image.fromarray(((pixels + 1) * 127.5).astype(np.uint8))
    exact = image.resize(fit_side(size, 256), Image.Resampling.LANCZOS)
    errors = []
    for source in (image, exact):  # the second one is only written
        with Image.open(BytesIO(draw_thumbnail(source, 256))) as drawn:
            errors.append(np.square(np.asarray(drawn, float) - np.asarray(exact, float)).mean())
    assert 0 < errors[0] < 1.33 * errors[1]


def test_what_is_kept_is_drawn_once() -> None:
    kept = KeptThumbnail()
    assert kept.find(64) is None
    red, blue = (Image.new("RGB", (100, 50), name) for name in ("red", "blue"))
    first = kept.draw(red, 64)
    assert kept.draw(blue, 64) is kept.find(64) is first
    assert first == draw_thumbnail(red, 64)
    assert kept.find(32) is None
    assert kept.draw(blue, 32) == draw_thumbnail(blue, 32)


def test_frames_are_scaled_down_one_by_one() -> None:
    frames = np.stack([np.full((40, 60, 3), value, np.uint8) for value in (10, 200)])
    assert shrink_frames(frames, 2400) is frames
    small = shrink_frames(frames, 600)
    assert small.shape == (2, 20, 30, 3)
    assert [int(frame.mean()) for frame in small] == [10, 200]
