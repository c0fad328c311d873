"""Every test of the engine must leave no thread of the engine behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engine.fake import engine_threads


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    assert engine_threads() == []
