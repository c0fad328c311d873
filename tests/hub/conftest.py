"""A folder laid out as the hub's local cache, and a hub that nobody can reach."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def write_cached(
    cache: Path, name: str, files: Mapping[str, str], commit: str = COMMIT, revision: str = "main"
) -> Path:
    """Write `models--org--name/{blobs,refs,snapshots/<commit>}` with symbolic links, as the hub library does."""
    place = cache / "--".join(["models", *name.split("/")])
    reference = place / "refs" / revision
    reference.parent.mkdir(parents=True, exist_ok=True)
    reference.write_text(commit)
    (place / "blobs").mkdir(exist_ok=True)
    snapshot = place / "snapshots" / commit
    for path, content in files.items():
        blob = place / "blobs" / hashlib.sha256(content.encode()).hexdigest()
        blob.write_text(content)
        link = snapshot / path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(blob, link.parent))
    return snapshot


@pytest.fixture
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.fixture
def hub_calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Record every request to the hub, and answer none: `(repository, file or pattern)`."""
    calls: list[tuple[str, str]] = []
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)

    def refuse(kind: str) -> Callable[..., str]:
        def call(repo_id: str, filename: str = "", **kwargs: object) -> str:
            from huggingface_hub.errors import LocalEntryNotFoundError

            calls.append((repo_id, filename or f"{kind} {kwargs.get('allow_patterns')}"))
            raise LocalEntryNotFoundError("no network in tests")

        return call

    monkeypatch.setattr("huggingface_hub.hf_hub_download", refuse("file"))
    monkeypatch.setattr("huggingface_hub.snapshot_download", refuse("folder"))
    return calls
