from __future__ import annotations

from typing import Any

import av
import pytest

from sensorium.errors import MediaError
from sensorium.media import containers
from sensorium.media.containers import DEMUXERS, HEAD_BYTES, find_demuxer, open_container
from sensorium.media.limits import MediaLimits
from sensorium.media.source import open_source
from tests.media.hostile_clips import clip
from tests.media.media_files import encode_image, encode_sound, encode_sound_with_av, noise_image, tone

LIMITS = MediaLimits()


@pytest.mark.parametrize(
    ("data", "demuxer"),
    [
        (lambda: clip("mp4"), "mov"),
        (lambda: clip("mkv"), "matroska"),
        (lambda: clip("webm"), "matroska"),
        (lambda: clip("avi"), "avi"),
        (lambda: clip("flv"), "flv"),
        (lambda: clip("ts"), "mpegts"),
        (lambda: clip("mpg"), "mpeg"),
        (lambda: clip("wmv"), "asf"),
        (lambda: encode_sound(tone()), "wav"),
        (lambda: encode_sound(tone(), "FLAC"), "flac"),
        (lambda: encode_sound(tone(), "OGG"), "ogg"),
        (lambda: encode_sound(tone(), "MP3"), "mp3"),
        (lambda: encode_sound_with_av(tone(1.0, 48_000), "aac", "adts"), "aac"),
        (lambda: encode_image(noise_image(), "JPEG"), None),
        (lambda: encode_image(noise_image(), "WEBP"), None),
        (lambda: encode_image(noise_image(), "AVIF"), None),
        (lambda: b"ffconcat version 1.0\nfile 'a'\n", None),
        (lambda: b"#EXTM3U\n", None),
        (lambda: b"G" * 100, None),
        (lambda: b"", None),
    ],
)
def test_demuxer_is_chosen_by_content(data: Any, demuxer: str | None) -> None:
    assert find_demuxer(data()[:HEAD_BYTES]) == demuxer
    assert demuxer is None or demuxer in DEMUXERS


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi", "flv", "ts", "mpg", "wmv"])
def test_ffmpeg_never_guesses_and_never_learns_a_name(suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Any, dict[str, Any]]] = []
    original = av.open

    def spy(file: Any, **options: Any) -> Any:
        seen.append((file, options))
        return original(file, **options)

    monkeypatch.setattr(av, "open", spy)
    with open_container(open_source(clip(suffix)), LIMITS, "Reading a clip") as container:
        assert len(container.streams) == 1
    ((file, options),) = seen
    assert options["format"] in DEMUXERS
    assert not isinstance(file, str)
    assert not hasattr(file, "name")
    assert options["container_options"]["protocol_whitelist"] == "none"
    assert options["io_open"] is not None


def test_every_demuxer_is_known_to_ffmpeg() -> None:
    for name in DEMUXERS:
        assert av.format.ContainerFormat(name, "r").is_input


def test_nothing_else_is_opened() -> None:
    with pytest.raises(MediaError, match="refers to another one"):
        containers._refuse_nested("file:///etc/passwd", 0, {})


def test_a_callers_fault_is_not_translated() -> None:
    with (
        pytest.raises(KeyError),
        open_container(open_source(clip("mp4")), LIMITS, "Reading a clip"),
    ):
        raise KeyError
