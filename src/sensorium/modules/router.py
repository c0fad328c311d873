"""`Router`: sends a sample through one of several module chains, by task or by modality.

A route is chosen once, when an input is read, and travels with the sample; so a route's own modules never see the
router's
idea of a modality. Must not know encoders.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import nn

from sensorium.errors import InputError
from sensorium.hub.checkpoint import Checkpoint
from sensorium.media.modality import read_sample
from sensorium.media.samples import MediaCost, Sample
from sensorium.modules.input_module import InputModule
from sensorium.modules.registry import load_module, resolve_module_class, type_name
from sensorium.modules.router_config import read_router_config
from sensorium.types import MODALITY_TO_PROCESSOR_ARG

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from sensorium.media.limits import MediaSettings
    from sensorium.types import Modality


#: Keys of dicts that are inputs of today's forms.
_NOT_TASKS = frozenset({*MODALITY_TO_PROCESSOR_ARG, "array", "bytes", "path", "role", "content"})


@dataclass(frozen=True, slots=True)
class RoutedSample(Sample):
    """A sample with the route it takes, and the task it was sent for."""

    route: str = ""
    task: str | None = None


class Router(InputModule):
    """Chains of modules, of which each input goes through one.

    A route is looked for under (task, modality), (task, any), (any, modality), (any, any) in `route_mappings`, then
    under the
    task's name, then the modality's, then `default_route`.

    Args:
        sub_modules: Route name -> its modules in order.
        default_route: Taken where nothing else fits; the first route, if `allow_empty_key`.
        allow_empty_key: Whether inputs may come without a task.
        route_mappings: `(task or None, modality or None)` -> route name.

    Raises:
        InputError: No routes, or a default or mapping that names none.
    """

    forward_kwargs: set[str] = {"task", "modality"}  # noqa: RUF012 - the compatible interface has a set here
    config_file_name = "router_config.json"
    save_in_root = True
    peer_type = "sentence_transformers.base.modules.router.Router"

    def __init__(
        self,
        sub_modules: dict[str, list[nn.Module]],
        default_route: str | None = None,
        allow_empty_key: bool = True,
        route_mappings: dict[tuple[str | None, str | tuple[str, ...] | None], str] | None = None,
    ) -> None:
        super().__init__()
        if not sub_modules:
            raise InputError("The sub_modules dictionary cannot be empty.")
        routes = list(sub_modules)
        if default_route is not None and default_route not in sub_modules:
            raise InputError(f"Default route '{default_route}' not found in route keys: {routes}")
        self.sub_modules = nn.ModuleDict({name: nn.Sequential(*modules) for name, modules in sub_modules.items()})
        self.allow_empty_key = allow_empty_key
        self.default_route = routes[0] if default_route is None and allow_empty_key else default_route
        self.route_mappings = {
            (task, _sorted(modality)): route for (task, modality), route in (route_mappings or {}).items()
        }
        for route in self.route_mappings.values():
            if route not in sub_modules:
                raise InputError(
                    f"route_mappings contains mapping to {route!r} which is not in sub_modules. Available routes: "
                    f"{routes}"
                )

    @classmethod
    def for_query_document(
        cls,
        query_modules: list[nn.Module],
        document_modules: list[nn.Module],
        default_route: str | None = "document",
        allow_empty_key: bool = True,
    ) -> Router:
        """Build a router with one chain for queries and one for documents."""
        return cls({"query": query_modules, "document": document_modules}, default_route, allow_empty_key)

    # Which way

    def find_route(self, task: str | None, modality: Modality | None) -> str:
        """Choose the route for a task and a modality.

        Raises:
            InputError: No route fits.
        """
        modality = _sorted(modality)
        for key in ((task, modality), (task, None), (None, modality), (None, None)):
            if key in self.route_mappings:
                return self.route_mappings[key]
        for name in (task, modality):
            if isinstance(name, str) and name in self.sub_modules:
                return name
        routes = _join([f"task={name!r}" for name in self.sub_modules])
        if task is not None:
            raise InputError(f"No route found for task type {task!r}. Available routes: {routes}")
        if self.default_route is None:
            raise InputError(
                f"Could not determine route for task=None, modality={modality!r}. Available routes: {routes}. "
                f"Pass task=..., "
                "or give the router a default_route."
            )
        return self.default_route

    def _first(self, route: str) -> Any:
        return self._chain(route)[0]

    def _chain(self, route: str) -> list[Any]:
        return list(self.sub_modules[route].children())

    # Inputs

    def read(self, value: Any, task: str | None = None) -> Sample:
        """Bring an input to normal form, and choose its route."""
        if isinstance(value, RoutedSample):
            return value
        value, task = self._unwrap_task(value, task)
        sample = read_sample(value, self.modalities)
        route = self.find_route(task, sample.modality)
        first = self._first(route)
        if hasattr(first, "read"):
            # A string may mean another thing to the route, which takes less; a file might not be readable twice.
            sample = first.read(value if isinstance(value, (str, list, tuple)) else sample)
        return _routed(sample, route, task)

    def _unwrap_task(self, value: Any, task: str | None) -> tuple[Any, str | None]:
        """Read the older form `{task: input}`, which says its task by its key."""
        if not isinstance(value, dict) or not value:
            return value, task
        tasks = {*self.sub_modules, *(name for name, _ in self.route_mappings if name)} - _NOT_TASKS
        if len(value) > 1:
            if tasks.issuperset(value):
                raise InputError(f"an input has the different task types {sorted(value)}; it can have one.")
            return value, task
        ((key, inner),) = value.items()
        is_unknown_task = isinstance(key, str) and isinstance(inner, str) and key not in _NOT_TASKS
        return (inner, key) if key in tasks or is_unknown_task else (value, task)

    def check(self, sample: Sample) -> None:
        """Raise UnsupportedModalityError unless the sample's route takes it."""
        first = self._first(self._route_of(sample))
        if hasattr(first, "check"):
            first.check(sample)

    def group(self, sample: Sample) -> Hashable:
        """Name the forward pass a sample may share: its route, and what the route itself says."""
        route = self._route_of(sample)
        first = self._first(route)
        return route, first.group(sample) if isinstance(first, InputModule) else sample.modality

    def count_tokens(self, sample: Sample, cost: MediaCost) -> int:
        """Estimate the sequence length in the sample's route."""
        first = self._first(self._route_of(sample))
        if isinstance(first, InputModule):
            return first.count_tokens(sample, cost)
        return super().count_tokens(sample, cost)

    def load_sample(self, sample: Sample, settings: MediaSettings | None = None, **kwargs: Any) -> Sample:
        """Decode a sample as its route wants it."""
        route = self._route_of(sample)
        first = self._first(route)
        loaded = first.load_sample(sample, settings, **kwargs) if isinstance(first, InputModule) else sample
        return _routed(loaded, route, getattr(sample, "task", None))

    def _route_of(self, sample: Sample) -> str:
        return sample.route if isinstance(sample, RoutedSample) else self.find_route(None, sample.modality)

    def preprocess(
        self,
        inputs: Sequence[Any],
        prompt: str | None = None,
        task: str | None = None,
        modality: Modality | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Turn inputs of one route into features.

        Args:
            inputs: Inputs, samples, or dicts `{route: input}`.
            prompt: An instruction.
            task: Chooses the route, with the modality.
            modality: What the inputs are, if not to be looked at.
            **kwargs: For the route's first module.

        Returns:
            The features of the route's first module, with `"task"` and `"route"` added.

        Raises:
            InputError: The inputs take different routes.
        """
        if not len(inputs):
            return {}
        if modality is not None and task is None:
            inputs = [
                _routed(read_sample(value, self.modalities), self.find_route(None, modality), None) for value in inputs
            ]
        samples = [self.read(value, task) for value in inputs]
        routes = {self._route_of(sample) for sample in samples}
        if len(routes) > 1:
            raise InputError(
                f"A batch must take one route, these inputs take {sorted(routes)}: they are of different task "
                f"types or modalities. "
                "Pass them in separate calls, or use encode, which splits them."
            )
        route = routes.pop()
        first = self._first(route)
        features = _prepare(first, samples, prompt, kwargs)
        task = next((sample.task for sample in samples if isinstance(sample, RoutedSample)), task)
        return {"modality": _common_modality(samples), **features, "task": task, "route": route}

    def forward(
        self,
        features: dict[str, Any],
        task: str | None = None,
        modality: str | tuple[str, ...] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Run the modules of the features' route."""
        route: Any = features.get("route")
        if route not in self.sub_modules:  # none yet, or that of another router before this one
            found: Any = modality or features.get("modality")
            route = self.find_route(task or features.get("task"), found)
        for module in self._chain(route):
            wanted: set[str] = getattr(module, "forward_kwargs", set())
            features = module(features, **{key: value for key, value in kwargs.items() if key in wanted})
        return features

    # What it is

    @property
    def modalities(self) -> list[Modality]:  # type: ignore[override]
        """What the routes together take."""
        found = {
            modality for route in self.sub_modules for modality in getattr(self._first(route), "modalities", ["text"])
        }
        return sorted(found, key=str)

    @property
    def tokenizer(self) -> Any:
        """The first route's tokenizer that there is."""
        found = (getattr(self._first(route), "tokenizer", None) for route in self.sub_modules)
        return next((tokenizer for tokenizer in found if tokenizer is not None), None)

    @property
    def max_seq_length(self) -> int | None:
        """The longest of the routes' limits, in tokens."""
        found = (getattr(self._first(route), "max_seq_length", None) for route in self.sub_modules)
        return max((length for length in found if length is not None), default=None)

    @max_seq_length.setter
    def max_seq_length(self, value: int | None) -> None:
        for route in self.sub_modules:
            self._first(route).max_seq_length = value

    def get_embedding_dimension(self) -> int | None:
        """Return the width of the first route's output that says it."""
        for route in self.sub_modules:
            for module in reversed(self._chain(route)):
                width = module.get_embedding_dimension() if hasattr(module, "get_embedding_dimension") else None
                if width is not None:
                    return width
        return None

    # On disk

    def get_config_dict(self) -> dict[str, Any]:
        """Return the part of the configuration that is not the modules."""
        return {
            "default_route": self.default_route,
            "allow_empty_key": self.allow_empty_key,
            "route_mappings": self.route_mappings,
        }

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        """Write each route's modules into folders `<route>_<position>_<class>`, and the configuration."""
        types: dict[str, str] = {}
        structure: dict[str, list[str]] = {}
        for route in self.sub_modules:
            structure[route] = []
            for position, module in enumerate(self._chain(route)):
                name = f"{route}_{position}_{type(module).__name__}"
                folder = os.path.join(output_path, name)
                os.makedirs(folder, exist_ok=True)
                module.save(folder, safe_serialization=safe_serialization)
                types[name] = type_name(module)
                structure[route].append(name)
        mappings = {str(key): route for key, route in self.route_mappings.items()}
        parameters = {**self.get_config_dict(), "route_mappings": mappings}
        config = {"types": types, "structure": structure, "parameters": parameters}
        with open(os.path.join(output_path, self.config_file_name), "w", encoding="utf-8") as file:
            json.dump(config, file, indent=4)

    @classmethod
    def load(
        cls,
        model_name_or_path: str,
        subfolder: str = "",
        token: bool | str | None = None,
        cache_folder: str | None = None,
        revision: str | None = None,
        local_files_only: bool = False,
        module_classes: Mapping[str, type[nn.Module]] | None = None,
        **kwargs: Any,
    ) -> Router:
        """Load the router and its routes' modules from a checkpoint."""
        places: dict[str, Any] = {
            "token": token,
            "cache_folder": cache_folder,
            "revision": revision,
            "local_files_only": local_files_only,
        }
        checkpoint = Checkpoint(model_name_or_path, **places)
        config = read_router_config(checkpoint, subfolder)
        trusted = bool(kwargs.get("trust_remote_code"))
        modules = {}
        for name, reference in config.types.items():
            module_class = resolve_module_class(
                reference, model_name_or_path, trusted, revision, module_classes=module_classes
            )
            place = f"{subfolder}/{name}" if subfolder else name
            modules[name] = load_module(module_class, model_name_or_path, place, **places, **kwargs)
        routes = {route: [modules[name] for name in names] for route, names in config.structure.items()}
        return cls(routes, **config.arguments)

    def __repr__(self) -> str:
        return nn.Module.__repr__(self).replace("Router(", f"Router(\n  default_route={self.default_route!r}", 1)


#: The router's name in older releases.
Asym = Router


def _sorted(modality: Any) -> Any:
    return tuple(sorted(modality)) if isinstance(modality, (tuple, list)) else modality


def _routed(sample: Sample, route: str, task: str | None) -> RoutedSample:
    return RoutedSample(sample.modality, sample.parts, sample.turns, sample.is_pair, route, task)


def _join(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _prepare(first: Any, samples: Sequence[Sample], prompt: str | None, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Call a route's first module; somebody else's, written for the compatible library, gets the callers' values."""
    if isinstance(first, InputModule):
        return first.preprocess(samples, prompt=prompt, **kwargs)
    values = [tuple(part.value for part in sample.parts) for sample in samples]
    plain: list[Any] = [value[0] if len(value) == 1 else value for value in values]
    if hasattr(first, "preprocess"):
        return first.preprocess(plain, prompt=prompt, **kwargs)
    return first.tokenize(InputModule._prepend_prompt(plain, prompt) if prompt else plain)


def _common_modality(samples: Sequence[Sample]) -> Modality:
    found = {sample.modality for sample in samples}
    return found.pop() if len(found) == 1 else "message"
