"""Clips that are cut off, damaged, of the wrong kind, or that refer to other files."""

from __future__ import annotations

import io
import random
import struct
import tempfile
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import av

from tests.media.hostile import LOADS, Case, MediaError, MediaLimitError, file_case
from tests.media.media_files import encode_sound_with_av, tone, write_clip

_FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "mp4": ("libx264", {}),
    "mkv": ("libx264", {}),
    "webm": ("libvpx-vp9", {"codec_options": {"deadline": "realtime", "cpu-used": "8"}}),
    "avi": ("mpeg4", {}),
    "flv": ("libx264", {}),
    "ts": ("libx264", {"form": "mpegts"}),
    "mpg": ("mpeg2video", {"form": "mpeg", "rate": 25}),
    "wmv": ("wmv2", {"form": "asf"}),
}
_KEYS = {
    "encryption_scheme": "cenc-aes-ctr",
    "encryption_key": "76a6c65c5ea762046bd749a2e632ccbb",
    "encryption_kid": "a7e61c373e219033c21091fa607bf3b8",
}


def cases() -> Iterator[Case]:
    for suffix in _FORMS:
        can_tell = suffix not in ("ts", "mpg", "wmv")  # which have no length to compare with
        yield file_case(
            f"cut in half a.{suffix}", "video", partial(_cut, suffix, 0.5), MediaError if can_tell else LOADS
        )
        yield file_case(f"cut after its header a.{suffix}", "video", partial(_cut, suffix, 0.015))
        yield file_case(f"noise after its magic number b.{suffix}", "video", partial(_noise_after_magic, suffix))
    broken: list[tuple[str, Any, type[MediaError] | None]] = [
        ("cut with its table in front a.mp4", _cut_faststart, MediaError),
        ("encrypted a.mp4", lambda: clip("mp4", options=tuple(_KEYS.items())), MediaError),
        ("sound alone a.mp4", lambda: encode_sound_with_av(tone(1.0, 48_000), "aac", "mp4"), MediaError),
        ("nothing but its brand a.mp4", lambda: clip("mp4")[:32], MediaError),
        ("boxes within boxes a.mp4", _nested_boxes, MediaError),
        (
            "box of 2**63 bytes a.mp4",
            lambda: clip("mp4")[:32] + b"\0\0\0\1moov\x7f" + b"\xff" * 7 + bytes(99),
            MediaError,
        ),
        ("claims frames of 65,535 pixels square a.mp4", _huge_frames, LOADS),
        ("frames that take no time a.mp4", lambda: _patch_table(b"stts", 16, 0), LOADS),
        ("2**31 frames of one byte a.mp4", _many_samples, MediaError),
        ("refers to another file a.mov", _external_reference, MediaError),
        ("refers to another film a.mov", _reference_movie, MediaError),
        ("80 streams a.mkv", _many_streams, MediaLimitError),
        ("header alone a.mkv", lambda: clip("mkv")[:60], MediaError),
        ("zeros after its header a.flv", lambda: clip("flv")[:300] + bytes(20_000), MediaError),
    ]
    for name, data, expected in broken:
        yield file_case(name, "video", data, expected)
    yield file_case("picture alone, as sound a.mp4", "audio", partial(clip, "mp4"))
    yield file_case("picture alone, as sound a.mkv", "audio", partial(clip, "mkv"))
    yield Case("clip in a folder with its neighbours", "video", _with_neighbours, is_path=True)


@cache
def clip(suffix: str, options: tuple[tuple[str, str], ...] = ()) -> bytes:
    """Give a small clip."""
    codec, more = _FORMS[suffix]
    with tempfile.TemporaryDirectory() as folder:
        return write_clip(Path(folder) / f"a.{suffix}", 24, codec, options=dict(options), **more).read_bytes()


def _cut(suffix: str, part: float) -> bytes:
    data = clip(suffix)
    return data[: max(20, int(part * len(data)))]


def _cut_faststart() -> bytes:
    data = clip("mp4", (("movflags", "faststart"),))
    return data[: len(data) * 3 // 4]


def _noise_after_magic(suffix: str) -> bytes:
    return clip(suffix)[:16] + random.Random(6).randbytes(5000)


def _nested_boxes() -> bytes:
    body = b""
    for _ in range(5000):
        body = struct.pack(">I", 8 + len(body)) + b"moov" + body
    return clip("mp4")[:32] + body


def _huge_frames() -> bytes:
    data = bytearray(clip("mp4"))
    at = data.index(b"avc1", data.index(b"stsd")) + 28
    data[at : at + 4] = struct.pack(">HH", 65_535, 65_535)
    return bytes(data)


def _patch_table(box: bytes, offset: int, value: int) -> bytes:
    """Overwrite 4 bytes of a box's content, `offset` bytes after its name."""
    data = bytearray(clip("mp4"))
    at = data.index(box) + offset - 4
    data[at + 4 : at + 8] = struct.pack(">I", value)
    return bytes(data)


def _many_samples() -> bytes:
    # stsz: version, size of each, number; stsc: the number in each chunk.
    data = bytearray(clip("mp4"))
    at = data.index(b"stsz")
    data[at + 8 : at + 16] = struct.pack(">II", 1, 2**31 - 1)
    at = data.index(b"stsc")
    data[at + 16 : at + 20] = struct.pack(">I", 2**31 - 1)
    at = data.index(b"stts")
    data[at + 12 : at + 16] = struct.pack(">I", 2**31 - 1)
    return bytes(data)


def _insert(data: bytes, path: tuple[bytes, ...], old: bytes, new: bytes) -> bytes:
    """Replace bytes inside nested boxes, and correct the sizes of these."""
    found = bytearray(data)
    start = 0
    sizes = []
    for name in path:
        start = found.index(name, start)
        sizes.append(start - 4)
        start += 4
    at = found.index(old, start)
    found[at : at + len(old)] = new
    for place in sizes:
        (size,) = struct.unpack_from(">I", found, place)
        struct.pack_into(">I", found, place, size + len(new) - len(old))
    return bytes(found)


def _external_reference() -> bytes:
    target = b"/etc/passwd"
    record = bytes(10) + b"\x01v" + bytes(26) + bytes(12) + bytes([len(target)]) + target.ljust(63, b"\0") + bytes(16)
    record += struct.pack(">HH", 0, 0) + bytes(16)
    record += struct.pack(">HH", 2, len(target) + 1) + target + b"\0" + struct.pack(">HH", 0xFFFF, 0)
    alias = struct.pack(">I", 12 + len(record)) + b"alis" + bytes(4) + record
    own = struct.pack(">I", 12) + b"url \0\0\0\x01"
    return _insert(clip("mp4"), (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"), own, alias)


def _reference_movie() -> bytes:
    def box(name: bytes, *parts: bytes) -> bytes:
        body = b"".join(parts)
        return struct.pack(">I", 8 + len(body)) + name + body

    address = b"http://127.0.0.1/secret.mov\0"
    reference = box(b"rdrf", bytes(4), b"url ", struct.pack(">I", len(address)), address)
    return box(b"ftyp", b"qt  ", bytes(4)) + box(b"moov", box(b"rmra", box(b"rmda", reference)))


def _many_streams() -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        streams = [container.add_stream("pcm_s16le", rate=8000, layout="mono") for _ in range(80)]
        for stream in streams:
            frame = av.AudioFrame(format="s16", layout="mono", samples=100)
            frame.sample_rate, frame.pts = 8000, 0
            container.mux(stream.encode(frame))
    return file.getvalue()


def _with_neighbours(folder: Path) -> Path:
    write_clip(folder / "neighbour.mp4", 5)
    path = folder / "a.mp4"
    path.write_text("ffconcat version 1.0\nfile neighbour.mp4\n")
    return path
