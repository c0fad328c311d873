"""From a cold process to the first MiniLM vector in at most 0.8 of the peer's time.

The clock starts before the process does and stops when it holds the vector; its end is not counted. The files are in
the disk's cache on both sides: one process of each goes ahead unmeasured. No import of another package is blocked or
patched; what a side does not import, it does not need. One more process a side, run under `-X importtime`, tells where
imports spend their time, those that happen while the model loads included. Must not import either package itself.
"""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from _checkpoints import find_minilm
from _measure import Pairs, alternate, largest_difference
from _processes import run_python
from _report import Report, read_options

_SNIPPET = """
import json, sys, time
stamps = [time.monotonic()]
from {package} import SentenceTransformer
stamps.append(time.monotonic())
model = SentenceTransformer(sys.argv[1], device="cpu")
stamps.append(time.monotonic())
vector = model.encode("hello")
stamps.append(time.monotonic())
import torch
print(json.dumps({{
    "stamps": stamps,
    "vector": vector.tolist(),
    "threads": torch.get_num_threads(),
    "modules": len(sys.modules),
}}))
"""
_FLOOR = """
import json, time
{imports}
print(json.dumps({{"stamp": time.monotonic()}}))
"""
_FLOORS = {
    "a process that only imports torch": "import torch",
    "... and what both sides need of transformers": "import torch\nfrom transformers import AutoTokenizer, BertModel",
}
_STAGES = ("start Python", "import SentenceTransformer", "load the model", "first encode")
_IMPORT_LINE = re.compile(r"^import time:\s*(\d+) \|\s*\d+ \|\s*([\w.]+)", re.MULTILINE)
_SHOWN = 8
_LIMIT = 0.8


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print the report."""
    options = read_options(__doc__, 5, arguments)
    report = Report("first_vector", "cold process to first MiniLM vector", options)
    folder = find_minilm()
    answers: dict[str, list[dict[str, Any]]] = {"sensorium": [], "sentence_transformers": []}

    def run_cold(package: str) -> float:
        answer, start, _ = run_python(["-c", _SNIPPET.format(package=package), folder])
        answer["stages"] = np.diff([start, *answer["stamps"]]).tolist()
        answers[package].append(answer)
        return answer["stamps"][-1] - start

    sides = {package: lambda package=package: run_cold(package) for package in answers}
    if not options.small:
        alternate(sides, 1)  # fills the disk cache
        answers = {package: [] for package in answers}
    times = alternate(sides, options.runs)
    report.note_threads(answers["sensorium"][0]["threads"])
    pairs = Pairs(times["sensorium"], times["sentence_transformers"])
    report.compare("cold process to first vector", pairs)
    _show_stages(report, answers)
    if not options.small:
        _show_floors(report, options.runs)
        for package in answers:
            _show_imports(report, package, folder)
    vectors = [np.array([answer["vector"] for answer in answers[package]]) for package in answers]
    report.figure("largest difference of the vectors", largest_difference(*vectors))
    report.claim("share of the peer's time", pairs.share, at_most=_LIMIT)
    report.finish()


def _show_stages(report: Report, answers: dict[str, list[dict[str, Any]]]) -> None:
    for index, stage in enumerate(_STAGES):
        ours, peer = ([answer["stages"][index] for answer in side] for side in answers.values())
        report.compare(f"  of that, {stage}", Pairs(ours, peer))
    for package, side in answers.items():
        report.figure(f"modules loaded at the end by {package}", side[-1]["modules"])


def _show_floors(report: Report, runs: int) -> None:
    """Show what no library on top of torch and transformers can go below."""
    for what, imports in _FLOORS.items():
        seconds = []
        for _ in range(runs):
            answer, start, _ = run_python(["-c", _FLOOR.format(imports=imports)])
            seconds.append(answer["stamp"] - start)
        report.figure(what, statistics.median(seconds), "s")


def _show_imports(report: Report, package: str, folder: str) -> None:
    """Show which packages' own code the imports of one cold process spent their time in."""
    _, _, listing = run_python(["-X", "importtime", "-c", _SNIPPET.format(package=package), folder])
    spent: Counter[str] = Counter()
    for own_us, module in _IMPORT_LINE.findall(listing):
        spent[module.partition(".")[0]] += int(own_us)
    shown = ", ".join(f"{name} {us / 1e6:.2f}" for name, us in spent.most_common(_SHOWN))
    report.say(f"imports with {package}, s, slowed by -X importtime: {shown}, all {spent.total() / 1e6:.2f}")


if __name__ == "__main__":
    main()
