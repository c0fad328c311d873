"""Models shared by this room's tests: each small checkpoint is loaded once. Tests must leave them as found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sensorium import SentenceTransformer
from sensorium.media.limits import FetchPolicy, MediaSettings
from tests.compat.peer import load_ours
from tests.media.web_server import WebServer, serve


@pytest.fixture(scope="session")
def model(tiny: Callable[..., Path]) -> Callable[[str], SentenceTransformer]:
    """Give `model(name)`, a loaded small checkpoint, the same object on every call."""
    loaded: dict[str, SentenceTransformer] = {}

    def load(name: str) -> SentenceTransformer:
        if name not in loaded:
            loaded[name] = load_ours(tiny(name), media=MediaSettings(fetch=FetchPolicy(allow="any")))
        return loaded[name]

    return load


@pytest.fixture(scope="session")
def web() -> Iterator[WebServer]:
    """Give a web server on this machine, which the shared models may ask."""
    with serve() as server:
        yield server
