"""`import sensorium` takes under 0.1 s (median of five fresh processes), since it loads neither torch nor transformers.

The clock runs inside the fresh process, around the import statement alone; starting the interpreter is not in it. The
peer's package is imported the same way, though it promises nothing of the kind. Must not import either package itself.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from _measure import Pairs, alternate
from _processes import run_python
from _report import Report, read_options

_SNIPPET = """
import json, sys, time
start = time.perf_counter()
import {package}
print(json.dumps({{
    "seconds": time.perf_counter() - start,
    "modules": len(sys.modules),
    "heavy": sorted({{"torch", "transformers"}} & set(sys.modules)),
}}))
"""
_LIMIT_S = 0.1


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print the report."""
    options = read_options(__doc__, 5, arguments)
    report = Report("import_time", "import sensorium, in fresh processes", options)
    loaded: dict[str, dict] = {}

    def import_fresh(package: str) -> float:
        answer, _, _ = run_python(["-c", _SNIPPET.format(package=package)])
        loaded[package] = answer
        return answer["seconds"]

    sides = {name: lambda name=name: import_fresh(name) for name in ("sensorium", "sentence_transformers")}
    if not options.small:
        alternate(sides, 1)  # fills the disk cache
    times = alternate(sides, options.runs)
    pairs = Pairs(times["sensorium"], times["sentence_transformers"])
    report.compare("import", pairs, "ms", 1000)
    for package, answer in loaded.items():
        heavy = ", ".join(answer["heavy"]) or "neither torch nor transformers"
        report.say(f"after `import {package}`: {answer['modules']} modules loaded, {heavy} among them")
    report.claim("seconds to import sensorium", statistics.median(pairs.ours), at_most=_LIMIT_S)
    report.claim("torch or transformers loaded by it", len(loaded["sensorium"]["heavy"]), at_most=0)
    report.finish()


if __name__ == "__main__":
    main()
