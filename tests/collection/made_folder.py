"""Make folders of many small files of several kinds from a seed: what an interrupted indexing is tried on.

Must not know collections, nor any test.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from tests.ingest.made_files import make_pdf

_WORDS_TEXT = (
    "amber anchor barley beacon bramble candle canyon cedar cinder clover copper coral cricket ember falcon fern "
    "flint garnet harbor hazel heron indigo iron ivory jasper juniper kelp lantern lichen linen maple marble meadow "
    "mercury nettle oak olive onyx orchid otter pebble pepper pine quartz raven reed rowan saffron sage salt sepia "
    "silver slate sparrow spruce thistle thyme timber topaz umber velvet violet walnut willow wren zinc"
)
_WORDS = _WORDS_TEXT.split()


def make_folder(folder: Path, count: int, seed: int = 0) -> Path:
    """Write `count` files in sub-folders: notes, long texts, pages, pictures, reports; some twice, some broken.

    Args:
        folder: Where; made if it is not there.
        count: How many files.
        seed: Where their content comes from. Equal arguments give equal files.

    Returns:
        The folder.
    """
    generator = np.random.default_rng(seed)
    made: list[bytes] = []
    for number in range(count):
        suffix, make = _KINDS[number % len(_KINDS)]
        content = make(generator)
        if number % 13 == 12:  # the content of an earlier file under another name
            place = number - len(_KINDS)
            suffix, content = _KINDS[place % len(_KINDS)][0], made[place]
        made.append(content)
        path = folder / f"part-{number % 7}" / f"{number:05d}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def change_folder(folder: Path, seed: int = 0) -> None:
    """Rewrite one in five of the files, remove one in five, and add as many."""
    generator = np.random.default_rng(seed)
    for number, path in enumerate(sorted(path for path in folder.rglob("*") if path.is_file())):
        if number % 5 == 1:
            path.write_bytes(_make_text(generator))
        elif number % 5 == 3:
            path.unlink()
            (folder / f"new-{number:05d}.txt").write_bytes(_make_text(generator))


def _draw_sentence(generator: np.random.Generator) -> str:
    """Draw words, and one that no other sentence has."""
    words = [*generator.choice(_WORDS, int(generator.integers(5, 12))), f"x{generator.integers(10**9):09d}"]
    return " ".join(words).capitalize() + "."


def _draw_paragraphs(generator: np.random.Generator, count: int, separator: str = "\n\n") -> str:
    return separator.join(" ".join(_draw_sentence(generator) for _ in range(6)) for _ in range(count))


def _make_note(generator: np.random.Generator) -> bytes:
    return f"# {_draw_sentence(generator)}\n\n{_draw_sentence(generator)}\n".encode()


def _make_text(generator: np.random.Generator) -> bytes:
    return _draw_paragraphs(generator, int(generator.integers(3, 9))).encode()


def _make_page(generator: np.random.Generator) -> bytes:
    body = _draw_paragraphs(generator, 3, "</p><p>")
    return f"<!DOCTYPE html><html><body><h1>{_draw_sentence(generator)}</h1><p>{body}</p></body></html>".encode()


def _make_picture(generator: np.random.Generator) -> bytes:
    tiles = generator.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(tiles).resize((48, 48), Image.Resampling.BILINEAR).save(stream, "PNG")
    return stream.getvalue()


def _make_broken_picture(generator: np.random.Generator) -> bytes:
    whole = _make_picture(generator)
    return whole[: len(whole) // 3]


def _make_report(generator: np.random.Generator) -> bytes:
    pages = int(generator.integers(1, 5))
    return make_pdf([_draw_sentence(generator) for _ in range(pages)])


def _make_empty(generator: np.random.Generator) -> bytes:
    return b""


_KINDS: tuple[tuple[str, Callable[[np.random.Generator], bytes]], ...] = (
    (".md", _make_note),
    (".png", _make_picture),
    (".txt", _make_text),
    (".md", _make_note),
    (".pdf", _make_report),
    (".png", _make_picture),
    (".html", _make_page),
    (".txt", _make_note),
    (".png", _make_broken_picture),
    (".png", _make_picture),
    (".txt", _make_empty),
)
