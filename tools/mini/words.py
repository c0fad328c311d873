"""The vectors of every word, and batches' targets among them.

Must not know pictures or sounds.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch


class Words:
    """Words with their unit vectors by the text route, `[n, 384]` float32."""

    def __init__(self, data: Path) -> None:
        self.texts: list[str] = json.loads((data / "texts.json").read_text(encoding="utf-8"))
        self.rows = {text: row for row, text in enumerate(self.texts)}
        self.vectors = torch.from_numpy(np.load(data / "texts.npy"))

    def find_rows(self, texts: list[str]) -> torch.Tensor:
        """Return texts' rows."""
        return torch.tensor([self.rows[text] for text in texts])
