"""Formats told by their first bytes: real files, headers built by hand, and what must be refused by name."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sensorium.media.containers import find_demuxer
from sensorium.media.formats import HEAD_BYTES, MODALITY_BY_SUFFIX, SUFFIXES, Format, sniff_format
from tests.tiny.media import make_image, make_wave, write_clip


def box(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def ftyp(major: bytes, *brands: bytes) -> bytes:
    return box(b"ftyp", major + b"\0\0\0\0" + b"".join(brands))


def ebml(doc_type: bytes, tracks: bytes = b"") -> bytes:
    header = b"\x42\x82" + bytes([0x80 | len(doc_type)]) + doc_type
    listed = b"\x16\x54\xae\x6b" + bytes([0x80 | len(tracks)]) + tracks if tracks else b""
    unknown_length = b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff"
    return b"\x1aE\xdf\xa3" + bytes([0x80 | len(header)]) + header + unknown_length + listed


def save(format_name: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    make_image(1).save(buffer, format_name, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("pillow_name", "name", "mime"),
    [
        ("JPEG", "JPEG", "image/jpeg"),
        ("PNG", "PNG", "image/png"),
        ("GIF", "GIF", "image/gif"),
        ("BMP", "BMP", "image/bmp"),
        ("TIFF", "TIFF", "image/tiff"),
        ("WEBP", "WebP", "image/webp"),
        ("PPM", "Netpbm", "image/x-portable-anymap"),
        ("JPEG2000", "JPEG 2000", "image/jp2"),
    ],
)
def test_images_that_pillow_writes(pillow_name: str, name: str, mime: str) -> None:
    found = sniff_format(save(pillow_name)[:HEAD_BYTES])
    assert found is not None
    assert (found.name, found.modality, found.mime) == (name, "image", mime)


def test_big_endian_and_big_tiff() -> None:
    assert _name(b"MM\x00*\x00\x00\x00\x08") == ("TIFF", "image")
    assert _name(save("TIFF", big_tiff=True)[:64]) == ("TIFF", "image")


def test_animated_png_and_webp_are_images() -> None:
    frames = [make_image(seed) for seed in range(3)]
    for format_name, name in (("PNG", "APNG"), ("WEBP", "WebP"), ("GIF", "GIF")):
        buffer = io.BytesIO()
        frames[0].save(buffer, format_name, save_all=True, append_images=frames[1:])
        assert _name(buffer.getvalue()[:HEAD_BYTES]) == (name, "image")


@pytest.mark.parametrize(
    ("container", "subtype", "name"),
    [
        ("WAV", "PCM_16", "WAV"),
        ("RF64", "PCM_16", "WAV"),
        ("FLAC", "PCM_16", "FLAC"),
        ("OGG", "VORBIS", "Ogg Vorbis"),
        ("OGG", "OPUS", "Ogg Opus"),
        ("MP3", "MPEG_LAYER_III", "MP3"),
        ("AIFF", "PCM_16", "AIFF"),
        ("AU", "PCM_16", "AU"),
        ("CAF", "PCM_16", "CAF"),
    ],
)
def test_sounds_that_soundfile_writes(container: str, subtype: str, name: str) -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, make_wave(1), 16_000, format=container, subtype=subtype)
    assert _name(buffer.getvalue()[:HEAD_BYTES]) == (name, "audio")


def write_with_av(path: Path, container: str, codec: str, **options: str) -> bytes:
    """Encode half a second of sound."""
    with av.open(str(path), "w", format=container, options=options) as output:
        stream = output.add_stream(codec, rate=48_000, layout="mono")
        stream.bit_rate = 64_000
        frame = av.AudioFrame.from_ndarray(make_wave(2, 0.5, 48_000)[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 48_000, 0
        context = stream.codec_context
        resampler = av.AudioResampler(context.format, "mono", 48_000, frame_size=context.frame_size or 1024)
        for piece in resampler.resample(frame) + resampler.resample(None):
            output.mux(stream.encode(piece))
        output.mux(stream.encode())
    return path.read_bytes()[:HEAD_BYTES]


@pytest.mark.parametrize(
    ("container", "codec", "options", "expected"),
    [
        ("adts", "aac", {}, ("AAC", "audio")),
        ("ipod", "aac", {}, ("M4A", "audio")),
        ("mp4", "aac", {"movflags": "faststart"}, ("M4A", "audio")),
        ("mp4", "aac", {"movflags": "empty_moov+default_base_moof"}, ("M4A", "audio")),
        ("mp4", "aac", {}, ("MP4", "video")),  # its tracks are listed at the end, out of sight
        ("webm", "libopus", {}, ("WebM", "audio")),
        ("matroska", "libopus", {}, ("Matroska", "audio")),
        ("asf", "wmav2", {}, ("WMA", "audio")),
        ("mp3", "libmp3lame", {"write_id3v2": "1"}, ("MP3", "audio")),
        ("mp3", "libmp3lame", {"write_id3v2": "0", "write_xing": "0"}, ("MP3", "audio")),
    ],
)
def test_sounds_in_containers_that_hold_clips_too(
    tmp_path: Path, container: str, codec: str, options: dict[str, str], expected: tuple[str, str]
) -> None:
    assert _name(write_with_av(tmp_path / "sound", container, codec, **options)) == expected


@pytest.mark.parametrize(
    ("suffix", "name"), [(".mp4", "MP4"), (".mov", "QuickTime"), (".avi", "AVI"), (".mkv", "Matroska")]
)
@pytest.mark.parametrize("sound_rate", [None, 16_000])
def test_clips_with_and_without_sound(tmp_path: Path, suffix: str, name: str, sound_rate: int | None) -> None:
    head = write_clip(tmp_path / f"clip{suffix}", 1, sound_rate=sound_rate).read_bytes()[:HEAD_BYTES]
    assert _name(head) == (name, "video")


@pytest.mark.parametrize(
    ("container", "name"), [("flv", "FLV"), ("asf", "ASF"), ("mpeg", "MPEG"), ("mpegts", "MPEG-TS"), ("webm", "WebM")]
)
def test_older_and_streamed_clips(tmp_path: Path, container: str, name: str) -> None:
    path = tmp_path / "clip"
    codec = {"flv": "flv", "asf": "mpeg4", "webm": "libvpx"}.get(container, "mpeg2video")
    with av.open(str(path), "w", format=container) as output:
        stream = output.add_stream(codec, rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(3):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")))
        output.mux(stream.encode())
    assert _name(path.read_bytes()[:HEAD_BYTES]) == (name, "video")


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"RIFF\x10\0\0\0WAVEfmt ", ("WAV", "audio")),
        (b"RIFX\0\0\0\x10WAVEfmt ", ("WAV", "audio")),
        (b"RIFF\x10\0\0\0AVI LIST", ("AVI", "video")),
        (b"RIFF\x10\0\0\0WEBPVP8 ", ("WebP", "image")),
        (b"RIFF\x10\0\0\0RMIDdata", None),
        (b"FORM\0\0\0\x10ILBMBMHD", None),
        (ftyp(b"isom", b"isom", b"mp42"), ("MP4", "video")),
        (ftyp(b"M4V ", b"isom"), ("MP4", "video")),
        (ftyp(b"3gp4"), ("MP4", "video")),
        (ftyp(b"qt  "), ("QuickTime", "video")),
        (ftyp(b"M4A ", b"isom"), ("M4A", "audio")),
        (ftyp(b"M4B "), ("M4A", "audio")),
        (ftyp(b"avif", b"mif1"), ("AVIF", "image")),
        (ftyp(b"avis", b"msf1"), ("AVIF", "image")),
        (ftyp(b"mif1", b"avif"), ("AVIF", "image")),
        (ftyp(b"heic", b"mif1"), ("HEIF", "image")),
        (ftyp(b"mif1", b"heic"), ("HEIF", "image")),
        (ftyp(b"msf1", b"hevc"), ("HEIF", "image")),
        (ftyp(b"isom") + box(b"moov", b"....hdlr....soun"), ("M4A", "audio")),
        (ftyp(b"isom") + box(b"moov", b"....hdlr....vide....soun"), ("MP4", "video")),
        (ftyp(b"isom") + box(b"moov", b"....hdlr....soun")[:-3], ("MP4", "video")),
        (box(b"moov"), ("QuickTime", "video")),
        (ebml(b"webm"), ("WebM", "video")),
        (ebml(b"matroska"), ("Matroska", "video")),
        (ebml(b"webm", b"\x86\x86A_OPUS"), ("WebM", "audio")),
        (ebml(b"webm", b"\x86\x86A_OPUS\x86\x85V_VP9"), ("WebM", "video")),
        (ebml(b"webm", b"\x86\x86A_OPUS")[:-2], ("WebM", "video")),
        (ebml(b"other"), None),
        (b"\x1aE\xdf\xa3", ("Matroska", "video")),
        (b"OggS\0\x02" + bytes(22) + b"\x01\x1e\x01vorbis", ("Ogg Vorbis", "audio")),
        (b"OggS\0\x02" + bytes(22) + b"\x80theora" + bytes(30) + b"OggS" + b"\x01vorbis", ("Ogg video", "video")),
        (b"OggS\0\x02" + bytes(22) + b"\x7fFLAC", ("Ogg FLAC", "audio")),
        (b"OggS\0\x02" + bytes(30), ("Ogg", "audio")),
        (b"\xff\xfb\x90\x64", ("MP3", "audio")),
        (b"\xff\xf1\x50\x80", ("AAC", "audio")),
        (b"\xff\xf1\x7c\x80", None),  # a sampling rate that does not exist
        (b"\xff\xfe\x68\0e\0", None),  # UTF-16 with its byte order mark
        (b"\xff\xff\xff\xff", None),
        (b"ID3\x04\0\0\0\0\0\x05xxxxx\xff\xf1\x50\x80", ("AAC", "audio")),
        (b"ID3\x04\0\0\0\0\0\x05xxxxxfLaC", ("FLAC", "audio")),
        (b"ID3\x04\0\0\0\0\x7f\x7f", ("MP3", "audio")),
        (b"ID3", ("MP3", "audio")),
        (b"ID3\x04\0\0\0\0\0\0" * 300, ("MP3", "audio")),
        (b"BM" + bytes(12) + b"\x28\0\0\0", ("BMP", "image")),
        (b"BMW is the name of a car", None),
        (b"P6\n# a comment\n4 3\n255\n", ("Netpbm", "image")),
        (b"P3 is the third part", None),
        (b"", None),
        (b"just a text", None),
    ],
)
def test_headers(head: bytes, expected: tuple[str, str] | None) -> None:
    found = sniff_format(head)
    assert (None if found is None else (found.name, found.modality)) == expected


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"ffconcat version 1.0\nfile 'a.mp4'\n", "ffconcat script"),
        (b"\xef\xbb\xbf ffconcat version 1.0", "ffconcat script"),
        (b"#EXTM3U\n#EXT-X-VERSION:3\n", "HLS playlist"),
        (b"\r\n#extm3u\n", "HLS playlist"),
        (b"[playlist]\nFile1=http://x/y.mp3\n", "PLS playlist"),
        (b'<asx version="3.0">', "ASX playlist"),
        (b'<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash">', "DASH manifest"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript"),
        (b"\xc5\xd0\xd3\xc6\x20\0\0\0", "EPS"),
        (b"\xd7\xcd\xc6\x9a\0\0", "WMF"),
        (b"\x01\0\x09\0\0\x03", "WMF"),
        (b"\x01\0\0\0" + bytes(36) + b" EMF", "EMF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", "SVG"),
        (b"<?xml version='1.0'?><!-- drawn by hand --><!DOCTYPE svg PUBLIC>", "SVG"),
        (b"<!-- first --><svg>", "SVG"),
        (b"<?xml version='1.0'?><feed>", "XML"),
        (b"<!DOCTYPE html><html><svg></svg>", "web page"),
        (b"<?xml version='1.0'?><html><svg></svg>", "web page"),
        (b"%PDF-1.7\n", "PDF"),
        (b"PK\x03\x04", "ZIP archive"),
        (b"\x1f\x8b\x08", "gzip archive"),
        (b"\x7fELF\x02", "program"),
        (b"8BPS\0\x01", "Photoshop"),
        (b"\0\0\x01\0\x01\0", "icon"),
    ],
)
def test_what_is_refused_has_a_name(head: bytes, name: str) -> None:
    found = sniff_format(head)
    assert found is not None
    assert found.name == name
    assert found.modality is None
    assert "/" in found.mime


@given(st.binary(max_size=300))
def test_any_bytes_give_a_format_or_none(data: bytes) -> None:
    found = sniff_format(data)
    assert found is None or isinstance(found, Format)


@given(
    st.sampled_from(
        [
            b"\x89PNG\r\n\x1a\n",
            b"\x1aE\xdf\xa3\x16\x54\xae\x6b",
            bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"),
            b"\x1aE\xdf\xa3",
            b"\x1aE\xdf\xa3\x84\x42\x82",
            b"OggS",
            b"ID3",
            b"RIFF",
            b"\0\0\0\x10ftyp",
            b"\xff\xfb",
            b"<?xml",
        ]
    ),
    st.binary(max_size=100),
)
def test_damaged_headers_never_raise(magic: bytes, rest: bytes) -> None:
    found = sniff_format(magic + rest)
    assert found is None or isinstance(found, Format)


def test_every_container_that_is_opened_is_recognised(tmp_path: Path) -> None:
    """What a demuxer would be chosen for must not be turned away at the door."""
    heads = [
        write_clip(tmp_path / "a.mp4", 1).read_bytes()[:HEAD_BYTES],
        write_clip(tmp_path / "a.avi", 1).read_bytes()[:HEAD_BYTES],
        write_clip(tmp_path / "a.mkv", 1).read_bytes()[:HEAD_BYTES],
        b"ID3\x04\0\0\0\0\0\0",
        b"\xff\xfb\x90\x64",
        b"\xff\xf1\x50\x80",
        b"fLaC\0\0\0\x22",
        b"OggS\0\x02" + bytes(30),
        b"FLV\x01\x05",
        b"\0\0\x01\xba",
        bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"),
        (b"\x47" + bytes(187)) * 3,
        b"RIFF\x10\0\0\0WAVEfmt ",
    ]
    for head in heads:
        assert find_demuxer(head) is not None
        found = sniff_format(head)
        assert found is not None
        assert found.modality in ("audio", "video")


def test_suffixes_are_lower_case_and_of_one_modality() -> None:
    listed = [suffix for suffixes in SUFFIXES.values() for suffix in suffixes]
    assert len(listed) == len(set(listed)) == len(MODALITY_BY_SUFFIX)
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in listed)
    # Those of the compatible interface, and those that it lacks.
    assert {".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tiff", ".webp"} <= set(SUFFIXES["image"])
    assert {".mp4", ".avi", ".mov", ".wmv", ".flv", ".mkv"} <= set(SUFFIXES["video"])
    assert {".mp3", ".wav", ".ogg", ".flac", ".aac"} <= set(SUFFIXES["audio"])
    assert {".webm", ".m4v", ".m4a", ".opus", ".tif", ".avif", ".heic", ".heif"} <= set(listed)


def test_a_bmp_of_any_header_is_recognised() -> None:
    for mode in ("RGB", "L", "1"):
        buffer = io.BytesIO()
        Image.new(mode, (4, 4)).save(buffer, "BMP")
        assert _name(buffer.getvalue()) == ("BMP", "image")


def _name(head: bytes) -> tuple[str, str | None]:
    found = sniff_format(head)
    assert found is not None
    return found.name, found.modality
