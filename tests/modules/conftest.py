"""The first module of each small checkpoint, in both libraries, loaded once a session. Tests must leave them as
found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sensorium.modules.transformer import Transformer
from tests.compat.peer import load_ours, load_peer


def _cached(load: Callable[[Path], Any], tiny: Callable[..., Path]) -> Callable[[str], Any]:
    loaded: dict[str, Any] = {}

    def get(name: str) -> Any:
        if name not in loaded:
            loaded[name] = load(tiny(name))[0]
        return loaded[name]

    return get


@pytest.fixture(scope="session")
def ours(tiny: Callable[..., Path]) -> Callable[[str], Transformer]:
    """Give `ours(name)`, the module that takes a checkpoint's inputs."""
    return _cached(load_ours, tiny)


@pytest.fixture(scope="session")
def theirs(tiny: Callable[..., Path]) -> Callable[[str], Any]:
    """Give `theirs(name)`, the peer's module that takes a checkpoint's inputs."""
    return _cached(load_peer, tiny)
