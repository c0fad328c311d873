from __future__ import annotations

import importlib
import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import errors as hub_errors

from sensorium.errors import CheckpointError, ModelError, ModelNotFoundError
from sensorium.hub import Checkpoint
from tests.hub.conftest import COMMIT, write_cached

NAME = "org/name"
HTTP_ERROR = hub_errors.HfHubHTTPError.__bases__[0]
http = importlib.import_module(HTTP_ERROR.__module__.split(".")[0])
FILES = {"modules.json": "[]", "config.json": '{"a": 1}', "1_Pooling/config.json": '{"dim": 3}'}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "model"
    for name, content in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


@pytest.fixture
def cached(tmp_path: Path) -> Checkpoint:
    write_cached(tmp_path / "cache", NAME, FILES)
    return Checkpoint(NAME, cache_folder=str(tmp_path / "cache"))


# Folders


def test_folder_gives_files_folders_and_json_without_the_hub(folder: Path, hub_calls: list) -> None:
    checkpoint = Checkpoint(str(folder))
    assert checkpoint.is_local
    assert checkpoint.find_file("1_Pooling", "config.json") == folder / "1_Pooling" / "config.json"
    assert checkpoint.find_file("", "config.json") == checkpoint.find_file("./config.json") == folder / "config.json"
    assert checkpoint.find_file("2_Dense", "config.json") is None
    assert checkpoint.find_file("1_Pooling") is None
    assert checkpoint.find_file() is None
    assert checkpoint.find_folder("1_Pooling") == folder / "1_Pooling"
    assert checkpoint.find_folder() == folder
    assert checkpoint.find_folder("2_Dense") is None
    assert checkpoint.read_json("1_Pooling", "config.json") == {"dim": 3}
    assert checkpoint.read_json("absent.json") == {}
    assert checkpoint.read_json_list("modules.json") == []
    assert checkpoint.read_json_list("absent.json") == []
    assert checkpoint.pin() is checkpoint
    checkpoint.check_present()
    assert hub_calls == []


@pytest.mark.parametrize(
    "path",
    ["../other/config.json", "a/../../config.json", "/etc/hosts", "..\\other\\config.json", "C:\\x", "c:/x", "a\0b"],
)
@pytest.mark.parametrize("where", ["folder", "hub"])
def test_path_that_leaves_the_checkpoint_is_refused(folder: Path, hub_calls: list, path: str, where: str) -> None:
    checkpoint = Checkpoint(str(folder) if where == "folder" else NAME)
    for find in (checkpoint.find_file, checkpoint.find_folder, checkpoint.read_json):
        with pytest.raises(CheckpointError, match="leaves the checkpoint"):
            find(path)
        with pytest.raises(CheckpointError, match="leaves the checkpoint"):
            find("1_Pooling", path)
    assert hub_calls == []


def test_symbolic_link_out_of_a_folder_is_refused_and_one_inside_is_followed(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key.json").write_text("{}")
    (folder / "key.json").symlink_to(secret / "key.json")
    (folder / "2_Dense").symlink_to(secret)
    (folder / "same.json").symlink_to("config.json")
    checkpoint = Checkpoint(str(folder))
    with pytest.raises(CheckpointError, match="symbolic link"):
        checkpoint.find_file("key.json")
    with pytest.raises(CheckpointError, match="symbolic link"):
        checkpoint.find_file("2_Dense", "key.json")
    with pytest.raises(CheckpointError, match="symbolic link"):
        checkpoint.find_folder("2_Dense")
    assert checkpoint.read_json("same.json") == {"a": 1}


def test_folder_that_is_itself_a_link_is_fine(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    assert Checkpoint(str(tmp_path / "link")).read_json("config.json") == {"a": 1}


def test_snapshot_folder_of_the_cache_may_be_given_as_a_folder(tmp_path: Path) -> None:
    snapshot = write_cached(tmp_path, NAME, FILES)
    checkpoint = Checkpoint(str(snapshot))
    assert checkpoint.read_json("1_Pooling", "config.json") == {"dim": 3}
    outside = tmp_path / "outside.json"
    outside.write_text("{}")
    (snapshot / "x.json").symlink_to(outside)
    with pytest.raises(CheckpointError, match="symbolic link"):
        checkpoint.find_file("x.json")


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe\x00", b"[" * 200_000])
def test_malformed_json_names_the_file(folder: Path, content: bytes) -> None:
    (folder / "1_Pooling" / "config.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"'1_Pooling/config\.json' of the checkpoint"):
        Checkpoint(str(folder)).read_json("1_Pooling", "config.json")


def test_json_of_the_wrong_kind_is_an_error(folder: Path) -> None:
    checkpoint = Checkpoint(str(folder))
    with pytest.raises(CheckpointError, match="must hold an object, and holds list"):
        checkpoint.read_json("modules.json")
    with pytest.raises(CheckpointError, match="must hold an array, and holds dict"):
        checkpoint.read_json_list("config.json")


def test_json_with_a_byte_order_mark_is_read(folder: Path) -> None:
    (folder / "config.json").write_text('{"a": 2}', encoding="utf-8-sig")
    assert Checkpoint(str(folder)).read_json("config.json") == {"a": 2}


# The local cache


@pytest.mark.usefixtures("_offline")
def test_cache_is_read_offline(cached: Checkpoint) -> None:
    assert not cached.is_local
    assert cached.read_json("1_Pooling", "config.json") == {"dim": 3}
    folder = cached.find_folder("1_Pooling")
    assert folder is not None
    assert json.loads((folder / "config.json").read_text()) == {"dim": 3}
    whole = cached.find_folder()
    assert whole is not None
    assert sorted(path.name for path in whole.iterdir()) == ["1_Pooling", "config.json", "modules.json"]
    assert cached.find_file("absent.json") is None
    assert cached.find_folder("2_Dense") is None
    cached.check_present()


def test_cached_files_need_no_request(cached: Checkpoint, hub_calls: list) -> None:
    assert cached.read_json("config.json") == {"a": 1}
    assert hub_calls == []
    assert cached.find_file("absent.json") is None
    assert hub_calls == [(NAME, "absent.json")]


def test_absence_that_the_cache_remembers_needs_no_request(cached: Checkpoint, tmp_path: Path, hub_calls: list) -> None:
    marker = tmp_path / "cache" / "models--org--name" / ".no_exist" / COMMIT / "absent.json"
    marker.parent.mkdir(parents=True)
    marker.touch()
    assert cached.find_file("absent.json") is None
    assert hub_calls == []


def test_local_files_only_asks_nobody(cached: Checkpoint, hub_calls: list) -> None:
    local = Checkpoint(NAME, cache_folder=cached.cache_folder, local_files_only=True)
    assert local.is_offline
    assert local.find_file("absent.json") is None
    assert local.pin().revision == COMMIT
    assert hub_calls == []


def test_cache_of_the_environment_is_used(tmp_path: Path) -> None:
    write_cached(tmp_path / "home" / "hub", NAME, FILES)
    code = (
        "from sensorium.hub import Checkpoint\n"
        f"found = Checkpoint({NAME!r})\n"
        "print(found.read_json('1_Pooling', 'config.json'), found.find_file('no.json'), found.is_offline)\n"
        "import sys; print(sorted({'torch', 'transformers'} & set(sys.modules)))"
    )
    env = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGINGFACE_"))}
    env |= {"HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["{'dim': 3} None True", "[]"]


def test_unreachable_hub_is_warned_about(cached: Checkpoint, hub_calls: list, caplog: Any) -> None:
    with caplog.at_level(logging.WARNING, logger="sensorium.hub"):
        assert cached.find_file("absent.json") is None
    assert "could not be reached" in caplog.text
    assert len(hub_calls) == 1


# Pinning


def test_pin_asks_once_and_then_reads_one_commit(cached: Checkpoint, tmp_path: Path, hub_calls: list) -> None:
    pinned = cached.pin()
    assert pinned.revision == COMMIT
    assert hub_calls == [(NAME, "modules.json")]
    # The branch moves on; a pinned checkpoint stays.
    write_cached(tmp_path / "cache", NAME, {"config.json": '{"a": 2}'}, commit="f" * 40)
    assert cached.read_json("config.json") == {"a": 2}
    assert pinned.read_json("config.json") == {"a": 1}
    assert pinned.pin() is pinned
    assert len(hub_calls) == 1


def test_pin_of_an_unknown_model_changes_nothing(tmp_path: Path, hub_calls: list) -> None:
    unknown = Checkpoint("org/unknown", cache_folder=str(tmp_path))
    assert unknown.pin() == unknown
    assert Checkpoint(NAME, revision="../../x", cache_folder=str(tmp_path), local_files_only=True).pin().revision == (
        "../../x"
    )


# Errors of the hub


def _answer(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def call(*_: object, **__: object) -> str:
        raise error

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", call)
    monkeypatch.setattr("huggingface_hub.snapshot_download", call)


def _http(kind: type[Exception]) -> Exception:
    request = http.Request("GET", "https://example.invalid")
    return kind("the hub's own words", response=http.Response(404, request=request))


@pytest.mark.parametrize(
    ("error", "expected", "text"),
    [
        (_http(hub_errors.RepositoryNotFoundError), ModelNotFoundError, "Check the spelling"),
        (_http(hub_errors.RevisionNotFoundError), ModelNotFoundError, "revision 'v9'"),
        (_http(hub_errors.GatedRepoError), ModelError, "is gated"),
        (_http(hub_errors.HfHubHTTPError), ModelError, "the hub's own words"),
        (http.ReadTimeout("slow"), ModelError, "slow"),
        (hub_errors.LocalTokenNotFoundError("no token"), ModelError, "no token"),
    ],
)
def test_errors_of_the_hub_are_translated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception, expected: type[ModelError], text: str
) -> None:
    _answer(monkeypatch, error)
    checkpoint = Checkpoint(NAME, revision="v9", cache_folder=str(tmp_path))
    for find in (checkpoint.find_file, checkpoint.find_folder):
        with pytest.raises(expected, match=text) as caught:
            find("config.json")
        assert type(caught.value) is expected
        assert caught.value.__cause__ is error
        assert caught.value.model == NAME


@pytest.mark.parametrize(
    "error",
    [
        _http(hub_errors.RemoteEntryNotFoundError),
        hub_errors.EntryNotFoundError("no"),
        hub_errors.HFValidationError("x"),
    ],
)
def test_absent_file_on_the_hub_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception) -> None:
    _answer(monkeypatch, error)
    checkpoint = Checkpoint(NAME, cache_folder=str(tmp_path))
    assert checkpoint.find_file("config.json") is None
    assert checkpoint.find_folder("1_Pooling") is None


def test_name_that_no_hub_accepts_is_absent(hub_calls: list) -> None:
    assert Checkpoint("not a name!").find_file("config.json") is None
    assert hub_calls == []


# Missing models


def test_missing_model_says_where_was_looked_and_what_to_do(tmp_path: Path, hub_calls: list) -> None:
    with pytest.raises(ModelNotFoundError) as online:
        Checkpoint("org/unknown", revision="v1", cache_folder=str(tmp_path)).check_present()
    for words in ("no folder 'org/unknown'", str(tmp_path), "revision 'v1'", "hub has no such model", "spelling"):
        assert words in str(online.value)
    with pytest.raises(FileNotFoundError) as offline:
        Checkpoint("org/unknown", cache_folder=str(tmp_path), local_files_only=True).check_present()
    assert "was not asked" in str(offline.value)
    assert "local_files_only" in str(offline.value)


def test_folder_without_a_model_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="holds no model"):
        Checkpoint(str(tmp_path)).check_present()


def test_token_is_not_shown() -> None:
    assert "secret" not in repr(Checkpoint(NAME, token="secret"))
