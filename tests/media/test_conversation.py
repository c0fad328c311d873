"""Chat messages, in every form that people write them."""

from __future__ import annotations

import base64
import io
from collections import UserDict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorium.errors import InputError
from sensorium.media.conversation import ITEM_TYPES, is_conversation, is_message_dict, read_turns
from sensorium.media.limits import MediaSettings
from sensorium.media.samples import Part, Turn
from sensorium.media.source import open_source
from tests.tiny.media import make_clip, make_frames, make_image, make_pixels, make_wave

PICTURE, PIXELS, FRAMES, WAVE = make_image(1), make_pixels(1), make_frames(1), make_wave(1)
CLIP = make_clip(1)
DATA = b"\x89PNG\r\n\x1a\n" + bytes(5)
BASE64 = base64.b64encode(DATA).decode()


def read(content: Any) -> tuple[Part, ...]:
    (turn,) = read_turns([{"role": "user", "content": content}])
    return turn.parts


def text(value: str) -> Part:
    return Part("text", value, True)


@pytest.mark.parametrize(
    "value", ["hello", "", "https://example.org/cat.jpg", "data:image/png;base64,AAAA", __file__, "/no/such/cat.jpg"]
)
def test_text_is_always_text(value: str) -> None:
    for content in (
        value,
        [value],
        {"type": "text", "text": value},
        [{"type": "text", "text": value}],
        [{"text": value}],
        [{"type": "input_text", "text": value}],
        [{"type": "output_text", "text": value, "annotations": []}],
        ({"type": "text", "text": [value]},),
    ):
        assert read(content) == (text(value),)


ITEMS: list[tuple[dict[str, Any], str, Any]] = [
    ({"type": "image", "image": PICTURE}, "image", PICTURE),
    ({"type": "image", "image": PIXELS}, "image", PIXELS),
    ({"type": "image", "image": "cat.jpg"}, "image", "cat.jpg"),
    ({"type": "image", "image": "https://x/y"}, "image", "https://x/y"),
    ({"type": "image", "url": "https://x/y"}, "image", "https://x/y"),
    ({"type": "image", "path": "cat.jpg"}, "image", "cat.jpg"),
    ({"type": "image", "path": Path("cat.jpg")}, "image", Path("cat.jpg")),
    ({"type": "image", "bytes": DATA}, "image", DATA),
    ({"type": "image", "data": DATA}, "image", DATA),
    ({"type": "image", "bytes": DATA, "path": "cat.jpg"}, "image", {"bytes": DATA, "path": "cat.jpg"}),
    ({"type": "image", "image": {"bytes": DATA, "path": None}}, "image", {"bytes": DATA, "path": None}),
    ({"type": "image", "image": {"url": "https://x/y"}}, "image", "https://x/y"),
    ({"type": "image", "image": PICTURE, "url": None}, "image", PICTURE),
    ({"type": "image_url", "image_url": "https://x/y"}, "image", "https://x/y"),
    ({"type": "image_url", "image_url": {"url": "https://x/y", "detail": "low"}}, "image", "https://x/y"),
    ({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}, "image", "data:image/png;base64,AA=="),
    ({"type": "image_url", "url": "https://x/y"}, "image", "https://x/y"),
    ({"type": "input_image", "image_url": "https://x/y"}, "image", "https://x/y"),
    ({"type": "audio", "audio": WAVE}, "audio", WAVE),
    (
        {"type": "audio", "audio": {"array": WAVE, "sampling_rate": 8000}},
        "audio",
        {"array": WAVE, "sampling_rate": 8000},
    ),
    ({"type": "audio", "audio": WAVE, "sampling_rate": 8000}, "audio", {"array": WAVE, "sampling_rate": 8000}),
    ({"type": "audio", "array": WAVE, "sampling_rate": 8000}, "audio", {"array": WAVE, "sampling_rate": 8000}),
    ({"type": "audio", "audio": "a.wav", "sampling_rate": 8000}, "audio", "a.wav"),
    ({"type": "audio_url", "audio_url": {"url": "https://x/y"}}, "audio", "https://x/y"),
    ({"type": "video", "video": FRAMES}, "video", FRAMES),
    ({"type": "video", "video": CLIP}, "video", CLIP),
    ({"type": "video", "video": [PICTURE, PICTURE]}, "video", [PICTURE, PICTURE]),
    (
        {"type": "video", "video": FRAMES, "video_metadata": {"fps": 2}},
        "video",
        {"array": FRAMES, "video_metadata": {"fps": 2}},
    ),
    ({"type": "video_url", "video_url": {"url": "https://x/y.mp4"}}, "video", "https://x/y.mp4"),
    ({"image": PICTURE}, "image", PICTURE),
    ({"image_url": {"url": "https://x/y"}}, "image", "https://x/y"),
    ({"audio": "a.wav"}, "audio", "a.wav"),
    ({"video": ["a.mp4"]}, "video", "a.mp4"),
]


@pytest.mark.parametrize(("item", "modality", "value"), ITEMS)
def test_media_items(item: dict[str, Any], modality: str, value: Any) -> None:
    for content in (item, [item], [UserDict(item)]):
        (part,) = read(content)
        assert (part.modality, part.is_loaded) == (modality, False)
        assert _same(part.value, value)


@pytest.mark.parametrize(
    ("item", "begins"),
    [
        ({"type": "image", "base64": BASE64}, "data:image/*;base64,"),
        ({"type": "image", "base64": BASE64.encode()}, "data:image/*;base64,"),
        ({"type": "image", "data": BASE64}, "data:image/*;base64,"),
        ({"type": "image", "base64": f"data:image/png;base64,{BASE64}"}, "data:image/png;base64,"),
        ({"type": "input_audio", "input_audio": {"data": BASE64, "format": "wav"}}, "data:audio/wav;base64,"),
        ({"type": "input_audio", "input_audio": {"data": BASE64}}, "data:audio/*;base64,"),
        ({"type": "input_audio", "input_audio": {"data": BASE64, "format": "a,b;base64"}}, "data:audio/*;base64,"),
        ({"input_audio": {"data": BASE64, "format": "mp3"}}, "data:audio/mp3;base64,"),
        ({"type": "video", "base64": BASE64}, "data:video/*;base64,"),
    ],
)
def test_base64_is_never_mistaken_for_a_path(item: dict[str, Any], begins: str) -> None:
    (part,) = read([item])
    assert part.value.startswith(begins)
    assert open_source(part.value, MediaSettings()).read() == DATA


@pytest.mark.parametrize(
    ("item", "modality"),
    [
        (PICTURE, "image"),
        (PIXELS, "image"),
        (WAVE, "audio"),
        (FRAMES, "video"),
        (DATA, "image"),
        ({"array": WAVE, "sampling_rate": 8000}, "audio"),
        ({"bytes": DATA, "path": None}, "image"),
    ],
)
def test_media_in_memory_without_a_type(item: Any, modality: str) -> None:
    for content in (item, [item]):
        assert read(content) == (Part(modality, item),)  # type: ignore[arg-type]
    assert read(io.BytesIO(DATA))[0].modality == "image"


def test_a_list_of_images_is_a_list_of_items_and_a_list_inside_it_is_a_clip() -> None:
    assert [part.modality for part in read([PICTURE, PICTURE])] == ["image", "image"]
    (part,) = read([[PICTURE, PICTURE]])
    assert part.modality == "video"


def test_order_and_several_media_in_one_item() -> None:
    parts = read(["a", {"type": "image", "image": [PICTURE, "b.jpg"]}, {"type": "text", "text": "c"}])
    assert [part.modality for part in parts] == ["text", "image", "image", "text"]
    assert [part.value for part in parts] == ["a", PICTURE, "b.jpg", "c"]


def test_turns_keep_roles_order_and_further_keys() -> None:
    turns = read_turns(
        [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "hello", "name": "Ada", "tool_calls": [1]},
        ]
    )
    assert turns == (
        Turn("system", (text("be brief"),), {}),
        Turn("user", (text("hello"),), {"name": "Ada", "tool_calls": [1]}),
    )


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ([{"role": "user"}], r"message 0 .*must be a dict with 'role' and 'content'.*\['role'\]"),
        ([{"content": "x"}], r"'role' and 'content'.*\['content'\]"),
        ([{"role": "user", "content": "x"}, "hello"], "message 1 .*is str"),
        ([{"role": None, "content": "x"}], "message 0: the role must be a string.*None"),
        ([{"role": "", "content": "x"}], "the role must be a string"),
        ([{"role": "user", "content": None}], "the content is None"),
        ([{"role": "user", "content": []}], "the content is an empty list"),
        (
            [{"role": "user", "content": 5}],
            "content item 0 must be a string, a dict with a 'type', or a medium, and is int",
        ),
        ([{"role": "user", "content": ["a", None]}], "content item 1 must be"),
        ([{"role": "user", "content": [{"type": "tool_use"}]}], "unknown type 'tool_use'. Known types: text, "),
        ([{"role": "user", "content": [{"type": None, "text": "x"}]}], "unknown type None"),
        ([{"role": "user", "content": [{"type": ["image"]}]}], "unknown type"),
        ([{"role": "user", "content": [{"txt": "x"}]}], r"no 'type', and the keys \['txt'\], of which none is a type"),
        ([{"role": "user", "content": [{}]}], "no 'type'"),
        ([{"role": "user", "content": [{"text": "x", "image": "y"}]}], "of which several are a type"),
        ([{"role": "user", "content": [{5: "x", "y": 1}]}], "of which none is a type"),
        ([{"role": "user", "content": [{"type": "image"}]}], "of the type 'image' and holds nothing"),
        ([{"role": "user", "content": [{"type": "image", "image": None}]}], "holds nothing"),
        ([{"role": "user", "content": [{"type": "text"}]}], "holds nothing, under 'text'"),
        ([{"role": "user", "content": [{"type": "text", "url": "x"}]}], "holds nothing, under 'text'"),
        ([{"role": "user", "content": [{"type": "image", "image": "a", "url": "b"}]}], "holds several"),
        ([{"role": "user", "content": [{"type": "text", "text": 5}]}], "content item 0 is int, and must be a str"),
        ([{"role": "user", "content": [{"type": "image", "image": 5}]}], "content item 0 is int"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}], "must have one of"),
        (
            [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "a", "path": "b"}}]}],
            "must have one of",
        ),
    ],
)
def test_faults_are_named(messages: list[Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_turns(messages)


def test_what_is_a_message() -> None:
    message = {"role": "user", "content": "x"}
    assert is_message_dict(message)
    assert is_message_dict(UserDict(message))
    assert not any(map(is_message_dict, ({"role": "user"}, {"content": "x"}, {}, "x", None, [message])))
    assert is_conversation([message])
    assert is_conversation((message, "anything"))
    assert not any(map(is_conversation, ([], message, "x", ["x", message], [[message]], None)))


_SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.binary(max_size=5)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "url", "data", "bytes", "path", "array", *ITEM_TYPES]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["role", "content", "name"]), _VALUES, max_size=3))
def test_any_message_works_or_is_an_input_error(message: dict[str, Any]) -> None:
    try:
        turns = read_turns([message])
    except InputError:
        return
    assert all(part.is_loaded == (part.modality == "text") for part in turns[0].parts)


def _same(left: Any, right: Any) -> bool:
    if isinstance(right, dict):
        return isinstance(left, dict) and left.keys() == right.keys() and all(_same(left[k], right[k]) for k in right)
    if isinstance(right, list):
        return left is right or all(map(_same, left, right))
    return left is right or left == right
