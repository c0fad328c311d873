"""A batch in which one file is broken: the others are encoded, and a sentence says which one was not, and why.

Must not know which checkpoint computes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from demo.sample_files import SampleFile

if TYPE_CHECKING:
    from sensorium import SentenceTransformer

_BROKEN_ROW = 1


@dataclass(frozen=True, slots=True)
class BrokenBatch:
    """What became of a batch with one broken file.

    Attributes:
        rows: A sentence for each row.
        sentences: What the report says of the inputs that failed.
        problem: What is wrong, or None if exactly the broken file was skipped and named.
    """

    rows: list[str]
    sentences: list[str]
    problem: str | None


def encode_broken_batch(model: SentenceTransformer, images: Sequence[SampleFile], folder: Path) -> BrokenBatch:
    """Encode an image, the first half of its file, and another image, skipping what cannot be used.

    Args:
        model: Takes images.
        images: At least one; each can be encoded.
        folder: Where the half file is written.
    """
    whole, other = images[0], images[-1]
    content = whole.path.read_bytes()
    half = folder / f"half-of-{whole.path.name}"
    half.write_bytes(content[: len(content) // 2])
    result: Any = model.encode([whole.value, str(half), other.value], on_error="skip", return_report=True)
    names = (whole.name, half.name, other.name)
    rows = [
        f"row {i}, {name}: {_describe(row)}" for i, (name, row) in enumerate(zip(names, result.embeddings, strict=True))
    ]
    # The folder is a passing one, so its name is left out of what is printed.
    sentences = [str(fault.error).replace(f"{folder}/", "") for fault in result.errors]
    is_as_wanted = (
        [fault.index for fault in result.errors] == [_BROKEN_ROW]
        and result.errors[0].source == str(half)
        and [bool(np.isnan(row).all()) for row in result.embeddings] == [False, True, False]
        and bool(np.isfinite(result.embeddings[[0, 2]]).all())
    )
    problem = None if is_as_wanted else f"a broken file in a batch gave {rows} and the errors {sentences}."
    return BrokenBatch(rows, sentences, problem)


def _describe(row: np.ndarray) -> str:
    return "all NaN" if np.isnan(row).all() else f"a vector of {len(row)} numbers"
