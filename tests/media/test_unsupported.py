"""The sentences of the error for inputs that a model does not take, held to the peer's where users match on them."""

from __future__ import annotations

from typing import Any

import pytest

from sensorium.errors import UnsupportedModalityError
from sensorium.media.modality import infer_batch_modality, read_sample
from sensorium.media.unsupported import raise_unsupported_modality_error
from tests.compat.peer import quiet
from tests.tiny.media import make_image, make_wave

with quiet():
    from sentence_transformers.base import modality as peer

SOURCE = "SentenceTransformer model"
PICTURE, WAVE = make_image(1), make_wave(1)
MESSAGE = {"role": "user", "content": "hello"}
MIXED = {"text": "a", "image": PICTURE}

#: What programs look for in these messages.
FRAGMENTS = [
    "Modality 'image' is not supported by this SentenceTransformer model",
    "Modality 'audio' is not supported by this SentenceTransformer model",
    "Modality 'message' is not supported by this SentenceTransformer model",
    "Modality 'audio+text' is not supported by this SentenceTransformer model",
    "Supported modalities: text",
    "Supported modalities: text, image",
    "Supported modalities: text, image+text",
    "mixes multiple modalities (image, text)",
    "mixes multiple modalities (audio, image, text)",
    "mixes multiple modalities (image+text, text)",
    "does not support image",
    "does not support audio",
    "Encode each modality separately",
    "supports image and text individually",
    "cannot combine them in a single input",
    "does not support chat-style 'message' inputs",
    "mixes with other modalities",
]

CASES: dict[str, tuple[list[Any], Any, list[Any]]] = {
    "image, text model": ([PICTURE], "image", ["text"]),
    "audio, image model": ([WAVE], "audio", ["text", "image", "message"]),
    "chats": ([MESSAGE, [MESSAGE]], "message", ["text"]),
    "a chat among texts": ([MESSAGE, "a"], "message", ["text", "image"]),
    "a chat among images": ([MESSAGE, PICTURE], "message", ["text"]),
    "mixed, one unknown": (["a", PICTURE], "message", ["text"]),
    "mixed, two unknown": (["a", PICTURE, WAVE], "message", ["text"]),
    "mixed, all known": (["a", PICTURE], "message", ["text", "image"]),
    "mixed, three": (["a", PICTURE, WAVE], "message", ["text", "image"]),
    "mixture, both known": ([MIXED], ("image", "text"), ["text", "image"]),
    "mixture, one unknown": ([{"text": "a", "audio": WAVE}], ("audio", "text"), ["text", "image"]),
    "mixture, other mixtures known": ([{"text": "a", "audio": WAVE}], ("audio", "text"), ["text", ("image", "text")]),
    "mixture among texts": (["a", MIXED], "message", ["text", "image"]),
    "mixture among texts, unknown": (["a", MIXED], "message", ["text"]),
    "mixture known only as such": ([PICTURE, "a"], "message", ["text", ("image", "text")]),
    "no input": (["a", None], "message", ["text"]),
    "nothing": ([], "message", ["text"]),
    "pair": ([(PICTURE, "a")], "message", ["text", "image"]),
    "pair, text model": ([(PICTURE, "a")], "message", ["text"]),
    "pair among texts": ([(PICTURE, "a"), "b"], "message", ["text"]),
    "address that is text": (["a", PICTURE, "https://example.org/a.wav"], "message", ["text", "image"]),
}


@pytest.mark.parametrize("name", CASES)
def test_the_same_fragments_as_the_peer(name: str) -> None:
    inputs, modality, supported = CASES[name]
    with pytest.raises(ValueError) as theirs:  # noqa: PT011 - the text is looked at below
        peer.raise_unsupported_modality_error(inputs, modality, supported, SOURCE)
    with pytest.raises(UnsupportedModalityError) as ours:
        raise_unsupported_modality_error(inputs, modality, supported, SOURCE)
    expected = [fragment for fragment in FRAGMENTS if fragment in str(theirs.value)]
    assert expected
    assert [fragment for fragment in FRAGMENTS if fragment in str(ours.value)] == expected


def test_every_fragment_is_met_by_a_case() -> None:
    met = set()
    for inputs, modality, supported in CASES.values():
        with pytest.raises(UnsupportedModalityError) as caught:
            raise_unsupported_modality_error(inputs, modality, supported, SOURCE)
        met |= {fragment for fragment in FRAGMENTS if fragment in str(caught.value)}
    assert met == set(FRAGMENTS)


@pytest.mark.parametrize("name", [name for name in CASES if name != "no input"])
def test_samples_give_the_same_sentence_as_values(name: str) -> None:
    inputs, modality, supported = CASES[name]
    samples = [read_sample(value, supported) for value in inputs]
    messages = []
    for given in (inputs, samples):
        with pytest.raises(UnsupportedModalityError) as caught:
            raise_unsupported_modality_error(given, modality, supported, SOURCE)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


def test_a_pair_says_what_it_lacks() -> None:
    with pytest.raises(UnsupportedModalityError, match="for such a pair: the model takes no image"):
        raise_unsupported_modality_error([(PICTURE, "a")], "message", ["text"], SOURCE)
    with pytest.raises(UnsupportedModalityError, match=r"for such a pair: .*query and document"):
        raise_unsupported_modality_error([(PICTURE, "a")], "message", ["text", "image"], SOURCE)


def test_a_chat_model_without_a_modality_says_which() -> None:
    chat = {"role": "user", "content": [PICTURE, {"type": "audio", "audio": WAVE}]}
    with pytest.raises(
        UnsupportedModalityError, match="takes chat messages, but does not support audio and image in"
    ) as e:
        raise_unsupported_modality_error([chat], "message", ["text", "message"], SOURCE)
    assert "chat-style" not in str(e.value)


def test_the_owner_is_named() -> None:
    with pytest.raises(UnsupportedModalityError, match="not supported by this Transformer module"):
        raise_unsupported_modality_error([PICTURE], infer_batch_modality([PICTURE]), ["text"], "Transformer module")
