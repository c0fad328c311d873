"""Type names of checkpoints, of every age, mean our classes; anybody else's need trust."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from sentence_transformers.util.misc import import_from_string
from torch import nn

from sensorium import modules
from sensorium.errors import CheckpointError, NotBuiltError
from sensorium.modules import registry
from sensorium.modules.dense import Dense
from sensorium.modules.mlm_transformer import MLMTransformer
from sensorium.modules.normalize import Normalize
from sensorium.modules.router import Router
from tests.compat.peer import load_ours, quiet
from tests.tiny import layouts

LEGACY = (
    "Transformer",
    "Pooling",
    "Dense",
    "Normalize",
    "CLIPModel",
    "Asym",
    "Router",
    "StaticEmbedding",
    "WordEmbeddings",
    "CNN",
    "LSTM",
    "BoW",
    "WordWeights",
    "Dropout",
    "LayerNorm",
    "WeightedLayerPooling",
)
PLACES = {
    "sentence_transformers.base.modules.transformer": ("Transformer",),
    "sentence_transformers.base.modules.dense": ("Dense",),
    "sentence_transformers.base.modules.normalize": ("Normalize",),
    "sentence_transformers.base.modules.router": ("Router",),
    "sentence_transformers.sentence_transformer.modules.pooling": ("Pooling",),
    "sentence_transformers.sentence_transformer.modules.normalize": ("Normalize",),
    "sentence_transformers.sentence_transformer.modules.static_embedding": ("StaticEmbedding",),
    "sentence_transformers.sentence_transformer.modules.clip_model": ("CLIPModel",),
    "sentence_transformers.cross_encoder.modules.logit_score": ("LogitScore",),
    "sentence_transformers.sparse_encoder.models": ("MLMTransformer",),
    "sentence_transformers.sparse_encoder.modules.mlm_transformer": ("MLMTransformer",),
    "sentence_transformers.models.Transformer": ("Transformer",),
    "sentence_transformers.models": LEGACY,
    "sensorium.modules.pooling": ("Pooling",),
}
REFERENCES = [f"{place}.{name}" for place, names in PLACES.items() for name in names]


@pytest.mark.parametrize("reference", REFERENCES)
def test_our_names_need_no_trust(reference: str) -> None:
    cls = registry.resolve_module_class(reference)
    name = reference.rpartition(".")[2]
    assert cls.__name__ == {"Asym": "Router"}.get(name, name)
    assert cls.__module__.startswith("sensorium.modules.")


@pytest.mark.parametrize("reference", [one for one in REFERENCES if not one.startswith("sensorium.")])
def test_the_peer_knows_the_same_names(reference: str) -> None:
    with quiet():
        theirs = import_from_string(reference)
    assert theirs.__name__ == registry.resolve_module_class(reference).__name__


@pytest.mark.parametrize("name", registry.HOMES)
def test_what_we_write_the_peer_can_read(name: str) -> None:
    cls = registry.resolve_module_class(f"sentence_transformers.models.{name}")
    reference = cls.__dict__["peer_type"]
    with quiet():
        assert import_from_string(reference).__name__ == cls.__name__
    assert registry.resolve_module_class(reference) is cls
    assert cls is getattr(modules, name, cls)


def test_names_of_modules() -> None:
    assert registry.type_name(Normalize()) == "sentence_transformers.base.modules.normalize.Normalize"
    assert registry.type_name(Router({"a": [nn.Identity()]})) == "sentence_transformers.base.modules.router.Router"

    class Own(Dense):
        """A subclass is not its base."""

    assert registry.type_name(Own(2, 2)).endswith("test_names_of_modules.<locals>.Own")
    assert registry.type_name(nn.ReLU()) == "torch.nn.modules.activation.ReLU"
    assert MLMTransformer.peer_type != registry.resolve_module_class("sensorium.Transformer").__dict__["peer_type"]


@pytest.mark.parametrize("name", ["SpladePooling", "SparseAutoEncoder", "NoSuch", ""])
def test_what_is_not_built_says_so(name: str) -> None:
    with pytest.raises(NotBuiltError, match="not built yet"):
        registry.resolve_module_class(f"sentence_transformers.sparse_encoder.modules.{name}")


# Trust


@pytest.mark.parametrize(
    "reference",
    [
        "custom_st.Custom",
        "some/repo--custom_st.Custom",
        "torch.nn.Linear",
        "os.system",
        "sentence_transformers_extra.Thing",
        "Transformer",
        "",
    ],
)
def test_others_need_trust(reference: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_import_foreign", lambda *args: pytest.fail("imported without trust"))
    with pytest.raises(CheckpointError, match="trust_remote_code=True") as caught:
        registry.resolve_module_class(reference, "the/model")
    assert repr(reference) in str(caught.value)
    assert caught.value.model == "the/model"
    assert isinstance(caught.value, ValueError)


def test_named_classes_are_used_whatever_the_name_says() -> None:
    given = {"custom_st.Custom": nn.ReLU, "sentence_transformers.models.Dense": nn.Identity}
    assert registry.resolve_module_class("custom_st.Custom", module_classes=given) is nn.ReLU
    assert registry.resolve_module_class("sentence_transformers.models.Dense", module_classes=given) is nn.Identity
    with pytest.raises(CheckpointError):
        registry.resolve_module_class("custom_st.Other", module_classes=given)


def test_trusted_names_are_imported_from_the_environment() -> None:
    assert registry.resolve_module_class("torch.nn.Linear", None, trust_remote_code=True) is nn.Linear


@pytest.mark.parametrize(
    "reference", ["no_such_module.Thing", "torch.nn.NoSuch", "some/repo--custom.Thing", "Thing", ""]
)
def test_trusted_names_that_lead_nowhere(reference: str, tmp_path: Path) -> None:
    with quiet(), pytest.raises(CheckpointError, match="neither from the checkpoint nor from the environment"):
        registry.resolve_module_class(reference, str(tmp_path), trust_remote_code=True)


def test_code_of_another_repository_and_its_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    """The repository before the dashes is where the code comes from; its own revision wins over the checkpoint's."""
    from transformers import dynamic_module_utils

    seen: list[tuple[Any, ...]] = []

    def fetch(reference: str, name: str, code_revision: str | None = None) -> type[nn.Module]:
        seen.append((reference, name, code_revision))
        return nn.ReLU

    monkeypatch.setattr(dynamic_module_utils, "get_class_from_dynamic_module", fetch)
    for revision, code_revision, wanted in (("r", "c", "c"), ("r", None, "r"), (None, None, None)):
        found = registry.resolve_module_class("some/repo--code.Thing", "the/model", True, revision, code_revision)
        assert found is nn.ReLU
        assert seen.pop() == ("some/repo--code.Thing", "the/model", wanted)


# Code that a checkpoint carries, in every form that `load` had

CODE = """
from __future__ import annotations
import torch
from torch import nn
from transformers import AutoModel, AutoTokenizer

CALLS = []

class Custom(nn.Module):
    def __init__(self, model_name_or_path, max_seq_length=None, {names}=None, cache_dir=None, backend="torch", **kwargs):
        super().__init__()
        CALLS.append(("init", dict(path=model_name_or_path, length=max_seq_length, given={names}, **kwargs)))
        self.auto_model = AutoModel.from_pretrained(model_name_or_path)
        self.tokenizer = AutoTokenizer.from_pretrained(model_name_or_path)

    def tokenize(self, texts):
        return dict(self.tokenizer(texts, padding=True, return_tensors="pt"))

    def forward(self, features):
        output = self.auto_model(input_ids=features["input_ids"], attention_mask=features["attention_mask"])
        features["token_embeddings"] = output[0]
        return features

    def get_word_embedding_dimension(self):
        return 32

    @classmethod
    def load(cls, input_path{load}):
        CALLS.append(("load", input_path))
        return cls(input_path)
"""


@pytest.fixture
def carried(tiny: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Make a checkpoint that carries its own first module, load it, and give the model and the module's calls."""
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "code"))
    monkeypatch.syspath_prepend(str(tmp_path / "code"))

    def make(names: str, load: str = "", **kwargs: Any) -> tuple[Any, list[Any]]:
        folder = tmp_path / f"model{abs(hash((names, load)))}"
        folder.mkdir()
        for path in tiny("bert").iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
        code = CODE.replace("{names}", names).replace("{load}", load)
        (folder / "custom_st.py").write_text(code, encoding="utf-8")
        stored = {"max_seq_length": 16, "do_lower_case": False, "model_args": {"trust_remote_code": True, "x": 1}}
        layouts.write_json(folder / "sentence_bert_config.json", stored)
        layouts.write_modules(folder, [("", "custom_st.Custom"), ("1_Pooling", layouts.POOLING)])
        layouts.write_pooling(folder / "1_Pooling", 32, "mean")
        model = load_ours(folder, trust_remote_code=True, **kwargs)
        return model, sys.modules[type(model[0]).__module__].CALLS

    return make


@pytest.mark.parametrize("names", ["model_args", "model_kwargs"])
def test_a_carried_transformer_is_told_what_loading_needs(carried: Callable[..., Any], names: str) -> None:
    model, calls = carried(names, model_kwargs={"dtype": "float32"})
    ((kind, given),) = calls
    assert kind == "init"
    assert given["length"] == 16
    assert given["do_lower_case"] is False
    assert given["given"] == {"x": 1, "local_files_only": False, "trust_remote_code": True, "dtype": "float32"}
    assert model.encode("rain").shape == (32,)


def test_a_carried_module_of_the_older_form_gets_its_folder(carried: Callable[..., Any]) -> None:
    model, calls = carried("settings")
    assert [kind for kind, _ in calls] == ["load", "init"]
    assert json.loads((Path(calls[0][1]) / "modules.json").read_text(encoding="utf-8"))
    assert model.encode("rain").shape == (32,)


def test_a_carried_module_of_todays_form_gets_everything(carried: Callable[..., Any]) -> None:
    model, calls = carried("model_kwargs", ", subfolder=None, token=None, **kwargs")
    assert [kind for kind, _ in calls] == ["load", "init"]
    assert torch.isfinite(torch.from_numpy(model.encode("rain"))).all()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    class Old(nn.Module):
        @classmethod
        def load(cls, input_path: str) -> Old:
            return cls()

    (tmp_path / "1_There").mkdir()
    assert isinstance(registry.load_module(Old, str(tmp_path), "1_There"), Old)
    assert isinstance(registry.load_module(Old, str(tmp_path), ""), Old)
    with pytest.raises(CheckpointError, match="has no folder '2_Absent'"):
        registry.load_module(Old, str(tmp_path), "2_Absent")
