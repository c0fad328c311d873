"""Our judgement of inputs beside the peer's: equal but for the differences listed here, each with its reason."""

from __future__ import annotations

import io
import pathlib
from collections import UserDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sensorium.media import modality as ours
from sensorium.media.formats import MODALITY_BY_SUFFIX
from tests.compat.peer import quiet
from tests.tiny.media import make_clip, make_frames, make_image, make_pixels, make_wave

with quiet():
    from sentence_transformers.base import modality as peer

PICTURE, PIXELS, FRAMES, WAVE = make_image(1), make_pixels(1), make_frames(1), make_wave(1)
PNG = io.BytesIO()
PICTURE.save(PNG, "PNG")
MESSAGE = {"role": "user", "content": "hello"}
ALL = ["text", "image", "audio", "video", "message"]
SUPPORTED: list[Any] = [
    None,
    ["text"],
    ["text", "image"],
    ["image", "audio", "video"],
    ["text", ("image", "text")],
    ALL,
]

#: Strings that both judge alike. Files of every ending are in the current folder; "missing" ones are not.
STRINGS = [
    *[
        f"file{suffix}"
        for suffix in MODALITY_BY_SUFFIX
        if suffix in (".jpg", ".png", ".gif", ".mp4", ".mov", ".wav", ".ogg")
    ],
    *[
        "FILE.JPG",
        "./file.jpg",
        "two words.png",
        "missing.jpg",
        "missing.mp4",
        "folder.png",
        "notes.txt",
        "file",
        ".jpg",
    ],
    *[
        "hello",
        "",
        " ",
        "a cat.jpg",
        "file.jpg\n",
        "two\nlines",
        "a/b",
        "and/or",
        "x" * 5000,
        "é" * 10,
        "\x00.jpg",
        "\udcff.jpg",
    ],
    *[
        f"{scheme}://example.org/cat{end}"
        for scheme in ("http", "https")
        for end in (".jpg", ".JPEG", ".mp4", ".Mp3", ".txt", "")
    ],
    *["https://example.org/cat.jpg?x=1&y=2", "https://example.org/a.mp4#t=10", "https://example.org/a%20b.webp"],
    *[
        "https://example.org/my cat.jpg",
        "https://example.org/cat.jpg/",
        "https://example.org/?f=cat.jpg",
        "https://cat.jpg",
    ],
    *[
        "https://example.org/cat.jpg;v=1",
        "https://example.org/cat.jpg%20",
        " https://example.org/cat.jpg",
        "http://[x/a.jpg",
    ],
    *[
        "https://www.youtube.com/watch?v=1",
        "https://youtube.com/x",
        "https://youtu.be/x",
        "https://m.youtube.com",
        "http://youtu.be",
    ],
    *[
        "https://music.youtube.com/x",
        "https://youtube.com:443/x",
        "https://me@youtube.com/x",
        "https://notyoutube.com/x",
    ],
    *["ftp://example.org/cat.jpg", "file:///cat.jpg", "s3://bucket/cat.jpg", "data:text/plain,x", "data:,x", "data:"],
    *["data:image/png;base64,AAAA", "data:image/svg+xml,<svg/>", "data:image/", "data:application/ogg;base64,AAAA"],
]

#: Strings that we judge otherwise: string -> (peer's modality, ours, why).
STRING_DIFFERENCES: dict[str, tuple[str, str, str]] = {
    **{
        f"file{suffix}": ("text", kind, "endings that the peer does not know")
        for suffix, kind in MODALITY_BY_SUFFIX.items()
        if suffix in (".tif", ".avif", ".heic", ".heif", ".webm", ".m4v", ".m4a", ".opus")
    },
    "https://example.org/clip.webm": ("text", "video", "endings that the peer does not know"),
    "HTTP://example.org/cat.jpg": ("text", "image", "a scheme may be in upper case (RFC 3986, 3.1)"),
    "Https://youtu.be/x": ("text", "video", "a scheme may be in upper case"),
    "https://YouTube.com/x": ("text", "video", "a host may be in upper case"),
    "DATA:image/png;base64,AAAA": ("text", "image", "a scheme may be in upper case"),
    "data:Image/png;base64,AAAA": ("text", "image", "a media type may be in upper case"),
    "data:audio/wav;base64,AAAA": ("text", "audio", "data addresses of sounds"),
    "data:video/mp4;base64,AAAA": ("text", "video", "data addresses of clips"),
    "https://example.org/\tcat.jpg": ("image", "text", "no address holds white space"),
    "https://example.org/cat.jpg\n": ("image", "text", "no address holds white space"),
    "two\nlines.jpg": ("image", "text", "no path with a line break is taken from a text"),
    "https://example.org/" + "x" * 5000 + ".jpg": ("image", "text", "too long for an address"),
}

#: Values that both judge alike, or both refuse.
VALUES: list[Any] = [
    *[np.str_("hello"), ("a", "b"), ["a", "b"], ("a", "c.jpg")],
    *[PICTURE, PICTURE.convert("L"), PIXELS, FRAMES, FRAMES[None], WAVE, WAVE[None], np.zeros(3, int), np.zeros(())],
    *[
        torch.zeros(1),
        torch.zeros(1, 2),
        torch.zeros(1, 2, 3),
        torch.zeros(1, 2, 3, 4),
        torch.zeros((1,) * 5),
        torch.tensor(1),
    ],
    *[np.zeros((1,) * 6), np.float32(1), None, 5, 1.5, True, {1}, object(), [], (), ["a"], ("a",), ("a", "b", "c")],
    *[MESSAGE, [MESSAGE], [MESSAGE, MESSAGE], {**MESSAGE, "name": "Ada"}, ["a", MESSAGE], ([MESSAGE], [MESSAGE])],
    *[{"array": WAVE, "sampling_rate": 8000}, {"array": WAVE, "sampling_rate": 8000, "path": "x"}, make_clip(1)],
    *[{"array": FRAMES, "video_metadata": None}, {"array": WAVE, "sampling_rate": 1, "video_metadata": None}],
    *[
        {"array": WAVE},
        {"array": WAVE, 5: 1},
        {},
        {"text": "a", "x": 1},
        {"x": 1, 5: 2},
        {"Text": "a"},
        {"role": "user"},
    ],
    *[{"video": FRAMES, "video_metadata": {}}, {"audio": WAVE, "sampling_rate": 8000}],
    *[
        {"text": "a"},
        {"text": "https://x/y.jpg"},
        {"image": "x"},
        {"image": PICTURE},
        {"audio": WAVE},
        {"video": [PICTURE]},
    ],
    *[{"text": "a", "image": PICTURE}, {"image": PICTURE, "text": "a"}, {"text": "a", "video": FRAMES, "audio": WAVE}],
    *[{"image": [PICTURE, PICTURE]}, {"text": ["a", "b"], "image": PICTURE}, {"video": ["a.mp4", "b.mp4"]}],
    [PICTURE],
]

#: Values that we judge otherwise: (value, peer's modality or None for an error, ours, why).
VALUE_DIFFERENCES: list[tuple[Any, Any, Any, str]] = [
    (PNG.getvalue(), None, "image", "bytes are files"),
    (bytearray(PNG.getvalue()), None, "image", "bytes are files"),
    (memoryview(PNG.getvalue()), None, "image", "bytes are files"),
    (io.BytesIO(PNG.getvalue()), None, "image", "open files are files"),
    (pathlib.Path("picture.png"), None, "image", "path objects are files"),
    ({"bytes": PNG.getvalue(), "path": None}, None, "image", "records of data sets are files"),
    (UserDict({"image": PICTURE}), None, "image", "any mapping is a dict"),
    ((PICTURE, "a"), None, "message", "a pair is an input, with a modality of its own"),
    ([PICTURE, PICTURE], None, "message", "a pair is an input, with a modality of its own"),
    (({"text": "a"}, "b"), None, "text", "a pair of texts, one of them forced to be text"),
    ([PICTURE] * 3, None, "video", "three images or more in a bare list are a clip"),
    ((MESSAGE, MESSAGE), None, "message", "a tuple of messages is a conversation"),
    ([MESSAGE, "a"], "message", None, "what follows a message must be one"),
    ({"text": 5}, "text", None, "text is a string"),
    ({"image": None}, "image", None, "None is no image"),
    ({"text": "a", "image": []}, ("image", "text"), "text", "an empty list holds no image"),
    ({"image": []}, "image", None, "an empty list holds no image"),
    ({"audio": PICTURE}, "audio", None, "an image is no sound"),
    ({"audio": {"array": WAVE}}, "audio", None, "a sound in a dict needs its rate"),
    (np.array(["a", "b"]), "audio", None, "texts are no sound"),
    (np.array([None], dtype=object), "audio", None, "objects are no sound"),
    (np.zeros(3, complex), "audio", None, "complex numbers are no sound"),
    ({"role": "user", "content": None}, "message", None, "a message without content"),
    ({"role": "user", "content": [{"type": "unknown"}]}, "message", None, "an item of an unknown type"),
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for suffix in MODALITY_BY_SUFFIX:
        (tmp_path / f"file{suffix}").write_bytes(b"x")
    for name in ("FILE.JPG", "two words.png", "notes.txt", "two\nlines.jpg", "file"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "picture.png").write_bytes(PNG.getvalue())
    (tmp_path / "folder.png").mkdir()
    monkeypatch.chdir(tmp_path)


def judge(library: Any, value: Any, supported: Any = None) -> Any:
    """Give a library's answer, None for an error."""
    try:
        return library.infer_modality(value, supported)
    except ValueError:
        return None


@pytest.mark.parametrize("text", STRINGS)
def test_strings_are_judged_alike(text: str) -> None:
    for test in ("is_image_url_or_path", "is_video_url_or_path", "is_audio_url_or_path"):
        assert getattr(ours, test)(text) == getattr(peer, test)(text), test
    for supported in SUPPORTED:
        if supported is not None and text in (
            "folder.png",
            "file:///cat.jpg",
            "ftp://example.org/cat.jpg",
            "s3://bucket/cat.jpg",
        ):
            continue  # below
        assert judge(ours, text, supported) == judge(peer, text, supported) is not None


@pytest.mark.parametrize("text", STRING_DIFFERENCES)
def test_strings_that_are_judged_otherwise(text: str) -> None:
    theirs, mine, _ = STRING_DIFFERENCES[text]
    assert judge(peer, text) == theirs
    assert judge(ours, text) == mine
    assert judge(ours, text, ["text"]) == judge(peer, text, ["text"]) == "text"
    for kind in ("image", "video", "audio"):
        assert getattr(ours, f"is_{kind}_url_or_path")(text) == (mine == kind)


@pytest.mark.parametrize("text", ["no/such/cat.jpg", "/no/such/clip.mp4", "folder.png", "s3://bucket/cat.jpg"])
def test_a_path_that_names_no_file_is_an_error_on_a_model_that_would_take_it(text: str) -> None:
    """The peer embeds the path as if it were a sentence."""
    assert judge(peer, text, ALL) == "text"
    assert judge(ours, text, ALL) is None
    assert judge(ours, text, ["text"]) == judge(ours, text) == "text"


def test_an_address_of_a_video_page_that_ends_like_an_image() -> None:
    """The peer says that it is both, and infers an image, as we do."""
    text = "https://www.youtube.com/thumb.jpg"
    assert peer.is_image_url_or_path(text)
    assert peer.is_video_url_or_path(text)
    assert judge(ours, text) == judge(peer, text) == "image"
    assert not ours.is_video_url_or_path(text)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("supported", SUPPORTED, ids=str)
def test_values_are_judged_alike(value: Any, supported: Any) -> None:
    assert judge(ours, value, supported) == judge(peer, value, supported)


@pytest.mark.parametrize(("value", "theirs", "mine", "reason"), VALUE_DIFFERENCES, ids=lambda value: str(value)[:40])
def test_values_that_are_judged_otherwise(value: Any, theirs: Any, mine: Any, reason: str) -> None:
    for supported in SUPPORTED:
        assert judge(peer, value, supported) == theirs
        assert judge(ours, value, supported) == mine, reason


@pytest.mark.parametrize("supported", [["image", "message"], ALL])
def test_the_sides_of_a_pair_of_strings_are_judged_one_by_one(supported: Any) -> None:
    """The peer says "text", and then renders the address as an image or as letters, depending on the batch."""
    pair = ("a cat", "https://example.org/cat.jpg")
    assert judge(peer, pair, supported) == "text"
    assert judge(ours, pair, supported) == "message"
    assert judge(ours, pair) == judge(peer, pair) == "text"


BATCHES: list[list[Any]] = [
    [],
    ["a", "b"],
    ["a", ("b", "c")],
    ["a", PICTURE],
    [PICTURE, "https://example.org/cat.jpg"],
    [PICTURE, PIXELS, {"image": "x"}],
    [WAVE, FRAMES],
    [{"text": "a", "image": PICTURE}, {"image": PICTURE, "text": "a"}],
    [{"text": "a", "image": PICTURE}, PICTURE],
    [MESSAGE, [MESSAGE]],
    [MESSAGE, "a"],
    ["a", None],
]


@pytest.mark.parametrize(
    "batch", BATCHES, ids=lambda batch: "+".join(type(value).__name__ for value in batch) or "empty"
)
@pytest.mark.parametrize("supported", SUPPORTED, ids=str)
def test_batches_are_judged_alike(batch: list[Any], supported: Any) -> None:
    answers = []
    for library in (ours, peer):
        try:
            answers.append(library.infer_batch_modality(batch, supported))
        except ValueError:
            answers.append(None)
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    "value", [*VALUES, *(row[0] for row in VALUE_DIFFERENCES)], ids=lambda value: type(value).__name__
)
def test_pairs_and_messages_are_told_alike(value: Any) -> None:
    assert ours.is_non_text_pair(value) == peer._is_non_text_pair(value)
    assert ours.is_message_dict(value) == peer.is_message_dict(value)


@pytest.mark.parametrize("modality", ["text", "message", ("image", "text"), ("audio", "image", "text", "video")])
def test_modalities_are_written_alike(modality: Any) -> None:
    assert ours.format_modality(modality) == peer.format_modality(modality)


@pytest.mark.parametrize(
    ("value", "fragment"),
    [
        (None, "Unsupported input type"),
        (np.zeros(()), "Unsupported tensor dimensionality"),
        ({"array": WAVE}, "must also include 'sampling_rate'"),
        ({"array": WAVE}, "or 'video_metadata'"),
        (
            {"text": "a", "x": 1},
            "unrecognized modality keys: ['x']. Expected keys from: ['audio', 'image', 'text', 'video'].",
        ),
        ({"video": 1, "video_metadata": 1}, '{"video": {"array": frames, "video_metadata":'),
        ({"video": 1, "video_metadata": 1}, 'processing_kwargs={"video": {"do_sample_frames": False}}'),
        ({"audio": 1, "sampling_rate": 1}, '{"audio": {"array": waveform, "sampling_rate": 16000}}'),
    ],
)
def test_errors_share_the_fragments_that_programs_look_for(value: Any, fragment: str) -> None:
    for library in (ours, peer):
        with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is looked at below
            library.infer_modality(value)
        assert fragment in str(caught.value)
