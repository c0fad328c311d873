"""Open an image file with Pillow: only formats of the allow-list, no warning, every fault as a `MediaError`.

The plugins are called directly. `Image.open` would compare the size with a global of Pillow's and warn or raise by
that, and silencing a warning changes the whole process; here the size is compared with `MediaLimits` instead, and no
global is read or changed. Must not know what is done with the pixels.
"""

from __future__ import annotations

import importlib
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from PIL import Image, ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import TiffImageFile

from sensorium.errors import MediaError, MediaLimitError
from sensorium.media.refusal import describe_content

if TYPE_CHECKING:
    from sensorium.media.limits import MediaLimits
    from sensorium.media.source import Source

#: Pillow's name of each format that is opened -> the module that reads it. Not among them: formats that run another
#: program or script (EPS, PS, WMF), wrap further files (PDF, ICO, ICNS, FPX, MIC) or are of no use to a model.
ALLOWED: dict[str, str] = {
    "JPEG": "JpegImagePlugin",
    "PNG": "PngImagePlugin",
    "GIF": "GifImagePlugin",
    "WEBP": "WebPImagePlugin",
    "BMP": "BmpImagePlugin",
    "TIFF": "TiffImagePlugin",
    "PPM": "PpmImagePlugin",
    "AVIF": "AvifImagePlugin",  # Pillow 11.3 and later
}
#: Read if a plugin for it (such as pillow-heif) has been registered.
_ALLOWED_IF_REGISTERED = ("HEIF", "AVIF")

# What Pillow's plugins raise on malformed files. A warning is raised where the caller has turned warnings into errors.
_FAULTS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    EOFError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    RuntimeError,
    struct.error,
    zlib.error,
    Warning,
)


class _QuietJpeg(JpegImageFile):
    """A JPEG whose Exif data Pillow does not look into for a resolution, warning about what is malformed there."""

    def getexif(self) -> Image.Exif:
        return Image.Exif()


class _QuietTiff(TiffImageFile):
    """A TIFF whose size was checked already, so that Pillow finds its memory made and does not check again."""

    def load_prepare(self) -> None:
        if getattr(self, "_im", True) is None:  # older releases have no `_im`, and no second check
            self.im = Image.core.new(  # type: ignore[attr-defined]
                self.mode, getattr(self, "_tile_size", self.size)
            )
        super().load_prepare()


_QUIET: dict[str, Callable[..., ImageFile.ImageFile]] = {"JPEG": _QuietJpeg, "TIFF": _QuietTiff}


@contextmanager
def translate_pillow_faults(name: str) -> Iterator[None]:
    """Turn what Pillow raises on a bad file into `MediaError`. This is the one place that does."""
    try:
        yield
    except MediaError:  # ours; a ValueError too
        raise
    except MemoryError as exc:
        raise MediaLimitError("the image needs more memory than there is. Give a smaller one.", source=name) from exc
    except Image.DecompressionBombError as exc:
        raise MediaLimitError(f"the image is far larger than its file ({exc}). Scale it down.", source=name) from exc
    except _FAULTS as exc:
        reason = " ".join(str(exc).split())[:200] or type(exc).__name__
        raise MediaError(
            f"the image is truncated or damaged and cannot be decoded ({reason}). Write the file again, or convert it "
            "to PNG or JPEG.",
            source=name,
        ) from exc


@contextmanager
def open_image(source: Source, limits: MediaLimits) -> Iterator[ImageFile.ImageFile]:
    """Open an image file, of which only the header is read; `load()` it inside the block.

    Args:
        source: The file.
        limits: Its size is checked against `max_pixels` and `max_image_dimension`.

    Yields:
        The image, at its first frame. Faults of decoding inside the block are translated too.

    Raises:
        MediaError: No image of an allowed format, or damaged.
        MediaLimitError: Larger than `limits` allow.
    """
    with translate_pillow_faults(source.name), source.open() as file:
        image = _identify(file)
        if image is None:
            raise _unidentified(source)
        check_image_size(image.size, limits, source.name)
        yield image


def check_image_size(size: tuple[int, int], limits: MediaLimits, name: str) -> None:
    """Raise unless an image of this width and height is within the limits and not empty."""
    width, height = size
    if width < 1 or height < 1:
        raise MediaError(f"the image is empty: {width} by {height} pixels.", source=name)
    if max(width, height) > limits.max_image_dimension:
        raise MediaLimitError(
            f"the image is {width} by {height} pixels, and at most {limits.max_image_dimension} are allowed a side. "
            "Scale it down, or raise MediaLimits(max_image_dimension=...).",
            source=name,
        )
    if width * height > limits.max_pixels:
        raise MediaLimitError(
            f"the image is {width} by {height} pixels, and at most {limits.max_pixels} in all are allowed. Scale it "
            "down, or raise MediaLimits(max_pixels=...).",
            source=name,
        )


def is_allowed_format(name: str | None) -> bool:
    """Tell whether files of this format (Pillow's name for it) are opened."""
    return name in ALLOWED or name in _ALLOWED_IF_REGISTERED or name == "MPO"  # an MPO file is a JPEG with more behind


def _identify(file: BinaryIO) -> ImageFile.ImageFile | None:
    prefix = file.read(16)
    fault: SyntaxError | None = None
    for name in (*ALLOWED, *_ALLOWED_IF_REGISTERED):
        if name in ALLOWED and name not in Image.OPEN:
            _register(ALLOWED[name])
        if name not in Image.OPEN:
            continue
        factory, accept = Image.OPEN[name]
        # A plugin may answer with a sentence: it knows the format, and cannot read it in this installation.
        answer = accept is None or accept(prefix)
        if not answer or isinstance(answer, str):
            continue
        file.seek(0)
        try:
            return _QUIET.get(name, factory)(file)
        except SyntaxError as exc:  # damaged, or of the next format: AVIF and HEIF files begin alike
            fault = exc
    if fault is not None:
        raise fault
    return None


def _register(module: str) -> None:
    try:
        importlib.import_module(f"PIL.{module}")
    except ImportError:  # an older Pillow, or one built without the library
        return


def _unidentified(source: Source) -> MediaError:
    return MediaError(
        f"no image of a format that is read. {describe_content(source, ('image',))} Read are {', '.join(ALLOWED)}.",
        source=source.name,
    )
