"""Any part of a sound, or of a clip's sound, through PyAV: length, and samples from a second on.

Samples are put where their time stamps say, so that a seek that lands early, and a gap, shift nothing. Must not know
segments.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from sensorium._optional import require
from sensorium.errors import MediaError
from sensorium.media.containers import open_container, translate_av_faults
from sensorium.media.timeline import MAX_SCAN_BYTES
from sensorium.media.waveform import check_channels, check_rate, to_float

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer

    from sensorium.media.limits import MediaLimits
    from sensorium.media.source import Source

_PURPOSE = "Reading a sound file"
# A decoder needs what comes before to begin cleanly; a frame of an MP3 may use bits of many before it.
_LEAD_S = 0.25
_LEADS_S = {"mp3": 1.5}
# PyAV looks for the end of a frame's planes behind the last one; where there are eight or more, it reads memory that is
# not the frame's.
_MAX_PLANES = 7
# If a seek lands too late, try this much earlier, and at last the beginning.
_STEPS_BACK_S = (0.0, 2.0, 15.0)
# Headers of these are estimates, from the rate of the first frame.
_ESTIMATED = frozenset({"aac", "mp3"})


@contextmanager
def open_with_av(source: Source, limits: MediaLimits) -> Iterator[AvReader]:
    """Open the first sound of a file.

    Raises:
        MediaError: No sound that PyAV reads, none in the clip, or damaged.
        MediaLimitError: More channels or streams than `limits` allow.
        MissingExtraError: PyAV is not installed.
    """
    with open_container(source, limits, _PURPOSE) as container:
        stream = next((one for one in container.streams.audio if one.codec_context is not None), None)
        if stream is None:
            raise MediaError("the file has no sound that can be decoded. Check that it plays.", source=source.name)
        stream.codec_context.thread_count = 1
        yield AvReader(container, stream, source, limits)


class AvReader:
    """An open sound.

    Attributes:
        rate: Samples a second.
    """

    def __init__(self, container: InputContainer, stream: AudioStream, source: Source, limits: MediaLimits) -> None:
        self._container, self._stream, self._limits, self._name = container, stream, limits, source.name
        self._av = require("av", _PURPOSE)
        self.rate = check_rate(stream.rate, source.name)
        check_channels(stream.channels or 1, limits, source.name)
        self._tick = float(stream.time_base or 1 / self.rate)
        self._begin = (stream.start_time or 0) * self._tick
        self._lead_s = _LEADS_S.get(stream.codec_context.name.removesuffix("float"), _LEAD_S)
        # Whether nothing was read yet: then the beginning is where the file stands.
        self._is_fresh = True
        self._is_large = source.size > MAX_SCAN_BYTES

    def measure(self) -> float:
        """Give its length in seconds, 0 if it is empty: by its packets, or by the header of a large file that has it.

        Raises:
            MediaError: Damaged.
        """
        seconds = self._read_header()
        is_sure = seconds > 0 and self._is_large and self._container.format.name not in _ESTIMATED
        if is_sure:
            return seconds
        with translate_av_faults(self._av, self._name):
            return self._scan()

    def read(self, start_s: float, end_s: float) -> np.ndarray:
        """Give the samples between two times: float32 `[samples]`, the mean of the channels, zero in gaps.

        Raises:
            MediaError: Damaged, or there are none.
        """
        first, last = round(start_s * self.rate), round(end_s * self.rate)
        samples = np.zeros(last - first, np.float32)
        written = 0
        with translate_av_faults(self._av, self._name):
            for at, mono in self._decode_from(start_s):
                if at >= last:
                    break
                begin, end = max(at, first), min(at + len(mono), last)
                if begin < end:
                    samples[begin - first : end - first] = mono[begin - at : end - at]
                    written = max(written, end - first)
        if not written:
            raise MediaError(f"the sound is truncated or damaged: nothing is left at {start_s:g} s.", source=self._name)
        return samples[:written]

    def _read_header(self) -> float:
        if self._stream.duration:
            return max(0.0, self._stream.duration * self._tick)
        return max(0.0, (self._container.duration or 0) / 1_000_000)

    def _scan(self) -> float:
        """Read all packets, and decode none, up to the end of the last."""
        self._is_fresh = False
        begin = end = step = 0.0
        for packet in self._container.demux(self._stream):
            if packet.size:
                before, begin = begin, end if packet.pts is None else packet.pts * self._tick - self._begin
                # Where packets do not say how long they last, as long as the one before.
                step = max(0.0, (packet.duration or 0) * self._tick or begin - before)
                end = max(end, begin + step)
        return end

    def _decode_from(self, start_s: float) -> Iterator[tuple[int, np.ndarray]]:
        """Decode from a time on, or somewhat earlier: of each frame the number of its first sample, and the samples."""
        for back in _STEPS_BACK_S:
            target = start_s - self._lead_s - back
            if target <= 0:
                break
            frames = self._seek(target)
            first = next(frames, None)
            if first is not None and first[0] <= start_s * self.rate:
                yield first
                yield from frames
                return
        yield from self._rewind()

    def _rewind(self) -> Iterator[tuple[int, np.ndarray]]:
        """Decode from the first packet on, which may lie before the time at which the sound is said to begin."""
        if self._is_fresh:
            return self._decode()
        try:
            return self._seek(-1.0)
        except self._av.error.FFmpegError:  # a format in which no time is before its beginning
            return self._seek(-self._begin)

    def _seek(self, seconds: float) -> Iterator[tuple[int, np.ndarray]]:
        self._container.seek(int((self._begin + seconds) / self._tick), stream=self._stream)
        return self._decode()

    def _decode(self) -> Iterator[tuple[int, np.ndarray]]:
        self._is_fresh = False
        position = 0
        for packet in self._container.demux(self._stream):
            for frame in packet.decode():
                if frame.pts is not None:
                    position = round((frame.pts * float(frame.time_base or self._tick) - self._begin) * self.rate)
                mono = self._mix(frame)
                yield position, mono
                position += len(mono)

    def _mix(self, frame: AudioFrame) -> np.ndarray:
        if frame.sample_rate != self.rate:
            raise MediaError("the sampling rate changes within the sound. Convert it to WAV.", source=self._name)
        channels = len(frame.layout.channels)
        check_channels(channels, self._limits, self._name)
        if frame.format.is_planar and channels > _MAX_PLANES:
            return self._mix_many(frame)
        samples = to_float(frame.to_ndarray())
        if not frame.format.is_planar:
            samples = samples.reshape(-1, channels).T
        return samples[0] if channels == 1 else samples.mean(axis=0, dtype=np.float32)

    def _mix_many(self, frame: AudioFrame) -> np.ndarray:
        """Bring the channels into one plane before they are looked at."""
        resampler = self._av.AudioResampler(format="flt", layout=frame.layout, rate=frame.sample_rate)
        packed = [one.to_ndarray().reshape(-1, len(frame.layout.channels)) for one in resampler.resample(frame)]
        return np.concatenate(packed).mean(axis=1, dtype=np.float32)
