from __future__ import annotations

import random

import pytest

from sensorium.errors import MediaError
from sensorium.media.completeness import check_complete
from sensorium.media.source import open_source
from tests.media.hostile_clips import clip
from tests.media.media_files import encode_sound, encode_sound_with_av, tone


def samples() -> dict[str, bytes]:
    return {
        "mp4": clip("mp4"),
        "mp4, table in front": clip("mp4", (("movflags", "faststart"),)),
        "mp4, fragments": clip("mp4", (("movflags", "frag_keyframe+empty_moov"),)),
        "mkv": clip("mkv"),
        "webm": clip("webm"),
        "avi": clip("avi"),
        "wav": encode_sound(tone()),
        "aiff": encode_sound(tone(), "AIFF"),
        "ogg": encode_sound(tone(), "OGG"),
        "mp3": encode_sound(tone(), "MP3"),
        "mp3 of LAME": encode_sound_with_av(tone(1.0, 48_000), "libmp3lame", "mp3"),
    }


@pytest.mark.parametrize("name", list(samples()))
def test_whole_files_pass_and_cut_ones_do_not(name: str) -> None:
    data = samples()[name]
    check_complete(open_source(data))
    check_complete(open_source(data + bytes(100)))
    draw = random.Random(0)
    for _ in range(20):
        part = draw.randrange(len(data) // 10, len(data) * 9 // 10)
        if name == "mp4, fragments" or name.startswith("mp4, table"):
            part = max(part, data.index(b"mdat") + 8)  # a cut between two boxes is found by the decoder
        if name == "mp4, fragments" and _is_between_boxes(data, part):
            continue
        with pytest.raises(MediaError, match="truncated"):
            check_complete(open_source(data[:part]))


def _is_between_boxes(data: bytes, part: int) -> bool:
    """Tell whether a cut leaves whole boxes, and at most a part of the next one's header."""
    at = 0
    while at + 8 <= part:
        start, at = at, at + int.from_bytes(data[at : at + 4], "big")
    return at <= part or part - start < 8


@pytest.mark.parametrize("data", [b"x", b"RIFF", b"OggX" * 9, b"\x1aE\xdf\xa3", b"ID3", b"\x89PNG\r\n\x1a\n" * 9])
def test_other_files_pass(data: bytes) -> None:
    check_complete(open_source(data))


def test_length_that_the_writer_did_not_know() -> None:
    data = bytearray(clip("mkv"))
    at = data.index(b"\x18\x53\x80\x67") + 4
    data[at : at + 8] = b"\x01" + b"\xff" * 7
    check_complete(open_source(bytes(data[:3000])))
