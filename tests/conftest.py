"""Fixtures that every room's tests may use, and the settings that keep tests off the network."""

from __future__ import annotations

import os

# Before anything imports huggingface_hub, which reads them once.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How fast examples are made says how busy the machine is, not whether the code is right.
settings.register_profile("sensorium", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("sensorium")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Give `tiny(name, seed=0)`, the folder of a checkpoint built once a session; tests must not write into it."""
    from tests.tiny.families import BY_NAME
    from tests.tiny.reranker_families import RERANKERS_BY_NAME

    built: dict[tuple[str, int], Path] = {}

    def checkpoint(name: str, seed: int = 0) -> Path:
        if (name, seed) not in built:
            folder = tmp_path_factory.mktemp("tiny") / name
            folder.mkdir()
            family = RERANKERS_BY_NAME[name] if name in RERANKERS_BY_NAME else BY_NAME[name]
            built[name, seed] = family.build(folder, seed)
        return built[name, seed]

    return checkpoint
