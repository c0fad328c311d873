"""Every benchmark's smallest setting runs to the end and prints its line of JSON; what it prints is computed right."""

from __future__ import annotations

import argparse
import json
import math
import runpy
from pathlib import Path

import numpy as np
import pytest

BENCH = Path(__file__).resolve().parents[1] / "bench"
NAMES = sorted(path.stem for path in BENCH.glob("[!_]*.py"))
FLAGS = {"full_size_vl": ["--cpu"]}


@pytest.fixture(autouse=True)
def _bench_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCH))


def _run(name: str, capsys: pytest.CaptureFixture[str], *flags: str) -> tuple[str, dict]:
    runpy.run_path(str(BENCH / f"{name}.py"))["main"](["--small", *flags])
    printed = capsys.readouterr().out
    return printed, json.loads(printed.splitlines()[-1])


# The peer decodes images with what torchvision has deprecated.
@pytest.mark.filterwarnings("ignore:The image decoding and encoding capabilities of TorchVision:DeprecationWarning")
@pytest.mark.parametrize("name", NAMES)
def test_smallest_setting_runs_to_the_end(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    printed, content = _run(name, capsys, *FLAGS.get(name, []))
    assert content["bench"] == name
    assert content["versions"]["sentence-transformers"].startswith("6.")
    assert content["machine"]["cores"] >= 1
    assert content["comparisons"]
    for comparison in content["comparisons"]:
        assert all(value > 0 and math.isfinite(value) for value in comparison["all_ours"] + comparison["all_peer"])
    assert content["claims"]
    assert printed.count("  claim: ") == len(content["claims"])
    vectors = [claim for claim in content["claims"] if "difference" in claim["what"] or "cosine" in claim["what"]]
    assert all(claim["is_met"] for claim in vectors)


def test_full_size_says_that_there_is_no_gpu(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    printed, content = _run("full_size_vl", capsys)
    assert "no GPU here" in content["skipped"]
    assert content["claims"] == []
    assert "not run:" in printed


def test_every_benchmark_is_in_the_readme() -> None:
    readme = (BENCH / "README.md").read_text("utf-8")
    assert [name for name in NAMES if f"| `{name}.py` |" not in readme] == []


def test_ratios_are_medians_of_pairs() -> None:
    from _measure import Pairs

    pairs = Pairs(ours=[1.0, 2.0, 4.0], peer=[3.0, 4.0, 4.0])
    assert pairs.speed_up == 2.0
    assert pairs.share == 0.5


def test_sides_take_turns() -> None:
    from _measure import alternate

    order: list[str] = []

    def side(name: str) -> float:
        order.append(name)
        return float(len(order))

    measured = alternate({"a": lambda: side("a"), "b": lambda: side("b")}, runs=3)
    assert "".join(order) == "abbaab"
    assert measured == {"a": [1.0, 4.0, 5.0], "b": [2.0, 3.0, 6.0]}


def test_a_claim_that_is_not_met_is_printed_so(capsys: pytest.CaptureFixture[str]) -> None:
    from _report import Report

    report = Report("trial", "a trial", argparse.Namespace(runs=1, small=True))
    report.claim("times as fast", 1.07, at_least=1.1)
    report.claim("share", 0.8, at_most=0.8)
    report.finish()
    printed = capsys.readouterr().out
    assert "claim: times as fast: at least 1.1, measured 1.07: NOT MET" in printed
    assert "claim: share: at most 0.8, measured 0.8: met" in printed
    assert [claim["is_met"] for claim in json.loads(printed.splitlines()[-1])["claims"]] == [False, True]


def test_vectors_that_cannot_be_compared_break_the_run() -> None:
    from _measure import largest_difference, smallest_cosine

    vectors = np.array([[3.0, 4.0], [1.0, 0.0]])
    assert largest_difference(vectors, vectors + 0.5) == 0.5
    assert smallest_cosine(vectors, np.array([[4.0, 3.0], [2.0, 0.0]])) == pytest.approx(0.96)
    with pytest.raises(ValueError, match="shape"):
        largest_difference(vectors, vectors[:1])
    with pytest.raises(ValueError, match="finite"):
        smallest_cosine(vectors, vectors * np.nan)


def test_texts_differ_and_photographs_are_repeatable(tmp_path: Path) -> None:
    from _inputs import make_photographs, make_texts

    texts = make_texts(300)
    assert len(set(texts)) == 300
    assert 15 <= np.median([len(text.split()) for text in texts]) <= 27
    first, second = (make_photographs(_made(tmp_path / name), 2, (64, 48)) for name in ("a", "b"))
    assert [Path(path).read_bytes() for path in first] == [Path(path).read_bytes() for path in second]
    assert Path(first[0]).read_bytes() != Path(first[1]).read_bytes()


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
