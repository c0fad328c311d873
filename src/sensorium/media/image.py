"""Images from files and from PIL objects: header, or upright 8-bit RGB pixels, the same whichever way they come in.

An upright 8-bit RGB file decodes to exactly what `Image.open(...).convert("RGB")` gives. Must not know what a model
does with the pixels, nor how a caller's value is recognised.
"""

from __future__ import annotations

import os
from threading import Lock
from typing import TYPE_CHECKING

from PIL import Image, ImageFile

from sensorium.errors import MediaError, MediaLimitError
from sensorium.media.orientation import is_turned, make_upright, read_orientation
from sensorium.media.pillow_files import (
    check_image_size,
    is_allowed_format,
    open_image,
    translate_pillow_faults,
)
from sensorium.media.pixels import flatten
from sensorium.media.source import Source

if TYPE_CHECKING:
    from sensorium.media.limits import MediaLimits

#: What libjpeg can divide width and height by while decoding.
_JPEG_SCALES = (8, 4, 2)

# Reading the file behind a PIL image moves its position: two threads that are given the same image would collide.
_reading = Lock()


def probe_image(source: Source, limits: MediaLimits) -> tuple[int, int]:
    """Read the size of an image file from its header.

    Args:
        source: The file.
        limits: What the size is checked against.

    Returns:
        Width and height in pixels, as the image is shown: with its orientation applied. (Orientation that a PNG file
        states after its pixels is not seen.)

    Raises:
        MediaError: No image of a format that is read, or a damaged header.
        MediaLimitError: Larger than `limits` allow.
    """
    with open_image(source, limits) as image:
        return _shown_size(image)


def decode_image(source: Source, limits: MediaLimits, min_side: int | None = None) -> Image.Image:
    """Decode an image file: the first frame, upright, 8-bit RGB, transparency on white.

    Args:
        source: The file.
        limits: What its size is checked against before anything is decoded.
        min_side: If given, a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size, as long as its shorter side keeps at
            least this many pixels. Faster; the pixels differ a little from those of a full decode.

    Returns:
        An image of mode RGB that depends on no open file.

    Raises:
        MediaError: No image of a format that is read, truncated, or damaged.
        MediaLimitError: Larger than `limits` allow, or than memory.
    """
    with open_image(source, limits) as image:
        if min_side is not None and image.format == "JPEG":
            _reduce(image, min_side)
        return _load(image)


def to_rgb(image: Image.Image, limits: MediaLimits) -> Image.Image:
    """Bring a caller's PIL image to the form that `decode_image` gives for its file.

    An image that Pillow has opened and not yet decoded is decoded a second time from its file, so that the caller's
    object stays as small as it was. One that holds pixels is used as it is, with the orientation its metadata states.

    Args:
        image: Of any mode.
        limits: What its size is checked against.

    Returns:
        An upright image of mode RGB: the caller's own object if it is one already.

    Raises:
        MediaError: It is empty, closed before it was decoded, truncated, or damaged.
        MediaLimitError: Larger than `limits` allow.
    """
    name = name_image(image)
    check_image_size(image.size, limits, name)
    if is_lazy(image):
        return _decode_lazy(image, limits, name)
    with translate_pillow_faults(name):
        image.load()  # raises if it was closed; does nothing otherwise
        upright = make_upright(flatten(image), read_orientation(image.info))
    if upright is not image:
        upright.info = {}
    return upright


def is_lazy(image: Image.Image) -> bool:
    """Tell whether Pillow has opened this image and not yet decoded it."""
    state = vars(image)
    return isinstance(image, ImageFile.ImageFile) and state.get("_im", state.get("im")) is None


def name_image(image: Image.Image) -> str:
    """Give what to call a caller's image in messages: its file, or its kind."""
    filename = getattr(image, "filename", "")
    return os.fsdecode(filename) if filename and isinstance(filename, (str, bytes)) else "PIL image"


def read_lazy_file(image: Image.Image, limits: MediaLimits) -> Source:
    """Read the file behind an image that is not yet decoded, leaving the image as it was.

    Raises:
        MediaError: The image was closed, or its format is not one that is opened.
        MediaLimitError: The file is larger than `limits.max_bytes`.
    """
    name = name_image(image)
    if not is_allowed_format(image.format):
        raise MediaError(
            f"the image is an undecoded {image.format} file, a format that is not opened here. If you trust the file, "
            "call the image's load() first, or convert it to PNG or JPEG.",
            source=name,
        )
    file = getattr(image, "fp", None)
    if file is None:
        raise MediaError("the image was closed before it was decoded. Pass it while it is open.", source=name)
    with translate_pillow_faults(name), _reading:
        position = file.tell()
        try:
            file.seek(0)
            data = file.read(limits.max_bytes + 1)
        finally:
            file.seek(position)
    if len(data) > limits.max_bytes:
        raise MediaLimitError(
            f"the image's file holds more than the {limits.max_bytes} bytes that are allowed. Give a smaller file, or "
            "raise MediaLimits(max_bytes=...).",
            source=name,
        )
    return Source(data=data, name=name, size=len(data))


def _decode_lazy(image: Image.Image, limits: MediaLimits, name: str) -> Image.Image:
    with open_image(read_lazy_file(image, limits), limits) as fresh:
        if image.tell() != 0:
            fresh.seek(image.tell())
        if fresh.size != image.size and isinstance(fresh, ImageFile.ImageFile):
            fresh.draft(image.mode, image.size)
        if fresh.size == image.size:
            return _load(fresh)
    # Changed in a way that its file does not tell: nothing is left but to decode the caller's object.
    with translate_pillow_faults(name):
        return _load(image.copy())


def _load(image: Image.Image) -> Image.Image:
    image.load()
    upright = make_upright(flatten(image), read_orientation(image.info))
    # What the metadata said is done; whoever is handed this image must not do it again.
    upright.info = {}
    return upright


def _shown_size(image: Image.Image) -> tuple[int, int]:
    width, height = image.size
    return (height, width) if is_turned(read_orientation(image.info)) else (width, height)


def _reduce(image: ImageFile.ImageFile, min_side: int) -> None:
    width, height = image.size
    for scale in _JPEG_SCALES:
        if -(-min(width, height) // scale) >= min_side:
            image.draft(image.mode, (max(1, width // scale), max(1, height // scale)))
            return
