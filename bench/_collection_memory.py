"""Part (d) of `collection.py`: the peak of memory while many files are indexed, beside that of few."""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from _inputs import make_photographs, yield_short_texts
from _measure import Pairs, alternate
from _processes import run_python
from _report import Report

_CHILD = Path(__file__).with_name("_collection_process.py")
_LIMIT = 1.1
#: One file in so many is a picture, the others are notes.
_PICTURE_EVERY = 50


def measure_memory(report: Report, folder: Path, options: argparse.Namespace) -> None:
    """Index few files and many, each in processes of their own.

    Args:
        report: Where to print.
        folder: An empty one.
        options: `runs`, `small`.
    """
    few, many = (40, 80) if options.small else (2000, 20_000)
    for count in (few, many):
        make_files(folder / f"files-{count}", count)
    answers: dict[int, list[dict[str, float]]] = {few: [], many: []}

    def index(count: int) -> float:
        path = folder / f"collection-{count}-{len(answers[count])}"
        answer, _, _ = run_python([str(_CHILD), str(folder / f"files-{count}"), str(path)])
        answers[count].append(answer)
        return answer["peak_mb"]

    runs = min(options.runs, 2)
    peaks = alternate({"few": lambda: index(few), "many": lambda: index(many)}, runs)
    for count in (few, many):
        peak, loaded = (statistics.median(one[name] for one in answers[count]) for name in ("peak_mb", "loaded_mb"))
        report.figure(f"(d) peak of the process, {count} files", peak, "MB")
        report.figure(f"(d) of it beyond the loaded model, {count} files", peak - loaded, "MB")
        report.figure(
            f"(d) files a second, {count} files", count / statistics.median(one["seconds"] for one in answers[count])
        )
    growth = Pairs(peaks["few"], peaks["many"]).speed_up
    report.claim(f"(d) peak at {many} files by peak at {few}", growth, at_most=_LIMIT)


def make_files(folder: Path, count: int) -> None:
    """Write `count` small files: notes, and some pictures, in sub-folders of 500."""
    texts = yield_short_texts(count)
    pictures = folder / "pictures"
    pictures.mkdir(parents=True)
    make_photographs(pictures, count // _PICTURE_EVERY, (96, 72))
    for number in range(count - count // _PICTURE_EVERY):
        part = folder / f"part-{number // 500}"
        part.mkdir(exist_ok=True)
        (part / f"{number}.txt").write_text(next(texts), "utf-8")
