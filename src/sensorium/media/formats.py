"""What a file is, by its first bytes; and which endings of names mean which modality.

Recognises what the library opens, and by name what it refuses to open although it often hides behind a media ending.
Must
not know how anything is opened or decoded.

Source: the magic numbers are those of the formats' specifications (PNG: W3C; JPEG: ITU-T T.81; GIF89a; TIFF 6.0; WebP
    container:
RFC 9649; ISO/IEC 14496-12 for ftyp brands; EBML: RFC 8794; Ogg: RFC 3533; FLAC: RFC 9639; ADTS: ISO/IEC 14496-3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: Bytes that `sniff_format` wants to see; fewer are enough for a short file.
HEAD_BYTES = 64

MediaKind = Literal["image", "audio", "video"]

SUFFIXES: dict[MediaKind, tuple[str, ...]] = {
    "image": (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tiff", ".tif", ".webp", ".avif", ".heic", ".heif"),
    "video": (".mp4", ".avi", ".mov", ".wmv", ".flv", ".mkv", ".webm", ".m4v"),
    "audio": (".mp3", ".wav", ".ogg", ".flac", ".aac", ".m4a", ".opus"),
}
#: Ending -> modality.
MODALITY_BY_SUFFIX: dict[str, MediaKind] = {suffix: kind for kind, suffixes in SUFFIXES.items() for suffix in suffixes}
LONGEST_SUFFIX = max(map(len, MODALITY_BY_SUFFIX))


@dataclass(frozen=True, slots=True)
class Format:
    """A file format.

    Attributes:
        name: Its usual name, such as `"JPEG"`.
        modality: What it holds, or None for a format that is recognised only to be refused.
    """

    name: str
    modality: MediaKind | None


_IMAGE = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"BM": "BMP",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
    b"II+\x00": "BigTIFF",
}
_AUDIO = {b"fLaC": "FLAC", b"ID3": "MP3"}
_VIDEO = {
    b"\x1aE\xdf\xa3": "Matroska",
    b"FLV\x01": "FLV",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "ASF",
    b"\x00\x00\x01\xba": "MPEG",
    b"\x00\x00\x01\xb3": "MPEG",
}
_REFUSED = {
    b"%PDF-": "PDF",
    b"%!PS": "PostScript",
    b"\xc5\xd0\xd3\xc6": "EPS",
    b"\xd7\xcd\xc6\x9a": "WMF",
    b"\x01\x00\x09\x00\x00\x03": "WMF",
    b"#EXTM3U": "HLS playlist",
    b"ffconcat version": "ffconcat script",
    b"PK\x03\x04": "ZIP",
    b"\x1f\x8b": "gzip",
    b"\x7fELF": "program",
}
_REFUSED_TEXT = {b"<svg": "SVG", b"<!doctype html": "web page", b"<html": "web page", b"<?xml": "XML"}

_RIFF = {b"WAVE": Format("WAV", "audio"), b"AVI ": Format("AVI", "video"), b"WEBP": Format("WebP", "image")}
_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), Format("AVIF", "image")),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1"), Format("HEIF", "image")),
    **dict.fromkeys((b"M4A ", b"M4B "), Format("M4A", "audio")),
}


def sniff_format(head: bytes) -> Format | None:
    """Recognise a file by its first bytes.

    Args:
        head: The first `HEAD_BYTES` bytes, or all there are.

    Returns:
        The format, with modality None if it is one that is refused; None for an unknown one.
    """
    for table, modality in ((_IMAGE, "image"), (_AUDIO, "audio"), (_VIDEO, "video"), (_REFUSED, None)):
        for magic, name in table.items():
            if head.startswith(magic):
                return Format(name, modality)  # type: ignore[arg-type]
    return _sniff_container(head) or _sniff_frames(head) or _sniff_text(head)


def _sniff_container(head: bytes) -> Format | None:
    if head[:4] in (b"RIFF", b"RF64"):
        return _RIFF.get(head[8:12])
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], Format("MP4", "video"))
    if head[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip"):
        return Format("QuickTime", "video")
    if head.startswith(b"OggS"):
        return Format("Ogg", "video" if b"theora" in head or b"BBCD" in head else "audio")
    return None


def _sniff_frames(head: bytes) -> Format | None:
    """Recognise MPEG audio without a tag, by its frame header."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    if head[1] & 0xF6 == 0xF0:
        return Format("AAC", "audio")
    has_layer, has_version = head[1] & 0x06 != 0, head[1] & 0x18 != 0x08
    has_rates = head[2] & 0xF0 != 0xF0 and head[2] & 0x0C != 0x0C
    return Format("MP3", "audio") if has_layer and has_version and has_rates else None


def _sniff_text(head: bytes) -> Format | None:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for mark, name in _REFUSED_TEXT.items():
        if text.startswith(mark):
            return Format(name, None)
    return None
