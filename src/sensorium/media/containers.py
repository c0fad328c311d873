"""Open a sound or clip container with PyAV: a demuxer of the allow-list, chosen here, and no way out of the file.

FFmpeg would guess the demuxer from the content, and some of its guesses read other files or addresses (playlists,
concat scripts, external references). So the demuxer is chosen by the file's first bytes and given by name, the file is
handed over as a Python object without a name, and every attempt to open anything else is refused. Must not know how
frames or samples are used.

Source: the magic numbers are those of the formats' specifications: ISO/IEC 14496-12 (ftyp, moov), RFC 8794 (EBML),
RFC 3533 (Ogg), RFC 9639 (FLAC), ISO/IEC 13818-1 (MPEG streams), ISO/IEC 11172-3 and 14496-3 (MPEG audio, ADTS).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sensorium._optional import require
from sensorium.errors import MediaError, MediaLimitError
from sensorium.media.refusal import describe_content

if TYPE_CHECKING:
    from types import ModuleType
    from typing import BinaryIO

    from av.container import InputContainer

    from sensorium.media.limits import MediaLimits
    from sensorium.media.source import Source

#: Bytes that `find_demuxer` needs: two packets of an MPEG transport stream, and their sync bytes.
HEAD_BYTES = 600

_PREFIXES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x1aE\xdf\xa3", "matroska"),
    (0, b"OggS", "ogg"),
    (0, b"fLaC", "flac"),
    (0, b"FLV\x01", "flv"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", "asf"),
    (0, b"\x00\x00\x01\xba", "mpeg"),
    (0, b"ID3", "mp3"),
)
_RIFF = {b"AVI ": "avi", b"AVIX": "avi", b"WAVE": "wav"}
_MOV_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"})
_IMAGE_BRANDS = frozenset({b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1"})
_TS_PACKET = 188

DEMUXERS: frozenset[str] = frozenset(
    {"mov", "matroska", "avi", "wav", "flac", "ogg", "mp3", "aac", "flv", "asf", "mpeg", "mpegts"}
)

_WITH_STREAM_TABLE = frozenset({"mov", "matroska", "avi", "asf"})
_MOV_NAMES = "mov,mp4,m4a,3gp,3g2,mj2"


def find_demuxer(head: bytes) -> str | None:
    """Choose FFmpeg's demuxer from a file's first bytes.

    Args:
        head: The first `HEAD_BYTES` bytes, or the whole file if it is shorter.

    Returns:
        A name in `DEMUXERS`, or None if the file is none of these.
    """
    for offset, magic, name in _PREFIXES:
        if head.startswith(magic, offset):
            return name
    if head[:4] in (b"RIFF", b"RF64", b"RIFX"):
        return _RIFF.get(head[8:12])
    if head[4:8] in _MOV_BOXES:
        return None if head[8:12] in _IMAGE_BRANDS else "mov"
    if len(head) > _TS_PACKET and all(head[at] == 0x47 for at in range(0, len(head), _TS_PACKET)):
        return "mpegts"
    if len(head) >= 4 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return _find_mpeg_audio(head[1])
    return None


def _find_mpeg_audio(second: int) -> str | None:
    if second & 0xF6 == 0xF0:  # layer 0 of MPEG-2 or -4: an ADTS header
        return "aac"
    has_layer, has_version = second & 0x06 != 0, second & 0x18 != 0x08
    return "mp3" if has_layer and has_version else None


@contextmanager
def open_container(source: Source, limits: MediaLimits, purpose: str) -> Iterator[InputContainer]:
    """Open a container; only its header and first packets are read.

    Args:
        source: The file.
        limits: Its streams are counted against `max_streams`.
        purpose: What needs PyAV, as the beginning of a sentence: "Reading a clip".

    Yields:
        The container. Faults of reading and decoding inside the block are translated too.

    Raises:
        MediaError: No container of the allow-list, truncated or damaged.
        MediaLimitError: More streams than allowed.
        MissingExtraError: PyAV is not installed.
    """
    demuxer = find_demuxer(source.head(HEAD_BYTES))
    if demuxer is None:
        raise MediaError(
            f"no sound or clip of a format that is read. {describe_content(source, ('audio', 'video'))} Read are "
            f"{', '.join(sorted(DEMUXERS))}, but no playlist or script that names other files.",
            source=source.name,
        )
    av = require("av", purpose)
    with source.open() as file, translate_av_faults(av, source.name):
        container = av.open(
            _Nameless(file),
            mode="r",
            format=demuxer,
            container_options=_container_options(demuxer, limits),
            # Options of decoders crash PyAV before 14 where the header does not name the streams.
            options={"max_pixels": str(limits.max_pixels)} if demuxer in _WITH_STREAM_TABLE else {},
            metadata_errors="replace",
            io_open=_refuse_nested,
        )
        with container:
            if len(container.streams) > limits.max_streams:
                raise _too_many_streams(limits, source.name)
            yield container


def _container_options(demuxer: str, limits: MediaLimits) -> dict[str, str]:
    options = {
        "protocol_whitelist": "none",
        "format_whitelist": _MOV_NAMES if demuxer == "mov" else demuxer,
        # One more than allowed, so that FFmpeg opens the file and the streams can be counted.
        "max_streams": str(limits.max_streams + 1),
    }
    if demuxer == "mov":
        options |= {"enable_drefs": "0", "use_absolute_path": "0"}
    return options


@contextmanager
def translate_av_faults(av: ModuleType, name: str) -> Iterator[None]:
    """Turn what PyAV raises on a bad file into `MediaError`. This is the one place that does."""
    try:
        yield
    except MediaError:  # ours; a ValueError too
        raise
    except (av.error.MemoryError, MemoryError) as exc:
        raise MediaLimitError(
            "the file needs more memory than there is, or declares more streams than MediaLimits(max_streams=...) "
            "allows.",
            source=name,
        ) from exc
    except (av.error.FFmpegError, EOFError, ValueError, OverflowError, ArithmeticError) as exc:
        reason = getattr(exc, "strerror", None) or str(exc) or type(exc).__name__
        raise MediaError(
            f"the file is truncated, damaged, encrypted, or of a codec that this PyAV lacks ({reason}). Check that it "
            "plays, and convert it to H.264 or AAC in MP4.",
            source=name,
        ) from exc


class _Nameless:
    """A file without its name, from which FFmpeg would resolve relative references."""

    def __init__(self, file: BinaryIO) -> None:
        self.read = file.read
        self.seek = file.seek
        self.tell = file.tell


def _refuse_nested(url: str, flags: int, options: dict[str, str]) -> Any:
    raise MediaError(f"the file refers to another one ({url[:200]!r}), and only the file itself is read.")


def _too_many_streams(limits: MediaLimits, name: str) -> MediaLimitError:
    return MediaLimitError(
        f"the file declares more than the {limits.max_streams} streams that are allowed. Raise "
        "MediaLimits(max_streams=...) if you trust it.",
        source=name,
    )
