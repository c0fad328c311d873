"""Sounds from files: length from the header, or a mono float32 waveform at the rate a model wants.

libsndfile (package soundfile) reads what it knows; PyAV reads the rest, and the sound of clips. Both read block by
block, from the first to the last and never seeking, and count, so that a header that lies cannot make more memory than
the limits allow. Must not know what a model does with the sound.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from sensorium._optional import is_installed, missing_extra, require
from sensorium.errors import MediaError
from sensorium.media.completeness import check_complete
from sensorium.media.containers import HEAD_BYTES, find_demuxer, open_container
from sensorium.media.regular_file import translate_os_error
from sensorium.media.samples import Waveform
from sensorium.media.waveform import (
    check_channels,
    check_finite,
    check_length,
    check_rate,
    mix_and_resample,
    resample,
    to_float,
)

if TYPE_CHECKING:
    from types import ModuleType

    from av.audio.frame import AudioFrame
    from av.audio.resampler import AudioResampler
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from soundfile import SoundFile

    from sensorium.media.limits import MediaLimits
    from sensorium.media.source import Source

__all__ = ["decode_audio", "mix_and_resample", "probe_audio"]

_PURPOSE = "Reading a sound file"
_BLOCK = 1 << 18
# What libsndfile reads, by FFmpeg's name for the container; the others begin with these bytes.
_SNDFILE_DEMUXERS = frozenset({"wav", "flac", "ogg", "mp3"})
_SNDFILE_MAGIC = (b"FORM", b".snd", b"caff", b"riff")
# What says how long an MP3 is, and within how many bytes of its first frame.
_MP3_LENGTH_TAGS = (b"Xing", b"Info", b"VBRI")
_MP3_TAG_BYTES = 64
# PyAV looks for the end of a frame's planes behind the last one; where there are eight or more, it reads memory that is
# not the frame's.
_MAX_PLANES = 7


def probe_audio(source: Source, limits: MediaLimits) -> float:
    """Read the length of a sound file, or of the sound of a clip, from its header.

    Args:
        source: The file.
        limits: What the length and the channels are checked against.

    Returns:
        Seconds; 0 if the header does not tell.

    Raises:
        MediaError: No sound of a format that is read, or a damaged header.
        MediaLimitError: Longer, or of more channels, than `limits` allow.
        MissingExtraError: The package that reads this format is not installed.
    """
    if _is_for_soundfile(source):
        with _open_soundfile(source, limits) as file:
            return float(file.frames / file.samplerate)
    with _open_av(source, limits) as (container, stream):
        seconds = _declared_seconds(container, stream)
        check_length(int(seconds * stream.rate), stream.rate, limits, source.name)
        return seconds


def decode_audio(source: Source, sampling_rate: int | None, limits: MediaLimits) -> Waveform:
    """Decode a sound file, or the first sound of a clip.

    Args:
        source: The file.
        sampling_rate: Samples a second to bring it to, or None for those it has.
        limits: What length and channels are checked against, before and while it is decoded.

    Returns:
        The waveform: float32 `[samples]`, the mean of the channels.

    Raises:
        MediaError: No sound of a format that is read, none in the clip, empty, truncated, damaged, or with NaN.
        MediaLimitError: Longer, or of more channels, than `limits` allow.
        MissingExtraError: The package that reads this format, or soxr, is not installed.

    Source:
        soxr at quality HQ; see `mix_and_resample`.
    """
    check_complete(source)
    if _is_for_soundfile(source):
        mono, rate = _decode_soundfile(source, limits)
    else:
        mono, rate = _decode_av(source, limits)
    if mono.size == 0:
        raise MediaError("the sound is empty: it has no samples.", source=source.name)
    return resample(check_finite(mono, source.name), rate, sampling_rate)


def _is_for_soundfile(source: Source) -> bool:
    head = source.head(HEAD_BYTES)
    demuxer = find_demuxer(head)
    if demuxer == "flac" and not _states_length(head):
        return False  # libsndfile opens it, and then fails to read it
    if demuxer in _SNDFILE_DEMUXERS:
        if is_installed("soundfile"):
            if demuxer == "mp3" and is_installed("av"):
                return _has_length_tag(source)  # otherwise libsndfile guesses by the first frames, and stops there
            return not (demuxer == "ogg" and b"theora" in head)
        if not is_installed("av"):
            raise missing_extra("soundfile", _PURPOSE)
        return False
    return demuxer is None and head.startswith(_SNDFILE_MAGIC)


def _states_length(head: bytes) -> bool:
    """Tell whether a FLAC file states its number of samples, which one that was written to a pipe does not.

    Source: RFC 9639, 8.2: after 18 bytes, 20 bits of the rate, 3 of the channels, 5 of the sample size, then 36.
    """
    return len(head) < 26 or bool(head[21] & 0x0F or any(head[22:26]))


def _has_length_tag(source: Source) -> bool:
    """Tell whether the first frame of an MP3 file says how many follow.

    Source: the tag of the Xing encoder as LAME documents it; ID3v2.4, 3.1 for the size of what stands before.
    """
    head = source.head(10)
    start = 0
    if head[:3] == b"ID3" and len(head) == 10:
        start = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
    with source.open() as file:
        try:
            file.seek(start)
            frame = file.read(_MP3_TAG_BYTES)
        except OSError as exc:
            raise translate_os_error(exc, source.name) from exc
    return any(tag in frame for tag in _MP3_LENGTH_TAGS)


class _Mono:
    """Samples as they come, mixed to mono, up to the limit."""

    def __init__(self, rate: int, expected: int, limits: MediaLimits, name: str) -> None:
        self._rate, self._limits, self._name = rate, limits, name
        # Memory that is not written to is not taken, so a header that promises too much costs nothing.
        self._samples = np.empty(max(expected, _BLOCK), dtype=np.float32)
        self.size = 0

    def add(self, mono: np.ndarray) -> None:
        end = self.size + mono.size
        check_length(end, self._rate, self._limits, self._name)
        if end > self._samples.size:
            self._samples = np.concatenate([self._samples[: self.size], np.empty(end, dtype=np.float32)])
        self._samples[self.size : end] = mono
        self.size = end

    def take(self) -> np.ndarray:
        return self._samples[: self.size].copy() if self.size < self._samples.size // 2 else self._samples[: self.size]


class _Lenient:
    """A file in which seeking to nowhere does nothing: libsndfile tries, and a callback's error would be printed."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.tell, self.read, self.readinto = file.tell, file.read, file.readinto  # type: ignore[attr-defined]

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            return self._file.seek(offset, whence)
        except (OSError, ValueError):
            return self._file.tell()


@cache
def _sequential_class(soundfile: ModuleType) -> type[SoundFile]:
    """Give soundfile's class, but for the seek that it makes after every read of a file that can seek.

    To seek, libsndfile begins to decode an MP3 anew, without what its frames take from those before: up to 0.4 s after
    each block would be noise.
    """
    return type("SequentialFile", (soundfile.SoundFile,), {"seekable": lambda self: False})


@contextmanager
def _open_soundfile(source: Source, limits: MediaLimits) -> Iterator[SoundFile]:
    soundfile = require("soundfile", _PURPOSE)
    with source.open() as raw:
        try:
            with _sequential_class(soundfile)(_Lenient(raw)) as file:
                check_rate(file.samplerate, source.name)
                check_channels(file.channels, limits, source.name)
                check_length(file.frames, file.samplerate, limits, source.name)
                yield file
        except MediaError:  # a ValueError too
            raise
        except (soundfile.SoundFileError, RuntimeError, TypeError, ValueError, OSError) as exc:
            reason = str(getattr(exc, "error_string", exc)).strip()
            raise MediaError(
                f"the sound is truncated, damaged, or of a codec that is not read ({reason}). Check that it plays, and "
                "convert it to WAV or FLAC.",
                source=source.name,
            ) from exc


def _decode_soundfile(source: Source, limits: MediaLimits) -> tuple[np.ndarray, int]:
    with _open_soundfile(source, limits) as file:
        rate, expected = file.samplerate, file.frames
        mono = _Mono(rate, expected, limits, source.name)
        while len(block := file.read(_BLOCK, dtype="float32", always_2d=True)):
            mono.add(block[:, 0] if block.shape[1] == 1 else block.mean(axis=1))
        # The count of an MP3 without a tag is an estimate.
        if mono.size < expected and file.format != "MP3":
            raise MediaError(
                f"the sound is truncated or damaged: {mono.size} of {expected} samples can be decoded. Copy or "
                "download it again.",
                source=source.name,
            )
        return mono.take(), rate


@contextmanager
def _open_av(source: Source, limits: MediaLimits) -> Iterator[tuple[InputContainer, AudioStream]]:
    with open_container(source, limits, _PURPOSE) as container:
        stream = next((one for one in container.streams.audio if one.codec_context is not None), None)
        if stream is None:
            has_video = bool(container.streams.video)
            advice = 'It is a clip without sound: give it as {"video": ...}.' if has_video else "Check that it plays."
            raise MediaError(f"the file has no sound that can be decoded. {advice}", source=source.name)
        stream.codec_context.thread_count = 1
        if stream.channels:
            check_channels(stream.channels, limits, source.name)
        yield container, stream


def _decode_av(source: Source, limits: MediaLimits) -> tuple[np.ndarray, int]:
    with _open_av(source, limits) as (container, stream):
        rate = 0
        mixer = _Mixer(limits, source.name)
        for frame in container.decode(stream):
            if rate == 0:
                rate = check_rate(frame.sample_rate, source.name)
                seconds = _declared_seconds(container, stream)
                check_length(int(seconds * rate), rate, limits, source.name)
                mono = _Mono(rate, int(seconds * rate), limits, source.name)
            if frame.sample_rate != rate:
                raise MediaError("the sampling rate changes within the sound. Convert it to WAV.", source=source.name)
            mono.add(mixer.mix(frame))
        if rate == 0:
            raise MediaError("the sound is empty: nothing in it can be decoded.", source=source.name)
        return mono.take(), rate


class _Mixer:
    """Frames of one sound, each mixed to mono."""

    def __init__(self, limits: MediaLimits, name: str) -> None:
        self._limits, self._name = limits, name
        self._packer: AudioResampler | None = None

    def mix(self, frame: AudioFrame) -> np.ndarray:
        channels = len(frame.layout.channels)
        check_channels(channels, self._limits, self._name)
        if frame.format.is_planar and channels > _MAX_PLANES:
            packed = self._pack(frame, channels)
            return packed.mean(axis=1, dtype=np.float32)
        samples = to_float(frame.to_ndarray())
        if not frame.format.is_planar:
            samples = samples.reshape(-1, channels).T
        return samples[0] if channels == 1 else samples.mean(axis=0, dtype=np.float32)

    def _pack(self, frame: AudioFrame, channels: int) -> np.ndarray:
        """Bring the channels into one plane, `[samples, channels]`, before Python looks at them."""
        if self._packer is None:  # to make one takes as long as decoding a frame
            av = require("av", _PURPOSE)
            self._packer = av.AudioResampler(format="flt", layout=frame.layout, rate=frame.sample_rate)
        pieces = [one.to_ndarray().reshape(-1, channels) for one in self._packer.resample(frame)]
        return np.concatenate(pieces) if pieces else np.empty((0, channels), np.float32)


def _declared_seconds(container: InputContainer, stream: Any) -> float:
    if stream.duration and stream.time_base:
        return max(0.0, float(stream.duration * stream.time_base))
    return max(0.0, (container.duration or 0) / 1_000_000)
