"""Values that are no input: each gives an error that says what it is; and any value gives a sample or such an error."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sensorium.errors import InputError
from sensorium.media.modality import infer_modality, read_sample
from sensorium.media.paths import find_suffix_kind, is_address
from sensorium.media.samples import Part, Sample
from tests.media.decoder_stubs import AudioDecoder, ImageDecoder
from tests.tiny.media import make_frames, make_image, make_pixels, make_wave

ALL = ["text", "image", "audio", "video", "message"]
PICTURE, PIXELS, FRAMES, WAVE = make_image(1), make_pixels(1), make_frames(1), make_wave(1)
SOUND = {"array": WAVE, "sampling_rate": 8000}
MESSAGE = {"role": "user", "content": "hello"}
IMAGE_URL = "https://example.org/cat.jpg"

NO_INPUTS: list[tuple[Any, str]] = [
    *[(value, "Unsupported input type: " + type(value).__name__) for value in (None, 5, 1.5, True, {1}, object(), len)],
    (np.float32(1), "Unsupported input type: float32"),
    (np.array(1.0), "Unsupported tensor dimensionality: 0"),
    (torch.tensor(1.0), "Unsupported tensor dimensionality: 0"),
    (np.zeros((1,) * 6), "Unsupported tensor dimensionality: 6"),
    (np.array(["a", "b"]), "Unsupported input type: an array of <U1"),
    (np.array([b"a"]), "an array of |S1"),
    (np.array([None]), "an array of object"),
    (np.zeros(3, complex), "an array of complex128"),
    ([], "Unsupported input type: list of 0"),
    ((), "Unsupported input type: tuple of 0"),
    (["a"], "Unsupported input type: list of 1"),
    (("a", "b", "c"), "Unsupported input type: tuple of 3"),
    ([PICTURE], r'Unsupported input type: list of 1.*\{"video": \[\.\.\.\]\}'),
    ([PICTURE, PICTURE, "a"], r'list of 3.*\{"text": "...", "image": \[a, b\]\}'),
    ([WAVE] * 3, "Unsupported input type: list of 3"),
    (["a", MESSAGE], "Unsupported input type: list of 2"),
    (([MESSAGE], [MESSAGE]), "Unsupported input type: tuple of 2"),
    (("a", None), "Unsupported input type: NoneType"),
    ([MESSAGE, "a"], "message 1 of the conversation"),
    ([{"role": "user"}], "must be a dict with 'role' and 'content'"),
    ({"role": "user"}, "unrecognized modality keys.*needs both 'role' and 'content'"),
    ({}, "an empty dict"),
    ({"array": WAVE}, r"must also include 'sampling_rate' \(for audio\) or 'video_metadata' \(for video\)"),
    ({"array": WAVE, 5: 1, "b": 2}, r"\[5, 'array', 'b'\]"),
    ({"text": "a", "foo": 1}, r"unrecognized modality keys: \['foo'\]. Expected keys from: \['audio', 'image'"),
    ({"text": "a", 5: 1, "b": 2, None: 3}, r"keys: \[5, None, 'b'\]"),
    ({"Image": PICTURE}, r"unrecognized modality keys: \['Image'\]"),
    ({"image": None}, "the value under 'image' is NoneType"),
    ({"text": 5, "image": PICTURE}, "the value under 'text' is int"),
    ({"image": [], "text": []}, "only empty lists"),
    ({"bytes": None, "path": None}, "file record"),
]


@pytest.mark.parametrize(("value", "said"), NO_INPUTS)
@pytest.mark.parametrize("supported", [None, ["text"], ALL])
def test_what_is_no_input(value: Any, said: str, supported: Any) -> None:
    with pytest.raises(InputError, match=said):
        read_sample(value, supported)
    with pytest.raises(ValueError, match=said):
        infer_modality(value, supported)


@pytest.mark.parametrize(
    ("keys", "shown", "hidden"),
    [
        (["video", "video_metadata"], ['{"video": {"array": frames, "video_metadata":', "do_sample_frames"], ["16000"]),
        (["audio", "sampling_rate"], ['{"audio": {"array": waveform, "sampling_rate": 16000}}'], ["do_sample_frames"]),
        (["sampling_rate", "video_metadata", "text"], ["do_sample_frames", "16000", "To attach"], []),
        (["text", "label"], ["['label']"], ["To attach"]),
    ],
)
def test_hints_for_misplaced_companions(keys: list[str], shown: list[str], hidden: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        read_sample(dict.fromkeys(keys, 1))
    assert all(part in str(caught.value) for part in shown)
    assert not any(part in str(caught.value) for part in hidden)


@given(st.text())
def test_any_text_is_text_unless_it_looks_like_a_medium(text: str) -> None:
    sample = read_sample(text)
    if not is_address(text) and find_suffix_kind(text) is None:
        assert sample == Sample("text", (Part("text", text, True),))
    assert read_sample(text, ["text"]).parts[0].value == text


_KEYS = [
    "text",
    "image",
    "audio",
    "video",
    "array",
    "sampling_rate",
    "video_metadata",
    "role",
    "content",
    "bytes",
    "path",
    "x",
]
_VALUES = st.one_of(
    st.none(),
    st.integers(),
    st.text(max_size=5),
    st.binary(max_size=5),
    st.sampled_from([PICTURE, PIXELS, FRAMES, WAVE, IMAGE_URL, SOUND, MESSAGE, ImageDecoder(), AudioDecoder()]),
    st.lists(st.sampled_from(["a", PICTURE, FRAMES, WAVE, 0.5, None, MESSAGE]), max_size=3),
)


@given(
    st.one_of(
        st.dictionaries(st.one_of(st.sampled_from(_KEYS), st.integers(0, 3)), _VALUES, max_size=4),
        st.lists(_VALUES, max_size=4),
        st.tuples(_VALUES, _VALUES),
        _VALUES,
    ),
    st.sampled_from([None, ["text"], ["image", "text"], ALL]),
)
def test_any_value_works_or_is_a_value_error(value: Any, supported: Any) -> None:
    try:
        sample = read_sample(value, supported)
    except InputError:
        return
    assert read_sample(sample, supported) is sample
    parts = sample.all_parts()
    assert parts
    present = sorted({part.modality for part in parts})
    if sample.modality == "message":
        assert sample.turns
    else:
        assert sample.modality == (present[0] if len(present) == 1 else tuple(present))
    assert all(isinstance(part.value, str) for part in parts if part.modality == "text")
