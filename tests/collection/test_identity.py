"""Which model a collection's vectors come from, told without loading it where that can be."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sensorium import SentenceTransformer, builtin_model
from sensorium.collection import identity
from sensorium.collection.identity import EncoderDoor, ModelName, check_same, describe, load_encoder
from sensorium.errors import InputError, MissingExtraError, ModelError, StoreError
from sensorium.hub.builtin import BUILTIN_ID
from sensorium.store import Manifest
from tests.collection.fakes import make_manifest


def make_model(name: str = "some/model", revision: str | None = "c0ffee", **fields: Any) -> Any:
    """Give what is asked of a model of the hub."""
    given = {
        "checkpoint": SimpleNamespace(is_local=False, name_or_path=name, revision=revision),
        "prompts": {"query": "q: ", "document": ""},
        "modalities": ("text", "image"),
        "truncate_dim": None,
        "video_as_frames": 0,
        "get_embedding_dimension": lambda: 4,
    }
    return SimpleNamespace(**{**given, **fields})


def manifest_of(model: Any) -> Manifest:
    return describe(model, "float32", {})


@pytest.fixture(scope="module")
def bert(tiny: Callable[..., Path]) -> SentenceTransformer:
    return SentenceTransformer(str(tiny("bert")))


class TestNames:
    def test_a_model_of_the_hub_has_its_name_and_commit(self) -> None:
        assert ModelName.of_model(make_model()) == ModelName("some/model", "c0ffee")
        assert ModelName.of_name("some/model") == ModelName("some/model", None)

    def test_one_in_a_folder_is_known_by_what_the_folder_holds(
        self, tiny: Callable[..., Path], bert: SentenceTransformer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        name = ModelName.of_name(tiny("bert"))
        assert name.model_id == str(tiny("bert"))
        assert ModelName.of_model(bert) == name
        shutil.copytree(tiny("bert"), tmp_path / "copy")
        monkeypatch.chdir(tmp_path)
        assert ModelName.of_name("copy") == ModelName(str(tmp_path / "copy"), name.revision)
        (tmp_path / "copy" / "modules.json").write_text("[]")
        assert ModelName.of_name("copy").revision != name.revision

    def test_the_built_in_one_has_a_name_of_its_own(self) -> None:
        name = ModelName.of_name(BUILTIN_ID)
        assert name.model_id == BUILTIN_ID
        assert ModelName.of_name(builtin_model()) == name

    def test_without_the_built_in_one_a_folder_still_has_a_name(
        self, tiny: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def missing() -> str:
            raise MissingExtraError("not installed", extra="mini")

        monkeypatch.setattr(identity, "builtin_model", missing)
        assert ModelName.of_name(tiny("bert")).model_id == str(tiny("bert"))
        with pytest.raises(MissingExtraError):
            ModelName.of_name(BUILTIN_ID)

    def test_one_that_was_never_saved_has_none(self) -> None:
        with pytest.raises(InputError, match="save_pretrained"):
            ModelName.of_model(make_model(checkpoint=None))

    def test_a_folder_that_cannot_be_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "model").mkdir()
        (tmp_path / "model" / "x").symlink_to(tmp_path / "nowhere")
        with pytest.raises(ModelError, match="cannot be read"):
            ModelName.of_name(tmp_path / "model")


class TestManifest:
    def test_it_says_what_vectors_depend_on(self) -> None:
        made = describe(make_model(truncate_dim=4, video_as_frames=8), "float16", {"settings": {}})
        assert (made.model_id, made.revision, made.dim, made.dtype) == ("some/model", "c0ffee", 4, "float16")
        assert made.prompts == {"query": "q: ", "document": ""}
        assert made.modalities == ("text", "image")
        assert made.encoding == {"truncate_dim": 4, "video_as_frames": 8}
        assert made.ingestion == {"settings": {}}

    def test_a_width_that_nobody_states_is_tried(self) -> None:
        model = make_model(get_embedding_dimension=lambda: None, encode_document=lambda text: np.ones(7, np.float32))
        assert manifest_of(model).dim == 7


class TestSame:
    @pytest.mark.parametrize(
        ("name", "dim"),
        [
            (ModelName("some/model", "c0ffee"), 4),
            (ModelName("some/model", None), None),
            (ModelName("/elsewhere/copy", "c0ffee"), None),
        ],
    )
    def test_it_is(self, name: ModelName, dim: int | None) -> None:
        check_same(make_manifest(revision="c0ffee"), name, dim)

    @pytest.mark.parametrize(
        ("name", "dim"),
        [
            (ModelName("other/model", None), None),
            (ModelName("some/model", "decaf"), None),
            (ModelName("some/model", "c0ffee"), 8),
            (ModelName("/elsewhere/copy", None), None),
        ],
    )
    def test_it_is_another(self, name: ModelName, dim: int | None) -> None:
        with pytest.raises(StoreError) as caught:
            check_same(make_manifest(revision="c0ffee"), name, dim)
        assert "some/model" in str(caught.value)
        assert name.model_id in str(caught.value)

    def test_an_unknown_version_is_not_another(self) -> None:
        check_same(make_manifest(revision=None), ModelName("some/model", "c0ffee"))


class TestDoor:
    def test_a_model_that_is_given_is_taken_as_it_is(self) -> None:
        model = make_model()
        door = EncoderDoor(manifest_of(model), model)
        assert door.is_loaded
        assert door.load() is model

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"name": "other/model", "revision": None}, "other/model"),
            ({"get_embedding_dimension": lambda: 8}, "8 dimensions"),
            ({"prompts": {"query": "search: "}}, r"'q: '.*'search: '"),
            ({"video_as_frames": 8}, "video_as_frames=0.* has 8"),
        ],
    )
    def test_another_is_refused_at_once(self, fields: dict[str, Any], words: str) -> None:
        with pytest.raises(StoreError, match=words):
            EncoderDoor(manifest_of(make_model()), make_model(**fields))

    def test_a_manifest_that_says_nothing_of_clips_is_no_reason(self) -> None:
        door = EncoderDoor(make_manifest(revision=None), make_model(prompts={}, video_as_frames=8))
        assert door.is_loaded

    def test_a_name_of_another_is_refused_before_it_is_loaded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(identity, "load_encoder", None)
        with pytest.raises(StoreError, match="other/model"):
            EncoderDoor(make_manifest(), "other/model")
        assert not EncoderDoor(make_manifest(), "some/model").is_loaded

    @pytest.mark.parametrize("given", [None, "some/model"])
    def test_it_is_loaded_once_when_it_is_needed(self, given: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
        calls: list[tuple[Any, ...]] = []
        manifest = manifest_of(make_model())

        def load(*arguments: Any) -> Any:
            calls.append(arguments)
            time.sleep(0.02)
            return make_model()

        monkeypatch.setattr(identity, "load_encoder", load)
        door = EncoderDoor(manifest, given, "cpu")
        assert (door.is_loaded, calls) == (False, [])
        threads = [threading.Thread(target=door.load) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert calls == [("some/model", manifest, "cpu")]
        assert door.is_loaded

    def test_what_was_loaded_is_checked_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(identity, "load_encoder", lambda *arguments: make_model(revision="decaf"))
        door = EncoderDoor(manifest_of(make_model()), "some/model")
        with pytest.raises(StoreError, match=r"c0ffee[\s\S]*decaf"):
            door.load()
        assert not door.is_loaded


class TestLoading:
    def test_at_the_width_and_with_the_prompts_of_the_manifest(self, tiny: Callable[..., Path]) -> None:
        folder = str(tiny("bert"))
        made = SentenceTransformer(folder, prompts={"query": "q: "}, truncate_dim=8)
        again = load_encoder(folder, manifest_of(made), "cpu")
        assert (again.prompts["query"], again.truncate_dim, again.get_embedding_dimension()) == ("q: ", 8, 8)
        np.testing.assert_array_equal(again.encode("words"), made.encode("words"))
        assert "q: " not in load_encoder(folder).prompts.values()

    @pytest.mark.parametrize(("revision", "asked"), [("c0ffee", "c0ffee"), ("folder-00", None), (None, None)])
    def test_at_the_commit_of_the_manifest(
        self, revision: str | None, asked: str | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        calls: list[dict[str, Any]] = []
        monkeypatch.setattr("sensorium.encoders.SentenceTransformer", lambda name, **options: calls.append(options))
        load_encoder("some/model", make_manifest(revision=revision, encoding={"video_as_frames": 8}))
        assert [(one["revision"], one["video_as_frames"]) for one in calls] == [(asked, 8)]

    def test_what_cannot_be_loaded_says_whose_model_it_is(self, tmp_path: Path) -> None:
        manifest = make_manifest(model_id=str(tmp_path / "gone"))
        with pytest.raises(ModelError, match="If it lies elsewhere now, open the collection with encoder=") as caught:
            load_encoder(manifest.model_id, manifest)
        assert caught.value.model == manifest.model_id

    def test_the_built_in_one_by_its_name(self, model: SentenceTransformer) -> None:
        assert ModelName.of_model(load_encoder(BUILTIN_ID)) == ModelName.of_model(model)

    def test_naming_loads_no_torch(self) -> None:
        code = (
            "import sys; from sensorium.collection.identity import EncoderDoor, ModelName;"
            f"from sensorium.store import Manifest; name = ModelName.of_name({BUILTIN_ID!r});"
            "EncoderDoor(Manifest(model_id=name.model_id, revision=name.revision, dim=384), name.model_id);"
            "assert 'torch' not in sys.modules and 'transformers' not in sys.modules"
        )
        subprocess.run([sys.executable, "-c", code], check=True)
