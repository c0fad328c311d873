from __future__ import annotations

import base64
import dataclasses
import io
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from sensorium.errors import MediaError, MediaLimitError, MissingMediaError
from sensorium.media.decode import DecodeSpec, load_part, load_sample
from sensorium.media.image import is_lazy
from sensorium.media.limits import MediaLimits, MediaSettings
from sensorium.media.samples import Frames, Part, Sample, Turn, Waveform
from sensorium.types import BaseModality
from tests.media.media_files import RATE, decode_all, encode_image, encode_sound, noise_image, tone, write_clip

SETTINGS = MediaSettings()
TURNED = Image.Exif()
TURNED[0x0112] = 6
EXIF_TURNED = TURNED.tobytes()
SPEC = DecodeSpec(sampling_rate=RATE, choose_frames=lambda info: [0, info.total_num_frames - 1])


def load(modality: BaseModality, value: Any, spec: DecodeSpec = SPEC, settings: MediaSettings = SETTINGS) -> Any:
    part = load_part(Part(modality, value), spec, settings)
    assert part.is_loaded
    assert part.modality == modality
    assert load_part(part, spec, settings) is part
    return part.value


def doors(data: bytes, path: Path, mime: str) -> list[Any]:
    path.write_bytes(data)
    return [
        path,
        str(path),
        data,
        bytearray(data),
        io.BytesIO(data),
        {"bytes": data, "path": None},
        {"bytes": None, "path": str(path)},
        f"data:{mime};base64,{base64.b64encode(data).decode()}",
    ]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP", "TIFF"])
def test_every_door_gives_the_same_image(tmp_path: Path, form: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    options = {} if form == "GIF" else {"exif": exif}
    data = encode_image(noise_image(channels=3 if form == "JPEG" else 4), form, **options)
    values = [*doors(data, tmp_path / f"a.{form.lower()}", f"image/{form.lower()}"), Image.open(io.BytesIO(data))]
    images = [load("image", value) for value in values]
    assert all(image.mode == "RGB" for image in images)
    assert len({(image.size, image.tobytes()) for image in images}) == 1
    assert is_lazy(values[-1])


def test_every_door_gives_the_same_sound(tmp_path: Path) -> None:
    data = encode_sound(tone(0.5, 8000, channels=2), rate=8000)
    sounds = [load("audio", value) for value in doors(data, tmp_path / "a.wav", "audio/wav")]
    assert all(sound.sampling_rate == RATE for sound in sounds)
    assert len({sound.array.tobytes() for sound in sounds}) == 1


def test_every_door_gives_the_same_clip(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "b.mp4", 12)
    clips = [load("video", value) for value in doors(path.read_bytes(), tmp_path / "a.mp4", "video/mp4")]
    for clip in clips:
        np.testing.assert_array_equal(clip.array, decode_all(path)[[0, 11]])
        assert clip.is_sampled


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 3), (3, 4, 5), (1, 4, 5), (4, 5, 1)])
def test_image_arrays_are_passed_through(shape: tuple[int, ...]) -> None:
    array = np.zeros(shape, np.uint8)
    tensor = torch.zeros(shape, dtype=torch.bfloat16)
    assert load("image", array) is array
    assert load("image", tensor) is tensor


@pytest.mark.parametrize(
    "array",
    [np.zeros(3), np.zeros((1, 2, 3, 4)), np.zeros((0, 4, 3)), np.full((2, 2, 3), None), np.zeros((2, 2), "U1")],
)
def test_arrays_that_are_no_image(array: np.ndarray) -> None:
    with pytest.raises(MediaError) as caught:
        load("image", array)
    assert caught.value.source == "array"


def test_array_limits() -> None:
    with pytest.raises(MediaLimitError, match="max_pixels"):
        load("image", np.broadcast_to(np.uint8(0), (60_000, 60_000, 3)))
    with pytest.raises(MediaLimitError, match="max_frames"):
        load("video", np.broadcast_to(np.uint8(0), (10**9, 64, 64, 3)))
    with pytest.raises(MediaLimitError, match="max_image_dimension"):
        load("video", np.broadcast_to(np.uint8(0), (2, 3, 10**6, 4)))


def test_sound_dicts_and_arrays() -> None:
    samples = tone()
    assert load("audio", {"array": samples, "sampling_rate": RATE}).array is samples
    half = load("audio", {"array": tone(1.0, 8000), "sampling_rate": 8000, "path": "gone.wav"})
    assert half.sampling_rate == RATE
    assert half.array.shape == (RATE,)
    bare = load("audio", np.stack([samples, samples]))
    assert bare.sampling_rate is None
    np.testing.assert_array_equal(bare.array, samples)
    assert load("audio", samples.tolist()).array.dtype == np.float32
    assert load("audio", Waveform(tone(1.0, 8000), 8000)).sampling_rate == RATE
    with pytest.raises(MediaError, match="needs its rate"):
        load("audio", {"array": samples})


def test_clip_dicts_arrays_and_lists() -> None:
    array = np.zeros((4, 8, 8, 3), np.uint8)
    metadata = {"fps": 2.0, "total_num_frames": 4}
    frames = load("video", {"array": array, "video_metadata": metadata})
    assert frames.array is array
    assert frames.metadata is metadata
    assert not frames.is_sampled
    batch = torch.zeros(1, 4, 3, 8, 8)
    assert load("video", batch) == Frames(batch, None, is_sampled=False)
    listed = load("video", [noise_image(channels=4), np.zeros((4, 4, 3)), encode_image(noise_image(), "PNG")])
    assert [type(frame) for frame in listed.array] == [Image.Image, np.ndarray, *([type(listed.array[2])])]
    assert listed.array[0].mode == listed.array[2].mode == "RGB"
    assert load("video", {"array": [noise_image()], "video_metadata": None}).metadata is None


def test_metadata_of_other_kinds() -> None:
    @dataclasses.dataclass
    class Metadata:
        fps: float = 2.0

    array = np.zeros((4, 8, 8, 3), np.uint8)
    assert load("video", {"array": array, "video_metadata": Metadata()}).metadata == {"fps": 2.0}
    with pytest.raises(MediaError, match="video_metadata must be"):
        load("video", {"array": array, "video_metadata": 24})


@pytest.mark.parametrize("value", [[], (), {"array": []}, {"array": "a.mp4"}, np.zeros((2, 3)), np.zeros((1,) * 6)])
def test_values_that_are_no_clip(value: Any) -> None:
    with pytest.raises(MediaError):
        load("video", value)


def test_too_many_frames_in_a_list() -> None:
    with pytest.raises(MediaLimitError, match="max_frames"):
        load("video", [noise_image()] * 3, settings=MediaSettings(limits=MediaLimits(max_frames=2)))


class SoundDecoder:
    """As torchcodec's: metadata, and all samples as `[channels, samples]`."""

    def __init__(self, seconds: float = 1.0) -> None:
        self.metadata = SimpleNamespace(duration_seconds=seconds, sample_rate=8000, num_channels=2)
        self.is_decoded = False

    def get_all_samples(self) -> SimpleNamespace:
        self.is_decoded = True
        return SimpleNamespace(data=torch.from_numpy(tone(1.0, 8000, channels=2).T.copy()), sample_rate=8000)


class ClipDecoder:
    """As torchcodec's: metadata, and frames by number as `[frames, 3, height, width]`."""

    def __init__(self, count: int = 100) -> None:
        self.metadata = SimpleNamespace(
            num_frames=count, average_fps=25.0, duration_seconds=count / 25, width=6, height=4
        )
        self.decoded: list[int] = []

    def get_frames_at(self, indices: list[int]) -> SimpleNamespace:
        self.decoded += indices
        numbers = torch.tensor(indices, dtype=torch.uint8)[:, None, None, None]
        return SimpleNamespace(data=numbers.expand(-1, 3, 4, 6))


def test_sound_decoders() -> None:
    sound = load("audio", SoundDecoder())
    assert sound.sampling_rate == RATE
    assert sound.array.shape == (RATE,)
    long = SoundDecoder(seconds=10_000)
    with pytest.raises(MediaLimitError):
        load("audio", long)
    assert not long.is_decoded


def test_clip_decoders_decode_only_what_is_chosen() -> None:
    decoder = ClipDecoder()
    frames = load("video", decoder, DecodeSpec(choose_frames=lambda info: [3, 50, 200]))
    assert decoder.decoded == [3, 50, 99]
    assert frames.array.shape == (3, 4, 6, 3)
    assert frames.array[:, 0, 0, 0].tolist() == [3, 50, 99]
    assert frames.is_sampled
    assert frames.metadata["frames_indices"] == [3, 50, 99]
    assert frames.metadata["fps"] == 25.0
    with pytest.raises(MediaLimitError, match="max_frames"):
        load("video", ClipDecoder(5000), DecodeSpec())


def test_decoders_that_fail() -> None:
    class Broken(SoundDecoder):
        def get_all_samples(self) -> SimpleNamespace:
            raise RuntimeError("no such stream")

    with pytest.raises(MediaError, match="no such stream"):
        load("audio", Broken())
    with pytest.raises(MediaError, match="states no frames"):
        load("video", ClipDecoder(0))


class PictureDecoder:
    """Decodes to whatever it was given, and notes how it was asked."""

    def __init__(self, result: Any, size: tuple[int, int] = (53, 37)) -> None:
        self.result, self.size = result, size
        self.asked: list[tuple[MediaLimits, int | None]] = []

    def decode_image(self, limits: MediaLimits, min_side: int | None) -> Any:
        self.asked.append((limits, min_side))
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


def test_image_decoders() -> None:
    image = noise_image()
    decoder = PictureDecoder(image)
    assert load("image", decoder) is image
    spec, settings = DecodeSpec(min_image_side=30), MediaSettings(limits=MediaLimits(max_pixels=5000))
    load("image", decoder, spec, settings)
    load("image", decoder, spec, dataclasses.replace(settings, reduced_jpeg=True))
    assert decoder.asked == [(MediaLimits(), None), (settings.limits, None), (settings.limits, 30)]
    frames = load("video", [decoder, image])
    assert frames.array == [image, image]


def test_what_an_image_decoder_gives_is_brought_to_form() -> None:
    image = noise_image(channels=4)
    image.info["exif"] = EXIF_TURNED
    loaded = load("image", PictureDecoder(image))
    assert (loaded.mode, loaded.size) == ("RGB", (37, 53))
    assert loaded.tobytes() == load("image", image).tobytes()


@pytest.mark.parametrize("fault", [RuntimeError("bad"), ValueError("bad"), OSError("bad"), None, np.zeros((4, 4, 3))])
def test_image_decoders_that_fail(fault: Any) -> None:
    with pytest.raises(MediaError, match="decoder"):
        load("image", PictureDecoder(fault))


def test_limits_hold_for_image_decoders() -> None:
    settings = MediaSettings(limits=MediaLimits(max_pixels=1000))
    decoder = PictureDecoder(noise_image())
    with pytest.raises(MediaLimitError, match="53 by 37"):
        load("image", decoder, settings=settings)
    assert not decoder.asked
    decoder.size = (10, 10)  # which is not true
    with pytest.raises(MediaLimitError, match="53 by 37"):
        load("image", decoder, settings=settings)


@pytest.mark.parametrize("modality", ["image", "audio", "video"])
def test_what_a_decoder_of_ours_says_is_not_said_again(modality: str) -> None:
    error = MissingMediaError("it is gone.", source="a.bin")

    class Gone:
        metadata = SimpleNamespace(duration_seconds=1.0, num_frames=3)
        size = (4, 4)

        def decode(self, *args: object) -> None:
            raise error

        get_all_samples = get_frames_at = decode_image = decode

    with pytest.raises(MissingMediaError) as caught:
        load(modality, Gone())
    assert caught.value is error


def test_reduced_jpeg_needs_the_callers_consent() -> None:
    data = encode_image(Image.new("RGB", (800, 600)), "JPEG")
    spec = DecodeSpec(min_image_side=150)
    assert load("image", data, spec).size == (800, 600)
    assert load("image", data, spec, MediaSettings(reduced_jpeg=True)).size == (200, 150)


def test_text_is_not_touched() -> None:
    part = Part("text", "photo.jpg")
    assert load_part(part, SPEC, SETTINGS) is part
    sample = Sample("text", (part,))
    assert load_sample(sample, SPEC, SETTINGS) is sample


def test_samples_with_turns() -> None:
    image = noise_image(channels=4)
    turn = Turn("user", (Part("text", "what?"), Part("image", image)), {"name": "a"})
    sample = Sample("message", turns=(turn,))
    loaded = load_sample(sample, SPEC, SETTINGS)
    assert loaded.turns[0].role == "user"
    assert loaded.turns[0].extra == {"name": "a"}
    assert loaded.turns[0].parts[1].value.mode == "RGB"
    assert load_sample(loaded, SPEC, SETTINGS) is loaded
    assert sample.turns[0].parts[1].value is image


@pytest.mark.parametrize("modality", ["image", "audio", "video"])
@pytest.mark.parametrize("value", [None, 3, object(), {}, {"path": None}, b"", {1, 2}])
def test_values_that_are_nothing(modality: BaseModality, value: Any) -> None:
    with pytest.raises(MediaError) as caught:
        load(modality, value)
    assert caught.value.index is None
    assert caught.value.source is not None


@pytest.mark.parametrize("modality", ["image", "audio", "video"])
def test_missing_files(modality: BaseModality, tmp_path: Path) -> None:
    with pytest.raises(MissingMediaError):
        load(modality, tmp_path / "gone")
    with pytest.raises(FileNotFoundError):
        load(modality, str(tmp_path))


def test_torch_is_not_imported() -> None:
    code = (
        "import sys, numpy as np\n"
        "from sensorium.media import decode, cost, digest\n"
        "from sensorium.media.samples import Part\n"
        "from sensorium.media.limits import MediaSettings\n"
        "part = decode.load_part(Part('audio', np.zeros(9)), decode.DecodeSpec(), MediaSettings())\n"
        "assert not {'torch', 'transformers', 'av', 'soundfile', 'soxr'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
