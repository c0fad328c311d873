"""Change the files of a saved checkpoint, load it, and collect what was said about it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sensorium import SentenceTransformer


def edit(path: Path, change: Callable[[Any], Any]) -> None:
    path.write_text(json.dumps(change(json.loads(path.read_text()))))


def warnings_of(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.WARNING and record.name.startswith("sensorium")
    )


def load(path: Any, **kwargs: Any) -> SentenceTransformer:
    """Load without silencing the log."""
    return SentenceTransformer(str(path), device="cpu", **kwargs)
