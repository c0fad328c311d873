"""Collections: how fast they are filled and searched, how soon the shell has an answer, and what memory they take.

(a) Photographs of 640 by 480 pixels from a folder into a collection, at least 0.85 of the rate at which the encoder
alone encodes the same files, for the built-in model (1,000 of them) and a random CLIP ViT-B/32 (200; 1,000 with
`--full`); the peer encodes them, too, and stores nothing. (b) Search at 10,000 and 100,000 vectors of 384 dimensions,
and 500,000 with `--full`: p50, p99, and recall@10 against comparing every vector, with and without balanced modalities.
(c) A search from a cold shell, and what of it is opening the collection, reading an id's neighbours and loading the
model. (d) Peak memory while 20,000 files are indexed within 10% of that for 2,000.

`--rate`, `--search`, `--start` and `--memory` run only these parts.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from _collection_memory import measure_memory
from _collection_rate import measure_rate
from _collection_search import measure_search
from _collection_start import measure_start
from _report import Report, read_options

_PARTS = {
    "rate": ("(a) only, unless others are named", measure_rate),
    "search": ("(b) only, unless others are named", measure_search),
    "start": ("(c) only, unless others are named", measure_start),
    "memory": ("(d) only, unless others are named", measure_memory),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print the report."""
    flags = [(f"--{name}", meaning) for name, (meaning, _) in _PARTS.items()]
    options = read_options(
        __doc__,
        3,
        arguments,
        ("--full", "1,000 photographs for the larger model, 500,000 vectors: half an hour"),
        *flags,
    )
    report = Report("collection", "collections on disk", options)
    wanted = [name for name in _PARTS if getattr(options, name)] or list(_PARTS)
    for name in wanted:
        with tempfile.TemporaryDirectory() as folder:
            _PARTS[name][1](report, Path(folder), options)
    left_out = [name for name in _PARTS if name not in wanted]
    if left_out:
        report.say(f"left out: {', '.join(left_out)}")
    report.finish()


if __name__ == "__main__":
    main()
