"""Reranking, with what pairs have in common computed once, beside the peer, which computes each pair from nothing.

A random Qwen3-VL-Reranker of 12 layers, 512 wide, with Qwen's vocabulary of 151,936: (a) an image of 448 by 448 pixels
as query against 32 short texts, at least 5 times as fast; (b) 300 tokens of instruction and query against 64 texts of
40 to 120 tokens, at least 2 times; (c) a text against 32 images of which 16 are distinct, at least 1.5 times; (d) the
peak of memory above the loaded model in (b), no more than the peer's. And (e) a cross-encoder of MiniLM's shape over
500 pairs of mixed length, at least as fast. Our own `shared=False` is shown beside (a) to (c). Where there is a GPU,
(a) to (c) run on it, too, with the sizes of the 2B model in bfloat16.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _checkpoints import build_minilm_reranker, build_qwen3_vl_reranker
from _measure import Pairs, alternate, largest_difference, timed
from _peers import load_rerankers
from _processes import run_python
from _report import Report, read_options
from _rerank_cases import (
    Case,
    images_for_a_text,
    mixed_pairs,
    short_texts_for_an_image,
    texts_for_a_long_instruction,
)

_CHILD = Path(__file__).with_name("_rerank_process.py")
_TOLERANCE = 1e-4
_LEAST_SPREAD = 1e-3
#: Case -> how many times as fast as the peer.
_LIMITS = {"a": 5.0, "b": 2.0, "c": 1.5}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print the report."""
    options = read_options(__doc__, 3, arguments)
    report = Report("rerank", "reranking with shared work", options)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = build_qwen3_vl_reranker(Path(folder) / "reranker", options.small)
        sides = load_rerankers(checkpoint)
        report.note_threads(torch.get_num_threads())
        for name, case in _make_cases(sides[0].tokenizer, options.small).items():
            _measure(report, name, case, sides, options.runs)
        del sides
        _measure_memory(report, checkpoint, options.small, options.runs)
        _measure_classifier(report, Path(folder), options.small, options.runs)
        if torch.cuda.is_available():
            _measure_on_gpu(report, Path(folder), options.small, options.runs)
        else:
            report.say("no GPU here, so the 2B model's sizes are not measured")
    report.finish()


def _make_cases(tokenizer: Any, is_small: bool) -> dict[str, Case]:
    if is_small:
        return {
            "a": short_texts_for_an_image(4, 64),
            "b": texts_for_a_long_instruction(tokenizer, 4, 40, 5, 10),
            "c": images_for_a_text(4, 2, 64),
        }
    return {
        "a": short_texts_for_an_image(32, 448),
        "b": texts_for_a_long_instruction(tokenizer, *_MEMORY_CASE),
        "c": images_for_a_text(32, 16, 448),
    }


#: Texts, tokens of instruction and query, tokens of the shortest and of the longest text.
_MEMORY_CASE = (64, 300, 40, 120)
_SMALL_MEMORY_CASE = (4, 40, 5, 10)
_TITLES = {
    "a": "an image against short texts",
    "b": "a long instruction against texts",
    "c": "a text against images, half of them twice",
}


def _measure(report: Report, name: str, case: Case, sides: tuple[Any, Any], runs: int) -> None:
    ours, peer = sides
    scores = case.rank(ours), case.rank(peer)  # which warms up, too
    times = alternate(
        {
            "ours": timed(lambda: case.rank(ours)),
            "peer": timed(lambda: case.rank(peer)),
            "plain": timed(lambda: case.rank(ours, shared=False)),
        },
        runs,
    )
    title = f"({name}) {_TITLES[name]}"
    pairs = Pairs(times["ours"], times["peer"])
    report.compare(title, pairs)
    report.figure("  our shared=False by shared", Pairs(times["ours"], times["plain"]).speed_up)
    report.claim(f"({name}), times as fast as the peer", pairs.speed_up, at_least=_LIMITS[name])
    _claim_same(report, f"({name})", scores)


def _claim_same(report: Report, name: str, scores: tuple[np.ndarray, np.ndarray]) -> None:
    report.claim(f"{name}, largest difference of the scores", largest_difference(*scores), at_most=_TOLERANCE)
    report.claim(f"{name}, spread of the scores", float(np.ptp(scores[1])), at_least=_LEAST_SPREAD)


def _measure_memory(report: Report, checkpoint: str, is_small: bool, runs: int) -> None:
    if not Path("/proc/self/clear_refs").exists():
        report.say("(d) is not measured: only Linux tells a peak of memory from a moment on")
        return
    numbers = [str(number) for number in (_SMALL_MEMORY_CASE if is_small else _MEMORY_CASE)]
    answers: dict[str, dict[str, Any]] = {}

    def run_side(side: str) -> float:
        answers[side], _, _ = run_python([str(_CHILD), side, checkpoint, *numbers])
        return answers[side]["above_mb"]

    peaks = alternate({side: lambda side=side: run_side(side) for side in ("ours", "peer")}, runs)
    pairs = Pairs(peaks["ours"], peaks["peer"])
    report.compare("(d) peak above the loaded model in (b)", pairs, "MB")
    report.claim("(d), our peak by the peer's", pairs.share, at_most=1.0)
    _claim_same(report, "(d)", tuple(np.array(answers[side]["scores"]) for side in ("ours", "peer")))


def _measure_classifier(report: Report, folder: Path, is_small: bool, runs: int) -> None:
    ours, peer = load_rerankers(build_minilm_reranker(folder / "classifier"))
    pairs = mixed_pairs(12 if is_small else 500)
    predict: Callable[[Any], np.ndarray] = lambda model: model.predict(pairs)  # noqa: E731
    scores = predict(ours), predict(peer)
    times = alternate({"ours": timed(lambda: predict(ours)), "peer": timed(lambda: predict(peer))}, runs)
    measured = Pairs(times["ours"], times["peer"])
    report.compare(f"(e) {len(pairs)} pairs through MiniLM's shape", measured)
    report.claim("(e), times as fast as the peer", measured.speed_up, at_least=1.0)
    _claim_same(report, "(e)", scores)


def _measure_on_gpu(report: Report, folder: Path, is_small: bool, runs: int) -> None:
    """Show the 2B model's sizes in half precision: scores of both sides are rounded, and only shown."""
    checkpoint = build_qwen3_vl_reranker(folder / "full", is_small, is_full_size=True)
    sides = load_rerankers(checkpoint, "cuda", dtype=torch.bfloat16)
    named = dict(zip(("ours", "peer"), sides, strict=True))
    report.say(f"the 2B model's sizes in bfloat16 on {torch.cuda.get_device_name()}")
    for name, case in _make_cases(sides[0].tokenizer, is_small).items():
        scores = [case.rank(model) for model in sides]
        work = {side: timed(lambda model=model, case=case: case.rank(model)) for side, model in named.items()}
        times = alternate(work, runs)
        pairs = Pairs(times["ours"], times["peer"])
        report.compare(f"({name}) on the GPU, {_TITLES[name]}", pairs)
        report.figure("  documents a second", len(case.documents) / min(pairs.ours))
        report.figure("  largest difference of the scores", largest_difference(*scores))


if __name__ == "__main__":
    main()
