"""What an input is: every form, every rule, and what is no input."""

from __future__ import annotations

import io
import subprocess
import sys
import types
from collections import UserDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sensorium.errors import InputError, MediaError, MissingMediaError
from sensorium.media import limits
from sensorium.media.decode import DecodeSpec, load_sample
from sensorium.media.modality import (
    MIN_BARE_FRAMES,
    format_modality,
    infer_batch_modality,
    infer_modality,
    is_audio_url_or_path,
    is_image_url_or_path,
    is_message_dict,
    is_non_text_pair,
    is_plain_text,
    is_single_input,
    is_text_pair,
    is_video_url_or_path,
    read_sample,
)
from sensorium.media.samples import Frames, Part, Sample, Turn, Waveform
from sensorium.media.source import Source
from tests.media.decoder_stubs import AudioDecoder, ImageDecoder, VideoDecoder
from tests.tiny.media import make_clip, make_frames, make_image, make_pixels, make_wave, write_image, write_sound

ALL = ["text", "image", "audio", "video", "message"]
PICTURE, PIXELS, FRAMES, WAVE = make_image(1), make_pixels(1), make_frames(1), make_wave(1)
SOUND = {"array": WAVE, "sampling_rate": 8000}
MESSAGE = {"role": "user", "content": "hello"}
IMAGE_URL = "https://example.org/cat.jpg"
ANIMATION = io.BytesIO()
PICTURE.save(ANIMATION, "GIF", save_all=True, append_images=[make_image(2)])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("files")
    return {"image": write_image(folder / "cat.png", 1), "audio": write_sound(folder / "sound.wav", 1)}


SINGLES: list[tuple[Any, Any]] = [
    ("hello", "text"),
    ("", "text"),
    (np.str_("hello"), "text"),
    ("no/such/file.jpg", "text"),
    (IMAGE_URL, "image"),
    ("HTTPS://example.org/clip.MP4", "video"),
    ("data:audio/wav;base64,AAAA", "audio"),
    (PICTURE, "image"),
    (PICTURE.convert("P"), "image"),
    (make_image(1).convert("CMYK"), "image"),
    (PIXELS, "image"),
    (FRAMES, "video"),
    (FRAMES[None], "video"),
    (WAVE, "audio"),
    (np.stack([WAVE, WAVE]), "audio"),
    (np.zeros(4, np.int16), "audio"),
    (torch.zeros(5), "audio"),
    (torch.zeros(2, 5), "audio"),
    (torch.zeros(3, 4, 5, dtype=torch.bfloat16), "image"),
    (torch.zeros(2, 3, 4, 5), "video"),
    (ImageDecoder(), "image"),
    (AudioDecoder(), "audio"),
    (VideoDecoder(), "video"),
    ({"image": ImageDecoder()}, "image"),
    ({"image": [ImageDecoder(), PICTURE], "text": "hello"}, ("image", "text")),
    ({"video": [ImageDecoder(), ImageDecoder()]}, "video"),
    ([ImageDecoder(), PICTURE, ImageDecoder()], "video"),
    ([{"role": "user", "content": ["hello", ImageDecoder()]}], "message"),
    (Waveform(WAVE, 8000), "audio"),
    (Frames(FRAMES, None, False), "video"),
    (SOUND, "audio"),
    ({**SOUND, "path": "a.wav", 5: "x"}, "audio"),
    (make_clip(1), "video"),
    ({"array": FRAMES, "video_metadata": None}, "video"),
    ({"array": WAVE, "sampling_rate": 8000, "video_metadata": None}, "audio"),
    ({"text": "hello"}, "text"),
    ({"text": IMAGE_URL}, "text"),
    ({"image": "anything"}, "image"),
    ({"audio": WAVE}, "audio"),
    ({"video": [PICTURE, PICTURE]}, "video"),
    (UserDict({"image": PICTURE}), "image"),
    ({"text": "a", "image": PICTURE}, ("image", "text")),
    ({"video": FRAMES, "text": "a", "audio": WAVE}, ("audio", "text", "video")),
    ({"image": [PICTURE, "b.jpg"], "text": "a"}, ("image", "text")),
    ({"text": "a", "image": []}, "text"),
    (MESSAGE, "message"),
    ([MESSAGE], "message"),
    ((MESSAGE, MESSAGE), "message"),
    (("a", "b"), "text"),
    (["a", "b"], "text"),
    ((PICTURE, "a"), "message"),
    (["a", {"text": "b", "image": PICTURE}], "message"),
    ([PICTURE, PICTURE], "message"),
    ([PICTURE] * MIN_BARE_FRAMES, "video"),
    ((PIXELS,) * MIN_BARE_FRAMES, "video"),
]


@pytest.mark.parametrize(("value", "modality"), SINGLES)
def test_every_form(value: Any, modality: Any) -> None:
    sample = read_sample(value)
    assert sample.modality == infer_modality(value) == infer_modality(sample) == modality
    assert read_sample(sample) is sample
    assert bool(sample.turns) == (modality == "message")
    assert all(part.is_loaded == (part.modality == "text") for part in sample.all_parts())


@pytest.mark.parametrize(
    "value",
    [value for value, _ in SINGLES if not isinstance(value, (str, list, tuple, dict, UserDict))]
    + [SOUND, make_clip(1)],
)
def test_media_keep_the_callers_value_and_are_never_downgraded(value: Any) -> None:
    (part,) = read_sample(value, ["text"]).parts
    assert part.value is value


def test_files_are_judged_by_content(files: dict[str, Path]) -> None:
    for modality, path in files.items():
        data = path.read_bytes()
        with path.open("rb") as file:
            for value in (path, data, bytearray(data), memoryview(data), file, {"bytes": data, "path": None}):
                (part,) = read_sample(value, ["text"]).parts
                assert part.modality == modality
                assert part.value is value
        (part,) = read_sample(str(path)).parts
        assert part.modality == modality
        assert part.value == str(path)
    assert infer_modality(ANIMATION.getvalue()) == "image"


def test_files_that_are_not_media(tmp_path: Path) -> None:
    text = tmp_path / "notes.md"
    text.write_text("hello")
    for value in (text, b"hello", io.BytesIO(b"hello"), {"bytes": b"hello", "path": "x.md"}):
        with pytest.raises(MediaError, match="plain text"):
            read_sample(value)
    with pytest.raises(MissingMediaError):
        read_sample(tmp_path / "missing.jpg")


def test_a_stream_that_can_be_read_once_is_kept(files: dict[str, Path]) -> None:
    class Stream(io.RawIOBase):
        def __init__(self, data: bytes) -> None:
            self._inner = io.BytesIO(data)

        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            return self._inner.read(size)

    sample = read_sample(Stream(files["image"].read_bytes()))
    assert sample.modality == "image"
    assert isinstance(sample.parts[0].value, Source)
    loaded = load_sample(sample, DecodeSpec(), limits.MediaSettings())
    assert loaded.parts[0].value.size == PICTURE.size


@pytest.mark.parametrize(
    "value", [IMAGE_URL, "data:image/png;base64,AAAA", "https://youtu.be/x", "http://example.org/sound.mp3"]
)
def test_strings_are_judged_by_what_the_model_takes(value: str) -> None:
    kind = infer_modality(value)
    assert infer_modality(value, ALL) == kind
    assert infer_modality(value, ["text", kind]) == kind
    assert read_sample(value, ["text"]) == Sample("text", (Part("text", value, True),))
    assert infer_modality(value, ["text", (kind, "text")]) == "text"  # type: ignore[list-item]
    assert infer_modality({"text": value}, ALL) == "text"


def test_a_missing_path_is_an_error_only_where_it_would_be_a_medium() -> None:
    path = "/no/such/cat.jpg"
    for value in (path, (path, "a cat"), ["a cat", path]):
        assert (
            infer_modality(value)
            == infer_modality(value, ["text"])
            == infer_modality(value, ["text", "audio"])
            == "text"
        )
        with pytest.raises(MissingMediaError, match=r'\{"text": \.\.\.\}'):
            read_sample(value, ALL)
    assert infer_modality({"text": path}, ALL) == "text"
    assert infer_modality(({"text": path}, "a"), ALL) == "text"
    assert infer_modality({"image": path}, ALL) == "image"


def test_parts_keep_the_order_of_the_keys() -> None:
    sample = read_sample({"text": ["a", "b"], "image": [PICTURE, IMAGE_URL], "audio": SOUND})
    assert sample.modality == ("audio", "image", "text")
    assert [part.modality for part in sample.parts] == ["text", "text", "image", "image", "audio"]
    assert [part.value for part in sample.parts] == ["a", "b", PICTURE, IMAGE_URL, SOUND]
    assert not sample.is_pair


def test_one_clip_or_several() -> None:
    (clip,) = read_sample({"video": [PICTURE, PICTURE]}).parts
    assert clip.value == [PICTURE, PICTURE]
    assert [part.value for part in read_sample({"video": ["a.mp4", "b.mp4"]}).parts] == ["a.mp4", "b.mp4"]


def test_text_pairs() -> None:
    expected = Sample("text", (Part("text", "a", True), Part("text", "b", True)), is_pair=True)
    for pair in (("a", "b"), ["a", "b"], {"text": ["a", "b"]}, ({"text": "a"}, "b"), [{"text": "a"}, {"text": "b"}]):
        for supported in (None, ["text"], ALL):
            assert read_sample(pair, supported) == expected
    assert not read_sample({"text": ["a", "b", "c"]}).is_pair


def test_pairs_with_media() -> None:
    mixed = {"text": "what is it?", "image": PICTURE}
    sample = read_sample((mixed, "a cat"))
    assert sample.is_pair
    assert sample.parts == ()
    assert sample.turns == (
        Turn("query", (Part("text", "what is it?", True), Part("image", PICTURE))),
        Turn("document", (Part("text", "a cat", True),)),
    )
    assert read_sample([WAVE, {"video": [PICTURE]}]).turns[0].parts[0].value is WAVE


def test_the_sides_of_a_pair_are_judged_by_what_the_model_takes() -> None:
    pair = ("a cat", IMAGE_URL)
    assert infer_modality(pair) == infer_modality(pair, ["text"]) == "text"
    sample = read_sample(pair, ALL)
    assert sample.turns[1] == Turn("document", (Part("image", IMAGE_URL),))
    assert read_sample((PICTURE, IMAGE_URL), ["image"]).turns[1].parts[0].modality == "image"
    assert read_sample((PICTURE, IMAGE_URL), ["text"]).turns[1].parts[0].modality == "text"


@pytest.mark.parametrize("side", [["a", "b"], [PICTURE, PICTURE], {"text": ["a", "b"]}])
def test_a_pair_holds_no_pairs(side: Any) -> None:
    with pytest.raises(InputError, match="query of a pair"):
        read_sample((side, PICTURE))


def test_batches() -> None:
    assert infer_batch_modality([]) == "text"
    assert infer_batch_modality(["a", ("b", "c"), {"text": "d"}]) == "text"
    assert infer_batch_modality([PICTURE, IMAGE_URL]) == "image"
    assert infer_batch_modality([PICTURE, IMAGE_URL], ["text"]) == "message"
    assert infer_batch_modality(["a", WAVE]) == "message"
    assert infer_batch_modality([{"text": "a", "image": PICTURE}, {"image": PICTURE, "text": "a"}]) == ("image", "text")
    assert infer_batch_modality([(PICTURE, "a")]) == "message"
    with pytest.raises(InputError, match="Unsupported input type"):
        infer_batch_modality(["a", None])


def test_kinds_of_pairs() -> None:
    for pair in (("a", "b"), ["a", np.str_("b")]):
        assert is_text_pair(pair)
        assert not is_non_text_pair(pair)
    for pair in ((PICTURE, "a"), [PICTURE, PICTURE], ("a", None), ("a", {"text": "b"}), ("a", ["b"]), (1, 2)):
        assert is_non_text_pair(pair)
        assert not is_text_pair(pair)
    for value in (
        "ab",
        [],
        ["a"],
        ("a", "b", "c"),
        None,
        {"a": 1, "b": 2},
        (MESSAGE, "a"),
        ["a", [MESSAGE]],
        [[{}], "a"],
    ):
        assert not is_non_text_pair(value)
        assert not is_text_pair(value)


SINGLE_INPUTS = [
    "a",
    "",
    np.str_("a"),
    PICTURE,
    WAVE,
    FRAMES,
    torch.zeros(3),
    {"text": "a"},
    MESSAGE,
    [MESSAGE],
    [MESSAGE] * 2,
]
SINGLE_INPUTS += [
    np.array("a"),
    np.array([b"a"]),
    np.array(["a"])[0],
    Path("x"),
    b"x",
    io.BytesIO(),
    ImageDecoder(),
    AudioDecoder(),
    None,
    5,
]
SINGLE_INPUTS += [Sample("text", (Part("text", "a", True),))]
BATCHES = [
    [],
    (),
    ["a"],
    ("a", "b"),
    [PICTURE],
    [[MESSAGE], [MESSAGE]],
    (MESSAGE,),
    np.array(["a", "b"]),
    np.array([["a", "b"]]),
]
BATCHES += [
    np.array([None, PICTURE], dtype=object),
    np.array([], dtype=str),
    iter(["a"]),
    (text for text in "ab"),
    map(str, [1]),
]


@pytest.mark.parametrize("value", SINGLE_INPUTS, ids=lambda value: type(value).__name__)
def test_single_inputs(value: Any) -> None:
    assert is_single_input(value)


@pytest.mark.parametrize("value", BATCHES, ids=lambda value: type(value).__name__)
def test_batches_are_not_single(value: Any) -> None:
    assert not is_single_input(value)


@pytest.mark.parametrize("home", ["datasets", "datasets.arrow_dataset"])
def test_a_column_of_a_data_set_is_a_batch(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Column:
        pass

    assert is_single_input(Column())
    monkeypatch.setitem(sys.modules, home, types.SimpleNamespace(Column=Column))  # type: ignore[arg-type]
    assert not is_single_input(Column())


def test_plain_text() -> None:
    for value in ("hello", "", "http://example.org/page", ("a", "b"), {"text": IMAGE_URL}, read_sample("a")):
        assert is_plain_text(value)
    for value in (
        IMAGE_URL,
        "cat.jpg",
        ("a", "b.mp4"),
        PICTURE,
        {"image": "x"},
        None,
        ("a", PICTURE),
        read_sample(PICTURE),
    ):
        assert not is_plain_text(value)


def test_string_tests_take_anything() -> None:
    for test in (is_image_url_or_path, is_audio_url_or_path, is_video_url_or_path):
        assert not test(None)  # type: ignore[arg-type]
        assert not test(b"cat.jpg")  # type: ignore[arg-type]
    assert is_image_url_or_path(IMAGE_URL)
    assert not is_video_url_or_path(IMAGE_URL)
    assert is_message_dict(MESSAGE)


def test_modalities_are_written_with_a_plus() -> None:
    assert format_modality("text") == "text"
    assert format_modality(("image", "text")) == "image+text"


def test_recognising_imports_neither_torch_nor_a_decoder() -> None:
    code = (
        "import sys, numpy; from sensorium.media import read_sample, sniff_format; "
        "read_sample(numpy.zeros(3)); read_sample({'image': 'x'}); sniff_format(b''); "
        "print(sorted({'torch', 'transformers', 'av', 'soundfile', 'soxr', 'datasets'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
