"""Checkpoints as data that somebody else wrote: what is trusted, what is refused, what warns, and how it is said."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import sensorium
from sensorium import CheckpointError, InputError, ModelNotFoundError, NotBuiltError, SentenceTransformer
from sensorium.modules import Dense, Normalize, Pooling, Transformer
from tests.compat.peer import load_ours, load_peer, quiet
from tests.tiny import media

CODE = """
from pathlib import Path
from sensorium.modules import Module

Path({marker!r}).touch()


class Scale(Module):
    config_keys = ["factor"]

    def __init__(self, factor=2.0):
        super().__init__()
        self.factor = factor

    def forward(self, features, **kwargs):
        return {{**features, "sentence_embedding": features["sentence_embedding"] * self.factor}}

    def save(self, output_path, *args, safe_serialization=True, **kwargs):
        self.save_config(output_path)
"""


@pytest.fixture(scope="module")
def saved(tiny, tmp_path_factory):
    """A checkpoint of three modules, as `save` writes it: Transformer, Pooling, Dense."""
    path = tmp_path_factory.mktemp("saved")
    with quiet():
        transformer = Transformer(str(tiny("bert")))
        torch.manual_seed(0)
        modules = [transformer, Pooling(32, "mean"), Dense(32, 16)]
        SentenceTransformer(modules=modules, device="cpu").save(str(path))
    return path


@pytest.fixture
def folder(saved, tmp_path):
    """A copy of it that a test may change."""
    return Path(shutil.copytree(saved, tmp_path / "model"))


def edit(path: Path, change: Callable[[Any], Any]) -> None:
    path.write_text(json.dumps(change(json.loads(path.read_text()))))


def warnings_of(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.WARNING and record.name.startswith("sensorium")
    )


def load(path: Any, **kwargs: Any) -> SentenceTransformer:
    """Load without silencing the log."""
    return SentenceTransformer(str(path), device="cpu", **kwargs)


# Code of others


def add_custom_module(folder: Path, reference: str, marker: Path) -> None:
    (folder / "scaling.py").write_text(CODE.format(marker=str(marker)))
    (folder / "3_Scale").mkdir()
    (folder / "3_Scale" / "config.json").write_text('{"factor": 3.0}')
    entry = {"idx": 3, "name": "scale", "path": "3_Scale", "type": reference}
    edit(folder / "modules.json", lambda entries: [*entries, entry])


def test_code_of_a_checkpoint_runs_only_if_trusted(folder, saved, tmp_path):
    marker = tmp_path / "it ran"
    add_custom_module(folder, "scaling.Scale", marker)
    with pytest.raises(CheckpointError, match="trust_remote_code=True") as caught:
        load_ours(folder)
    assert "scaling.Scale" in str(caught.value)
    assert caught.value.model == str(folder)
    assert not marker.exists()
    model = load_ours(folder, trust_remote_code=True)
    assert marker.exists()
    wanted = 3 * load_ours(saved).encode("rain")
    np.testing.assert_allclose(model.encode("rain"), wanted, rtol=1e-5)

    again = tmp_path / "again"
    model.save(str(again))
    assert json.loads((again / "modules.json").read_text())[-1]["type"] == "scaling.Scale"
    shutil.rmtree(folder)
    with pytest.raises(CheckpointError, match="trust_remote_code"):
        load_ours(again)
    np.testing.assert_allclose(load_ours(again, trust_remote_code=True).encode("rain"), wanted, rtol=1e-5)
    np.testing.assert_allclose(load_peer(again, trust_remote_code=True).encode("rain"), wanted, rtol=1e-4)


def test_a_class_of_the_environment_needs_trust_too(folder, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "somebodys_package.py").write_text(CODE.format(marker=str(tmp_path / "ran")))
    add_custom_module(folder, "somebodys_package.Scale", tmp_path / "own")
    with pytest.raises(CheckpointError, match="trust_remote_code"):
        load_ours(folder)
    assert "somebodys_package" not in sys.modules
    assert np.isfinite(load_ours(folder, trust_remote_code=True).encode("a")).all()


@pytest.mark.parametrize(
    "reference", ["os.system", "builtins.eval", "subprocess.Popen", "scaling", "", "no_such.Thing"]
)
def test_no_other_name_is_imported(folder, reference):
    edit(folder / "modules.json", lambda entries: [*entries[:2], {**entries[2], "type": reference}])
    with pytest.raises(CheckpointError, match="trust_remote_code"):
        load_ours(folder)


def test_a_trusted_name_that_means_nothing_is_an_error(folder):
    edit(folder / "modules.json", lambda entries: [*entries[:2], {**entries[2], "type": "no_such.Thing"}])
    with pytest.raises(CheckpointError, match=r"no_such\.Thing"):
        load_ours(folder, trust_remote_code=True)


def test_an_activation_of_others_needs_trust(folder, caplog):
    edit(folder / "2_Dense" / "config.json", lambda config: {**config, "activation_function": "os.system"})
    model = load(folder)
    assert "trust" in warnings_of(caplog)
    assert isinstance(model[2].activation_function, nn.Tanh)


def test_a_type_of_the_library_that_is_not_built_is_named(folder):
    kind = "sentence_transformers.sparse_encoder.modules.SpladePooling"
    edit(folder / "modules.json", lambda entries: [*entries[:2], {**entries[2], "type": kind}])
    with pytest.raises(NotBuiltError, match="SpladePooling"):
        load_ours(folder)


def test_networks_with_their_own_code_need_trust(tiny, tmp_path):
    path = Path(shutil.copytree(tiny("bert"), tmp_path / "remote"))
    (path / "configuration_odd.py").write_text(f"from pathlib import Path\nPath({str(tmp_path / 'ran')!r}).touch()\n")
    auto_map = {"AutoConfig": "configuration_odd.OddConfig", "AutoModel": "configuration_odd.OddModel"}
    edit(path / "config.json", lambda config: {**config, "model_type": "odd", "auto_map": auto_map})
    with pytest.raises(ValueError, match="trust_remote_code"):
        load_ours(path)
    assert not (tmp_path / "ran").exists()


# Paths


@pytest.mark.parametrize("path", ["../model/1_Pooling", "/etc", "1_Pooling/../../other", "C:\\temp", "..", "a\0b"])
def test_a_path_cannot_leave_the_checkpoint(folder, path):
    edit(folder / "modules.json", lambda entries: [entries[0], {**entries[1], "path": path}, entries[2]])
    with pytest.raises(CheckpointError, match="leaves the checkpoint"):
        load_ours(folder)


def test_a_link_cannot_leave_the_checkpoint(folder, tmp_path):
    outside = tmp_path / "outside"
    shutil.move(folder / "2_Dense", outside)
    os.symlink(outside, folder / "2_Dense")
    with pytest.raises(CheckpointError, match="symbolic link"):
        load_ours(folder)


# Files with something unknown, or something wrong, in them


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


@pytest.mark.parametrize("place", ["", "2_Dense"])
def test_a_pickle_that_runs_code_is_refused(folder, tmp_path, place):
    class Evil:
        def __reduce__(self):
            return Path.touch, (tmp_path / "it ran",)

    (folder / place / "model.safetensors").unlink()
    torch.save({"linear.weight": Evil()}, folder / place / "pytorch_model.bin")
    with pytest.raises(CheckpointError):
        load_ours(folder)
    assert not (tmp_path / "it ran").exists()


# Where it is


def test_no_such_folder_says_where_was_looked(tmp_path):
    missing = tmp_path / "missing"
    with pytest.raises(ModelNotFoundError, match="no such folder") as caught:
        load(missing)
    assert str(missing) in str(caught.value)
    assert caught.value.model == str(missing)
    assert isinstance(caught.value, FileNotFoundError)
    for name in ("./missing", "a/b/c", "~/missing"):
        with pytest.raises(ModelNotFoundError, match="not found"):
            load(name)


def test_a_file_is_no_folder(tmp_path):
    path = tmp_path / "model.bin"
    path.touch()
    with pytest.raises(NotADirectoryError, match="is a file, not a directory"):
        load(path)


def test_an_empty_folder_holds_no_model(tmp_path):
    with pytest.raises(ModelNotFoundError, match="holds no model"):
        load(tmp_path)
    with pytest.raises(ModelNotFoundError):
        load("")


def test_a_hub_name_is_looked_up_in_the_cache_and_said_so(tmp_path):
    with pytest.raises(ModelNotFoundError, match="HF_HUB_OFFLINE") as caught:
        load("somebody/some-model", cache_folder=str(tmp_path))
    assert str(tmp_path) in str(caught.value)
    with pytest.raises(ModelNotFoundError, match="sentence-transformers/all-nothing"):
        load("all-nothing", cache_folder=str(tmp_path))


@pytest.fixture
def cached(saved, tmp_path):
    """The checkpoint as the hub's cache keeps it: blobs, a snapshot of links, a reference."""

    def lay_out(name: str) -> tuple[Path, str]:
        commit = "0123456789abcdef0123456789abcdef01234567"
        root = tmp_path / "cache" / f"models--{name.replace('/', '--')}"
        snapshot = root / "snapshots" / commit
        (root / "blobs").mkdir(parents=True)
        (root / "refs").mkdir()
        (root / "refs" / "main").write_text(commit)
        files = sorted(path for path in saved.rglob("*") if path.is_file())
        for number, path in enumerate(files):
            blob = root / "blobs" / f"{number:040x}"
            shutil.copy(path, blob)
            link = snapshot / path.relative_to(saved)
            link.parent.mkdir(parents=True, exist_ok=True)
            os.symlink(os.path.relpath(blob, link.parent), link)
        return tmp_path / "cache", commit

    return lay_out


@pytest.mark.parametrize("name", ["somebody/some-model", "some-model"])
def test_the_hubs_cache_is_enough(cached, saved, name):
    cache, commit = cached(name if "/" in name else f"sentence-transformers/{name}")
    wanted = load_ours(saved).encode("rain")
    for kwargs in ({}, {"local_files_only": True}, {"revision": "main"}, {"revision": commit}):
        model = load_ours(name, cache_folder=str(cache), **kwargs)
        np.testing.assert_array_equal(model.encode("rain"), wanted)
    with pytest.raises(ModelNotFoundError):
        load_ours(name, cache_folder=str(cache), revision="no-such-branch")


def test_the_cache_is_found_by_its_variable(cached, saved, monkeypatch):
    cache, _ = cached("somebody/some-model")
    monkeypatch.setenv("SENTENCE_TRANSFORMERS_HOME", str(cache))
    model = load_ours("somebody/some-model")
    np.testing.assert_array_equal(model.encode("rain"), load_ours(saved).encode("rain"))


def test_a_plain_checkpoint_in_the_cache(tiny, tmp_path):
    root = tmp_path / "models--somebody--plain"
    shutil.copytree(tiny("bert"), root / "snapshots" / ("a" * 40))
    (root / "refs").mkdir()
    (root / "refs" / "main").write_text("a" * 40)
    model = load_ours("somebody/plain", cache_folder=str(tmp_path))
    np.testing.assert_array_equal(model.encode("rain"), load_ours(tiny("bert")).encode("rain"))


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


# Modules instead of a name


def test_modules_make_a_model(tiny, saved):
    with quiet():
        transformer = Transformer(str(tiny("bert")))
    model = SentenceTransformer(modules=[transformer, Pooling(32, "mean"), Normalize()], device="cpu")
    wanted = load_ours(tiny("bert")).encode("rain", normalize_embeddings=True)
    np.testing.assert_allclose(model.encode("rain"), wanted, atol=1e-6)
    assert not model.training
    named = OrderedDict(first=transformer, pool=Pooling(32, "mean"))
    model = SentenceTransformer(modules=named, device="cpu")
    assert list(model._modules) == ["first", "pool"]
    assert model.pool is named["pool"]
    assert model.prompts == {"query": "", "document": ""}


def test_no_modules_are_no_model(saved, caplog):
    with pytest.raises(ValueError, match="An empty modules list was passed"):
        SentenceTransformer(modules=[])
    with pytest.raises(ValueError, match="modules"):
        SentenceTransformer()
    model = load(saved, modules=[Normalize()])
    assert len(model) == 3
    assert "`modules` argument is ignored" in warnings_of(caplog)


# Arguments for the network and the processor


def test_a_device_map_places_the_network(saved, caplog):
    placed = load(saved, model_kwargs={"device_map": "cpu"})
    assert "`device` argument is ignored" in warnings_of(caplog)
    np.testing.assert_allclose(placed.encode("rain"), load_ours(saved).encode("rain"), atol=1e-6)


@pytest.mark.parametrize("name", ["dtype", "torch_dtype"])
@pytest.mark.parametrize("value", [torch.bfloat16, "bfloat16"])
def test_a_dtype_applies_to_every_module(saved, name, value):
    model = load_ours(saved, model_kwargs={name: value})
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}
    assert model.dtype == torch.bfloat16
    assert model.encode("rain").dtype == np.float32
    assert model.encode("rain", convert_to_tensor=True).dtype == torch.bfloat16


@pytest.mark.parametrize("name", ["eager", "sdpa"])
def test_an_attention_applies(saved, name):
    model = load_ours(saved, model_kwargs={"attn_implementation": name})
    assert model.config._attn_implementation == name
    assert model[0].model.config._attn_implementation == name


def count_patches(model: SentenceTransformer, image: Any, **kwargs: Any) -> int:
    return model.preprocess([image], **kwargs)["pixel_values"].shape[0]


@pytest.mark.parametrize("name", ["qwen2_vl", "qwen2_5_vl", "qwen3_vl"])
def test_pixel_limits_apply(tiny, name):
    image = media.make_image(1, 640, 480)
    free = load_ours(tiny(name))
    side = free.processor.image_processor.patch_size * free.processor.image_processor.merge_size
    limits = {"min_pixels": 4 * side**2, "max_pixels": 9 * side**2}
    limited = load_ours(tiny(name), processor_kwargs=limits)
    each = free.processor.image_processor.patch_size**2
    assert count_patches(limited, image) <= limits["max_pixels"] / each
    assert count_patches(limited, image) != count_patches(free, image)
    size = {"shortest_edge": limits["min_pixels"], "longest_edge": limits["max_pixels"]}
    for settings in (limits, {"size": size}):
        per_call = {"processing_kwargs": {"image": settings}}
        with quiet():  # transformers calls the first spelling deprecated
            assert count_patches(free, image, **per_call) == count_patches(limited, image)
            np.testing.assert_allclose(free.encode(image, **per_call), limited.encode(image), atol=1e-6)
    assert np.abs(free.encode(image) - limited.encode(image)).max() > 1e-4
    small = media.make_image(1, side, side)
    assert count_patches(limited, small) * each >= limits["min_pixels"]


def test_frames_asked_for_apply(model, tmp_path):
    path = media.write_clip(tmp_path / "clip.mp4", 1, count=40, fps=10)
    encoder = model("qwen3_vl")
    grids = {}
    for wanted in (2, 8):
        settings = {"video": {"num_frames": wanted, "fps": None}}
        grids[wanted] = encoder.preprocess([path], processing_kwargs=settings)["video_grid_thw"][0, 0].item()
    assert grids[8] == 4 * grids[2]


def test_a_length_applies(saved):
    for kwargs in ({"processor_kwargs": {"model_max_length": 6}}, {"tokenizer_kwargs": {"model_max_length": 6}}):
        model = load_ours(saved, **kwargs)
        assert model.max_seq_length == 6
        assert model.preprocess(["a long text of many words, far more than six"])["input_ids"].shape[1] == 6


def test_configuration_arguments_apply(saved):
    model = load_ours(saved, config_kwargs={"layer_norm_eps": 0.5})
    assert model.config.layer_norm_eps == 0.5
    assert np.abs(model.encode("rain") - load_ours(saved).encode("rain")).max() > 1e-3


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
def test_other_back_ends_are_not_built(saved, backend):
    with pytest.raises(NotBuiltError, match=backend):
        load_ours(saved, backend=backend)


def test_an_argument_of_another_class_is_a_type_error(saved):
    with pytest.raises(TypeError, match="num_labels"):
        SentenceTransformer(str(saved), num_labels=2)


def test_tokens_are_not_printed(saved):
    model = load_ours(saved, token="hf_secret")
    assert "hf_secret" not in repr(model)
    assert "hf_secret" not in repr(model._checkpoint)
    assert sensorium.__version__
