"""Inputs of which half are duplicates, at least 1.8 times as fast as the peer: equal inputs are computed once.

Every distinct input comes twice, in random order: texts through all-MiniLM-L6-v2, image files through a CLIP
ViT-B/32-shaped random model. The same inputs without duplicates are not measured here; see `text_throughput.py` and
`image_preparation.py` for that part of the speed.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from _checkpoints import build_clip_b32, find_minilm
from _inputs import make_photographs, make_texts
from _measure import Pairs, alternate, largest_difference, timed
from _peers import load_sides
from _report import Report, read_options

_LIMIT = 1.8


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print the report."""
    options = read_options(__doc__, 5, arguments)
    texts = make_texts(12 if options.small else 500)
    text_sides = load_sides(find_minilm())
    report = Report("duplicates", "inputs of which half are duplicates", options)
    _measure(report, "texts", texts, text_sides, options.runs)
    with tempfile.TemporaryDirectory() as folder:
        paths = make_photographs(Path(folder), *((3, (320, 240)) if options.small else (24, (2000, 1500))))
        image_sides = load_sides(build_clip_b32(Path(folder) / "clip", options.small))
        _measure(report, "images", paths, image_sides, options.runs)
    report.finish()


def _measure(report: Report, what: str, distinct: list[str], models: tuple[Any, Any], runs: int) -> None:
    inputs = random.Random(0).sample(distinct * 2, 2 * len(distinct))
    ours, peer = (lambda model=model: model.encode(inputs, normalize_embeddings=True) for model in models)
    difference = largest_difference(ours(), peer())  # which warms up, too
    times = alternate({"ours": timed(ours), "peer": timed(peer)}, runs)
    pairs = Pairs(times["ours"], times["peer"])
    report.compare(f"{len(inputs)} {what}, {len(distinct)} of them distinct", pairs)
    report.claim(f"{what}, times as fast as the peer", pairs.speed_up, at_least=_LIMIT)
    report.claim(f"{what}, largest difference of the vectors", difference, at_most=1e-5)


if __name__ == "__main__":
    main()
