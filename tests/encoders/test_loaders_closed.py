"""No path, address or base64 string reaches a loader inside `transformers`: with all of them broken, all works."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.encoders.test_doors import OneWayFile
from tests.media.web_server import WebServer, answer
from tests.tiny import media

#: Functions of `transformers` that open a path or an address, or decode base64.
LOADERS = (
    "load_image",
    "load_images",
    "load_image_as_tensor",
    "load_audio",
    "load_audio_as",
    "load_audio_librosa",
    "load_audio_torchcodec",
    "_load_audio_soundfile",
    "_fetch_audio_bytes",
    "load_video",
    "read_video_opencv",
    "read_video_decord",
    "read_video_pyav",
    "read_video_torchvision",
    "read_video_torchcodec",
)
FETCHERS = ("fetch_images", "fetch_videos", "fetch_audio")


class LoaderCalledError(AssertionError):
    """A loader of `transformers` was called."""


class NoClient:
    """Stands for an HTTP client."""

    def __getattr__(self, name: str) -> Any:
        raise LoaderCalledError(name)


def _break(name: str) -> Callable[..., Any]:
    def broken(*args: Any, **kwargs: Any) -> Any:
        raise LoaderCalledError(f"{name}{args}")

    return broken


def _strings_in(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_strings_in, value))
    return isinstance(value, (str, bytes, Path))


def _watch(name: str, fetch: Callable[..., Any]) -> Callable[..., Any]:
    def watched(self: Any, values: Any, *args: Any, **kwargs: Any) -> Any:
        if _strings_in(values):
            raise LoaderCalledError(f"{name}({values!r})")
        return fetch(self, values, *args, **kwargs)

    return watched


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Break every loader wherever `transformers` has it, and the HTTP clients beside them."""
    import transformers.audio_utils
    import transformers.image_utils
    import transformers.video_utils

    broken = []
    for module_name, module in list(sys.modules.items()):
        if not module_name.startswith("transformers."):
            continue
        space = vars(module)
        for name in ("httpx", "requests", "urlopen"):
            if name in space:
                monkeypatch.setitem(space, name, NoClient())
        for name in LOADERS:
            if callable(space.get(name)):
                monkeypatch.setitem(space, name, _break(name))
                broken.append(f"{module_name}.{name}")
        for owner in [one for one in space.values() if isinstance(one, type) and one.__module__ == module_name]:
            for name in FETCHERS:
                if name in vars(owner):
                    monkeypatch.setattr(owner, name, _watch(name, vars(owner)[name]))
                    broken.append(f"{module_name}.{owner.__name__}.{name}")
    decoders = transformers.video_utils.VIDEO_DECODERS
    for name in list(decoders):
        monkeypatch.setitem(decoders, name, _break(name))
    return broken


def test_the_loaders_are_really_broken(model, closed, tmp_path):
    assert len([name for name in closed if "image" in name]) >= 3
    assert len([name for name in closed if "video" in name]) >= 5
    assert len([name for name in closed if "audio" in name]) >= 5
    assert len([name for name in closed if "fetch" in name]) >= 3
    path = str(media.write_image(tmp_path / "one.png", 1))
    with pytest.raises(LoaderCalledError):
        model("clip").processor.image_processor.fetch_images([path])
    messages = [[{"role": "user", "content": [{"type": "image", "url": path}]}]]
    with pytest.raises(LoaderCalledError):
        model("qwen3_vl").processor.apply_chat_template(messages, tokenize=True, return_dict=True)


def forms(path: Path, mime: str, web: WebServer) -> dict[str, Any]:
    """Give a file in every form that a string or bytes can have."""
    content = path.read_bytes()
    web.answers[f"/{path.name}"] = answer(content, Content_Type=mime)
    return {
        "path": str(path),
        "pathlib": path,
        "bytes": content,
        "pipe": OneWayFile(content),
        "record": {"bytes": None, "path": str(path)},
        "address": f"{web.url()}{path.name}",
        "data": f"data:{mime};base64,{base64.b64encode(content).decode()}",
    }


def chat(*items: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(items)}]


def chat_forms(kind: str, given: dict[str, Any]) -> list[Any]:
    """Give a chat for each way to name a medium in it."""
    path, address, data = given["path"], given["address"], given["data"]
    bare = data.partition(",")[2]
    named = f"{kind}_url"
    items = [
        {"type": kind, kind: path},
        {"type": kind, kind: given["pathlib"]},
        {"type": kind, kind: address},
        {"type": kind, kind: given["bytes"]},
        {"type": kind, "path": path},
        {"type": kind, "url": address},
        {"type": kind, "url": path},
        {"type": kind, "base64": bare},
        {"type": named, named: {"url": address}},
        {"type": named, named: {"url": data}},
        {"type": named, named: address},
        {kind: path},
    ]
    texts = ("look: ", {"type": "text", "text": "what is it?"})
    nested = [{"role": "user", "content": items[0]}]
    return [*(chat(item, texts[1]) for item in items), chat(texts[0], items[5]), nested]


@pytest.fixture
def picture(tmp_path, web):
    return forms(media.write_image(tmp_path / "picture.png", 1), "image/png", web)


@pytest.fixture
def sound(tmp_path, web):
    return forms(media.write_sound(tmp_path / "sound.wav", 1, 0.6, 16_000), "audio/wav", web)


@pytest.fixture
def clip(tmp_path, web):
    return forms(media.write_clip(tmp_path / "clip.mp4", 1, sound_rate=16_000), "video/mp4", web)


def assert_all_encode(encoder: Any, inputs: list[Any]) -> None:
    rows = encoder.encode(inputs, batch_size=8)
    assert np.isfinite(rows).all()
    assert rows.shape[0] == len(inputs)


def test_pictures_on_a_dual_encoder(model, closed, picture):
    encoder = model("clip")
    assert_all_encode(
        encoder, [*picture.values(), {"image": picture["path"]}, "a text", picture["path"] + " is a path"]
    )


def test_sounds_on_a_dual_encoder(model, closed, sound):
    assert_all_encode(model("clap"), [*sound.values(), {"audio": sound["address"]}, "a text"])


def test_pictures_and_clips_on_a_chat_model(model, closed, picture, clip):
    encoder = model("qwen3_vl")
    inputs = [*picture.values(), *clip.values(), {"image": picture["path"], "text": "a"}, {"video": clip["address"]}]
    assert_all_encode(encoder, inputs)
    assert_all_encode(encoder, [*chat_forms("image", picture), *chat_forms("video", clip)])


@pytest.mark.parametrize("name", ["qwen2_5_omni", "embedding_gemma2"])
def test_every_modality(model, closed, picture, sound, clip, name):
    encoder = model(name)
    heard = chat({"type": "input_audio", "input_audio": {"data": sound["data"].partition(",")[2], "format": "wav"}})
    plain = [*picture.values(), *sound.values(), *clip.values()]
    assert_all_encode(encoder, plain)
    chats = [*chat_forms("image", picture), *chat_forms("audio", sound), *chat_forms("video", clip), heard]
    assert_all_encode(encoder, chats)
    assert_all_encode(encoder, [{"audio": sound["path"], "text": "a"}, {"video": clip["path"], "text": "b"}])


def test_pairs(model, closed, picture):
    encoder = model("router")
    assert_all_encode(encoder, [picture["path"], {"image": picture["address"]}, "a text"])


def test_text_in_a_chat_is_never_opened(model, closed, picture):
    encoder = model("qwen3_vl")
    for text in (picture["path"], picture["address"], picture["data"]):
        got = encoder.encode(chat({"type": "text", "text": text}))
        np.testing.assert_allclose(got, encoder.encode({"text": text}), atol=1e-5)
        assert np.abs(got - encoder.encode(picture["path"])).max() > 1e-3


def test_rows_are_those_with_open_loaders(model, picture, clip, request):
    encoder = model("qwen3_vl")
    inputs = [value for value in (*picture.values(), *clip.values()) if not isinstance(value, OneWayFile)]
    with Image.open(picture["path"]) as image:
        inputs.append(image)
        wanted = encoder.encode(inputs)
        request.getfixturevalue("closed")
        np.testing.assert_array_equal(encoder.encode(inputs), wanted)
