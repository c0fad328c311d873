"""The options that every benchmark takes, and the report that every benchmark prints.

A report names the machine and the versions, prints each figure as it comes, says of each claim whether it was met, and
ends with everything on one line of JSON. Must not know what is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from _measure import Pairs

_PACKAGES = (
    "sensorium",
    "sentence-transformers",
    "torch",
    "torchvision",
    "transformers",
    "tokenizers",
    "pillow",
    "numpy",
)
_WIDTH = 44


def read_options(
    description: str, runs: int, arguments: Sequence[str] | None, *flags: tuple[str, str]
) -> argparse.Namespace:
    """Read the command line.

    Args:
        description: What the benchmark measures, for `--help`.
        runs: Default of `--runs`.
        arguments: The command line; None for that of the process.
        *flags: Further options that are on or off, each a name and what it does.

    Returns:
        `runs` (1 with `--small`, unless given) and `small`, and a field for each further flag.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, metavar="N", help=f"measurements of each side (default {runs})")
    parser.add_argument(
        "--small", action="store_true", help="the smallest setting: shows that it works, proves nothing"
    )
    for name, meaning in flags:
        parser.add_argument(name, action="store_true", help=meaning)
    options = parser.parse_args(arguments)
    if options.runs is None:
        options.runs = 1 if options.small else runs
    if options.runs < 1:
        parser.error(f"--runs {options.runs}: give a whole number of at least 1.")
    return options


class Report:
    """One benchmark's report, printed as it grows."""

    def __init__(self, bench: str, title: str, options: argparse.Namespace) -> None:
        self._content: dict[str, Any] = {
            "bench": bench,
            "title": title,
            "options": vars(options),
            "versions": _read_versions(),
            "machine": describe_machine(),
            "comparisons": [],
            "figures": {},
            "claims": [],
        }
        machine, versions = self._content["machine"], self._content["versions"]
        print(f"{bench}: {title}" + (" [--small: proves nothing]" if options.small else ""))
        print("  " + ", ".join(f"{name} {version}" for name, version in versions.items()))
        print("  " + ", ".join(f"{name} {value}" for name, value in machine.items()), flush=True)

    def note_threads(self, torch_threads: int) -> None:
        """Add torch's thread count, which only a process that loaded torch can tell."""
        self._content["machine"]["torch_threads"] = torch_threads
        print(f"  torch_threads {torch_threads}", flush=True)

    def compare(self, what: str, pairs: Pairs, unit: str = "s", scale: float = 1.0) -> None:
        """Print both sides' medians and their ratio.

        Args:
            what: What was measured.
            pairs: In units of which one is `scale` of the printed ones.
            unit: The printed unit.
            scale: Printed units in a measured one: 1000 prints seconds as milliseconds.
        """
        ours, peer = (scale * statistics.median(side) for side in (pairs.ours, pairs.peer))
        print(
            f"  {what:<{_WIDTH}} sensorium {ours:.4g} {unit}, sentence-transformers {peer:.4g} {unit}, "
            f"peer/ours {pairs.speed_up:.3f} (median of {len(pairs.ours)} pairs)",
            flush=True,
        )
        self._content["comparisons"].append(
            {
                "what": what,
                "unit": unit,
                "ours": ours,
                "peer": peer,
                "peer_over_ours": pairs.speed_up,
                "all_ours": [scale * value for value in pairs.ours],
                "all_peer": [scale * value for value in pairs.peer],
            }
        )

    def figure(self, what: str, value: float, unit: str = "") -> None:
        """Print one number that is not compared."""
        print(f"  {what:<{_WIDTH}} {value:.4g} {unit}".rstrip(), flush=True)
        self._content["figures"][what] = {"value": value, "unit": unit}

    def say(self, text: str) -> None:
        """Print a line that is no figure."""
        print(f"  {text}", flush=True)

    def claim(self, what: str, measured: float, *, at_least: float | None = None, at_most: float | None = None) -> None:
        """Print whether a claim was met, whatever was measured."""
        bound, limit = ("at least", at_least) if at_least is not None else ("at most", at_most)
        if limit is None:
            raise ValueError(f"claim {what!r} has no limit.")
        is_met = measured >= limit if at_least is not None else measured <= limit
        verdict = "met" if is_met else "NOT MET"
        print(f"  claim: {what}: {bound} {limit:g}, measured {measured:.4g}: {verdict}", flush=True)
        self._content["claims"].append(
            {"what": what, "bound": bound, "limit": limit, "measured": measured, "is_met": is_met}
        )

    def skip(self, reason: str) -> None:
        """Say why nothing was measured."""
        self._content["skipped"] = reason
        print(f"  not run: {reason}", flush=True)

    def finish(self) -> None:
        """Print everything on one line of JSON. A number that is not finite is an error."""
        print(json.dumps(self._content, allow_nan=False, ensure_ascii=False), flush=True)


def describe_machine() -> dict[str, Any]:
    """Return the processor, the cores this process may use, the load, and, if torch is loaded, its threads and card."""
    machine: dict[str, Any] = {"cpu": _name_cpu(), "cores": _count_cores(), "system": platform.system()}
    if hasattr(os, "getloadavg"):
        machine["load"] = round(os.getloadavg()[0], 2)
    torch = sys.modules.get("torch")
    if torch is not None:
        machine["torch_threads"] = torch.get_num_threads()
        if torch.cuda.is_available():
            machine["gpu"] = torch.cuda.get_device_name()
    return machine


def _name_cpu() -> str:
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        for line in listing.read_text(errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _count_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _read_versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found
