"""Where the built-in model is: a small checkpoint that an installed package carries, for a first try without a hub.

The package holds data and no code beyond its folder's name, so nothing of it is run. Must not know what the checkpoint
computes.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from sensorium._optional import missing_extra

#: The package that carries the checkpoint, in its folder `model`.
_PACKAGE = "sensorium_mini"

#: What collections call the built-in model, whose folder differs from machine to machine.
BUILTIN_ID = "sensorium-mini"

#: What is said wherever the built-in model stands in for one that nobody named.
BUILTIN_NOTICE = (
    "Using the built-in model sensorium-mini, which knows pictograms (emoji, icons, clip art), spoken English words, "
    "and short clips of such pictures. For photographs, documents and recordings name a larger model, such as "
    "Qwen/Qwen3-VL-Embedding-2B."
)


def builtin_model() -> str:
    """Return the folder of the small model that the extra `[mini]` installs.

    It covers text, pictograms (emoji, icons, clip art), spoken English words, and short clips of such pictures, in 384
    dimensions. It is a first model to try things with, not one for photographs, documents or recordings.

    Returns:
        A folder in the layout of Sentence Transformers, which that library loads, too.

    Raises:
        MissingExtraError: The package `sensorium-mini` is not installed.

    Example:
        >>> model = SentenceTransformer(sensorium.builtin_model())  # doctest: +SKIP
        >>> model.encode(["a tabby cat", "cat.png", {"audio": "meow.wav"}]).shape  # doctest: +SKIP
        (3, 384)
    """
    for folder in _package_folders():
        checkpoint = folder / "model"
        if (checkpoint / "modules.json").is_file():
            return str(checkpoint)
    raise missing_extra(_PACKAGE, "the built-in model")


def builtin_sample() -> str:
    """Return the folder of the sample that comes with the built-in model: pictures, spoken words and clips it can find.

    Returns:
        A folder with `pictures/`, `sounds/`, `clips/` and an `index.json` that says what each file shows.

    Raises:
        MissingExtraError: The package `sensorium-mini` is not installed.
    """
    for folder in _package_folders():
        # In a wheel the sample lies in the package; in a checkout, where it is tracked.
        for sample in (folder / "sample", folder.parents[1] / "sample"):
            if (sample / "index.json").is_file():
                return str(sample)
    raise missing_extra(_PACKAGE, "the sample of the built-in model")


def _package_folders() -> list[Path]:
    found = importlib.util.find_spec(_PACKAGE)
    return [] if found is None else [Path(folder) for folder in found.submodule_search_locations or ()]
