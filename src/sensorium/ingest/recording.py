"""A recording of any length, of which parts are decoded when they are asked for. Must not know records.

While it is read in order the file stays open, which makes the next part cheap to find; a part that is asked for later,
or in another process, opens it for itself.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sensorium._optional import is_installed
from sensorium.errors import MediaError
from sensorium.ingest.av_reader import AvReader, open_with_av
from sensorium.ingest.sndfile_reader import SndfileReader, open_with_sndfile
from sensorium.media.completeness import check_complete
from sensorium.media.containers import HEAD_BYTES, find_demuxer
from sensorium.media.samples import Waveform
from sensorium.media.waveform import check_finite

if TYPE_CHECKING:
    from sensorium.media.limits import MediaLimits
    from sensorium.media.source import Source

# What libsndfile reads better, by FFmpeg's name for the container; what FFmpeg's list does not name is its alone.
_SNDFILE_DEMUXERS = frozenset({"wav", "flac", "ogg", None})
# And what it reads where FFmpeg is missing: after a seek it garbles a part of a second of an MP3.
_SNDFILE_TOO = frozenset({"mp3"})


class Recording:
    """A sound file, or the sound of a clip.

    Args:
        source: The file.
        limits: What streams and channels are checked against. The length is not limited.
    """

    def __init__(self, source: Source, limits: MediaLimits) -> None:
        self.source, self.limits = source, limits
        self._reader: SndfileReader | AvReader | None = None
        self._is_sndfile: bool | None = None
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {"source": self.source, "limits": self.limits}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["source"], state["limits"])  # type: ignore[misc]

    @contextmanager
    def kept_open(self) -> Iterator[SndfileReader | AvReader]:
        """Keep the file open inside the block, and give its reader, which knows its length and rate.

        Raises:
            MediaError: No sound of a format that is read, truncated or damaged.
            MediaLimitError: More streams or channels than the limits allow.
            MissingExtraError: The package that reads this format is not installed.
        """
        check_complete(self.source)
        with self._opened() as reader:
            self._reader = reader
            try:
                yield reader
            finally:
                with self._lock:  # not while another thread decodes a part of it
                    self._reader = None

    def read(self, start_s: float, end_s: float) -> Waveform:
        """Decode what lies between two times.

        Returns:
            The waveform, at the rate of the file, the mean of its channels; shorter if the file ends before.

        Raises:
            MediaError: Damaged there, with NaN, or nothing is there.
        """
        with self._lock:
            if self._reader is not None:
                return self._take(self._reader, start_s, end_s)
        with self._opened() as reader:
            return self._take(reader, start_s, end_s)

    def _take(self, reader: SndfileReader | AvReader, start_s: float, end_s: float) -> Waveform:
        return Waveform(check_finite(reader.read(start_s, end_s), self.source.name), reader.rate)

    @contextmanager
    def _opened(self) -> Iterator[SndfileReader | AvReader]:
        if self._is_sndfile is None:
            self._is_sndfile = self._is_for_sndfile()
        opener = open_with_sndfile if self._is_sndfile else open_with_av
        with opener(self.source, self.limits) as reader:
            yield reader

    def _is_for_sndfile(self) -> bool:
        """Tell whether libsndfile is to read it: what it knows, unless it is missing or cannot read this one."""
        demuxer = find_demuxer(self.source.head(HEAD_BYTES))
        if demuxer in _SNDFILE_TOO:
            return not is_installed("av")
        if demuxer not in _SNDFILE_DEMUXERS:
            return False
        if demuxer is None or not is_installed("av"):
            return True
        if not is_installed("soundfile"):
            return False
        try:
            with open_with_sndfile(self.source, self.limits) as reader:
                return reader.has_length
        except MediaError:
            return False
