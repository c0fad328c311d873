from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.media.hostile import LOADS, Case, all_cases

MAX_SECONDS = 5.0
MAX_MB = 500.0
CASES = list(all_cases())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    folder = tmp_path_factory.mktemp("hostile")
    command = [sys.executable, "-m", "tests.media.hostile", str(folder)]
    root = Path(__file__).parents[2]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=280, check=False)


@pytest.fixture(scope="module")
def reports(run: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    return {report["name"]: report for report in map(json.loads, run.stdout.splitlines())}


def test_the_corpus_is_large_and_its_names_are_unique() -> None:
    assert len(CASES) >= 60
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Case, run: subprocess.CompletedProcess[str], reports: dict[str, dict[str, Any]]) -> None:
    assert case.name in reports, f"the process ended before this case: {run.stderr[-2000:]}"
    report = reports[case.name]
    assert report["seconds"] < MAX_SECONDS
    assert report["peak_mb"] < MAX_MB
    if case.expected is LOADS:
        assert report["error"] is None, report["message"]
        return
    assert report["error"] is not None, "it was taken for sound media"
    assert report["error"] == case.expected.__name__ or (
        case.expected.__name__ == "MediaError" and report["is_media_error"]
    ), report["message"]
    assert report["index"] is None
    assert report["source"]
    assert report["message"].startswith(report["source"])
    if case.is_path:
        assert report["source"] == report["path"]


def test_the_process_ended_well_and_memory_stayed_low(
    run: subprocess.CompletedProcess[str], reports: dict[str, dict[str, Any]]
) -> None:
    assert run.returncode == 0, run.stderr[-2000:]
    assert sum(report["peak_mb"] for report in reports.values()) < MAX_MB
