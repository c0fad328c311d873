"""Read a Transformer module's stored configuration into constructor arguments.

Knows the file's older names and keys. Must not load a network.
"""

from __future__ import annotations

import inspect
import logging
import os
from typing import TYPE_CHECKING, Any

from sensorium.errors import CheckpointError, UnknownArgumentError
from sensorium.hub.checkpoint import Checkpoint
from sensorium.hub.inside import relative_parts
from sensorium.modules.modality_config import default_modality_config, read_modality_config
from sensorium.modules.tasks import TASKS

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger(__name__)

#: The configuration's file names, the current one first.
CONFIG_FILES = (
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_camembert_config.json",
    "sentence_albert_config.json",
    "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
)

_RENAMED = {"model_args": "model_kwargs", "tokenizer_args": "processor_kwargs", "config_args": "config_kwargs"}

#: What a stored argument may be, beside null.
_TYPES: dict[str, type] = {
    "transformer_task": str,
    "model_kwargs": dict,
    "processor_kwargs": dict,
    "config_kwargs": dict,
    "processing_kwargs": dict,
    "module_output_name": str,
    "query_length": int,
    "document_length": int,
    "max_seq_length": int,
    "tokenizer_name_or_path": str,
}


def find_folder(name_or_path: str, subfolder: str) -> str | None:
    """Return the path of a local checkpoint's folder, None for a name on the hub; neither may leave the checkpoint."""
    checkpoint = Checkpoint(name_or_path)
    parts = relative_parts((subfolder,), name_or_path)
    if not checkpoint.is_local:
        return None
    return str(checkpoint.find_folder(*parts) or os.path.join(name_or_path, *parts))


def read_init_arguments(
    cls: type,
    name_or_path: str,
    places: Mapping[str, Any],
    overrides: Mapping[str, dict[str, Any] | None],
    is_plain: bool = False,
) -> dict[str, Any]:
    """Join what the checkpoint states, where it lies, and what the caller asks.

    Args:
        cls: The class to construct, for the arguments it takes.
        name_or_path: Folder or hub name.
        places: `subfolder`, `token`, `cache_dir`, `revision`, `local_files_only`, `trust_remote_code`.
        overrides: The caller's `model_kwargs`, `processor_kwargs`, `config_kwargs`; they win.
        is_plain: Whether the checkpoint is a backbone without modules: it states nothing, and all is inferred.

    Returns:
        Constructor arguments.
    """
    stored = {} if is_plain else _read_file(name_or_path, places)
    arguments = {_RENAMED.get(key, key): value for key, value in stored.items()}
    _drop_unknown(cls, arguments)
    _check_types(arguments, name_or_path)
    task = arguments.get("transformer_task", getattr(cls, "default_task", "feature-extraction"))
    if "modality_config" in arguments:
        arguments["modality_config"] = read_modality_config(arguments["modality_config"])
    elif not is_plain and task in TASKS:
        # Written before modalities were, the file left out at times: such a checkpoint takes text, and is not to be
        # read as a chat model because its tokenizer has a template.
        arguments["modality_config"], feature = _default_for(cls, task)
        arguments.setdefault("module_output_name", feature)
    locating = {key: value for key, value in places.items() if value not in (None, "")}
    for name, given in overrides.items():
        from_file = {key: value for key, value in (arguments.get(name) or {}).items() if key != "trust_remote_code"}
        arguments[name] = {**from_file, **locating, **(given or {})}
    return arguments


def takes_loading_arguments(cls: type) -> bool:
    """Tell whether a class is a third party's transformer, whose constructor takes what `from_pretrained` needs."""
    return any(name in inspect.signature(cls).parameters for pair in _RENAMED.items() for name in pair)


def read_foreign_arguments(
    cls: type, name_or_path: str, places: Mapping[str, Any], overrides: Mapping[str, dict[str, Any] | None]
) -> dict[str, Any]:
    """Join constructor arguments for a third party's transformer, under the names that it has for them.

    Args:
        cls: The class, of which `takes_loading_arguments` holds.
        name_or_path: As in `read_init_arguments`.
        places: As in `read_init_arguments`.
        overrides: As in `read_init_arguments`.

    Returns:
        Constructor arguments.
    """
    parameters = inspect.signature(cls).parameters
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    arguments = _read_file(name_or_path, places)
    locating = {key: value for key, value in places.items() if value not in (None, "")}
    for old, new in _RENAMED.items():
        stored = arguments.pop(old, None) or arguments.pop(new, None) or {}
        from_file = {key: value for key, value in stored.items() if key != "trust_remote_code"}
        name = new if new in parameters else old
        arguments[name] = {**from_file, **locating, **(overrides.get(new) or {})}
    arguments["cache_dir"] = places.get("cache_dir")
    unread = (
        [] if takes_any else sorted(set(arguments) - set(parameters) - {*_RENAMED, *_RENAMED.values(), "cache_dir"})
    )
    if unread:
        logger.warning(
            "Ignoring %s in the checkpoint's sentence_bert_config.json: %s takes none.", unread, cls.__name__
        )
    return arguments if takes_any else {key: value for key, value in arguments.items() if key in parameters}


def _read_file(name_or_path: str, places: Mapping[str, Any]) -> dict[str, Any]:
    checkpoint = Checkpoint(
        name_or_path,
        revision=places.get("revision"),
        token=places.get("token"),
        cache_folder=places.get("cache_dir"),
        local_files_only=bool(places.get("local_files_only")),
    )
    folder = [places["subfolder"]] if places.get("subfolder") else []
    for name in CONFIG_FILES:
        stored = checkpoint.read_json(*folder, name)
        if stored:
            return stored
    return {}


def _default_for(cls: type, task: str) -> tuple[Any, str]:
    own = getattr(cls, "default_modality_config", None)
    return own() if own is not None else default_modality_config(task)


def _drop_unknown(cls: type, arguments: dict[str, Any]) -> None:
    for key in sorted(set(arguments) - _constructor_arguments(cls)):
        logger.warning("Ignoring %r in the checkpoint's sentence_bert_config.json: this version does not know it.", key)
        del arguments[key]


def _check_types(arguments: Mapping[str, Any], name_or_path: str) -> None:
    """Raise CheckpointError if the file holds something of a wrong type."""
    for key, value in arguments.items():
        is_good = value is None or isinstance(value, _TYPES.get(key, object))
        if key == "processing_kwargs" and isinstance(value, dict):
            is_good = all(isinstance(settings, dict) for settings in value.values())
        if not is_good:
            raise CheckpointError(
                f"{key!r} in sentence_bert_config.json of the checkpoint {name_or_path!r} is {value!r}, which is of a "
                "wrong type. Correct the file, or download or save the checkpoint again.",
                model=name_or_path,
            )


def _constructor_arguments(cls: type) -> set[str]:
    """List what can be passed by name, to the base class too where a class hands `**kwargs` on to it."""
    found: set[str] = set()
    for owner in cls.__mro__:
        constructor = vars(owner).get("__init__")
        parameters = () if constructor is None else inspect.signature(constructor).parameters.values()
        found |= {one.name for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)}
    return found - {"self", "model_name_or_path", "backend"}


def merge_deprecated(given: Mapping[str, dict[str, Any] | None], deprecated: Mapping[str, Any]) -> dict[str, Any]:
    """Take the older spellings of the three `*_kwargs`, and `cache_dir`, which meant all three.

    Args:
        given: The three `*_kwargs` by their present names.
        deprecated: What else the constructor was called with.

    Returns:
        The three, joined; new dicts.

    Raises:
        UnknownArgumentError: A name that never was an argument.
    """
    merged = {name: dict(value or {}) for name, value in given.items()}
    for name, value in deprecated.items():
        if name == "cache_dir":
            for kwargs in merged.values():
                if value is not None:
                    kwargs.setdefault("cache_dir", value)
        elif name in _RENAMED:
            logger.warning("The argument `%s` is deprecated; its name is now `%s`.", name, _RENAMED[name])
            if given[_RENAMED[name]] is None:
                merged[_RENAMED[name]].update(value or {})
        else:
            raise UnknownArgumentError.from_names("Transformer", [name], [*given, *_RENAMED, "cache_dir"])
    return merged
