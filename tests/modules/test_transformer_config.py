"""A Transformer's stored settings: every file name and key of the past, what the caller says over them, and no code."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sentence_transformers.base.modules import Transformer as PeerTransformer

from sensorium.errors import CheckpointError, UnknownArgumentError
from sensorium.modules import transformer_config as subject
from sensorium.modules.clip_model import CLIPModel
from sensorium.modules.mlm_transformer import MLMTransformer
from sensorium.modules.transformer import Transformer
from tests.compat.peer import load_ours, load_peer, quiet
from tests.tiny import layouts

PLACES: dict[str, Any] = {
    "subfolder": "",
    "token": None,
    "cache_dir": None,
    "revision": None,
    "local_files_only": False,
    "trust_remote_code": False,
}
NOTHING: dict[str, Any] = {"model_kwargs": None, "processor_kwargs": None, "config_kwargs": None}


@pytest.fixture
def folder(tiny: Callable[..., Path], tmp_path: Path) -> Path:
    """A BERT of one's own, without a settings file."""
    return Path(shutil.copytree(tiny("bert"), tmp_path / "bert"))


def write(folder: Path, settings: dict[str, Any], name: str = "sentence_bert_config.json") -> None:
    layouts.write_json(folder / name, settings)


def read(folder: Path, cls: type = Transformer, **kwargs: Any) -> dict[str, Any]:
    return subject.read_init_arguments(cls, str(folder), PLACES, {**NOTHING, **kwargs})


# Files


@pytest.mark.parametrize("name", subject.CONFIG_FILES)
def test_every_file_name_is_read(folder: Path, name: str) -> None:
    write(folder, {"max_seq_length": 16, "do_lower_case": False}, name)
    ours, theirs = Transformer.load(str(folder)), PeerTransformer.load(str(folder))
    assert ours.max_seq_length == theirs.max_seq_length == 16


def test_the_present_name_wins_unless_it_is_empty(folder: Path) -> None:
    write(folder, {"max_seq_length": 20}, "sentence_roberta_config.json")
    write(folder, {"max_seq_length": 10}, "sentence_xlnet_config.json")
    assert read(folder)["max_seq_length"] == 20
    write(folder, {})
    assert read(folder)["max_seq_length"] == 20
    write(folder, {"max_seq_length": 30})
    assert read(folder)["max_seq_length"] == 30


def test_a_file_in_a_subfolder(folder: Path, tmp_path: Path) -> None:
    write(folder, {"max_seq_length": 16})
    assert Transformer.load(str(tmp_path), subfolder="bert").max_seq_length == 16


# Keys


def test_older_keys_are_renamed_in_silence(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(folder, {"model_args": {"a": 1}, "tokenizer_args": {"b": 2}, "config_args": {"c": 3}})
    arguments = read(folder)
    assert arguments["model_kwargs"]["a"] == 1
    assert arguments["processor_kwargs"]["b"] == 2
    assert arguments["config_kwargs"]["c"] == 3
    assert not set(arguments) & {"model_args", "tokenizer_args", "config_args"}
    assert not caplog.text


def test_unknown_keys_warn_and_load(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(folder, {"max_seq_length": 16, "from_the_future": 1, "model_name_or_path": "x", "backend": "onnx", "self": 1})
    assert Transformer.load(str(folder)).max_seq_length == 16
    for key in ("from_the_future", "model_name_or_path", "backend", "self"):
        assert f"Ignoring {key!r}" in caplog.text
    assert "max_seq_length" not in caplog.text


@pytest.mark.parametrize("key", ["max_seq_length", "query_length", "document_length", "processing_kwargs"])
def test_stored_settings_reach_the_module(folder: Path, key: str) -> None:
    value: Any = {"text": {"max_length": 9}} if key == "processing_kwargs" else 9
    write(folder, {key: value})
    ours, theirs = Transformer.load(str(folder)), PeerTransformer.load(str(folder))
    assert getattr(ours, key) == getattr(theirs, key) == value


# Who wins


def test_the_caller_wins_over_the_place_and_the_place_over_the_file(folder: Path) -> None:
    write(folder, {"model_kwargs": {"revision": "file", "dtype": "file", "own": "file"}})
    places = {**PLACES, "revision": "place", "token": "place"}
    given = {**NOTHING, "model_kwargs": {"token": "caller", "dtype": "caller"}}
    before = json.dumps(given)
    arguments = subject.read_init_arguments(Transformer, str(folder), places, given)
    wanted = {"revision": "place", "token": "caller", "dtype": "caller", "own": "file"}
    assert {key: arguments["model_kwargs"][key] for key in wanted} == wanted
    assert arguments["config_kwargs"]["revision"] == "place"
    assert "cache_dir" not in arguments["config_kwargs"]
    assert json.dumps(given) == before


@pytest.mark.parametrize("key", ["model_kwargs", "processor_kwargs", "config_kwargs", "model_args"])
def test_a_file_cannot_ask_for_trust(folder: Path, key: str) -> None:
    write(folder, {key: {"trust_remote_code": True, "kept": 1}})
    arguments = read(folder)
    kwargs = arguments[{"model_args": "model_kwargs"}.get(key, key)]
    assert kwargs["trust_remote_code"] is False
    assert kwargs["kept"] == 1
    trusted = subject.read_init_arguments(Transformer, str(folder), {**PLACES, "trust_remote_code": True}, NOTHING)
    assert trusted["model_kwargs"]["trust_remote_code"] is True


def test_defaults_fill_what_the_file_lacks(folder: Path) -> None:
    write(folder, {"query_length": 7})
    defaults = {"query_length": 5, "document_length": 6}
    for cls in (Transformer, PeerTransformer):
        module = cls.load(str(folder), init_defaults=defaults)
        assert (module.query_length, module.document_length) == (7, 6)


# Modalities


@pytest.mark.parametrize("settings", [None, {"max_seq_length": 64}, {"do_lower_case": True}])
@pytest.mark.parametrize("name", ["qwen3_chat", "qwen2_vl", "clip", "bert"])
def test_a_checkpoint_that_states_no_modality_takes_text(
    tiny: Callable[..., Path], tmp_path: Path, name: str, settings: dict[str, Any] | None
) -> None:
    """Whatever its processor could do: it is not to become a chat model because its tokenizer has a template."""
    folder = Path(shutil.copytree(tiny(name), tmp_path / name))
    if settings is not None:
        write(folder, settings)
    with quiet():
        ours, theirs = Transformer.load(str(folder)), PeerTransformer.load(str(folder))
    assert ours.modality_config == theirs.modality_config
    assert ours.modalities == ["text"]
    assert ours.module_output_name == theirs.module_output_name


@pytest.mark.parametrize("settings", [None, {"max_seq_length": 16}])
@pytest.mark.parametrize("has_modules", [True, False])
def test_only_a_backbone_without_modules_is_judged(
    tiny: Callable[..., Path], tmp_path: Path, settings: dict[str, Any] | None, has_modules: bool
) -> None:
    """As with the peer, a settings file beside a backbone without `modules.json` is not read."""
    folder = Path(shutil.copytree(tiny("qwen3_chat"), tmp_path / "chat"))
    if settings is not None:
        write(folder, settings)
    if has_modules:
        layouts.write_modules(folder, [("", layouts.TRANSFORMER), ("1_Pooling", layouts.POOLING)])
        layouts.write_pooling(folder / "1_Pooling", 32, "lasttoken")
    ours, theirs = load_ours(folder), load_peer(folder)
    assert ours[0].modality_config == theirs[0].modality_config
    assert ours.max_seq_length == theirs.max_seq_length
    assert ("message" in ours.modalities) is not has_modules


def test_stated_modalities_are_read_with_their_mixtures(folder: Path) -> None:
    entry = {"method": "forward", "method_output_name": "last_hidden_state"}
    write(folder, {"modality_config": {"text": entry, "text+image": entry, "x": entry}, "module_output_name": "y"})
    with quiet():
        ours, theirs = Transformer.load(str(folder)), PeerTransformer.load(str(folder))
    assert ours.modality_config == theirs.modality_config
    assert ours.modalities == ["text", ("text", "image")]


def test_stated_modalities_without_a_feature_name_are_refused(folder: Path) -> None:
    write(folder, {"modality_config": {"text": {"method": "forward", "method_output_name": None}}})
    with pytest.raises(CheckpointError, match="module_output_name"):
        Transformer.load(str(folder))


# Older classes


@pytest.mark.parametrize(
    "settings",
    [
        None,
        {"max_seq_length": 16, "do_lower_case": True},
        {"max_seq_length": 16, "transformer_task": "feature-extraction"},
    ],
    ids=str,
)
def test_mlm_transformer_means_a_masked_head(folder: Path, settings: dict[str, Any] | None) -> None:
    from sentence_transformers.sparse_encoder.modules import MLMTransformer as PeerMLMTransformer

    if settings is not None:
        write(folder, settings)
    with quiet():
        ours, theirs = MLMTransformer.load(str(folder)), PeerMLMTransformer.load(str(folder))
    assert ours.transformer_task == theirs.transformer_task
    assert ours.modality_config == theirs.modality_config
    assert ours.max_seq_length == theirs.max_seq_length
    assert ours.preprocess(["RAIN"])["input_ids"].tolist() == theirs.preprocess(["RAIN"])["input_ids"].tolist()
    assert ours(ours.preprocess(["rain"]))["token_embeddings"].shape[-1] > 0


@pytest.mark.parametrize("settings", [None, {"max_seq_length": 12}])
def test_clip_model_means_text_and_image(
    tiny: Callable[..., Path], tmp_path: Path, settings: dict[str, Any] | None
) -> None:
    from sentence_transformers.sentence_transformer.modules import CLIPModel as PeerCLIPModel

    folder = Path(shutil.copytree(tiny("clip_legacy"), tmp_path / "clip"))
    if settings is not None:
        write(folder / "0_CLIPModel", settings)
    with quiet():
        ours, theirs = (cls.load(str(folder), subfolder="0_CLIPModel") for cls in (CLIPModel, PeerCLIPModel))
    assert ours.modality_config == theirs.modality_config
    assert ours.module_output_name == theirs.module_output_name == "sentence_embedding"
    assert ours.max_seq_length == theirs.max_seq_length


# Deprecated spellings


def test_older_spellings_are_joined(caplog: pytest.LogCaptureFixture) -> None:
    given = {"model_kwargs": None, "processor_kwargs": {"b": 1}, "config_kwargs": None}
    deprecated = {"model_args": {"a": 1}, "tokenizer_args": {"b": 2}, "config_args": None, "cache_dir": "/c"}
    merged = subject.merge_deprecated(given, deprecated)
    assert merged == {
        "model_kwargs": {"a": 1, "cache_dir": "/c"},
        "processor_kwargs": {"b": 1, "cache_dir": "/c"},
        "config_kwargs": {"cache_dir": "/c"},
    }
    for name in ("model_args", "tokenizer_args", "config_args"):
        assert f"`{name}` is deprecated" in caplog.text
    assert "cache_dir" not in caplog.text
    assert given["processor_kwargs"] == {"b": 1}


def test_a_stated_cache_is_kept() -> None:
    merged = subject.merge_deprecated({**NOTHING, "model_kwargs": {"cache_dir": "/own"}}, {"cache_dir": "/c"})
    assert merged["model_kwargs"]["cache_dir"] == "/own"
    assert subject.merge_deprecated(NOTHING, {"cache_dir": None}) == {key: {} for key in NOTHING}


def test_a_name_that_never_was_is_refused() -> None:
    with pytest.raises(UnknownArgumentError, match="modle_kwargs.*Did you mean 'model_kwargs'"):
        subject.merge_deprecated(NOTHING, {"modle_kwargs": {}})


# A third party's transformer


class Foreign:
    def __init__(
        self, model_name_or_path: str, model_args: Any = None, config_kwargs: Any = None, extra: int = 0
    ) -> None: ...


class Greedy(Foreign):
    def __init__(self, model_name_or_path: str, **kwargs: Any) -> None: ...


class Plain:
    def __init__(self, path: str) -> None: ...


def test_which_classes_take_loading_arguments() -> None:
    assert subject.takes_loading_arguments(Foreign)
    assert not subject.takes_loading_arguments(Plain)
    assert not subject.takes_loading_arguments(Greedy)


def test_a_third_partys_transformer_gets_arguments_under_its_names(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(folder, {"extra": 7, "other": 1, "model_args": {"x": 1, "trust_remote_code": False}, "config_args": {"y": 2}})
    places = {**PLACES, "trust_remote_code": True, "revision": "abc"}
    overrides = {**NOTHING, "model_kwargs": {"dtype": "float32"}}
    arguments = subject.read_foreign_arguments(Foreign, str(folder), places, overrides)
    located = {"local_files_only": False, "trust_remote_code": True, "revision": "abc"}
    assert arguments == {
        "extra": 7,
        "model_args": {"x": 1, **located, "dtype": "float32"},
        "config_kwargs": {"y": 2, **located},
    }
    assert "Ignoring ['other']" in caplog.text
