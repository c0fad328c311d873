"""What the benchmarks encode: texts and JPEG files, made from `samples/` and a seed.

Must not know models, nor what is measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

_SAMPLES = Path(__file__).resolve().parents[1] / "samples"

#: Noise of a camera's sensor, as a standard deviation in 8-bit steps. Without it an enlarged photograph has no fine
#: detail, is a fifth of the usual size as a file, and decodes faster than a real one.
_NOISE = 4.0
_QUALITY = 90


def make_texts(count: int, seed: int = 0, median_words: float = 20.0, spread: float = 0.9) -> list[str]:
    """Make texts whose lengths in words are log-normal, from the words of the passages in `samples/texts`.

    Args:
        count: How many; all differ.
        seed: Where they come from.
        median_words: Half are longer.
        spread: Standard deviation of the logarithm of the length. With 0.9, one text in a hundred is eight times the
            median.

    Returns:
        Texts of 2 to 400 words.
    """
    generator = np.random.default_rng(seed)
    words = np.array(" ".join(path.read_text("utf-8") for path in sorted((_SAMPLES / "texts").glob("*.txt"))).split())
    lengths = np.clip(generator.lognormal(np.log(median_words), spread, count).round().astype(int), 2, 400)
    texts = [" ".join(generator.choice(words, length)) for length in lengths]
    return [f"{text} {index}" for index, text in enumerate(texts)]


def yield_short_texts(count: int) -> Iterator[str]:
    """Yield texts of about ten words, all different, none kept."""
    for index in range(count):
        yield f"the letter with the number {index} was sent on day {index % 365} to house {index % 97}"


def make_photographs(folder: Path, count: int, size: tuple[int, int], seed: int = 0) -> list[str]:
    """Write JPEG files that a camera could have written: enlarged parts of the photographs in `samples/images`.

    Args:
        folder: Where.
        count: How many; all differ in what part they show, and in their noise.
        size: Width and height in pixels.
        seed: Where choices and noise come from.

    Returns:
        Their paths.
    """
    generator = np.random.default_rng(seed)
    photographs = [Image.open(path).convert("RGB") for path in sorted((_SAMPLES / "images").iterdir())]
    noise = generator.normal(0, _NOISE, (size[1], size[0], 3)).round().astype(np.int16)
    paths = []
    for index in range(count):
        image = _cut(photographs[index % len(photographs)], generator, size)
        shift = generator.integers(0, min(size), 2)
        pixels = np.clip(np.asarray(image, np.int16) + np.roll(noise, shift, axis=(0, 1)), 0, 255).astype(np.uint8)
        path = folder / f"photograph-{index}.jpg"
        Image.fromarray(pixels).save(path, quality=_QUALITY)
        paths.append(str(path))
    return paths


def _cut(image: Image.Image, generator: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """Take a part of an image that has at least 0.7 of its sides, mirrored or not, and enlarge it."""
    part = [round(side * generator.uniform(0.7, 1.0)) for side in image.size]
    left, top = (int(generator.integers(0, whole - kept + 1)) for whole, kept in zip(image.size, part, strict=True))
    image = image.crop((left, top, left + part[0], top + part[1]))
    return ImageOps.fit(ImageOps.mirror(image) if generator.random() < 0.5 else image, size, Image.Resampling.BICUBIC)
