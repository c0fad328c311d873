"""What a file is, by its first bytes; and which endings of names mean which modality.

Recognises what the library opens, what it knows and cannot open, and, by name, what it refuses to open although it
often hides behind a media ending (playlists and scripts that name other files, PostScript, pages). Must not know how
anything is opened or decoded, nor what a caller's value looks like.

Source: JPEG: ITU-T T.81; PNG and APNG: W3C; GIF89a; TIFF 6.0; WebP: RFC 9649; Netpbm's man pages; RIFF: IBM and
Microsoft, 1991; RF64: EBU Tech 3306; AIFF: Apple, 1989; Ogg: RFC 3533, 5334 and 7845; FLAC: RFC 9639; MPEG audio:
ISO/IEC 11172-3; ADTS: ISO/IEC 14496-3; ID3v2.4; ftyp: ISO/IEC 14496-12 and 23008-12; EBML: RFC 8794; Matroska: RFC
9559; ASF: Microsoft, 2004; MPEG streams: ISO/IEC 13818-1; HLS: RFC 8216; WMF and EMF: [MS-WMF], [MS-EMF].
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Literal

#: Bytes that `sniff_format` wants to see: enough for the track headers of a recording that a browser made.
HEAD_BYTES = 4096

MediaKind = Literal["image", "audio", "video"]

#: Endings by which a string is taken for the path or the address of a medium.
SUFFIXES: dict[MediaKind, tuple[str, ...]] = {
    "image": (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tiff", ".tif", ".webp", ".avif", ".heic", ".heif"),
    "video": (".mp4", ".avi", ".mov", ".wmv", ".flv", ".mkv", ".webm", ".m4v"),
    "audio": (".mp3", ".wav", ".ogg", ".flac", ".aac", ".m4a", ".opus"),
}
#: Ending, in lower case -> modality.
MODALITY_BY_SUFFIX: dict[str, MediaKind] = {suffix: kind for kind, suffixes in SUFFIXES.items() for suffix in suffixes}
LONGEST_SUFFIX = max(map(len, MODALITY_BY_SUFFIX))


@dataclass(frozen=True, slots=True)
class Format:
    """A file format.

    Attributes:
        name: Its usual name, such as `"JPEG"`.
        modality: What it holds, or None for a format that is recognised only to be refused.
        mime: Its media type.
        suffixes: Its usual endings, the commonest first.
    """

    name: str
    modality: MediaKind | None
    mime: str
    suffixes: tuple[str, ...] = ()


_MP3 = Format("MP3", "audio", "audio/mpeg", (".mp3",))
_AAC = Format("AAC", "audio", "audio/aac", (".aac",))
_PNG = Format("PNG", "image", "image/png", (".png",))
_APNG = Format("APNG", "image", "image/apng", (".png", ".apng"))
_BMP = Format("BMP", "image", "image/bmp", (".bmp",))
_TIFF = Format("TIFF", "image", "image/tiff", (".tiff", ".tif"))
_GIF = Format("GIF", "image", "image/gif", (".gif",))
_NETPBM = Format("Netpbm", "image", "image/x-portable-anymap", (".ppm", ".pgm", ".pbm", ".pnm"))
_AVIF = Format("AVIF", "image", "image/avif", (".avif",))
_HEIF = Format("HEIF", "image", "image/heif", (".heic", ".heif"))
_WAV = Format("WAV", "audio", "audio/wav", (".wav",))
_AIFF = Format("AIFF", "audio", "audio/aiff", (".aiff", ".aif"))
_MP4 = Format("MP4", "video", "video/mp4", (".mp4", ".m4v"))
_MP4_SOUND = Format("M4A", "audio", "audio/mp4", (".m4a",))
_MOV = Format("QuickTime", "video", "video/quicktime", (".mov",))
_MATROSKA = Format("Matroska", "video", "video/matroska", (".mkv",))
_MATROSKA_SOUND = Format("Matroska", "audio", "audio/matroska", (".mka",))
_WEBM = Format("WebM", "video", "video/webm", (".webm",))
_WEBM_SOUND = Format("WebM", "audio", "audio/webm", (".weba", ".webm"))
_ASF = Format("ASF", "video", "video/x-ms-asf", (".wmv", ".asf"))
_ASF_SOUND = Format("WMA", "audio", "audio/x-ms-wma", (".wma",))
_MPEG = Format("MPEG", "video", "video/mpeg", (".mpg", ".mpeg"))
_MPEG_TS = Format("MPEG-TS", "video", "video/mp2t", (".ts",))
_OGG_CLIP = Format("Ogg video", "video", "video/ogg", (".ogv", ".ogg"))
_SVG = Format("SVG", None, "image/svg+xml", (".svg",))
_EMF = Format("EMF", None, "image/emf", (".emf",))
_WMF = Format("WMF", None, "image/wmf", (".wmf",))
_HTML = Format("web page", None, "text/html", (".html",))

# Of those that are told by a fixed beginning.
_MAGIC: tuple[tuple[bytes, Format], ...] = (
    (b"\xff\xd8\xff", Format("JPEG", "image", "image/jpeg", (".jpg", ".jpeg"))),
    (b"GIF87a", _GIF),
    (b"GIF89a", _GIF),
    (b"II*\x00", _TIFF),
    (b"MM\x00*", _TIFF),
    (b"II+\x00", _TIFF),
    (b"MM\x00+", _TIFF),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", Format("JPEG XL", "image", "image/jxl", (".jxl",))),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", Format("JPEG 2000", "image", "image/jp2", (".jp2",))),
    (b"fLaC", Format("FLAC", "audio", "audio/flac", (".flac",))),
    (b".snd", Format("AU", "audio", "audio/basic", (".au",))),
    (b"caff", Format("CAF", "audio", "audio/x-caf", (".caf",))),
    (b"FLV\x01", Format("FLV", "video", "video/x-flv", (".flv",))),
    (b"\x00\x00\x01\xba", _MPEG),
    (b"\x00\x00\x01\xb3", _MPEG),
    (b"%PDF-", Format("PDF", None, "application/pdf", (".pdf",))),
    (b"%!", Format("PostScript", None, "application/postscript", (".ps", ".eps"))),
    (b"\xc5\xd0\xd3\xc6", Format("EPS", None, "image/x-eps", (".eps",))),
    (b"\xd7\xcd\xc6\x9a", _WMF),
    (b"\x01\x00\x09\x00\x00\x03", _WMF),
    (b"\x02\x00\x09\x00\x00\x03", _WMF),
    (b"PK\x03\x04", Format("ZIP archive", None, "application/zip", (".zip",))),
    (b"\x1f\x8b", Format("gzip archive", None, "application/gzip", (".gz",))),
    (b"\x7fELF", Format("program", None, "application/x-elf")),
    (b"8BPS", Format("Photoshop", None, "image/vnd.adobe.photoshop", (".psd",))),
    (b"\x00\x00\x01\x00", Format("icon", None, "image/x-icon", (".ico",))),
)
# Of texts, in lower case, after white space and a byte order mark.
_REFUSED_TEXTS: tuple[tuple[bytes, Format], ...] = (
    (b"ffconcat version", Format("ffconcat script", None, "text/x-ffconcat", (".ffconcat",))),
    (b"#extm3u", Format("HLS playlist", None, "application/vnd.apple.mpegurl", (".m3u8", ".m3u"))),
    (b"[playlist]", Format("PLS playlist", None, "audio/x-scpls", (".pls",))),
    (b"<asx", Format("ASX playlist", None, "video/x-ms-asf", (".asx",))),
    (b"<mpd", Format("DASH manifest", None, "application/dash+xml", (".mpd",))),
    (b"<smil", Format("SMIL playlist", None, "application/smil+xml", (".smil",))),
    (b"<svg", _SVG),
    (b"<!doctype svg", _SVG),
    (b"<!doctype html", _HTML),
    (b"<html", _HTML),
)
_XML = Format("XML", None, "text/xml", (".xml",))

_RIFF: dict[bytes, Format] = {
    b"WAVE": _WAV,
    b"AVI ": Format("AVI", "video", "video/x-msvideo", (".avi",)),
    b"WEBP": Format("WebP", "image", "image/webp", (".webp",)),
}
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_IMAGE_BRANDS = frozenset({b"mif1", b"mif2", b"msf1", b"miaf"})
_SOUND_BRANDS = frozenset({b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B "})
_OLD_MOVIE_BOXES = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})

_OGG_SOUNDS: tuple[tuple[bytes, Format], ...] = (
    (b"\x01vorbis", Format("Ogg Vorbis", "audio", "audio/ogg", (".ogg", ".oga"))),
    (b"OpusHead", Format("Ogg Opus", "audio", "audio/ogg; codecs=opus", (".opus", ".ogg"))),
    (b"\x7fFLAC", Format("Ogg FLAC", "audio", "audio/ogg; codecs=flac", (".oga", ".ogg"))),
    (b"Speex   ", Format("Ogg Speex", "audio", "audio/ogg; codecs=speex", (".spx", ".ogg"))),
)
_OGG_CLIPS = (b"\x80theora", b"BBCD\x00", b"\x01video\x00", b"OVP80")

_EBML_SEGMENT, _EBML_TRACKS = 0x18538067, 0x1654AE6B

_ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_SOUND_STREAM = bytes.fromhex("409e69f84d5bcf11a8fd00805f5c442b")
_ASF_CLIP_STREAM = bytes.fromhex("c0ef19bc4d5bcf11a8fd00805f5c442b")

_NETPBM_HEADER = re.compile(rb"P[1-6](?:\s*#[^\n]*\n)*\s+(?:#[^\n]*\n\s*)*\d+\s+\d+\s")
_BMP_HEADERS = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
_TS_PACKET = 188


def sniff_format(head: bytes) -> Format | None:
    """Recognise a file by its first bytes.

    Args:
        head: The first `HEAD_BYTES` bytes, or all there are; fewer are enough for most formats.

    Returns:
        The format, with `modality` None if it is one that is refused; None if it is unknown.

    Example:
        >>> sniff_format(b"RIFF\\x24\\x00\\x00\\x00WAVEfmt ").name
        'WAV'
    """
    for magic, found in _MAGIC:
        if head.startswith(magic):
            return found
    return (
        _sniff_image(head)
        or _sniff_riff(head)
        or _sniff_boxes(head)
        or _sniff_ogg(head)
        or _sniff_ebml(head)
        or _sniff_asf(head)
        or _sniff_mpeg(head)
        or _sniff_text(head)
    )


def _sniff_image(head: bytes) -> Format | None:
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        # An animation's control chunk stands before the first pixels.
        return _APNG if b"acTL" in head.partition(b"IDAT")[0] else _PNG
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return _BMP
    if head[:4] == b"\x01\x00\x00\x00" and head[40:44] == b" EMF":
        return _EMF
    return _NETPBM if _NETPBM_HEADER.match(head) else None


def _sniff_riff(head: bytes) -> Format | None:
    if head[:4] == b"FORM":
        return _AIFF if head[8:12] in (b"AIFF", b"AIFC") else None
    if head[:4] in (b"RF64", b"RIFX", b"BW64"):
        return _WAV if head[8:12] == b"WAVE" else None
    return _RIFF.get(head[8:12]) if head[:4] == b"RIFF" else None


def _sniff_boxes(head: bytes) -> Format | None:
    """Tell apart what ISO/IEC 14496-12 calls base media files: clips, sounds and images begin alike."""
    if head[4:8] != b"ftyp":
        return _MOV if head[4:8] in _OLD_MOVIE_BOXES else None
    size = int.from_bytes(head[:4], "big")
    box, rest = head[8:size], head[size:]
    major, brands = box[:4], {box[at : at + 4] for at in (0, *range(8, len(box) - 3, 4))}
    if major in _AVIF_BRANDS or (major in _IMAGE_BRANDS and brands & _AVIF_BRANDS):
        return _AVIF
    if major in _HEIF_BRANDS or major in _IMAGE_BRANDS:
        return _HEIF
    if major in _SOUND_BRANDS:
        return _MP4_SOUND
    length = int.from_bytes(rest[:4], "big")
    if rest[4:8] == b"moov" and length <= len(rest) and _is_sound_only(rest[:length], b"soun", b"vide"):
        return _MP4_SOUND
    return _MOV if major == b"qt  " else _MP4


def _sniff_ogg(head: bytes) -> Format | None:
    """Look through the first pages, each of which begins one stream: with a picture among them, it is a clip."""
    if not head.startswith(b"OggS"):
        return None
    if any(mark in head for mark in _OGG_CLIPS):
        return _OGG_CLIP
    found = (sound for mark, sound in _OGG_SOUNDS if mark in head)
    return next(found, Format("Ogg", "audio", "audio/ogg", (".ogg", ".oga")))


def _sniff_ebml(head: bytes) -> Format | None:
    if not head.startswith(b"\x1aE\xdf\xa3"):
        return None
    at = head.find(b"\x42\x82")  # the document's type
    doc_type = head[at + 3 : at + 3 + (head[at + 2] & 0x7F)] if 0 < at < len(head) - 3 else b"matroska"
    if doc_type.rstrip(b"\x00") not in (b"webm", b"matroska"):
        return None
    is_webm = doc_type.startswith(b"webm")
    if _is_sound_only(_find_tracks(head), b"A_", b"V_"):
        return _WEBM_SOUND if is_webm else _MATROSKA_SOUND
    return _WEBM if is_webm else _MATROSKA


def _find_tracks(head: bytes) -> bytes:
    """Give the list of a Matroska file's tracks, if all of it is there."""
    at = 0
    while at < len(head):
        name, at = _read_ebml_number(head, at)
        length, at = _read_ebml_number(head, at)
        if name == _EBML_SEGMENT:
            continue  # its elements follow
        length -= 1 << (length.bit_length() - 1) if length else 0
        if name == _EBML_TRACKS:
            return head[at : at + length] if at + length <= len(head) else b""
        at += length
    return b""


def _read_ebml_number(head: bytes, at: int) -> tuple[int, int]:
    """Read a number with the marker of its length, its highest bit, and give the place behind it."""
    width = 9 - head[at].bit_length() if at < len(head) else 0
    return int.from_bytes(head[at : at + width], "big"), at + max(width, 1)


def _sniff_asf(head: bytes) -> Format | None:
    if not head.startswith(_ASF_HEADER):
        return None
    size = int.from_bytes(head[16:24], "little")
    is_sound = size <= len(head) and _is_sound_only(head[:size], _ASF_SOUND_STREAM, _ASF_CLIP_STREAM)
    return _ASF_SOUND if is_sound else _ASF


def _is_sound_only(tracks: bytes, sound: bytes, picture: bytes) -> bool:
    """Tell whether a whole list of tracks names sounds and no pictures."""
    return sound in tracks and picture not in tracks


def _sniff_mpeg(head: bytes) -> Format | None:
    """Recognise MPEG sound by its tag or its frame header, and transport streams by two packets in a row."""
    if head.startswith(b"ID3"):
        return _sniff_tagged(head)
    if len(head) > _TS_PACKET and all(head[at] == 0x47 for at in range(0, len(head), _TS_PACKET)):
        return _MPEG_TS
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    (header,) = struct.unpack(">I", head[:4])
    if header >> 17 & 3 == 0:  # no layer: ADTS, whose sampling rate is one of 13
        return _AAC if header >> 20 & 1 and header >> 10 & 15 < 13 else None
    # Layer I is left out: nobody writes it, and the byte order mark of UTF-16 looks like it.
    is_frame = header >> 17 & 3 != 3 and header >> 19 & 3 != 1 and header >> 12 & 15 != 15 and header >> 10 & 3 != 3
    return _MP3 if is_frame else None


def _sniff_tagged(head: bytes) -> Format:
    """Recognise what stands behind an ID3 tag, where that can be seen; else it is MP3, for which the tag was made."""
    size = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=False))
    rest = head[10 + size :]
    found = None if rest.startswith(b"ID3") else sniff_format(rest)
    return found if found is not None and found.modality == "audio" else _MP3


def _sniff_text(head: bytes) -> Format | None:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1024].lower()
    for mark, found in _REFUSED_TEXTS:
        if text.startswith(mark):
            return found
    if text.startswith((b"<?xml", b"<!--")):
        inside = ((text.find(mark), found) for mark, found in _REFUSED_TEXTS if mark.startswith(b"<") and mark in text)
        return min(inside, key=lambda place: place[0], default=(0, _XML))[1]
    return None
