"""Texts, images and mixtures through a random Qwen3-VL of the 2B model's sizes, at least as fast as the peer.

Meant for a machine with a GPU, in bfloat16. Without one it says so and ends, unless `--cpu` is given (float32, hours;
with `--small`, seconds). It writes 4.3 GB of weights into the temporary folder. Half precision and a deep random
network make vectors differ with the batch they were computed in, so the cosine is claimed, not the difference.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from _checkpoints import build_qwen3_vl_2b
from _inputs import make_photographs, make_texts
from _measure import Pairs, alternate, smallest_cosine, timed, typical_cosine
from _peers import load_sides
from _report import Report, read_options

_LIMIT, _LIMIT_COSINE = 1.0, 0.999


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print the report."""
    options = read_options(__doc__, 5, arguments, ("--cpu", "run on the CPU where there is no GPU"))
    report = Report("full_size_vl", "Qwen3-VL with the sizes of the 2B model, random weights", options)
    has_gpu = torch.cuda.is_available()
    if not (has_gpu or options.cpu):
        report.skip("no GPU here. --cpu runs it on the processor, which takes hours; --cpu --small, seconds.")
        report.finish()
        return
    device, dtype = ("cuda", torch.bfloat16) if has_gpu else ("cpu", torch.float32)
    report.say(f"on {torch.cuda.get_device_name() if has_gpu else 'the processor'}, in {dtype}")
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "qwen3-vl"
        checkpoint.mkdir()
        models = load_sides(build_qwen3_vl_2b(checkpoint, options.small), device, dtype=dtype)
        for what, inputs in _make_inputs(Path(folder), options.small).items():
            _measure(report, what, inputs, models, options.runs)
    report.finish()


def _make_inputs(folder: Path, is_small: bool) -> dict[str, list[Any]]:
    count, size = (3, (96, 64)) if is_small else (64, (1280, 960))
    paths = make_photographs(folder, count, size)
    texts = make_texts(8 if is_small else 512, median_words=5 if is_small else 20)
    both = [{"image": path, "text": text} for path, text in zip(paths, texts, strict=False)]
    return {"texts": texts, "images": paths, "texts, images and both in one call": [*texts[:count], *paths, *both]}


def _measure(report: Report, what: str, inputs: list[Any], models: tuple[Any, Any], runs: int) -> None:
    ours, peer = (lambda model=model: model.encode(inputs, batch_size=16) for model in models)
    vectors = ours(), peer()  # which warms up, too
    times = alternate({"ours": timed(ours), "peer": timed(peer)}, runs)
    pairs = Pairs(times["ours"], times["peer"])
    report.compare(f"{len(inputs)} {what}", pairs)
    report.figure("  inputs a second", len(inputs) / min(pairs.ours))
    report.figure("  median cosine between different inputs", typical_cosine(vectors[1]))
    report.claim(f"{what}, times as fast as the peer", pairs.speed_up, at_least=_LIMIT)
    report.claim(f"{what}, smallest cosine to the peer's", smallest_cosine(*vectors), at_least=_LIMIT_COSINE)


if __name__ == "__main__":
    main()
