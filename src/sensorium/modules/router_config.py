"""Read what a checkpoint says of its Router: which modules there are, which chains they form, which input takes which.

The file was written by somebody else: its shape is checked here, before any module is loaded. Must not know modules.
"""

from __future__ import annotations

import ast
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sensorium.errors import CheckpointError
from sensorium.hub.inside import relative_parts

if TYPE_CHECKING:
    from sensorium.hub.checkpoint import Checkpoint

logger = logging.getLogger(__name__)

#: File names, the current one first; the older one is that of the `Asym` module.
CONFIG_FILES = ("router_config.json", "config.json")

_KEYS = frozenset({"types", "structure", "parameters"})
_PARAMETERS = frozenset({"default_route", "allow_empty_key", "route_mappings"})


@dataclass(frozen=True, slots=True)
class RouterConfig:
    """A stored Router.

    Attributes:
        types: Folder of a module -> its type name.
        structure: Route -> folders of its modules, in order.
        arguments: What else the Router is constructed with.
    """

    types: Mapping[str, str]
    structure: Mapping[str, list[str]]
    arguments: Mapping[str, Any]


def read_router_config(checkpoint: Checkpoint, subfolder: str) -> RouterConfig:
    """Read a Router's file.

    Raises:
        CheckpointError: There is none, it is malformed, or a folder in it leaves the checkpoint.
    """
    name, config = _find(checkpoint, subfolder)
    model = checkpoint.name_or_path
    types, structure = config["types"], config["structure"]
    parameters = config.get("parameters") or {}
    if not _is_well_formed(types, structure, parameters):
        raise CheckpointError(
            f"{name} of the checkpoint {model!r} is malformed: types must name a class for each module, structure "
            "must list modules of types for each route, and parameters must be a dict. Download or save the checkpoint "
            "again.",
            model=model,
        )
    for folder in types:
        relative_parts((folder,), model)
    unknown = sorted((set(config) - _KEYS) | (set(parameters) - _PARAMETERS))
    if unknown:
        logger.warning("Ignoring the key(s) %s in %s of %s: this version does not know them.", unknown, name, model)
    arguments = {key: value for key, value in parameters.items() if key in _PARAMETERS - {"route_mappings"}}
    arguments["route_mappings"] = _read_mappings(parameters.get("route_mappings") or {}, model)
    return RouterConfig(types, structure, arguments)


def _find(checkpoint: Checkpoint, subfolder: str) -> tuple[str, dict[str, Any]]:
    folder = [subfolder] if subfolder else []
    for name in CONFIG_FILES:
        config = checkpoint.read_json(*folder, name)
        if "types" in config and "structure" in config:
            return name, config
    raise CheckpointError(
        f"The checkpoint {checkpoint.name_or_path!r} has a Router but no router_config.json that names its types "
        "and structure.",
        model=checkpoint.name_or_path,
    )


def _is_well_formed(types: Any, structure: Any, parameters: Any) -> bool:
    if not all(isinstance(part, dict) for part in (types, structure, parameters)):
        return False
    chains = structure.values()
    return (
        all(isinstance(reference, str) for reference in types.values())
        and all(isinstance(chain, list) and chain for chain in chains)
        and all(isinstance(name, str) and name in types for chain in chains for name in chain)
    )


def _read_mappings(stored: Any, model: str) -> dict[tuple[Any, Any], str]:
    """Read keys such as `"('query', None)"` back into tuples."""
    try:
        mappings = {ast.literal_eval(key): route for key, route in stored.items()}
        return {(task, modality): route for (task, modality), route in mappings.items()}
    except (AttributeError, ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as exc:
        raise CheckpointError(
            f"The route_mappings of the Router in the checkpoint {model!r} are malformed: {stored!r}. Each key must be "
            "the text of a pair (task or None, modality or None).",
            model=model,
        ) from exc
