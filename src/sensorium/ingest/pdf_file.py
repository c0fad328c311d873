"""A PDF file through pypdfium2: its pages' sizes, words and pictures. Must not know records.

PDFium may not be entered by two threads at once, not even for two files, so one lock stands before all of it. A file is
kept open while it is read in order, and opened for a moment otherwise; what is drawn is held by nobody here.

Source: PDFium's `fpdfview.h` on threads and error codes; the marks at the ends of lines are those of its text page.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from PIL import Image

from sensorium._optional import require
from sensorium.errors import MediaError, MediaLimitError

if TYPE_CHECKING:
    from sensorium.media.source import Source

_PURPOSE = "Reading a PDF file"
# The one door to PDFium. A thread may come twice: the garbage collector may close a file while another is being read.
_door = threading.RLock()
# `FPDF_ERR_PASSWORD` and `FPDF_ERR_SECURITY`.
_LOCKED = (4, 5)
#: Most characters of a page that are read.
MAX_WORDS = 1_000_000
_MAX_POINTS = 1e6
#: A small page is not drawn larger than at this many pixels a point: 288 an inch.
MAX_SCALE = 4.0
# A hyphen that ends a line, which PDFium marks in one of two ways, together with the line's end.
_HYPHEN = re.compile("[\x02\ufffe](?:\r\n|\r|\n)?")
_BREAKS = re.compile("\r\n?")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


class PdfFile:
    """A PDF file.

    Args:
        source: The file.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._document: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {"source": self.source, "_document": None}

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Keep the file open inside the block, so that page after page is read without opening it again.

        Raises:
            MediaError: It is damaged, protected by a password, or no PDF file.
            MissingExtraError: pypdfium2 is not installed.
        """
        with self._opened() as document:
            self._document = document
            try:
                yield
            finally:
                with _door:  # not while another thread draws a page of it
                    self._document = None

    def count_pages(self) -> int:
        """Give the number of pages, at least 1."""
        with self._entered() as document:
            if len(document) < 1:
                raise MediaError("the PDF file has no pages.", source=self.source.name)
            return len(document)

    def read_title(self) -> str:
        """Give the title that the file states; empty if it states none."""
        with self._entered() as document:
            return _clean(str(document.get_metadata_value("Title") or ""))

    def read_words(self, number: int) -> str:
        """Give the words of a page, up to `MAX_WORDS` characters; empty if it has none.

        Args:
            number: Of the page, counted from 1.

        Raises:
            MediaError: The page is damaged.
        """
        with self._page(number) as page:
            words = page.get_textpage()
            try:
                return _clean(words.get_text_range())[:MAX_WORDS]
            finally:
                words.close()

    def draw(self, number: int, pixels: int) -> Image.Image:
        """Draw a page on white.

        Args:
            number: Of the page, counted from 1.
            pixels: Most pixels of the picture, which has as many as fit, up to those that `MAX_SCALE` gives.

        Returns:
            An image of mode RGB.

        Raises:
            MediaError: The page is damaged, or has no size.
        """
        with self._page(number) as page:
            bitmap = page.render(scale=_find_scale(page.get_size(), pixels, self.source.name))
            try:
                # The pixels of `to_pil` may be PDFium's own, which go with the bitmap.
                return bitmap.to_pil().convert("RGB").copy()
            finally:
                bitmap.close()

    @contextmanager
    def _entered(self) -> Iterator[Any]:
        """Go through the door, to the file that is kept open or to one that is opened for now."""
        with _door:
            if self._document is not None:
                with _translated(self.source.name):
                    yield self._document
            else:
                with self._opened() as document:
                    yield document

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        pdfium = require("pypdfium2", _PURPOSE)
        with self.source.open() as file:
            with _door, _translated(self.source.name):
                document = pdfium.PdfDocument(file)
            try:
                with _door, _translated(self.source.name):
                    document.init_forms()  # or what is written into fields is not drawn
                yield document
            finally:
                with _door:
                    document.close()

    @contextmanager
    def _page(self, number: int) -> Iterator[Any]:
        with self._entered() as document, _translated(self.source.name):
            page = document[number - 1]
            try:
                yield page
            finally:
                page.close()


@contextmanager
def _translated(name: str) -> Iterator[None]:
    """Turn what pypdfium2 raises on a bad file into `MediaError`. This is the one place that does."""
    try:
        yield
    except MediaError:  # ours; a ValueError too
        raise
    except MemoryError as exc:
        raise MediaLimitError("the file needs more memory than there is.", source=name) from exc
    except (RuntimeError, ValueError, LookupError, OSError, AssertionError) as exc:
        if getattr(exc, "err_code", None) in _LOCKED:
            raise MediaError(
                "the PDF file is protected by a password. Save it without one to read it.", source=name
            ) from exc
        raise MediaError(
            f"the PDF file is damaged, or none ({exc}). Write it again, or print it to a new PDF file.", source=name
        ) from exc


def _find_scale(size: tuple[float, float], pixels: int, name: str) -> float:
    """Give the pixels a point at which a page fills what it may; PDFium rounds both sides of the picture up."""
    width, height = size
    if not (0 < width <= _MAX_POINTS and 0 < height <= _MAX_POINTS):
        raise MediaError(f"a page is {width:g} by {height:g} points large, which no page is.", source=name)
    scale = min(MAX_SCALE, math.sqrt(pixels / (width * height)))
    sides = ((side, max(1, math.floor(side * scale))) for side in size)
    # A hair less, or the rounding of numbers makes 100 of 99.
    return min(whole / side for side, whole in sides) * (1 - 1e-9)


def _clean(text: str) -> str:
    """Bring PDFium's text to plain lines: words that a hyphen parted at the end of a line are joined."""
    return _UNPRINTABLE.sub("", _BREAKS.sub("\n", _HYPHEN.sub("", text))).strip()
