"""Models shared by this room's tests: each small checkpoint is loaded once. Tests must leave them as found."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from sensorium import CrossEncoder, SentenceTransformer
from sensorium.media.limits import FetchPolicy, MediaSettings
from sensorium.modules import Dense, Pooling, Transformer
from tests.compat.peer import load_our_reranker, load_ours, quiet
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
def reranker(tiny: Callable[..., Path]) -> Callable[[str], CrossEncoder]:
    """Give `reranker(name)`, a loaded small reranker, the same object on every call."""
    loaded: dict[str, CrossEncoder] = {}

    def load(name: str) -> CrossEncoder:
        if name not in loaded:
            loaded[name] = load_our_reranker(tiny(name), media=MediaSettings(fetch=FetchPolicy(allow="any")))
        return loaded[name]

    return load


@pytest.fixture(scope="session")
def web() -> Iterator[WebServer]:
    """Give a web server on this machine, which the shared models may ask."""
    with serve() as server:
        yield server


@pytest.fixture(scope="session")
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
