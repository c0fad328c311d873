"""`python -m demo`: search a collection of `samples/`; encode its files, rerank, compare with sentence-transformers.

The command line, and the settings of the process. Must not know what the tour does.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
import warnings
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from demo.checkpoints import find_minilm
from demo.sample_files import SampleFiles, SamplesError
from sensorium import builtin_model

_SAMPLES = Path(__file__).parents[1] / "samples"
_SHEET = Path("build/contact-sheet.png")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo.

    Args:
        arguments: The command line; None for that of the process.

    Returns:
        0 if the built-in model finds what its card states, every file was encoded, every answer right, and every vector
        and score the peer's; otherwise 1.
    """
    parser = argparse.ArgumentParser(
        prog="python -m demo",
        description="Make a collection of samples/ and search it across modalities with the built-in model; then "
        "encode its files by small checkpoints, answer questions, rerank, and compare every vector and score with "
        "sentence-transformers.",
    )
    parser.add_argument("--samples", type=Path, default=_SAMPLES, metavar="DIR", help="a folder laid out as samples/")
    parser.add_argument("--sheet", type=Path, default=_SHEET, metavar="PNG", help="where the contact sheet is written")
    asked = parser.parse_args(arguments)
    folder = asked.samples
    try:
        samples, minilm = SampleFiles.find(folder), find_minilm()
        builtin_model()
        versions = [f"{name} {metadata.version(name)}" for name in ("sensorium", "sentence-transformers")]
    except (SamplesError, ImportError) as exc:
        parser.error(str(exc))
    print(f"{versions[0]} encodes and reranks {folder.name}/: {samples}.", flush=True)
    print(f"{versions[1]} does the same, for comparison. Both compute on one thread of the CPU.", flush=True)
    start = time.perf_counter()
    _prepare_process()
    from demo.tour import Tour  # torch comes with it, which takes seconds

    tour = Tour(folder, samples, versions[1], asked.sheet)
    tour.walk(minilm)
    return tour.conclude(time.perf_counter() - start)


def _prepare_process() -> None:
    """Set what must be set before torch and huggingface_hub are imported, and keep their notes out of the tables."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["OMP_NUM_THREADS"] = "1"  # one small input at a time: a second thread costs more than it brings
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    warnings.simplefilter("ignore")
    for name in ("sensorium", "sentence_transformers"):
        logging.getLogger(name).setLevel(logging.ERROR)
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()


if __name__ == "__main__":
    sys.exit(main())
