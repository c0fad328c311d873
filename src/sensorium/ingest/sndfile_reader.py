"""Any part of a sound file through libsndfile: length, and samples from a second on. Must not know segments.

Source: the tag that tells an MP3's length is that of the Xing encoder, as LAME documents it; the size of an ID3v2 tag
is written in seven bits a byte (ID3v2.4, 3.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from sensorium._optional import require
from sensorium.errors import MediaError
from sensorium.media.waveform import check_channels, check_rate

if TYPE_CHECKING:
    from types import ModuleType

    from sensorium.media.limits import MediaLimits
    from sensorium.media.source import Source

_PURPOSE = "Reading a sound file"
_BLOCK = 1 << 16
_LENGTH_TAGS = (b"Xing", b"Info", b"VBRI")
# A frame of an MP3 may use bits of those before it, of which libsndfile lacks some for up to this long after a seek.
_LEAD_S = 1.5
# Where libsndfile does not know the number of samples, it gives a number that no file has.
_MAX_SAMPLES = 1 << 40


@contextmanager
def open_with_sndfile(source: Source, limits: MediaLimits) -> Iterator[SndfileReader]:
    """Open a sound file.

    Raises:
        MediaError: No sound that libsndfile reads, or damaged.
        MediaLimitError: More channels than `limits` allow.
        MissingExtraError: soundfile is not installed.
    """
    soundfile = require("soundfile", _PURPOSE)
    with source.open() as raw:
        with _translated(soundfile, source.name):
            file = soundfile.SoundFile(_Lenient(raw))
        with file:
            check_channels(file.channels, limits, source.name)
            yield SndfileReader(soundfile, file, source)


class SndfileReader:
    """An open sound file.

    Attributes:
        rate: Samples a second.
        has_length: Whether the file says how long it is, if only about.
    """

    def __init__(self, soundfile: ModuleType, file: Any, source: Source) -> None:
        self._soundfile, self._file, self._source, self._name = soundfile, file, source, source.name
        self.rate = check_rate(file.samplerate, source.name)
        self.has_length = 0 < file.frames < _MAX_SAMPLES

    def measure(self) -> float:
        """Give its length in seconds, 0 if it is empty; an MP3 that states none is decoded to its end for that.

        Raises:
            MediaError: Damaged, or nobody knows.
        """
        is_estimate = self._file.format == "MP3" and not _states_length(self._source)
        frames = self._count() if is_estimate else self._file.frames
        if not 0 <= frames < _MAX_SAMPLES:
            raise MediaError("its header does not say how long it is. Convert it to WAV or FLAC.", source=self._name)
        return float(frames / self.rate)

    def read(self, start_s: float, end_s: float) -> np.ndarray:
        """Give the samples between two times: float32 `[samples]`, the mean of the channels.

        Raises:
            MediaError: Damaged, or there are none.
        """
        first, last = round(start_s * self.rate), round(end_s * self.rate)
        # What comes before is decoded and dropped, where the decoder needs it. One read: soundfile seeks after each.
        lead = min(first, round(_LEAD_S * self.rate)) if self._file.format == "MP3" else 0
        with _translated(self._soundfile, self._name):
            self._file.seek(first - lead)
            block = self._file.read(last - first + lead, dtype="float32", always_2d=True)[lead:]
        if not len(block):
            raise MediaError(f"the sound is truncated or damaged: nothing is left at {start_s:g} s.", source=self._name)
        return block[:, 0].copy() if block.shape[1] == 1 else block.mean(axis=1)

    def _count(self) -> int:
        """Count samples by decoding them all, none of which is kept."""
        block = np.empty((_BLOCK, self._file.channels), np.float32)
        total = 0
        with _translated(self._soundfile, self._name):
            while count := len(self._file.read(out=block)):
                total += count
            self._file.seek(0)
        return total


class _Lenient:
    """A file in which seeking to nowhere does nothing: an error in a callback of libsndfile would only be printed."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.tell, self.read, self.readinto = file.tell, file.read, file.readinto  # type: ignore[attr-defined]

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            return self._file.seek(offset, whence)
        except (OSError, ValueError):
            return self._file.tell()


@contextmanager
def _translated(soundfile: ModuleType, name: str) -> Iterator[None]:
    """Turn what soundfile raises on a bad file into `MediaError`. This is the one place that does."""
    try:
        yield
    except MediaError:  # ours; a ValueError too
        raise
    except (soundfile.SoundFileError, RuntimeError, TypeError, ValueError, OSError) as exc:
        reason = str(getattr(exc, "error_string", exc)).strip()
        raise MediaError(
            f"the sound is truncated, damaged, or of a codec that is not read ({reason}). Check that it plays, and "
            "convert it to WAV or FLAC.",
            source=name,
        ) from exc


def _states_length(source: Source) -> bool:
    """Tell whether the first frame of an MP3 file states how many follow."""
    with source.open() as file:
        head = file.read(10)
        is_tagged = head[:3] == b"ID3" and len(head) == 10
        size = (
            sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
            if is_tagged
            else 0
        )
        file.seek(10 + size if is_tagged else 0)
        frame = file.read(200)
    return any(tag in frame for tag in _LENGTH_TAGS)
