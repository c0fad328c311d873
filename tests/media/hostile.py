"""A corpus of bad and hostile inputs, made when it is used; run as a program, it loads each and reports what came of
it.

Each case says which error it must give, or that it must load in spite of everything. The program runs in a process of
its own, so that what it takes of time and memory can be measured: `python -m tests.media.hostile FOLDER`.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sensorium.errors import FetchError, MediaError, MediaLimitError, MissingMediaError
from sensorium.types import BaseModality

#: What a case expects that must not be refused.
LOADS = None


@dataclass(frozen=True)
class Case:
    """One input.

    Attributes:
        name: What the report calls it.
        modality: What it is given as.
        make: Makes it in a folder of its own; gives the value to be loaded.
        expected: The class of the error, or `LOADS`.
        is_path: Whether the error must name the file, by the path that was given.
    """

    name: str
    modality: BaseModality
    make: Callable[[Path], Any]
    expected: type[MediaError] | None = MediaError
    is_path: bool = False


def file_case(
    name: str, modality: BaseModality, data: Callable[[], bytes], expected: type[MediaError] | None = MediaError
) -> Case:
    """Make a case of a file: `name` ends in the file's own name."""

    def make(folder: Path) -> Path:
        path = folder / name.rpartition(" ")[2]
        path.write_bytes(data())
        return path

    return Case(name, modality, make, expected, is_path=True)


def all_cases() -> Iterator[Case]:
    """Give every case. The names are unique."""
    from tests.media import hostile_clips, hostile_files, hostile_images, hostile_sounds, hostile_values

    for module in (hostile_files, hostile_images, hostile_sounds, hostile_clips, hostile_values):
        yield from module.cases()


def run(case: Case, folder: Path) -> dict[str, Any]:
    """Load one case, and tell what came of it."""
    from sensorium.media.decode import DecodeSpec, load_part
    from sensorium.media.limits import MediaSettings
    from sensorium.media.samples import Part

    folder.mkdir(parents=True)
    value = case.make(folder)
    spec = DecodeSpec(sampling_rate=16_000, choose_frames=lambda info: [0, info.total_num_frames - 1])
    report: dict[str, Any] = {"name": case.name, "error": None, "path": str(value) if case.is_path else None}
    start, before = time.perf_counter(), resident_mb(peak=True)
    try:
        load_part(Part(case.modality, value), spec, MediaSettings())
    except Exception as exc:  # noqa: BLE001 - which error came is what is asked
        report["error"] = type(exc).__name__
        report["message"] = str(exc)
        report["is_media_error"] = isinstance(exc, MediaError)
        report["index"] = getattr(exc, "index", None)
        report["source"] = getattr(exc, "source", None)
    report["seconds"] = time.perf_counter() - start
    report["peak_mb"] = resident_mb(peak=True) - before
    return report


def resident_mb(peak: bool) -> float:
    """Give the memory of this process, or the most that it ever had, in MiB."""
    if peak:
        unit = 1024**2 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024**2


def main(folder: Path) -> None:
    # Everything is imported and used once, so that the figures are those of the inputs alone.
    from tests.media.media_files import encode_image, encode_sound, noise_image, tone, write_clip

    warnings.simplefilter("error")
    encode_image(noise_image(), "PNG")
    encode_sound(tone())
    write_clip(folder / "warm.mp4")
    for number, case in enumerate(all_cases()):
        print(json.dumps(run(case, folder / str(number))), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

__all__ = ["LOADS", "Case", "FetchError", "MediaLimitError", "MissingMediaError", "all_cases", "file_case", "run"]
