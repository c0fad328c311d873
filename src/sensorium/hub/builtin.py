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
    found = importlib.util.find_spec(_PACKAGE)
    folders = [] if found is None else list(found.submodule_search_locations or ())
    for folder in folders:
        checkpoint = Path(folder) / "model"
        if (checkpoint / "modules.json").is_file():
            return str(checkpoint)
    raise missing_extra(_PACKAGE, "the built-in model")
