"""Prompts: which text goes before an input, and what a checkpoint, a constructor and a call have to say about it."""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest

from sensorium import InputError, SentenceTransformer
from tests.compat.peer import load_ours
from tests.tiny import media


@pytest.fixture(scope="module")
def folder(tiny, tmp_path_factory):
    """A checkpoint with prompts of its own."""
    path = tmp_path_factory.mktemp("prompted")
    saved = {"query": "saved query: ", "document": "saved document: ", "topic": "saved topic: "}
    load_ours(tiny("bert"), prompts=saved).save(str(path))
    return path


def edit_config(source, target, **changes):
    """Copy a checkpoint, with other keys in its configuration."""
    import shutil

    shutil.copytree(source, target)
    path = target / "config_sentence_transformers.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return target


@pytest.fixture(scope="module")
def plain(folder):
    """The same model, asked with whole texts."""
    return load_ours(folder, prompts={"query": "", "document": "", "topic": ""})


@pytest.fixture(scope="module")
def prompted(folder):
    return load_ours(folder)


def assert_same(got, wanted):
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-6)


def test_saved_prompts_are_used_by_method_and_name(prompted, plain):
    assert_same(prompted.encode("rain"), plain.encode("rain"))
    assert_same(prompted.encode_query("rain"), plain.encode("saved query: rain"))
    assert_same(prompted.encode_document("rain"), plain.encode("saved document: rain"))
    assert_same(prompted.encode("rain", prompt_name="topic"), plain.encode("saved topic: rain"))
    assert_same(prompted.encode_query("rain", prompt_name="topic"), plain.encode("saved topic: rain"))
    assert_same(prompted.encode_query("rain", prompt="mine: "), plain.encode("mine: rain"))
    assert_same(prompted.encode_query("rain", prompt=""), plain.encode("rain"))


def test_given_prompts_win_name_by_name(folder, plain):
    merged = load_ours(folder, prompts={"query": "given: ", "document": "", "topic": None, "new": "new: "})
    assert merged.prompts == {"query": "given: ", "document": "", "topic": "saved topic: ", "new": "new: "}
    assert_same(merged.encode_query("rain"), plain.encode("given: rain"))
    assert_same(merged.encode_document("rain"), plain.encode("rain"))


def test_the_default_prompt_is_for_calls_that_name_none(folder, plain, tmp_path):
    model = load_ours(folder, default_prompt_name="topic")
    assert_same(model.encode("rain"), plain.encode("saved topic: rain"))
    assert_same(model.encode("rain", prompt=""), plain.encode("rain"))
    assert_same(model.encode("rain", prompt_name="query"), plain.encode("saved query: rain"))
    assert_same(model.encode_query("rain"), plain.encode("saved query: rain"))
    assert_same(next(model.encode_stream(["rain"])), plain.encode("saved topic: rain"))
    model.save(str(tmp_path / "saved"))
    assert load_ours(tmp_path / "saved").default_prompt_name == "topic"
    stored = edit_config(folder, tmp_path / "stored", default_prompt_name="document")
    assert_same(load_ours(stored).encode("rain"), plain.encode("saved document: rain"))
    assert load_ours(stored, default_prompt_name="topic").default_prompt_name == "topic"


@pytest.mark.parametrize("names", [("passage", "corpus"), ("corpus",)])
def test_documents_take_the_first_known_name(tiny, plain, names):
    model = load_ours(tiny("bert"), prompts={name: f"{name}: " for name in names})
    # "document" always exists, empty if nobody gave it, and so it comes first.
    assert_same(model.encode_document("rain"), plain.encode("rain"))
    model.prompts = {name: f"{name}: " for name in names}
    assert_same(model.encode_document("rain"), plain.encode(f"{names[0]}: rain"))
    assert_same(model.encode_query("rain"), plain.encode("rain"))


def test_unknown_names_are_errors_that_list_the_known(prompted, folder, tmp_path):
    with pytest.raises(InputError, match=r"'topics' not found.*'query', 'document', 'topic'"):
        prompted.encode("rain", prompt_name="topics")
    with pytest.raises(ValueError, match="'none' not found"):
        load_ours(folder, default_prompt_name="none")
    with pytest.raises(ValueError, match="'gone' not found"):
        load_ours(edit_config(folder, tmp_path / "gone", default_prompt_name="gone"))
    with pytest.raises(InputError, match="not found"):
        prompted.default_prompt_name = "nobody"
    assert prompted.default_prompt_name is None


def test_a_prompt_beside_a_name_wins_and_warns(prompted, plain, caplog):
    with caplog.at_level(logging.WARNING, "sensorium"):
        got = prompted.encode("rain", prompt="mine: ", prompt_name="topic")
    assert "prompt_name" in caplog.text
    assert_same(got, plain.encode("mine: rain"))


def test_pairs_take_the_prompt_once(prompted, plain):
    assert_same(prompted.encode([("rain", "sun")], prompt="p: "), plain.encode([("p: rain", "sun")]))


def test_media_without_words_take_no_prompt(model):
    clip, picture = model("clip"), media.make_image(1)
    assert_same(clip.encode([picture], prompt="find: "), clip.encode([picture]))
    both = clip.encode([picture, "rain"], prompt="find: ")
    assert_same(both[0], clip.encode(picture))
    assert_same(both[1], clip.encode("find: rain"))


def test_a_chat_model_takes_the_prompt_as_system_message(model):
    chat = model("qwen3_vl")
    picture = media.make_image(1)
    for value, content in (
        ("rain", [{"type": "text", "text": "rain"}]),
        (picture, [{"type": "image", "image": picture}]),
    ):
        wanted = chat.encode([{"role": "system", "content": "Judge."}, {"role": "user", "content": content}])
        assert_same(chat.encode(value, prompt="Judge."), wanted)
        assert np.abs(wanted - chat.encode(value, prompt="")).max() > 1e-3


def test_a_prompt_can_be_left_out_of_pooling(tiny):
    model = load_ours(tiny("bert"))
    everything = model.encode("rain", prompt="a long prompt: ")
    model.set_pooling_include_prompt(False)
    assert np.abs(model.encode("rain", prompt="a long prompt: ") - everything).max() > 1e-3
    assert_same(model.encode("rain"), load_ours(tiny("bert")).encode("rain"))


def test_prompts_can_be_changed(tiny, plain):
    model = load_ours(tiny("bert"))
    model.prompts["query"] = "changed: "
    assert_same(model.encode_query("rain"), plain.encode("changed: rain"))
    model.prompts = {"only": "only: "}
    model.default_prompt_name = "only"
    assert_same(model.encode("rain"), plain.encode("only: rain"))
    assert isinstance(model, SentenceTransformer)


@pytest.mark.parametrize("prompts", [["query"], {"query": 5}, "query"])
def test_prompts_of_a_wrong_type_are_named(tiny, folder, tmp_path, prompts):
    with pytest.raises(ValueError, match="prompts"):
        load_ours(tiny("bert"), prompts=prompts)
    with pytest.raises(ValueError, match="prompts"):
        load_ours(edit_config(folder, tmp_path / "wrong", prompts=prompts))
