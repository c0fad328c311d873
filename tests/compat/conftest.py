"""Rerankers shared by this room's tests: both libraries' models of a checkpoint, loaded once. Leave them as found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.compat.peer import load_our_reranker, load_peer_reranker


@pytest.fixture(scope="session")
def rerankers(tiny: Callable[..., Path]) -> Callable[[str], tuple[Any, Any]]:
    """Give `rerankers(name)`, our model of a small checkpoint and the peer's, the same objects on every call."""
    loaded: dict[str, tuple[Any, Any]] = {}

    def load(name: str) -> tuple[Any, Any]:
        if name not in loaded:
            loaded[name] = load_our_reranker(tiny(name)), load_peer_reranker(tiny(name))
        return loaded[name]

    return load
