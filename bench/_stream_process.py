"""The process that `stream_memory.py` starts: encode so many short texts, and print the memory that took.

Usage: `_stream_process.py ours|peer folder count`. Must not import the side it does not measure.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from _inputs import yield_short_texts

_STATUS = Path("/proc/self/status")


def main() -> None:
    """Encode, and print one line of JSON."""
    side, folder, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if side == "ours":
        from sensorium import SentenceTransformer
    else:
        from sentence_transformers import SentenceTransformer
    model = SentenceTransformer(folder, device="cpu")
    model.encode("the first call loads what loads late")
    loaded_mb = read_peak_mb()
    start = time.perf_counter()
    texts = yield_short_texts(count)
    rows: Iterable[Any] = model.encode_stream(texts) if side == "ours" else model.encode(list(texts))
    total, size, seen = 0.0, 0.0, 0
    for row in rows:
        total += float(row.sum())
        size += float(abs(row).sum())
        seen += 1
    answer = {
        "peak_mb": read_peak_mb(),
        "loaded_mb": loaded_mb,
        "seconds": time.perf_counter() - start,
        "rows": seen,
        "sum": total,
        "size": size,
        "threads": torch.get_num_threads(),
    }
    print(json.dumps(answer))


def read_peak_mb() -> float:
    """Return the most memory this process ever held, in MB of 10^6 bytes.

    The kernel's own figure where it gives one: what `getrusage` tells begins, on Linux, with the parent's peak.
    """
    if _STATUS.is_file():
        line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


if __name__ == "__main__":
    main()
