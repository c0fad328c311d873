"""Part (c) of `collection.py`: from a cold shell to an answer, in fresh processes, and what of it takes how long."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from _inputs import make_photographs, make_texts
from _measure import alternate
from _processes import run_python
from _report import Report

_SNIPPET = """
import json, sys, time
marks = {{}}
from sensorium import Collection
marks["imported"] = time.monotonic()
with Collection.open({path!r}) as collection:
    collection.store.count()
    marks["opened"] = time.monotonic()
    {what}
    marks["answered"] = time.monotonic()
marks["modules"] = len(sys.modules)
marks["torch"] = "torch" in sys.modules
print(json.dumps(marks))
"""
_ASKED = {
    "open": "pass",
    "similar": "collection.similar({id!r}, 5)",
    "search": "collection.search('a cat on a sofa', 5)",
}
_COMMANDS = {
    "info": ["info"],
    "similar": ["similar", "{id}"],
    "search": ["search", "a cat on a sofa", "--top-k", "5"],
}


def measure_start(report: Report, folder: Path, options: argparse.Namespace) -> None:
    """Measure the library and the command line.

    Args:
        report: Where to print.
        folder: An empty one.
        options: `runs`, `small`.
    """
    path, record = folder / "collection", _fill(folder, options.small)
    stages: dict[str, list[dict[str, float]]] = {name: [] for name in _ASKED}

    def run_snippet(name: str) -> float:
        code = _SNIPPET.format(path=str(path), what=_ASKED[name].format(id=record))
        marks, start, _ = run_python(["-c", code])
        stages[name].append({**marks, "start": start})
        return marks["answered"] - start

    sides: dict[str, Callable[[], float]] = {f"library: {name}": lambda name=name: run_snippet(name) for name in _ASKED}
    for name, words in _COMMANDS.items():
        arguments = [word.format(id=record) for word in words]
        sides[f"`sensorium {name}`"] = lambda arguments=arguments: _run_command([*arguments, "--collection", str(path)])
    if not options.small:
        alternate(sides, 1)  # fills the disk cache
    times = alternate(sides, options.runs)
    for name, seconds in times.items():
        report.figure(f"(c) cold, {name}", statistics.median(seconds), "s")
    _tell_stages(report, stages)


def _tell_stages(report: Report, stages: dict[str, list[dict[str, float]]]) -> None:
    for name, runs in stages.items():
        opened = statistics.median(run["opened"] - run["start"] for run in runs)
        answered = statistics.median(run["answered"] - run["opened"] for run in runs)
        torch = "torch among them" if runs[-1]["torch"] else "no torch"
        modules = f"{runs[-1]['modules']} modules, {torch}"
        report.say(f"(c) {name}: start and open {opened:.2f} s, answer {answered:.2f} s, {modules}")
    report.claim("(c) torch loaded by opening and by similar", float(_has_torch(stages)), at_most=0)


def _has_torch(stages: dict[str, list[dict[str, float]]]) -> bool:
    return any(bool(run["torch"]) for name in ("open", "similar") for run in stages[name])


def _fill(folder: Path, is_small: bool) -> str:
    """Make the collection, and give the id of a record."""
    from sensorium import Collection

    files = folder / "files"
    files.mkdir()
    make_photographs(files, 4 if is_small else 100, (160, 120))
    for number, text in enumerate(make_texts(4 if is_small else 400)):
        (files / f"note-{number}.txt").write_text(text, "utf-8")
    with Collection.create(folder / "collection") as collection:
        collection.add(files)
        return next(collection.store.entries()).id


def _run_command(arguments: list[str]) -> float:
    """Run a command of the shell to its end, and give the seconds.

    Raises:
        RuntimeError: It failed.
    """
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "sensorium", *arguments], capture_output=True, text=True, env=environment, check=False
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"sensorium {arguments[0]} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return seconds
