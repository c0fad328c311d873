"""Short clips of one picture: it lies on a background and is zoomed, moved and turned.

Must not know what the picture shows.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

FRAMES, FRAMES_A_SECOND, SIDE = 16, 8, 96


def make_clip(picture: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Make a clip's frames.

    Args:
        picture: `[side, side, 4]` uint8, colour not multiplied by alpha.
        generator: Of every draw.

    Returns:
        `[FRAMES, SIDE, SIDE, 3]` uint8.
    """
    background = _draw_background(generator)
    image = Image.fromarray(picture).convert("RGBa")  # multiplied by alpha, so that edges are resampled rightly
    sizes = np.linspace(*generator.uniform(0.45, 1.0, 2), FRAMES)
    angles = np.linspace(*generator.uniform(-20, 20, 2), FRAMES)
    places = np.linspace(generator.uniform(-1, 1, 2), generator.uniform(-1, 1, 2), FRAMES)
    frames = []
    for size, angle, place in zip(sizes, angles, places, strict=True):
        side = max(int(SIDE * size), 8)
        turned = image.resize((side, side), Image.Resampling.BILINEAR).rotate(angle, Image.Resampling.BILINEAR)
        room = (SIDE - side) / 2
        corner = (round(room * (1 + place[0])), round(room * (1 + place[1])))
        frame = background.copy()
        frame.paste(turned.convert("RGBA"), corner, turned.getchannel("a"))
        frames.append(np.asarray(frame))
    return np.stack(frames)


def _draw_background(generator: np.random.Generator) -> Image.Image:
    """Draw a background: white, one colour, or a slope between four."""
    kind = generator.random()
    if kind < 0.3:
        return Image.new("RGB", (SIDE, SIDE), (255, 255, 255))
    if kind < 0.65:
        return Image.new("RGB", (SIDE, SIDE), tuple(int(value) for value in generator.integers(90, 256, 3)))
    corners = Image.fromarray(generator.integers(60, 256, (2, 2, 3), dtype=np.uint8))
    return corners.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
