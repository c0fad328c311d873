"""PDF files page by page: a picture to encode, the page's own words for full text. Must not know PDFium."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sensorium.errors import MediaError
from sensorium.ingest.identity import derive_digest, hash_file
from sensorium.ingest.pdf_file import PdfFile
from sensorium.ingest.place import Place
from sensorium.ingest.records import Origin, Record, UnreadableFile
from sensorium.ingest.thumbnails import draw_thumbnail

if TYPE_CHECKING:
    from PIL import Image

    from sensorium.media.source import Source


@dataclass(frozen=True, slots=True)
class HeldPage:
    """A page that is drawn when it is asked for, each time anew."""

    file: PdfFile
    number: int
    pixels: int

    def value(self) -> Image.Image:
        """Draw it."""
        return self.file.draw(self.number, self.pixels)

    def thumbnail(self, side: int) -> bytes:
        """Draw it small."""
        return draw_thumbnail(self.file.draw(self.number, 2 * side * side), side)


def read_pdf(source: Source, origin: Origin, known_digest: str | None) -> Iterator[Record | UnreadableFile]:
    """Give a record for each page of a PDF file, in order.

    The file is open until the last page is taken; no picture is drawn, and the words of one page are held.

    Args:
        source: The file.
        origin: Whose records they are.
        known_digest: Of the file, if it is known.

    Yields:
        Records whose place is a page; an `UnreadableFile` for a page that is damaged.

    Raises:
        MediaError: The file is damaged, protected by a password, or cannot be read.
        MissingExtraError: pypdfium2 is not installed.
    """
    pixels = origin.settings.page_pixels
    file = PdfFile(source)
    with file.kept_open():
        count = file.count_pages()
        title = file.read_title() or None
        file_digest = known_digest or hash_file(source)
        for number in range(1, count + 1):
            place = Place(page=number)
            try:
                words = file.read_words(number)
            except MediaError as exc:
                yield origin.fail(exc, place)
                continue
            yield origin.make_record(
                HeldPage(file, number, pixels),
                place,
                "image",
                derive_digest(file_digest, "page", number, pixels),
                "pdf",
                text=words or None,
                metadata={"format": "PDF", "title": title, "pages": count},
            )
