"""Small pictures: their size, their form, and that proportions stay."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sensorium.ingest.thumbnails import draw_thumbnail, fit_area, fit_side, shrink_frames

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


def test_frames_are_scaled_down_one_by_one() -> None:
    frames = np.stack([np.full((40, 60, 3), value, np.uint8) for value in (10, 200)])
    assert shrink_frames(frames, 2400) is frames
    small = shrink_frames(frames, 600)
    assert small.shape == (2, 20, 30, 3)
    assert [int(frame.mean()) for frame in small] == [10, 200]
