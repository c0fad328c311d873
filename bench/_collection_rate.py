"""Part (a) of `collection.py`: photographs in a folder into a collection, beside the encoder alone on the same ones."""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _checkpoints import build_clip_b32
from _inputs import make_photographs
from _measure import Pairs, alternate, largest_difference
from _peers import load_sides
from _report import Report

_SIZE, _SMALL_SIZE = (640, 480), (96, 72)
_LIMIT = 0.85


def measure_rate(report: Report, folder: Path, options: argparse.Namespace) -> None:
    """Measure both models.

    Args:
        report: Where to print.
        folder: An empty one.
        options: `runs`, `small`, `full`.
    """
    import torch

    from sensorium import builtin_model

    report.note_threads(torch.get_num_threads())
    counts = (8, 4) if options.small else (1000, 1000 if options.full else 200)
    models = {
        "the built-in model": (builtin_model(), counts[0]),
        "a random CLIP ViT-B/32": (build_clip_b32(folder / "clip", options.small), counts[1]),
    }
    for number, (name, (checkpoint, count)) in enumerate(models.items()):
        photographs = folder / f"photographs-{number}"
        photographs.mkdir()
        paths = make_photographs(photographs, count, _SMALL_SIZE if options.small else _SIZE)
        _measure_model(report, f"(a) {count} photographs, {name}", checkpoint, paths, folder, options.runs)


def _measure_model(report: Report, title: str, checkpoint: str, paths: list[str], folder: Path, runs: int) -> None:
    ours, peer = load_sides(checkpoint)
    rounds = itertools.count()
    vectors: dict[str, np.ndarray] = {}
    cpu: dict[str, list[float]] = {}

    def timed(name: str, work: Callable[[], Any]) -> Callable[[], float]:
        def measure() -> float:
            start, start_cpu = time.perf_counter(), time.process_time()
            work()
            seconds = time.perf_counter() - start
            cpu.setdefault(name, []).append(time.process_time() - start_cpu)
            return seconds

        return measure

    def add() -> float:
        from sensorium import Collection

        with Collection.create(folder / f"{Path(checkpoint).name}-{next(rounds)}", ours) as collection:
            seconds = timed("add", lambda: collection.add(Path(paths[0]).parent))()
            rows = {row.path: row.vector for row in collection.store.scan(with_vectors=True)}
            vectors["add"] = np.stack([rows[path] for path in paths])
        return seconds

    def encode() -> None:
        vectors["encoder"] = ours.encode_document(paths)

    sides = {"add": add, "encoder": timed("encoder", encode), "peer": timed("peer", lambda: peer.encode(paths))}
    for side in sides.values():
        side()  # warms up
    cpu.clear()
    times = alternate(sides, runs)
    report.compare(f"{title}: add, peer's encode", Pairs(times["add"], times["peer"]))
    for side in ("add", "encoder"):
        report.figure(f"{title}: images a second, {side}", len(paths) / statistics.median(times[side]))
        report.figure(f"{title}: CPU milliseconds an image, {side}", 1000 * statistics.median(cpu[side]) / len(paths))
    report.figure(f"{title}: CPU of the encoder by CPU of add", Pairs(cpu["add"], cpu["encoder"]).speed_up)
    share = Pairs(times["add"], times["encoder"]).speed_up
    report.claim(f"{title}: rate of add by rate of the encoder alone", share, at_least=_LIMIT)
    difference = largest_difference(vectors["add"], vectors["encoder"])
    report.claim(f"{title}: largest difference of the vectors", difference, at_most=1e-5)
