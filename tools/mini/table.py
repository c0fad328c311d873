"""The table of pictures that `data.py` writes: one dict a picture, with its words, split, store and row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def read_pictures(work: Path) -> list[dict[str, Any]]:
    """Read the table of a work folder."""
    return [json.loads(line) for line in (work / "data" / "pictures.jsonl").read_text(encoding="utf-8").splitlines()]
