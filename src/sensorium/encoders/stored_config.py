"""Read a checkpoint's `config_sentence_transformers.json`: which keys are known, what they hold, who wrote them.

A newer release's keys must not lock a model out, so what is unknown is warned about and left alone; what is known and
of a wrong type is the file's fault, said here rather than at the first call. Must not know modules.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sensorium.errors import CheckpointError

if TYPE_CHECKING:
    from sensorium.hub.checkpoint import Checkpoint

logger = logging.getLogger(__name__)

CONFIG_FILE = "config_sentence_transformers.json"

#: The newest release of Sentence Transformers that this library has been held to.
KNOWN_RELEASE = "6.2"

#: Key -> what it may hold, beside null. `requirements` is judged by whoever checks it.
_TYPES: dict[str, type | tuple[type, ...]] = {
    "__version__": dict,
    "activation_fn": str,
    "default_prompt_name": str,
    "keep_in_fp32_modules": list,
    "model_type": str,
    "prompts": dict,
    "requirements": object,
    "similarity_fn_name": str,
    "truncate_dim": int,
    # Written by this library; others ignore it.
    "video_as_frames": (bool, int),
    # Written by PyLate, and read by the encoder for late interaction.
    "attend_to_expansion_tokens": bool,
    "do_query_expansion": bool,
    "document_length": int,
    "document_prefix": str,
    "query_length": int,
    "query_prefix": str,
    "skiplist_words": list,
}


def read_stored_config(checkpoint: Checkpoint) -> dict[str, Any]:
    """Read the configuration; `{}` if the checkpoint has none.

    Raises:
        CheckpointError: The file is not JSON, or a known key holds something of a wrong type.
    """
    config = checkpoint.read_json(CONFIG_FILE)
    name = checkpoint.name_or_path
    unknown = sorted(set(config) - set(_TYPES))
    if unknown:
        logger.warning(
            "Ignoring the key(s) %s in %s of %s: this version does not know them.", unknown, CONFIG_FILE, name
        )
    for key, kind in _TYPES.items():
        value = config.get(key)
        if value is not None and not isinstance(value, kind):
            raise CheckpointError(
                f"{key!r} in {CONFIG_FILE} of the checkpoint {name!r} is {value!r}, a {type(value).__name__}. Correct "
                "the file, or download or save the checkpoint again.",
                model=name,
            )
    check_prompts(config.get("prompts"), f"{CONFIG_FILE} of {name!r}", CheckpointError)
    _warn_about_newer_release(config.get("__version__") or {}, name)
    return config


def check_prompts(prompts: Any, source: str, error: type[ValueError]) -> None:
    """Raise unless prompts are texts by name; None, and None for a text, are nothing to complain of.

    Args:
        prompts: What somebody gave.
        source: Who gave it, for the message.
        error: What to raise.
    """
    if prompts is None:
        return
    is_good = isinstance(prompts, Mapping) and all(
        isinstance(name, str) and (text is None or isinstance(text, str)) for name, text in prompts.items()
    )
    if not is_good:
        raise error(f"The prompts of {source} must be a dict from name to text, got {prompts!r}.")


def _warn_about_newer_release(versions: Mapping[str, Any], name: str) -> None:
    from packaging.version import InvalidVersion, Version

    written = versions.get("sentence_transformers")
    try:
        is_newer = written is not None and Version(str(written)).release[:2] > Version(KNOWN_RELEASE).release
    except InvalidVersion:
        return
    if is_newer:
        logger.warning(
            "%s was saved by Sentence Transformers %s. This version knows checkpoints up to %s; if the model behaves "
            "otherwise than its card says, upgrade.",
            name,
            written,
            KNOWN_RELEASE,
        )
