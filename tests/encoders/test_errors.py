"""Inputs that cannot be used: named by position and path, or skipped, and nothing else is ever skipped."""

from __future__ import annotations

import copy
import warnings

import numpy as np
import pytest
import torch

import sensorium
from sensorium import (
    CheckpointError,
    EncodeResult,
    InputError,
    ItemError,
    MediaError,
    MissingMediaError,
    UnknownArgumentError,
    UnsupportedModalityError,
)
from tests.tiny import media


@pytest.fixture
def bad_file(tmp_path):
    path = tmp_path / "broken.jpg"
    path.write_bytes(media.write_image(tmp_path / "whole.jpg", 1, 200, 160).read_bytes()[:400])
    return str(path)


@pytest.fixture
def clip(model):
    return model("clip")


# Raised


@pytest.mark.parametrize("batch_size", [1, 2, 32])
@pytest.mark.parametrize("position", [0, 1, 3])
def test_the_error_names_position_and_path(clip, bad_file, position, batch_size):
    inputs = ["a text", media.make_image(1), "another text"]
    inputs.insert(position, bad_file)
    with pytest.raises(MediaError) as caught:
        clip.encode(inputs, batch_size=batch_size)
    assert caught.value.index == position
    assert caught.value.source == bad_file
    assert str(caught.value).startswith(f"input {position} ({bad_file}): ")
    assert isinstance(caught.value, ValueError)


def test_a_single_input_is_input_0(clip, bad_file):
    with pytest.raises(MediaError) as caught:
        clip.encode(bad_file)
    assert caught.value.index == 0


def test_a_duplicate_of_a_bad_input_names_the_first(clip, bad_file):
    with pytest.raises(MediaError) as caught:
        clip.encode(["text", bad_file, bad_file])
    assert caught.value.index == 1


@pytest.mark.parametrize("value", [None, 5, 3.5, object(), {}, {"colour": 1}, {"text": None}, np.zeros(()), ()])
def test_a_value_that_is_no_input_is_named(clip, value):
    with pytest.raises(InputError) as caught:
        clip.encode(["a text", value])
    assert caught.value.index == 1


def test_nothing_at_all_is_an_error(clip):
    with pytest.raises(InputError, match="None"):
        clip.encode(None)
    with pytest.raises(InputError, match="None"):
        clip.encode()


@pytest.mark.parametrize("family", ["clip", "clap", "qwen3_vl", "router"])
def test_a_missing_file_is_named(model, family, tmp_path):
    suffix = "wav" if family == "clap" else "png"
    missing = str(tmp_path / f"missing.{suffix}")
    with pytest.raises(MissingMediaError, match="no such file") as caught:
        model(family).encode(["a text", missing])
    assert caught.value.index == 1
    assert caught.value.source == missing
    assert isinstance(caught.value, FileNotFoundError)
    assert np.isfinite(model(family).encode([{"text": missing}])).all()


@pytest.mark.parametrize("family", ["bert", "qwen3_vl", "clip", "static", "router"])
def test_half_of_a_surrogate_pair_is_named_and_skipped(model, family):
    texts = ["fine", "broken \ud83d text", "fine too"]
    with pytest.raises(InputError, match="surrogate") as caught:
        model(family).encode(texts)
    assert caught.value.index == 1
    result = model(family).encode(texts, on_error="skip", return_report=True)
    assert [error.index for error in result.errors] == [1]
    np.testing.assert_allclose(result.embeddings[[0, 2]], model(family).encode([texts[0], texts[2]]), atol=1e-5)


# Skipped


@pytest.mark.parametrize("batch_size", [1, 2, 32])
def test_skipped_rows_are_nan_and_the_others_are_right(clip, bad_file, batch_size):
    good = ["a text", media.make_image(1), "another text"]
    rows = clip.encode(good)
    inputs = [None, good[0], bad_file, good[1], bad_file, good[2], 7]
    with pytest.warns(UserWarning, match="4 of the inputs") as record:
        got = clip.encode(inputs, on_error="skip", batch_size=batch_size)
    assert len(record) == 1
    assert record[0].filename == __file__
    assert np.isnan(got[[0, 2, 4, 6]]).all()
    np.testing.assert_allclose(got[[1, 3, 5]], rows, atol=1e-5)


@pytest.mark.parametrize("method", ["encode", "encode_query", "encode_document"])
def test_the_report_names_each_failure_without_a_warning(clip, bad_file, method):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = getattr(clip, method)(["x", bad_file, None, bad_file], on_error="skip", return_report=True)
    assert isinstance(result, EncodeResult)
    assert [error.index for error in result.errors] == [1, 2, 3]
    assert [error.source for error in result.errors] == [bad_file, None, bad_file]
    for item in result.errors:
        assert isinstance(item, ItemError)
        assert isinstance(item.error, InputError)
        assert item.error.index == item.index
        assert f"input {item.index}" in str(item.error)
    assert np.isnan(result.embeddings[1:]).all()
    with pytest.raises(AttributeError):
        result.errors = ()


def test_a_report_without_failures_is_empty(clip):
    result = clip.encode("a text", return_report=True)
    assert result.errors == ()
    np.testing.assert_array_equal(result.embeddings, clip.encode("a text"))


@pytest.mark.parametrize("precision", ["int8", "uint8", "binary", "ubinary"])
def test_failed_rows_are_zeros_and_left_out_of_ranges(clip, bad_file, precision):
    good = [f"text number {number} of a few" for number in range(12)]
    wanted = clip.encode(good, precision=precision)
    result = clip.encode([bad_file, *good, None], precision=precision, on_error="skip", return_report=True)
    assert result.embeddings.dtype == wanted.dtype
    np.testing.assert_array_equal(result.embeddings[1:-1], wanted)
    assert not result.embeddings[[0, -1]].any()


@pytest.mark.parametrize(
    ("kwargs", "kind"),
    [({}, np.ndarray), ({"convert_to_tensor": True}, torch.Tensor), ({"convert_to_numpy": False}, list)],
    ids=["numpy", "tensor", "list"],
)
@pytest.mark.parametrize("precision", ["float32", "int8", "binary"])
def test_all_may_fail(clip, bad_file, kwargs, kind, precision):
    result = clip.encode(
        [bad_file, None], on_error="skip", return_report=True, truncate_dim=8, precision=precision, **kwargs
    )
    assert isinstance(result.embeddings, kind)
    width = 1 if precision == "binary" else 8
    assert [tuple(row.shape) for row in result.embeddings] == [(width,), (width,)]
    rows = np.stack([np.asarray(row) for row in result.embeddings])
    assert np.isnan(rows).all() if precision == "float32" else not rows.any()


@pytest.mark.parametrize("value", [None, 3])
def test_a_single_skipped_input_is_a_single_row(clip, value, bad_file):
    result = clip.encode(bad_file, on_error="skip", return_report=True)
    assert result.embeddings.shape == (32,)
    assert np.isnan(result.embeddings).all()
    assert len(result.errors) == 1


@pytest.mark.parametrize("output_value", ["token_embeddings", None])
def test_other_outputs_are_none_where_the_input_failed(model, output_value):
    got = model("bert").encode(["a", 5, "b"], output_value=output_value, on_error="skip", return_report=True)
    assert got.embeddings[1] is None
    assert got.embeddings[0] is not None
    assert got.embeddings[2] is not None


def test_a_bad_clip_and_a_bad_sound_are_skipped(model, tmp_path):
    whole = media.write_clip(tmp_path / "whole.mp4", 1).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 3])
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.png").write_text("not a picture")
    chat = [{"role": "user", "content": [{"type": "image", "path": str(tmp_path / "text.png")}]}]
    inputs = [str(tmp_path / "cut.mp4"), str(tmp_path / "empty.wav"), tmp_path / "text.png", chat, "fine"]
    result = model("embedding_gemma2").encode(inputs, on_error="skip", return_report=True)
    assert [error.index for error in result.errors] == [0, 1, 2, 3]
    assert all(isinstance(error.error, MediaError) for error in result.errors)
    np.testing.assert_allclose(result.embeddings[4], model("embedding_gemma2").encode("fine"), atol=1e-5)


def test_streams_skip_and_raise(clip, bad_file):
    inputs = ["one", bad_file, "two", None]
    rows = list(clip.encode_stream(inputs, on_error="skip", return_report=True))
    assert [row.index for row in rows] == [0, 1, 2, 3]
    assert [row.error is None for row in rows] == [True, False, True, False]
    assert rows[1].error.index == 1
    assert np.isnan(rows[1].embedding).all()
    bare = list(clip.encode_stream(inputs, on_error="skip", precision="ubinary"))
    assert not bare[1].any()
    assert bare[0].any()
    with pytest.raises(MediaError) as caught:
        list(clip.encode_stream(inputs))
    assert caught.value.index == 1


# Never skipped


@pytest.mark.parametrize("method", ["encode", "encode_query", "encode_document", "encode_stream"])
@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_an_unknown_keyword_names_the_nearest(clip, method, on_error):
    with pytest.raises(UnknownArgumentError, match=r"'batchsize'.*Did you mean 'batch_size'") as caught:
        list(getattr(clip, method)(["a"], batchsize=2, on_error=on_error))
    assert caught.value.argument == "batchsize"
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, ValueError)
    with pytest.raises(UnknownArgumentError, match="Did you mean 'processing_kwargs'"):
        list(getattr(clip, method)(["a"], processing_kwarg={}, on_error=on_error))


@pytest.mark.parametrize(
    ("kwargs", "fragment"),
    [
        ({"batch_size": 0}, "batch_size=0"),
        ({"batch_size": -3}, "batch_size=-3"),
        ({"batch_size": 2.5}, "batch_size=2.5"),
        ({"precision": "int4"}, "Precision 'int4' is not supported"),
        ({"on_error": "ignore"}, "on_error='ignore'"),
        ({"output_value": "tokens"}, "output_value='tokens'"),
        ({"truncate_dim": 0}, "truncate_dim=0"),
        ({"prompt_name": "nothing"}, "Prompt name 'nothing' not found"),
    ],
    ids=str,
)
@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_a_wrong_argument_is_no_input_fault(clip, kwargs, fragment, on_error):
    with pytest.raises(InputError) as caught:
        clip.encode(["a"], **{"on_error": on_error, **kwargs})
    assert fragment in str(caught.value)
    assert caught.value.index is None


@pytest.mark.parametrize("precision", ["int8", "uint8"])
def test_a_stream_cannot_know_ranges(clip, precision):
    with pytest.raises(InputError, match="ranges over all rows"):
        clip.encode_stream(["a"], precision=precision)


def test_an_output_that_the_model_lacks_is_no_input_fault(clip):
    with pytest.raises(InputError, match="'token_embeddings'"):
        clip.encode(["a"], output_value="token_embeddings", on_error="skip")


@pytest.mark.parametrize("name", ["bert", "clip", "qwen3_vl"])
@pytest.mark.parametrize(
    "settings",
    [
        {"text": {"truncation": "wrong word"}},
        {"text": {"padding": "wrong word"}},
        {"text": {"max_length": "many"}},
        {"text": 5},
        5,
    ],
    ids=str,
)
def test_a_wrong_setting_of_the_processor_is_not_skipped(model, name, settings):
    with pytest.raises((TypeError, ValueError)) as caught:
        model(name).encode(["a"], processing_kwargs=settings, on_error="skip")
    assert getattr(caught.value, "index", None) is None


def test_a_wrong_setting_beside_the_template_is_not_skipped(model):
    settings = {"chat_template": {"padding": "wrong word"}}
    with pytest.raises(UnknownArgumentError, match="'wrong word'"):
        model("qwen3_vl").encode(["a"], processing_kwargs=settings, on_error="skip")


def test_a_malformed_template_is_not_skipped(model):
    with pytest.raises(CheckpointError, match="template is malformed, in line 1"):
        model("qwen3_vl").encode(
            ["a"], on_error="skip", processing_kwargs={"chat_template": {"chat_template": "{% no"}}
        )


def test_a_bug_is_not_skipped(model, monkeypatch):
    def fail(*args, **kwargs):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(model("bert")[0]._maker, "make", fail)
    with pytest.raises(ZeroDivisionError):
        model("bert").encode(["a"], on_error="skip")


# Modalities that a model does not take


def test_a_text_model_refuses_an_image(model):
    bert = model("bert")
    with pytest.raises(UnsupportedModalityError) as caught:
        bert.encode(["a", media.make_image(1)])
    message = str(caught.value)
    assert caught.value.index == 1
    assert "Modality 'image' is not supported by this SentenceTransformer model" in message
    assert "Supported modalities: text" in message
    result = bert.encode([media.make_image(1), "a"], on_error="skip", return_report=True)
    assert [error.index for error in result.errors] == [0]


@pytest.mark.parametrize(
    ("family", "value", "fragments"),
    [
        ("bert", {"text": "a", "image": "b.png"}, ["Modality 'image+text' is not supported by this"]),
        ("bert", [{"role": "user", "content": "a"}], ["does not support chat-style 'message' inputs"]),
        ("clip", {"text": "a", "image": "b.png"}, ["supports image and text individually", "in a single input"]),
        ("clip", [{"role": "user", "content": "a"}], ["does not support chat-style 'message' inputs"]),
        ("clip", {"array": np.zeros(99, np.float32), "sampling_rate": 16_000}, ["Modality 'audio' is not supported"]),
        ("clap", np.zeros((8, 8, 3), np.uint8), ["Modality 'image' is not supported", "modalities: text, audio"]),
        ("qwen3_vl", {"audio": np.zeros(99, np.float32)}, ["Modality 'audio' is not supported"]),
    ],
    ids=str,
)  # fmt: skip
def test_a_modality_that_the_model_lacks_is_named(model, family, value, fragments):
    with pytest.raises(UnsupportedModalityError) as caught:
        model(family).encode(["a", value])
    assert caught.value.index == 1
    for fragment in fragments:
        assert fragment in str(caught.value)


@pytest.mark.parametrize(
    ("family", "inputs", "fragments"),
    [
        ("bert", ["a", media.make_image(1)], ["mixes multiple modalities (image, text)", "does not support image"]),
        ("clip", ["a", media.make_image(1)], ["modalities (image, text)", "Encode each modality separately"]),
        ("bert", ["a", [{"role": "user", "content": "b"}]], ["mixes with other modalities"]),
    ],
    ids=["bert", "clip", "chat"],
)  # fmt: skip
def test_preprocess_takes_one_kind_and_says_so(model, family, inputs, fragments):
    with pytest.raises(UnsupportedModalityError) as caught:
        model(family).preprocess(inputs)
    for fragment in fragments:
        assert fragment in str(caught.value)


# Nothing is left behind


def test_no_state_of_an_error_is_left_on_the_model(model, bad_file):
    clip = model("clip")
    before = clip.encode(["a text"])
    plain = {name: value for name, value in vars(clip).items() if not name.startswith("_modules")}
    kept = copy.copy(plain)
    with pytest.raises(MediaError):
        clip.encode([bad_file])
    clip.encode([bad_file, "a"], on_error="skip", return_report=True)
    assert {name: value for name, value in vars(clip).items() if not name.startswith("_modules")} == kept
    np.testing.assert_array_equal(clip.encode(["a text"]), before)


def test_reported_errors_hold_no_frames(clip, bad_file):
    result = clip.encode([bad_file, "a"], on_error="skip", return_report=True)
    error = result.errors[0].error
    while error is not None:
        assert error.__traceback__ is None
        error = error.__cause__


def test_the_errors_are_public():
    for name in ("InputError", "MediaError", "UnsupportedModalityError", "UnknownArgumentError", "ItemError"):
        assert getattr(sensorium, name).__name__ == name
