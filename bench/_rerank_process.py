"""The process that `rerank.py` starts: rank once, and print the memory that it took above the loaded model.

Usage: `_rerank_process.py ours|peer folder count tokens shortest longest`. Must not import the side it does not
measure.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import torch
from _rerank_cases import texts_for_a_long_instruction

_STATUS = Path("/proc/self/status")


def main() -> None:
    """Rank, and print one line of JSON."""
    side, folder = sys.argv[1], sys.argv[2]
    count, tokens, shortest, longest = map(int, sys.argv[3:7])
    if side == "ours":
        from sensorium import CrossEncoder
    else:
        from sentence_transformers import CrossEncoder
    model = CrossEncoder(folder, device="cpu")
    model.rank("a", ["b", "c"])  # what loads late
    case = texts_for_a_long_instruction(model.tokenizer, count, tokens, shortest, longest)
    held = reset_peak()
    start = time.perf_counter()
    scores = case.rank(model)
    answer = {
        "seconds": time.perf_counter() - start,
        "above_mb": read_kilobytes("VmHWM") * 1024 / 1e6 - held,
        "scores": scores.tolist(),
        "threads": torch.get_num_threads(),
    }
    print(json.dumps(answer))


def read_kilobytes(name: str) -> int:
    """Read one of the kernel's figures on this process, in units of 1,024 bytes."""
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1])


def reset_peak() -> float:
    """Make the kernel's peak start again from what is held now, and return that, in MB of 10^6 bytes."""
    Path("/proc/self/clear_refs").write_text("5")
    return read_kilobytes("VmRSS") * 1024 / 1e6


if __name__ == "__main__":
    main()
