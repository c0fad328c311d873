"""Checkpoints as data that somebody else wrote: what only warns, what is refused, and how it is said."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from sensorium import CheckpointError, InputError
from tests.compat.peer import load_ours
from tests.encoders.checkpoint_files import edit, load, warnings_of


@pytest.mark.parametrize(
    "file",
    ["sentence_bert_config.json", "config_sentence_transformers.json", "1_Pooling/config.json", "2_Dense/config.json"],
)
@pytest.mark.parametrize("key", ["from_the_future", "self", "backend"])
def test_an_unknown_key_only_warns(folder, saved, caplog, file, key):
    edit(folder / file, lambda config: {**config, key: {"deep": [1, 2]}})
    model = load(folder)
    assert f"'{key}'" in warnings_of(caplog)
    np.testing.assert_array_equal(model.encode("rain"), load_ours(saved).encode("rain"))


def test_an_unknown_key_of_a_router_only_warns(tiny, tmp_path, caplog):
    path = Path(shutil.copytree(tiny("router_query_document"), tmp_path / "router"))

    def change(config):
        config["parameters"]["from_the_future"] = 1
        return {**config, "also_new": 2}

    edit(path / "router_config.json", change)
    model = load(path)
    assert "from_the_future" in warnings_of(caplog)
    assert "also_new" in warnings_of(caplog)
    np.testing.assert_array_equal(model.encode("a"), load_ours(tiny("router_query_document")).encode("a"))


@pytest.mark.parametrize(
    "change",
    [
        {"types": "Transformer"},
        {"types": {"a": 5}},
        {"structure": {"query": ["nobody"]}},
        {"structure": {"query": []}},
        {"structure": {}},
        {"structure": ["query"]},
        {"parameters": [1]},
        {"parameters": {"route_mappings": {"('a'": "query"}}},
        {"parameters": {"route_mappings": {"'a'": "query"}}},
        {"parameters": {"route_mappings": {"('query', None)": "nobody"}}},
        {"parameters": {"default_route": "nobody"}},
    ],
    ids=str,
)
def test_a_malformed_router_is_named(tiny, tmp_path, change):
    path = Path(shutil.copytree(tiny("router_query_document"), tmp_path / "router"))
    edit(path / "router_config.json", lambda config: {**config, **change})
    with pytest.raises((CheckpointError, InputError)):
        load_ours(path)


def test_a_routers_module_cannot_lie_outside(tiny, tmp_path):
    path = Path(shutil.copytree(tiny("router_query_document"), tmp_path / "router"))
    inside = next(child for child in path.iterdir() if child.name.endswith("_Transformer"))
    shutil.move(inside, tmp_path / "elsewhere")
    text = (path / "router_config.json").read_text().replace(inside.name, "../elsewhere")
    (path / "router_config.json").write_text(text)
    with pytest.raises(CheckpointError, match="leaves the checkpoint"):
        load_ours(path)
    os.symlink(tmp_path / "elsewhere", path / "linked")
    (path / "router_config.json").write_text(text.replace("../elsewhere", "linked"))
    with pytest.raises(CheckpointError, match="symbolic link"):
        load_ours(path)


def test_an_unknown_key_of_a_module_entry_is_no_matter(folder):
    edit(folder / "modules.json", lambda entries: [{**entry, "from_the_future": 1} for entry in entries])
    assert np.isfinite(load_ours(folder).encode("a")).all()


@pytest.mark.parametrize(
    "file",
    [
        "modules.json",
        "sentence_bert_config.json",
        "config_sentence_transformers.json",
        "1_Pooling/config.json",
        "2_Dense/config.json",
        "config.json",
        "tokenizer_config.json",
        "tokenizer.json",
    ],
)
@pytest.mark.parametrize(
    "content",
    [b"{not json", b"", b"\xff\xfe\x00", b'"a string"', b"[" * 100_000],
    ids=["cut", "empty", "binary", "str", "deep"],
)
def test_malformed_files_are_named(folder, file, content):
    (folder / file).write_bytes(content)
    with pytest.raises(CheckpointError) as caught:
        load_ours(folder)
    assert Path(file).name in str(caught.value) or str(folder) in str(caught.value)


@pytest.mark.parametrize(
    "entries",
    [
        [5],
        ["text"],
        [{"idx": 0, "name": "0", "path": ""}],
        [{"idx": 0, "name": "0", "path": "", "type": None}],
        [{"idx": 0, "name": "a.b", "path": "", "type": "sentence_transformers.models.Transformer"}],
        [{"idx": 0, "name": "0", "path": 7, "type": "sentence_transformers.models.Transformer"}],
        [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer", "kwargs": "task"}],
        [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}] * 2,
    ],
    ids=str,
)
def test_a_malformed_list_of_modules_is_named(folder, entries):
    (folder / "modules.json").write_text(json.dumps(entries))
    with pytest.raises(CheckpointError, match=r"modules\.json"):
        load_ours(folder)


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("sentence_bert_config.json", {"modality_config": "text"}),
        ("sentence_bert_config.json", {"modality_config": {"text": "forward"}}),
        ("sentence_bert_config.json", {"modality_config": {"text": {"method": "forward"}}}),
        ("sentence_bert_config.json", {"processing_kwargs": ["text"]}),
        ("sentence_bert_config.json", {"processing_kwargs": {"text": 5}}),
        ("sentence_bert_config.json", {"model_kwargs": "fast"}),
        ("sentence_bert_config.json", {"transformer_task": "divination"}),
        ("sentence_bert_config.json", {"transformer_task": ["feature-extraction"]}),
        ("1_Pooling/config.json", {"pooling_mode": "median"}),
        ("1_Pooling/config.json", {"pooling_mode": 3}),
        ("2_Dense/config.json", {"in_features": 31}),
        ("2_Dense/config.json", {"in_features": "many"}),
        ("config_sentence_transformers.json", {"truncate_dim": "eight"}),
        ("config_sentence_transformers.json", {"__version__": 5}),
        ("config_sentence_transformers.json", {"model_type": ["SentenceTransformer"]}),
    ],
    ids=str,
)
def test_a_wrong_value_is_an_error_of_the_library(folder, file, change):
    edit(folder / file, lambda config: {**config, **change})
    with pytest.raises((CheckpointError, InputError)):
        load_ours(folder)


@pytest.mark.parametrize("file", ["model.safetensors", "2_Dense/model.safetensors"])
def test_broken_and_missing_weights_are_errors(folder, file):
    whole = (folder / file).read_bytes()
    (folder / file).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError):
        load_ours(folder)
    (folder / file).unlink()
    with pytest.raises(CheckpointError):
        load_ours(folder)


# What it asks for


def test_unmet_requirements_are_named_with_the_command(folder):
    asked = {"transformers": ">=99", "no-such-package": {"specifier": ">=2", "reason": "It does the work."}}
    edit(folder / "config_sentence_transformers.json", lambda config: {**config, "requirements": asked})
    with pytest.raises(ImportError, match=r'pip install -U "transformers>=99" "no-such-package>=2"'):
        load_ours(folder)
    met = {"torch": ">=2"}
    edit(folder / "config_sentence_transformers.json", lambda config: {**config, "requirements": met})
    assert np.isfinite(load_ours(folder).encode("a")).all()


@pytest.mark.parametrize(("version", "warns"), [("99.1.0", True), ("6.2.7", False), ("2.0.0", False), ("odd", False)])
def test_a_newer_version_only_warns(folder, caplog, version, warns):
    written = {"__version__": {"sentence_transformers": version, "transformers": "5.0.0", "pytorch": "2.8.0"}}
    edit(folder / "config_sentence_transformers.json", lambda config: {**config, **written})
    assert np.isfinite(load(folder).encode("a")).all()
    assert ("99.1.0" in warnings_of(caplog)) == warns


@pytest.mark.parametrize("kind", ["CrossEncoder", "SparseEncoder"])
def test_another_kind_of_model_is_converted(folder, tiny, caplog, kind):
    edit(folder / "config_sentence_transformers.json", lambda config: {**config, "model_type": kind})
    model = load(folder)
    assert f"Converting {kind} model" in warnings_of(caplog)
    assert "SentenceTransformer" in warnings_of(caplog)
    assert [type(module).__name__ for module in model] == ["Transformer", "Pooling"]
    np.testing.assert_allclose(model.encode("rain"), load_ours(tiny("bert")).encode("rain"), atol=1e-6)


def test_a_plain_checkpoint_says_that_it_gets_default_modules(tiny, caplog):
    load(tiny("bert"))
    assert "No modules.json found for" in warnings_of(caplog)
