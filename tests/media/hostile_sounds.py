"""Sounds that are cut off, damaged, or whose headers lie."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from tests.media.hostile import LOADS, Case, MediaError, MediaLimitError, file_case
from tests.media.media_files import encode_sound, encode_sound_with_av, tone

_FORMS = {"WAV": "wav", "FLAC": "flac", "OGG": "ogg", "MP3": "mp3", "AIFF": "aiff", "CAF": "caf"}


def cases() -> Iterator[Case]:
    for form, suffix in _FORMS.items():
        yield file_case(f"cut in half a.{suffix}", "audio", partial(_cut, form, 0.5))
        yield file_case(f"cut after its header a.{suffix}", "audio", partial(_cut, form, 0.01))
        yield file_case(f"noise after its magic number b.{suffix}", "audio", partial(_noise_after_magic, form))
    yield file_case("cut in half a.m4a", "audio", lambda: _m4a()[: len(_m4a()) // 2])
    yield file_case("two hours of silence a.flac", "audio", _silence, MediaLimitError)
    headers: list[tuple[str, Callable[[], bytes], type[MediaError] | None]] = [
        ("claims 4 GB a.wav", partial(wav, claimed=2**32 - 1), LOADS),
        ("claims 1 GB a.wav", partial(wav, claimed=2**30), MediaError),
        ("no channels a.wav", partial(wav, channels=0), MediaError),
        ("65,535 channels a.wav", partial(wav, channels=65_535), MediaError),
        ("200 channels a.wav", partial(wav, channels=200), MediaLimitError),
        ("rate of 0 a.wav", partial(wav, rate=0), MediaError),
        ("rate of 1 a.wav", partial(wav, rate=1), MediaError),
        ("rate of 4 GHz a.wav", partial(wav, rate=4_000_000_000), MediaError),
        ("no samples a.wav", partial(wav, samples=b""), MediaError),
        ("3 bits a sample a.wav", partial(wav, bits=3), LOADS),
        ("unknown codec a.wav", partial(wav, codec=0x1234), MediaError),
        ("no data a.wav", lambda: b"RIFF" + struct.pack("<I", 4) + b"WAVE", MediaError),
        (
            "a chunk of 4 GB first a.wav",
            lambda: b"RIFF" + b"\xff" * 4 + b"WAVELIST" + b"\xff" * 4 + bytes(99),
            MediaError,
        ),
        ("NaN among its samples a.wav", partial(_constant, np.nan, "FLOAT"), MediaError),
        ("infinity among its samples a.wav", partial(_constant, np.inf, "DOUBLE"), MediaError),
        ("claims 2**36 samples a.flac", _flac_claim, MediaError),
        ("tag of 256 MB a.mp3", lambda: b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + bytes(500), MediaError),
        ("tag before it a.mp3", _tagged, LOADS),
    ]
    for name, data, expected in headers:
        yield file_case(name, "audio", data, expected)


def wav(
    *,
    samples: bytes = bytes(4000),
    channels: int = 1,
    rate: int = 16_000,
    bits: int = 16,
    codec: int = 1,
    claimed: int | None = None,
) -> bytes:
    """Build a WAV file with whatever in its header."""
    width = max(1, channels * bits // 8)
    form = struct.pack("<HHIIHH", codec, channels, rate, rate * width % 2**32, width % 2**16, bits)
    length = len(samples) if claimed is None else claimed
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", length) + samples
    return b"RIFF" + struct.pack("<I", min(2**32 - 1, len(body) - len(samples) + length)) + body


def _cut(form: str, part: float) -> bytes:
    data = encode_sound(tone(3.0), form)
    return data[: max(20, int(part * len(data)))]


def _noise_after_magic(form: str) -> bytes:
    return encode_sound(tone(), form)[:12] + random.Random(5).randbytes(5000)


def _m4a() -> bytes:
    return encode_sound_with_av(tone(2.0, 48_000), "aac", "mp4")


def _flac_claim() -> bytes:
    data = bytearray(encode_sound(tone(), "FLAC"))
    # STREAMINFO: after 18 bytes, 4 bits that belong to the sample size, then 36 bits of the number of samples.
    data[21] |= 0x0F
    data[22:26] = b"\xff" * 4
    return bytes(data)


def _constant(value: float, subtype: str) -> bytes:
    return encode_sound(np.full(99, value), subtype=subtype)


def _silence() -> bytes:
    return encode_sound(np.zeros(7200 * 8000, np.int16), "FLAC", 8000)


def _tagged() -> bytes:
    return b"ID3\x04\0\0\0\0\x02\0" + bytes(256) + encode_sound(tone(), "MP3")
