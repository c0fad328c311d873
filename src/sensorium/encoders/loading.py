"""From a name to modules: read a checkpoint's list of modules, or choose the default ones for a plain backbone.

Must not know how inputs are encoded. What is read: `modules.json`, `config_sentence_transformers.json`, each module's
folder.
No other file is asked of the hub.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sensorium.encoders.stored_config import read_stored_config
from sensorium.errors import CheckpointError
from sensorium.hub.checkpoint import Checkpoint
from sensorium.hub.inside import relative_parts
from sensorium.hub.names import resolve_name
from sensorium.hub.requirements import check_requirements
from sensorium.modules.registry import load_module, resolve_module_class

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping

    from torch import nn

logger = logging.getLogger(__name__)

MODULES_FILE = "modules.json"


@dataclass(frozen=True)
class LoadOptions:
    """Where a checkpoint is looked for, and what its modules are told."""

    token: bool | str | None = None
    cache_folder: str | None = None
    revision: str | None = None
    local_files_only: bool = False
    trust_remote_code: bool = False
    model_kwargs: Mapping[str, Any] = field(default_factory=dict)
    processor_kwargs: Mapping[str, Any] = field(default_factory=dict)
    config_kwargs: Mapping[str, Any] = field(default_factory=dict)
    backend: str = "torch"

    def open(self, name_or_path: str) -> Checkpoint:
        """Return the checkpoint of that name."""
        return Checkpoint(
            name_or_path,
            revision=self.revision,
            token=self.token,
            cache_folder=self.cache_folder,
            local_files_only=self.local_files_only,
        )

    def for_module(self) -> dict[str, Any]:
        """Return what a module's `load` is called with; dicts are copies, so that no module changes the caller's."""
        model_kwargs = {key: value for key, value in self.model_kwargs.items() if key != "code_revision"}
        return {
            "token": self.token,
            "cache_folder": self.cache_folder,
            "revision": self.revision,
            "local_files_only": self.local_files_only,
            "trust_remote_code": self.trust_remote_code,
            "model_kwargs": model_kwargs,
            "processor_kwargs": dict(self.processor_kwargs),
            "config_kwargs": dict(self.config_kwargs),
            "backend": self.backend,
        }

    def for_config(self) -> dict[str, Any]:
        """Return what a network's configuration is loaded with."""
        places = {
            "token": self.token,
            "cache_dir": self.cache_folder,
            "revision": self.revision,
            "local_files_only": self.local_files_only,
            "trust_remote_code": self.trust_remote_code,
        }
        return {**{key: value for key, value in places.items() if value is not None}, **self.config_kwargs}


@dataclass(frozen=True)
class LoadedModel:
    """What a checkpoint holds.

    Attributes:
        checkpoint: Where it was found.
        modules: The modules by name, in order.
        module_kwargs: Module name -> names of call arguments that it takes.
        config: The contents of `config_sentence_transformers.json`; empty where the modules are default ones.
    """

    checkpoint: Checkpoint
    modules: OrderedDict[str, nn.Module]
    module_kwargs: dict[str, list[str]]
    config: dict[str, Any]


def load_model(
    name_or_path: str,
    options: LoadOptions,
    model_type: str,
    default_organization: str | None,
    default_modules: Callable[[str, LoadOptions], list[nn.Module]],
) -> LoadedModel:
    """Load a checkpoint's modules.

    Args:
        name_or_path: Folder, or name on the hub, with or without an organisation.
        options: Where to look and what to pass on.
        model_type: The class that is loading, as checkpoints name it.
        default_organization: Put before a hub name that has none.
        default_modules: Makes the modules of a plain backbone.

    Returns:
        The modules and settings.

    Raises:
        ModelNotFoundError: There is no such checkpoint.
        CheckpointError: Its files are malformed or not trusted.
    """
    name = resolve_name(name_or_path, default_organization)
    checkpoint = options.open(name).pin()
    checkpoint.check_present()
    options = replace(options, revision=checkpoint.revision)
    entries = checkpoint.read_json_list(MODULES_FILE)
    if not entries:
        logger.warning(
            "No modules.json found for %s: initializing a new %s model from its backbone, with default modules.",
            name,
            model_type,
        )
        return LoadedModel(checkpoint, _number(default_modules(name, options)), {}, {})
    config = read_stored_config(checkpoint)
    check_requirements(config.get("requirements"), source=name)
    saved_type = config.get("model_type", "SentenceTransformer")
    if saved_type != model_type:
        logger.warning("Converting %s model %s to %s: its backbone gets default modules.", saved_type, name, model_type)
        return LoadedModel(checkpoint, _number(default_modules(name, options)), {}, {})
    logger.info("Loading %s model from %s", model_type, name)
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    module_kwargs: dict[str, list[str]] = {}
    for entry in entries:
        _check_entry(entry, name, modules)
        module_class = resolve_module_class(
            entry["type"],
            name,
            options.trust_remote_code,
            options.revision,
            options.model_kwargs.get("code_revision"),
        )
        modules[str(entry["name"])] = load_module(module_class, name, entry["path"] or "", **options.for_module())
        module_kwargs[str(entry["name"])] = list(entry.get("kwargs") or [])
    return LoadedModel(checkpoint, modules, module_kwargs, config)


def _number(modules: list[nn.Module]) -> OrderedDict[str, nn.Module]:
    return OrderedDict((str(position), module) for position, module in enumerate(modules))


def _check_entry(entry: Any, name: str, present: Container[str]) -> None:
    """Refuse a line of `modules.json` that is not one, or that points outside the checkpoint."""
    if not isinstance(entry, dict) or not {"name", "path", "type"}.issubset(entry):
        raise CheckpointError(f"{name}: an entry of modules.json needs name, path and type, got {entry!r}.", model=name)
    is_typed = isinstance(entry["type"], str) and isinstance(entry["path"], (str, type(None)))
    if not is_typed or not isinstance(entry.get("kwargs") or [], list) or "." in str(entry["name"]):
        raise CheckpointError(
            f"{name}: an entry of modules.json is malformed: {entry!r}. Its type and path must be strings, its "
            "kwargs a list, and its name must hold no dot.",
            model=name,
        )
    if str(entry["name"]) in present:
        raise CheckpointError(f"{name}: modules.json has two modules named {str(entry['name'])!r}.", model=name)
    if entry["path"]:
        relative_parts((entry["path"],), name)
