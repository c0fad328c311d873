from __future__ import annotations

from pathlib import Path

import pytest

from sensorium.errors import ModelError, ModelNotFoundError
from sensorium.hub import resolve_name

ORG = "sentence-transformers"


@pytest.mark.parametrize(
    ("name", "resolved"),
    [
        ("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"),
        ("org/name", "org/name"),
        ("bert-base-uncased", "bert-base-uncased"),
        ("Bert-Base-Uncased", "Bert-Base-Uncased"),
        ("gpt2", "gpt2"),
        ("gpt2-xl", "gpt2-xl"),
        ("xlm-roberta-base", "xlm-roberta-base"),
    ],
)
def test_bare_names_get_the_organisation(name: str, resolved: str) -> None:
    assert resolve_name(name, ORG) == resolved


def test_without_an_organisation_bare_names_stay() -> None:
    assert resolve_name("all-MiniLM-L6-v2") == "all-MiniLM-L6-v2"
    assert resolve_name("all-MiniLM-L6-v2", None) == "all-MiniLM-L6-v2"


def test_existing_folder_is_returned_as_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bare").mkdir()
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert resolve_name("bare", ORG) == "bare"
    assert resolve_name("a/b/c", ORG) == "a/b/c"
    assert resolve_name(tmp_path, ORG) == str(tmp_path)


def test_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.touch()
    with pytest.raises(NotADirectoryError, match="is a file, not a directory") as caught:
        resolve_name(path, ORG)
    assert isinstance(caught.value, ModelError)
    assert caught.value.model == str(path)


@pytest.mark.parametrize("name", ["a/b/c", "/no/such/folder", "./model", "../model", "~/model", "a\\b"])
def test_names_that_can_only_be_paths_are_missing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelNotFoundError, match=r"Path .* not found: there is no such folder"):
        resolve_name(name, ORG)
    with pytest.raises(FileNotFoundError):
        resolve_name(name)


def test_empty_name_is_refused() -> None:
    with pytest.raises(ModelNotFoundError, match="empty string"):
        resolve_name("", ORG)
