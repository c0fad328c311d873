"""A store for the tests that need no other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("lancedb")

from sensorium.store import LanceStore
from tests.store.rows import make_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LanceStore]:
    """Give a new collection with 20 rows."""
    with make_store(tmp_path, 20) as opened:
        yield opened
