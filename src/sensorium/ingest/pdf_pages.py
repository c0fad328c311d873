"""PDF files page by page: a picture to encode, the page's own words for full text. Must not know PDFium."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sensorium.errors import MediaError
from sensorium.ingest.identity import derive_digest, hash_file
from sensorium.ingest.pdf_file import PdfFile
from sensorium.ingest.place import Place
from sensorium.ingest.records import Origin, Record, UnreadableFile
from sensorium.ingest.thumbnails import KeptThumbnail, fit_area

if TYPE_CHECKING:
    from PIL import Image

    from sensorium.media.limits import MediaLimits
    from sensorium.media.source import Source

# Width and height of a sheet, in hundredths of a millimetre.
_A4 = (21_000, 29_700)


@dataclass(frozen=True, slots=True)
class HeldPage:
    """A page, to be drawn when it is needed, each time anew.

    It is a decoder of `sensorium.media`: an encoder takes it as it takes an image, and draws it in its own threads.
    What is drawn is not kept, but for a thumbnail.

    Attributes:
        file: Of which it is a page.
        number: Counted from 1.
        pixels: Most pixels of the picture.
        digest: By which an encoder knows that it was given the same page twice; None if nobody knows.
        thumbnail_side: Most pixels of the longer side of the thumbnail that drawing leaves behind; None for none.
    """

    file: PdfFile
    number: int
    pixels: int
    digest: str | None = None
    thumbnail_side: int | None = None
    _thumbnail: KeptThumbnail = field(init=False, repr=False, compare=False, default_factory=KeptThumbnail)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture in pixels, for an estimate: as if it were a page of A4, and upright."""
        return fit_area(_A4, self.pixels)

    def decode(self) -> Image.Image:
        """Draw it: of mode RGB.

        Raises:
            MediaError: The file is gone, or the page is damaged.
        """
        return self._draw()

    def decode_image(self, limits: MediaLimits, min_side: int | None = None) -> Image.Image:
        """Draw it for an encoder, which checks it against its limits; never smaller than it is.

        Raises:
            MediaError: The file is gone, or the page is damaged.
        """
        return self._draw()

    def value(self) -> HeldPage:
        """Give itself: encoders take it as it is."""
        return self

    def thumbnail(self, side: int) -> bytes:
        """Give what drawing left behind; or draw it small."""
        data = self._thumbnail.find(side)
        return data if data is not None else self._thumbnail.draw(self.file.draw(self.number, 2 * side * side), side)

    def _draw(self) -> Image.Image:
        image = self.file.draw(self.number, self.pixels)
        if self.thumbnail_side is not None and max(image.size) >= self.thumbnail_side:
            self._thumbnail.draw(image, self.thumbnail_side)
        return image


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
    pixels, side = origin.settings.page_pixels, origin.settings.thumbnail_side
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
            digest = derive_digest(file_digest, "page", number, pixels)
            yield origin.make_record(
                HeldPage(file, number, pixels, digest, side),
                place,
                "image",
                digest,
                "pdf",
                text=words or None,
                metadata={"format": "PDF", "title": title, "pages": count},
            )
