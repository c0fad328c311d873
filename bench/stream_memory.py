"""`encode_stream` over 200,000 short texts peaks within 10% of what it takes over 10,000.

Each count runs in a process of its own, and the process's peak resident memory is what the kernel saw. The model is a
table of 1,024 dimensions, so that 200,000 kept vectors would add 800 MB and could not hide in what the libraries take.
The peer has no stream: its `encode` of a list is shown at the same counts, and nothing is claimed of it.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from _checkpoints import build_static
from _measure import Pairs, alternate
from _processes import run_python
from _report import Report, read_options

_CHILD = Path(__file__).with_name("_stream_process.py")
_METHODS = {"ours": "encode_stream", "peer": "peer's encode"}
_DIM = 1024
_LIMIT = 1.1


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print the report."""
    options = read_options(__doc__, 1, arguments)
    few, many = (500, 1000) if options.small else (10_000, 200_000)
    report = Report("stream_memory", f"peak memory of encode_stream at {few} and {many} short texts", options)
    answers: dict[tuple[str, int], list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        static = build_static(Path(folder), _DIM)

        def run_side(side: str, count: int) -> float:
            answer, _, _ = run_python([str(_CHILD), side, static, str(count)])
            answers.setdefault((side, count), []).append(answer)
            return answer["peak_mb"]

        cases = [("ours", few), ("ours", many), ("peer", many)]
        if not options.small:
            cases.append(("peer", few))
        peaks = alternate({str(case): lambda case=case: run_side(*case) for case in cases}, options.runs)
    report.note_threads(answers["ours", few][0]["threads"])
    for side, count in cases:
        more = statistics.median(answer["peak_mb"] - answer["loaded_mb"] for answer in answers[side, count])
        report.figure(f"{_METHODS[side]} of {count}, beyond the loaded model", more, "MB")
    for count in (few, many):
        if ("peer", count) in cases:
            pairs = Pairs(peaks[str(("ours", count))], peaks[str(("peer", count))])
            report.compare(f"peak of the process, {count} texts", pairs, "MB")
    rate = many / statistics.median(answer["seconds"] for answer in answers["ours", many])
    report.figure("texts a second, streamed", rate)
    _check_sums(answers, many)
    growth = Pairs(peaks[str(("ours", few))], peaks[str(("ours", many))]).speed_up
    report.claim(f"peak at {many} texts by peak at {few}", growth, at_most=_LIMIT)
    report.finish()


def _check_sums(answers: dict[tuple[str, int], list[dict[str, Any]]], count: int) -> None:
    """Make sure that both sides computed the same vectors.

    Raises:
        ValueError: They did not, so something broke.
    """
    ours, peer = answers["ours", count][0], answers["peer", count][0]
    if ours["rows"] != count or peer["rows"] != count or abs(ours["sum"] - peer["sum"]) > 1e-5 * peer["size"]:
        raise ValueError(f"the sides disagree: {ours} and {peer}.")


if __name__ == "__main__":
    main()
