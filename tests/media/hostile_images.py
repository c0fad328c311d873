"""Images that are cut off, damaged, or far larger than their file."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from tests.media.hostile import LOADS, Case, MediaError, MediaLimitError, file_case
from tests.media.media_files import encode_image, noise_image

_FORMS = {"JPEG": "jpg", "PNG": "png", "GIF": "gif", "WEBP": "webp", "TIFF": "tif", "BMP": "bmp", "AVIF": "avif"}


def cases() -> Iterator[Case]:
    for form, suffix in _FORMS.items():
        yield file_case(f"cut in half a.{suffix}", "image", partial(_cut, form, 0.5))
        yield file_case(f"cut after its header a.{suffix}", "image", partial(_cut, form, 0.02))
        yield file_case(f"noise after its magic number b.{suffix}", "image", partial(_noise_after_magic, form))
    yield from _bombs()
    yield from _odd_metadata()


def _cut(form: str, part: float) -> bytes:
    data = encode_image(noise_image(300, 200), form)
    return data[: max(20, int(part * len(data)))]


def _noise_after_magic(form: str) -> bytes:
    return encode_image(noise_image(), form)[:16] + random.Random(2).randbytes(5000)


def _bombs() -> Iterator[Case]:
    small = Image.new("RGB", (8, 8))
    bombs: list[tuple[str, bytes, type[MediaError]]] = [
        ("200,000 pixels square a.png", png(200_000, 200_000), MediaLimitError),
        ("60,000 pixels square a.png", png(60_000, 60_000), MediaLimitError),
        ("2**31 - 1 pixels wide a.png", png(2**31 - 1, 1), MediaLimitError),
        ("65,535 pixels square a.gif", b"GIF89a" + struct.pack("<HH", 65535, 65535) + bytes(50), MediaError),
        ("frame outside of a small screen a.gif", _gif_frame(65535, 65535), MediaLimitError),
        ("65,500 pixels square a.jpg", _patch_jpeg(65_500, 65_500), MediaLimitError),
        ("16,383 pixels square a.webp", _extended_webp(16_384, 16_384), MediaError),
        ("60,000 pixels square a.bmp", _patch(encode_image(small, "BMP"), 18, "<ii", 60_000, 60_000), MediaLimitError),
        ("negative height a.bmp", _patch(encode_image(small, "BMP"), 18, "<ii", 60_000, -60_000), MediaLimitError),
        ("60,000 pixels square a.ppm", b"P6 60000 60000 255\n" + bytes(100), MediaLimitError),
        ("number of 5,000 digits a.ppm", b"P6 " + b"9" * 5000 + b" 1 255\n", MediaError),
        ("60,000 pixels square a.tif", _tiff_size(60_000), MediaLimitError),
        ("zero pixels a.png", png(0, 10), MediaError),
        ("wrong check sum a.png", png(100, 100)[:29] + b"\0\0\0\0" + bytes(50), MediaError),
    ]
    for name, data, expected in bombs:
        yield file_case(name, "image", partial(bytes, data), expected)
    yield file_case("pixels of zeros, far too many a.png", "image", lambda: png(10, 10, rows=_zeros()), LOADS)
    yield file_case("text that unpacks to 50 MB a.png", "image", partial(_png_with, b"zTXt"))
    yield file_case("profile that unpacks to 50 MB a.png", "image", partial(_png_with, b"iCCP"))


def _zeros() -> bytes:
    return zlib.compress(bytes(50_000_000))


def _png_with(chunk: bytes) -> bytes:
    return png(10, 10, extra=(chunk, b"a\0\0" + _zeros()))


def png(width: int, height: int, rows: bytes | None = None, extra: tuple[bytes, bytes] | None = None) -> bytes:
    """Build a grey PNG of this size, right down to its check sums."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(bytes(11 * 10)) if rows is None else rows
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    middle = chunk(*extra) if extra else b""
    return b"\x89PNG\r\n\x1a\n" + header + middle + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _gif_frame(width: int, height: int) -> bytes:
    data = bytearray(encode_image(Image.new("P", (4, 4)), "GIF"))
    at = data.index(b"\x2c\0\0\0\0")
    data[at + 5 : at + 9] = struct.pack("<HH", width, height)
    return bytes(data)


def _patch(data: bytes, at: int, form: str, *values: int) -> bytes:
    piece = struct.pack(form, *values)
    return data[:at] + piece + data[at + len(piece) :]


def _patch_jpeg(width: int, height: int) -> bytes:
    data = encode_image(Image.new("RGB", (8, 8)), "JPEG")
    return _patch(data, data.index(b"\xff\xc0") + 5, ">HH", height, width)


def _extended_webp(width: int, height: int) -> bytes:
    inner = encode_image(Image.new("RGB", (8, 8)), "WEBP")[12:]
    size = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    body = b"WEBPVP8X" + struct.pack("<II", 10, 0) + size + inner
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _tiff_size(side: int) -> bytes:
    data = encode_image(Image.new("RGB", (8, 8)), "TIFF")
    for tag in (256, 257):
        at = data.index(struct.pack("<HHI", tag, 3, 1)) if struct.pack("<HHI", tag, 3, 1) in data else -1
        at = at if at >= 0 else data.index(struct.pack("<HHI", tag, 4, 1))
        data = _patch(data, at + 2, "<HII", 4, 1, side)
    return data


def _odd_metadata() -> Iterator[Case]:
    image = noise_image(40, 30)
    exif = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + random.Random(3).randbytes(3000)
    endless = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\x08\0\0\0"
    profile = random.Random(4).randbytes(3000)
    kept: list[tuple[str, str, dict[str, Any]]] = [
        ("damaged Exif", "JPEG", {"exif": exif}),
        ("Exif that refers to itself", "JPEG", {"exif": endless}),
        ("damaged Exif", "PNG", {"exif": exif}),
        ("damaged Exif", "WEBP", {"exif": exif}),
        ("damaged colour profile", "JPEG", {"icc_profile": profile}),
        ("damaged colour profile", "PNG", {"icc_profile": profile}),
        ("damaged XMP", "JPEG", {"xmp": b"<x:xmpmeta " + bytes(range(256)) * 100}),
    ]
    for name, form, options in kept:
        data = partial(encode_image, image, form, **options)
        yield file_case(f"{name} a.{_FORMS[form]}", "image", data, LOADS)
    yield file_case("archive behind it a.png", "image", lambda: encode_image(image, "PNG") + b"PK\x03\x04" * 99, LOADS)
    yield file_case("archive behind it a.jpg", "image", lambda: encode_image(image, "JPEG") + b"PK\x03\x04" * 99, LOADS)
    yield file_case("animation with a broken second frame a.gif", "image", _half_animation, LOADS)
    yield Case("image whose file is closed", "image", lambda _: _closed_image())
    yield Case("image of no pixels", "image", lambda _: Image.new("RGB", (0, 5)))
    yield Case("undecoded EPS image", "image", lambda _: Image.open(io.BytesIO(encode_image(image, "EPS"))))
    yield Case("undecoded truncated image", "image", lambda _: Image.open(io.BytesIO(_cut("PNG", 0.5))))


def _half_animation() -> bytes:
    frames = [Image.fromarray(np.full((30, 40), shade, np.uint8)) for shade in (0, 100, 200)]
    return encode_image(frames[0], "GIF", save_all=True, append_images=frames[1:])[:-20]


def _closed_image() -> Image.Image:
    image = Image.open(io.BytesIO(encode_image(noise_image(), "PNG")))
    image.close()
    return image
