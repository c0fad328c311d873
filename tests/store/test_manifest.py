"""The manifest comes back as it went, and refuses what would mix two models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sensorium._version import __version__
from sensorium.errors import InputError, StoreError, StoreNotFoundError
from sensorium.store import Manifest, check_model
from sensorium.store.manifest import MANIFEST_FILE
from tests.store.rows import make_manifest

FULL = Manifest(
    model_id="some/model",
    dim=384,
    revision="abc",
    dtype="float16",
    prompts={"query": "Frage: ü\n"},
    modalities=("text", "image"),
    ingestion={"passage_characters": 1200, "nested": {"a": [1, None]}},
    balance={"image": {"mean": [0.1, -0.25]}},
)


def test_it_comes_back_as_it_went(tmp_path: Path) -> None:
    FULL.write(tmp_path)
    assert Manifest.read(tmp_path) == FULL
    assert FULL.library_version == __version__
    assert [file.name for file in tmp_path.iterdir()] == [MANIFEST_FILE]


def test_fields_of_later_versions_are_left_alone() -> None:
    values = {**json.loads(FULL.as_json()), "later": True}
    assert Manifest.from_json(json.dumps(values), "file") == FULL


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"model_id": ""}, "name of its model"),
        ({"dim": 0}, "whole number from 1"),
        ({"dim": True}, "whole number from 1"),
        ({"dtype": "int8"}, "'int8'"),
    ],
)
def test_values_no_collection_has_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_manifest(**fields)


@pytest.mark.parametrize("balance", [{"x": float("nan")}, {"x": {1, 2}}])
def test_values_json_has_no_form_for_are_refused(tmp_path: Path, balance: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="plain values"):
        make_manifest(balance=balance).write(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON"),
        ('{"format": 1', "is not JSON"),
        ("[]", "not the manifest"),
        ('{"model_id": "x", "dim": 3}', "not the manifest"),
        ('{"format": 1}', "not the manifest"),
        ('{"format": 1, "model_id": "x", "dim": 0}', "not the manifest"),
        ('{"format": 2, "library_version": "9.9"}', "written by 9.9"),
    ],
)
def test_files_that_are_no_manifest_say_so(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / MANIFEST_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(StoreError, match=message):
        Manifest.read(tmp_path)


def test_no_manifest_is_no_collection(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path, tmp_path / "absent", tmp_path / "file"):
        with pytest.raises(StoreNotFoundError, match="No collection in"):
            Manifest.read(folder)


def test_a_manifest_that_cannot_be_read_is_not_absent(tmp_path: Path) -> None:
    (tmp_path / MANIFEST_FILE).mkdir()
    with pytest.raises(StoreError, match="cannot be read"):
        Manifest.read(tmp_path)


def test_some_fields_can_be_changed() -> None:
    changed = FULL.with_changes({"balance": {}, "prompts": {"query": "q"}})
    assert (changed.balance, changed.prompts, changed.ingestion) == ({}, {"query": "q"}, FULL.ingestion)
    with pytest.raises(InputError, match="fixed when the collection is created"):
        FULL.with_changes({"dim": 3})
    with pytest.raises(InputError, match="no field of it"):
        FULL.with_changes({"balanec": {}})


@pytest.mark.parametrize(
    ("model", "is_accepted"),
    [
        (("some/model", 384, "abc"), True),
        (("some/model", 384, None), True),
        (("some/model", None, None), True),
        (("some/other", 384, "abc"), False),
        (("some/model", 768, "abc"), False),
        (("some/model", 384, "def"), False),
    ],
)
def test_only_the_same_model_may_go_on(model: tuple[str, int | None, str | None], is_accepted: bool) -> None:
    if is_accepted:
        check_model(FULL, *model)
        return
    with pytest.raises(StoreError) as caught:
        check_model(FULL, *model)
    text = str(caught.value)
    assert "'some/model' (revision abc, 384 dimensions)" in text
    assert repr(model[0]) in text
    assert str(model[1]) in text


def test_an_unknown_revision_is_not_compared() -> None:
    check_model(make_manifest(), "tiny", 8, "abc")
