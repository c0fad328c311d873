"""Files that are not what their name says, that cannot be opened, or that lead elsewhere."""

from __future__ import annotations

import io
import os
import random
import zipfile
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from sensorium.types import BaseModality
from tests.media.hostile import LOADS, Case, FetchError, MediaError, MissingMediaError, file_case
from tests.media.media_files import encode_image, encode_sound, noise_image, tone, write_clip

_FFCONCAT = b"ffconcat version 1.0\nfile 'neighbour.mp4'\nfile '/etc/passwd'\n"
_HLS = (
    b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nneighbour.ts\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
)
_DASH = b'<?xml version="1.0"?><MPD><Period><BaseURL>http://127.0.0.1/</BaseURL></Period></MPD>'
_SDP = b"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n"
_SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'
_PDF = b"%PDF-1.7\n1 0 obj << /Type /Catalog >> endobj\ntrailer << /Root 1 0 R >>\n%%EOF"
_HTML = b"<!DOCTYPE html><html><body>404 Not Found</body></html>"
_PLAYLIST = b"[playlist]\nFile1=file:///etc/passwd\nNumberOfEntries=1\n"

_SUFFIXES: dict[str, BaseModality] = {
    ".jpg": "image",
    ".png": "image",
    ".gif": "image",
    ".webp": "image",
    ".wav": "audio",
    ".mp3": "audio",
    ".flac": "audio",
    ".ogg": "audio",
    ".mp4": "video",
    ".mkv": "video",
    ".avi": "video",
    ".ts": "video",
}

_MAGIC: list[tuple[bytes, str, BaseModality]] = [
    (b"RIFF", ".wav", "audio"),
    (b"fLaC", ".flac", "audio"),
    (b"OggS", ".ogg", "audio"),
    (b"ID3", ".mp3", "audio"),
    (b"FORM", ".aiff", "audio"),
    (b"\x1aE\xdf\xa3", ".mkv", "video"),
    (b"\0\0\0\x20ftyp", ".mp4", "video"),
    (b"\0\0\x01\xba", ".mpg", "video"),
    (b"\xff\xd8\xff", ".jpg", "image"),
    (b"BM", ".bmp", "image"),
    (b"P6", ".ppm", "image"),
]


def cases() -> Iterator[Case]:
    yield from _disguised()
    for suffix, modality in _SUFFIXES.items():
        yield file_case(f"random bytes as a{suffix}", modality, lambda: random.Random(1).randbytes(20_000))
        yield file_case(f"nothing as a{suffix}", modality, bytes)
    yield from _not_regular()
    yield from _addresses()
    yield from _open_files()


def _disguised() -> Iterator[Case]:
    for magic, suffix, modality in _MAGIC:
        yield file_case(f"magic number alone as c{suffix}", modality, partial(bytes, magic))
    texts: list[tuple[str, BaseModality, bytes]] = [
        ("ffconcat as a.mp4", "video", _FFCONCAT),
        ("ffconcat as a.mp3", "audio", _FFCONCAT),
        ("HLS playlist as a.mp4", "video", _HLS),
        ("HLS playlist as a.ts", "video", _HLS),
        ("HLS playlist as a.wav", "audio", _HLS),
        ("HLS playlist as a.mkv", "video", _HLS),
        ("DASH manifest as a.mp4", "video", _DASH),
        ("SDP as a.mp4", "video", _SDP),
        ("playlist as a.mp3", "audio", _PLAYLIST),
        ("SVG as a.png", "image", _SVG),
        ("PDF as a.jpg", "image", _PDF),
        ("HTML as a.jpg", "image", _HTML),
        ("HTML as a.mp4", "video", _HTML),
        ("HTML as a.wav", "audio", _HTML),
        ("PostScript as a.jpg", "image", b"%!PS-Adobe-3.0\n(/etc/passwd) (r) file\nshowpage\n"),
        ("WMF as a.bmp", "image", b"\xd7\xcd\xc6\x9a" + bytes(200)),
        ("ImageMagick script as a.png", "image", b"push graphic-context\nfill 'url(https://127.0.0.1/)'\n"),
    ]
    for name, modality, data in texts:
        yield file_case(name, modality, partial(bytes, data))
    for form, suffix in (("EPS", "png"), ("PDF", "png"), ("ICO", "jpg"), ("JPEG2000", "jpg"), ("SGI", "png")):
        yield file_case(f"{form} image as a.{suffix}", "image", partial(encode_image, noise_image(64, 64), form))
    yield file_case("zip of zeros as a.jpg", "image", _zip_bomb)
    yield file_case("zip of zeros as a.mp4", "video", _zip_bomb)
    yield file_case("gzip of zeros as a.wav", "audio", lambda: b"\x1f\x8b\x08" + zlib.compress(bytes(50_000_000)))
    yield file_case("sound as a.png", "image", lambda: encode_sound(tone()))
    yield file_case("image as a.wav", "audio", lambda: encode_image(noise_image(), "PNG"))
    yield file_case("image as a.mp4", "video", lambda: encode_image(noise_image(), "AVIF"))
    yield file_case("PNG as a.jpg", "image", lambda: encode_image(noise_image(), "PNG"), LOADS)
    yield file_case("FLAC as a.wav", "audio", lambda: encode_sound(tone(), "FLAC"), LOADS)


def _zip_bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(50_000_000))
    return file.getvalue()


def _not_regular() -> Iterator[Case]:
    def directory(folder: Path) -> Path:
        path = folder / "a.png"
        path.mkdir()
        return path

    def fifo(folder: Path) -> Path:
        path = folder / "a.mp4"
        os.mkfifo(path)
        return path

    def link(target: str, folder: Path) -> Path:
        path = folder / "a.wav"
        path.symlink_to(folder / target)
        return path

    yield Case("folder", "image", directory, MissingMediaError, is_path=True)
    yield Case("pipe", "video", fifo, MissingMediaError, is_path=True)
    yield Case("link to /dev/zero", "audio", partial(link, "/dev/zero"), MissingMediaError, is_path=True)
    yield Case("link to nothing", "audio", partial(link, "gone"), MissingMediaError, is_path=True)
    yield Case("link to itself", "audio", partial(link, "a.wav"), MediaError, is_path=True)
    yield Case("missing file", "image", lambda folder: folder / "gone.png", MissingMediaError, is_path=True)
    yield Case("file within a file", "image", lambda folder: folder / ".." / "warm.mp4" / "a.png", MissingMediaError)
    yield Case("path with a NUL", "image", lambda _: "a\0.png", MediaError)
    yield Case("path of 100,000 letters", "image", lambda _: "a" * 100_000 + ".png", MediaError)
    if os.geteuid() != 0:
        yield Case("forbidden file", "image", _forbidden, MediaError, is_path=True)


def _forbidden(folder: Path) -> Path:
    path = folder / "a.png"
    path.write_bytes(encode_image(noise_image(), "PNG"))
    path.chmod(0)
    return path


def _addresses() -> Iterator[Case]:
    addresses: list[tuple[str, str, type[MediaError]]] = [
        ("address of this machine", "http://127.0.0.1:1/a.png", FetchError),
        ("address of cloud metadata", "http://169.254.169.254/latest/meta-data/", FetchError),
        ("mapped address", "http://[::ffff:127.0.0.1]/a.png", FetchError),
        ("decimal address", "http://2130706433/a.png", FetchError),
        ("ftp address", "ftp://example.org/a.png", FetchError),
        ("file address", "file:///etc/passwd", FetchError),
        ("FFmpeg's concat protocol", "concat:/etc/passwd|/etc/hosts", MissingMediaError),
        ("FFmpeg's pipe protocol", "pipe:0", MissingMediaError),
        ("FFmpeg's subfile protocol", "subfile,,start,0,end,9,,:/etc/passwd", MissingMediaError),
        ("data address without comma", "data:image/png;base64", MediaError),
        ("data address with foreign letters", "data:image/png;base64,@@@@", MediaError),
        ("data address that is cut", "data:image/png;base64,iVBOR", MediaError),
        ("data address of text", "data:text/plain,hello", MediaError),
        ("data address of nothing", "data:image/png;base64,", MediaError),
    ]
    for name, text, expected in addresses:
        for modality in ("image", "video"):
            yield Case(f"{name} as {modality}", modality, partial(_give, text), expected)


def _give(value: Any, _: Path) -> Any:
    return value


def _open_files() -> Iterator[Case]:
    def as_text(folder: Path) -> Any:
        path = folder / "a.png"
        path.write_bytes(encode_image(noise_image(), "PNG"))
        return path.open(encoding="latin-1")

    def closed(folder: Path) -> Any:
        file = io.BytesIO(encode_image(noise_image(), "PNG"))
        file.close()
        return file

    def at_its_end(folder: Path) -> Any:
        with write_clip(folder / "a.mp4").open("rb") as file:
            copy = io.BytesIO(file.read())
        copy.seek(0, io.SEEK_END)
        return copy

    class Endless(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            return "text"  # type: ignore[return-value]

    yield Case("file opened as text", "image", as_text)
    yield Case("closed file", "image", closed)
    yield Case("file at its end", "video", at_its_end)
    yield Case("reader that gives text", "audio", lambda _: Endless())
