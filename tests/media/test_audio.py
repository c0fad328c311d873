from __future__ import annotations

import contextlib
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
import torch

from sensorium.errors import MediaError, MediaLimitError, MissingExtraError
from sensorium.media import audio
from sensorium.media.audio import decode_audio, mix_and_resample, probe_audio
from sensorium.media.limits import MediaLimits
from sensorium.media.samples import Waveform
from sensorium.media.source import open_source
from tests.media.media_files import RATE, encode_sound, encode_sound_with_av, tone, write_clip

LIMITS = MediaLimits()
# Samples by which LAME's encoder and a decoder delay a sound together, where no tag says so.
_LAME_DELAY = 1105


def decode(data: bytes, rate: int | None = None, limits: MediaLimits = LIMITS) -> Waveform:
    return decode_audio(open_source(data), rate, limits)


def correlate(one: np.ndarray, other: np.ndarray) -> float:
    count = min(one.size, other.size)
    return float(np.corrcoef(one[:count], other[:count])[0, 1])


@pytest.mark.parametrize(
    ("form", "subtype", "tolerance"),
    [
        ("WAV", "FLOAT", 0.0),
        ("WAV", "PCM_16", 4e-5),
        ("WAV", "PCM_U8", 1e-2),
        ("FLAC", "PCM_24", 1e-6),
        ("AIFF", "PCM_16", 4e-5),
        ("CAF", "PCM_16", 4e-5),
        ("AU", "PCM_16", 4e-5),
        ("W64", "PCM_16", 4e-5),
    ],
)
def test_lossless_formats(form: str, subtype: str, tolerance: float) -> None:
    data = encode_sound(tone(), form, subtype=subtype)
    sound = decode(data)
    assert sound.sampling_rate == RATE
    assert sound.array.dtype == np.float32
    assert sound.array.flags.c_contiguous
    np.testing.assert_allclose(sound.array, tone(), rtol=0, atol=tolerance)
    assert probe_audio(open_source(data), LIMITS) == 1.0


@pytest.mark.parametrize(("form", "subtype"), [("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", None)])
def test_lossy_formats(form: str, subtype: str | None) -> None:
    sound = decode(encode_sound(tone(2.0), form, subtype=subtype))
    assert sound.array.shape == (2 * RATE,)
    assert correlate(sound.array, tone(2.0)) > 0.99


@pytest.mark.parametrize(
    ("codec", "form"),
    [
        ("aac", "mp4"),
        ("aac", "adts"),
        ("libopus", "webm"),
        ("flac", "matroska"),
        ("libmp3lame", "avi"),
        ("mp2", "mpegts"),
    ],
)
def test_formats_that_pyav_reads(codec: str, form: str) -> None:
    data = encode_sound_with_av(tone(2.0, 48_000), codec, form)
    sound = decode(data, RATE)
    assert sound.sampling_rate == RATE
    assert abs(sound.array.size - 2 * RATE) < 0.12 * RATE
    spectrum = np.abs(np.fft.rfft(sound.array[:RATE] * np.hanning(RATE)))
    assert abs(int(spectrum.argmax()) - 440) <= 1
    assert probe_audio(open_source(data), LIMITS) == pytest.approx(2.0, abs=0.12)


def test_sound_of_a_clip(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", has_sound=True)
    sound = decode_audio(open_source(path), RATE, LIMITS)
    assert sound.array.size == pytest.approx(4 * RATE, rel=0.02)


def test_clip_without_sound(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4")
    with pytest.raises(MediaError, match="clip without sound") as caught:
        decode_audio(open_source(path), None, LIMITS)
    assert caught.value.source == str(path)


def test_stereo_is_mixed_by_the_mean_and_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = tone(1.0, channels=2)
    data = encode_sound(samples, subtype="FLOAT")
    whole = decode(data).array
    np.testing.assert_array_equal(whole, samples.mean(axis=1))
    monkeypatch.setattr(audio, "_BLOCK", 1000)
    np.testing.assert_array_equal(decode(data).array, whole)


@pytest.fixture(scope="module")
def uneven() -> np.ndarray:
    """Half a minute of tone, noise and silence, so that the frames of an MP3 differ in size."""
    noise = np.random.default_rng(0).normal(0, 0.2, 30 * 44_100).astype(np.float32)
    times = np.arange(noise.size) / 44_100
    return tone(30.0, 44_100) * (np.sin(times) > 0) + noise * (np.sin(0.6 * times) > 0.3)


def test_blocks_of_an_mp3_do_not_show(uneven: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    data = encode_sound_with_av(uneven, "libmp3lame", "mp3", 44_100, quality=4)
    whole, _ = soundfile.read(BytesIO(data), dtype="float32")  # in one go, and no seek before its end
    assert whole.size == uneven.size
    np.testing.assert_array_equal(decode(data).array, whole)
    monkeypatch.setattr(audio, "_BLOCK", 10_000)
    np.testing.assert_array_equal(decode(data).array, whole)


@pytest.mark.parametrize("tag", ["0", "4"], ids=["bare", "below an ID3 tag"])
def test_an_mp3_that_does_not_say_its_length_is_read_to_its_end(uneven: np.ndarray, tag: str) -> None:
    silent = np.concatenate([np.zeros(44_100, np.float32), uneven])
    options = {"write_xing": "0", "id3v2_version": tag}
    data = encode_sound_with_av(silent, "libmp3lame", "mp3", 44_100, quality=4, options=options)
    assert data.startswith(b"ID3") == (tag == "4")
    got = decode(data).array
    assert got.size == pytest.approx(silent.size, rel=0.01)
    assert correlate(got[_LAME_DELAY:], silent) > 0.9


_DECODE = """
import sys
import numpy as np
from sensorium.media import MediaLimits, decode_audio, open_source

sound = decode_audio(open_source(sys.argv[1]), None, MediaLimits())
np.save(sys.argv[2], sound.array)
"""


@pytest.mark.parametrize(
    ("codec", "form", "layout", "channels"),
    [
        ("aac", "mp4", "7.1", 8),
        ("aac", "adts", "7.1", 8),
        ("alac", "mp4", "7.1(wide)", 8),
        ("libopus", "matroska", "7.1", 8),
        ("aac", "mp4", "6.1", 7),
    ],
)
def test_many_planes(tmp_path: Path, codec: str, form: str, layout: str, channels: int) -> None:
    """In a process of its own: reading planes that a frame does not have ends it without a word."""
    samples = tone(2.0, 48_000, channels)
    path, result = tmp_path / "a.bin", tmp_path / "a.npy"
    path.write_bytes(encode_sound_with_av(samples, codec, form, layout=layout))
    command = [sys.executable, "-X", "faulthandler", "-c", _DECODE, str(path), str(result)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    sound, mean = np.load(result), samples.mean(axis=1)
    assert sound.size == pytest.approx(mean.size, rel=0.02)
    window = slice(20_000, 60_000)
    loudness = np.sqrt(np.mean(sound[window] ** 2)) / np.sqrt(np.mean(mean[window] ** 2))
    assert loudness == pytest.approx(1.0, abs=0.1)
    spectrum = np.abs(np.fft.rfft(sound[20_000:68_000]))
    assert abs(int(spectrum.argmax()) - 440) <= 1


def test_resampling_is_that_of_the_field() -> None:
    data = encode_sound(tone(1.0, 44_100), rate=44_100, subtype="FLOAT")
    expected = soxr.resample(tone(1.0, 44_100), 44_100, RATE, quality="HQ")
    np.testing.assert_array_equal(decode(data, RATE).array, expected)


def test_file_equals_the_peers_loader(tmp_path: Path) -> None:
    from transformers.audio_utils import load_audio

    path = tmp_path / "a.wav"
    path.write_bytes(encode_sound(tone(1.3, 44_100, channels=2), rate=44_100))
    expected = load_audio(str(path), sampling_rate=RATE, backend="soundfile")
    got = decode_audio(open_source(path), RATE, LIMITS).array
    assert abs(got.size - expected.size) <= 1
    np.testing.assert_allclose(got[: expected.size], expected[: got.size], atol=1e-6)


@pytest.mark.parametrize("form", ["WAV", "FLAC", "OGG", "MP3", "AIFF", "CAF"])
@pytest.mark.parametrize("part", [0.5, 0.9])
def test_truncated_sounds_are_errors(form: str, part: float) -> None:
    data = encode_sound(tone(3.0), form)
    with pytest.raises(MediaError) as caught:
        decode(data[: int(part * len(data))])
    assert caught.value.source == "bytes"


@pytest.mark.parametrize(("codec", "form"), [("aac", "mp4"), ("libopus", "webm"), ("libmp3lame", "avi")])
def test_truncated_containers_are_errors(codec: str, form: str) -> None:
    data = encode_sound_with_av(tone(2.0, 48_000), codec, form)
    with pytest.raises(MediaError, match="truncated"):
        decode(data[: len(data) * 2 // 3])


def test_wav_of_unknown_length_is_read_to_its_end() -> None:
    data = bytearray(encode_sound(tone()))
    at = data.index(b"data")
    data[4:8] = data[at + 4 : at + 8] = b"\xff\xff\xff\xff"
    assert decode(bytes(data)).array.shape == (RATE,)


def test_flac_of_unknown_length_is_read_to_its_end() -> None:
    data = bytearray(encode_sound(tone(), "FLAC"))
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    assert decode(bytes(data)).array.shape == (RATE,)
    assert probe_audio(open_source(bytes(data)), LIMITS) == 0.0
    with pytest.raises(MediaLimitError, match="max_seconds"):
        decode(bytes(data), limits=MediaLimits(max_seconds=0.5))


def test_limits() -> None:
    data = encode_sound(tone(2.0, channels=2))
    with pytest.raises(MediaLimitError, match=r"2\.0 s at 16000 Hz.*max_seconds"):
        decode(data, limits=MediaLimits(max_seconds=1.99))
    with pytest.raises(MediaLimitError, match="max_channels"):
        decode(data, limits=MediaLimits(max_channels=1))
    with pytest.raises(MediaLimitError):
        probe_audio(open_source(data), MediaLimits(max_seconds=1))
    long = encode_sound_with_av(tone(2.0, 48_000), "aac", "adts")
    with pytest.raises(MediaLimitError, match="max_seconds"):
        decode(long, limits=MediaLimits(max_seconds=1))


def test_length_is_checked_while_decoding_too(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encode_sound_with_av(tone(2.0, 48_000), "aac", "adts")
    monkeypatch.setattr(audio, "_declared_seconds", lambda *_: 0.0)
    with pytest.raises(MediaLimitError, match="max_seconds"):
        decode(data, limits=MediaLimits(max_seconds=1))
    monkeypatch.setattr(audio, "_BLOCK", 100)
    assert decode(data).array.size > 1.9 * 48_000


def test_nan_is_an_error() -> None:
    samples = tone()
    samples[[3, 5]] = np.nan
    with pytest.raises(MediaError, match="2 of its 16000 samples are NaN"):
        decode(encode_sound(samples, subtype="FLOAT"))
    with pytest.raises(MediaError, match="1 of its 2 samples"):
        mix_and_resample(np.array([0.0, np.inf]), None, None)


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "uint8", "uint16", "uint32"])
def test_integers_are_scaled_from_their_range(dtype: str) -> None:
    about = np.iinfo(dtype)
    middle = (about.max + about.min + 1) // 2
    samples = np.array([about.min, middle, about.max], dtype=dtype)
    scaled = mix_and_resample(samples, RATE, None).array
    assert scaled.dtype == np.float32
    assert scaled[0] == -1.0
    assert scaled[1] == 0.0
    assert 0.99 < scaled[2] <= 1.0


@pytest.mark.parametrize("dtype", ["int64", "uint64", "bool", "complex64", "object", "U1"])
def test_other_dtypes_are_refused(dtype: str) -> None:
    with pytest.raises(MediaError, match="dtype"):
        mix_and_resample(np.zeros(3).astype(dtype), RATE, None)


def test_mono_float32_is_passed_through() -> None:
    samples = tone()
    assert mix_and_resample(samples, RATE, RATE).array is samples
    assert mix_and_resample(samples, None, 48_000) == Waveform(samples, None)


def test_channels_lie_along_the_shorter_axis() -> None:
    samples = tone(channels=2)
    expected = samples.T.mean(axis=0)
    np.testing.assert_array_equal(mix_and_resample(samples, RATE, None).array, expected)
    np.testing.assert_array_equal(mix_and_resample(samples.T, RATE, None).array, expected)
    square = np.array([[1.0, 2.0], [3.0, 4.0]], dtype=np.float32)
    np.testing.assert_array_equal(mix_and_resample(square, None, None).array, [2.0, 3.0])
    one = tone()[None, :]
    np.testing.assert_array_equal(mix_and_resample(one, None, None).array, tone())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_tensors(dtype: torch.dtype) -> None:
    tensor = torch.from_numpy(tone(0.1)).to(dtype).requires_grad_()
    expected = tensor.detach().float().numpy()
    np.testing.assert_array_equal(mix_and_resample(tensor, RATE, None).array, expected)


def test_lists_are_taken_as_numbers() -> None:
    np.testing.assert_array_equal(mix_and_resample([0, 1, -1, 0.5], None, None).array, [0, 1, -1, 0.5])
    with pytest.raises(MediaError, match="no samples"):
        mix_and_resample(["a", "b"], None, None)


@pytest.mark.parametrize("array", [np.zeros(0), np.zeros((2, 0)), np.zeros(()), np.zeros((2, 2, 2)), []])
def test_shapes_that_are_no_sound(array: object) -> None:
    with pytest.raises(MediaError):
        mix_and_resample(array, None, None)


@pytest.mark.parametrize("rate", [0, -16_000, 44_100.5, float("nan"), True, "16000", 99, 10**7])
def test_rates_that_are_none(rate: object) -> None:
    with pytest.raises(MediaError, match="sampling rate"):
        mix_and_resample(tone(), rate, None)


def test_array_limits() -> None:
    view = np.broadcast_to(np.float32(0), 10**12)
    with pytest.raises(MediaLimitError, match="max_seconds"):
        mix_and_resample(view, RATE, None)
    with pytest.raises(MediaLimitError, match="max_channels"):
        mix_and_resample(np.zeros((80, 3000), np.float32), None, None)


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    wav = encode_sound(tone())
    m4a = encode_sound_with_av(tone(1.0, 48_000), "aac", "mp4")
    monkeypatch.setitem(sys.modules, "soxr", None)
    with pytest.raises(MissingExtraError, match=r"sensorium\[audio\]"):
        decode(wav, 8000)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"sensorium\[video\]"):
        decode(m4a)
    monkeypatch.setattr(audio, "is_installed", lambda name: False)
    with pytest.raises(MissingExtraError, match=r"sensorium\[audio\]"):
        decode(wav)


@pytest.mark.parametrize("form", ["WAV", "FLAC", "MP3"])
def test_pyav_reads_what_libsndfile_would(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = encode_sound(tone(), form)
    expected = decode(data).array
    monkeypatch.setattr(audio, "is_installed", lambda name: name == "av")
    got = decode(data).array
    assert correlate(got[:15_000], expected[:15_000]) > 0.99


def test_damaged_headers_print_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    for form in ("W64", "CAF", "AU", "AIFF"):
        data = bytearray(encode_sound(tone(0.1), form))
        for at in range(8, 80, 4):
            damaged = bytes(data[:at]) + b"\xff" * 4 + bytes(data[at + 4 :])
            with contextlib.suppress(MediaError):
                decode(damaged)
    assert capfd.readouterr() == ("", "")


def test_the_sound_does_not_outlive_its_file(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(), RATE)
    sound = decode_audio(open_source(path), None, LIMITS)
    path.unlink()
    assert sound.array.size == RATE
