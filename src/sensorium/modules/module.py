"""`Module`: what every part of a checkpoint can do: load and save itself, and turn features into features.

A subclass names its settings in `config_keys` and has attributes of those names; then `load`, `save_config` and the
printed form need no further code. Must not know any particular module, nor how a whole checkpoint is put together.
"""

from __future__ import annotations

import inspect
import json
import logging
import os
import warnings
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from torch import Tensor, nn

from sensorium.errors import CheckpointError, SensoriumError
from sensorium.hub.checkpoint import Checkpoint
from sensorium.modules.weights import PICKLE_NAME, SAFETENSORS_NAME, fill_module, read_state_dict, write_weights

if TYPE_CHECKING:
    from typing_extensions import Self

logger = logging.getLogger(__name__)

_RENAMED_METHODS = {
    "get_sentence_embedding_dimension": "get_embedding_dimension",
    "get_word_embedding_dimension": "get_embedding_dimension",
}

_Loaded = TypeVar("_Loaded", bound=nn.Module)


class Module(nn.Module, ABC):
    """A part of a model.

    Attributes:
        config_file_name: Name of its configuration file.
        config_keys: Attributes that the file holds, under the same names.
        config_key_renames: Names in older files -> names now.
        save_in_root: Whether, as the first module, it is saved in the checkpoint's own folder.
        forward_kwargs: Keyword arguments of `encode` that its `forward` wants.
        peer_type: Type name that Sentence Transformers writes for it in `modules.json`.
    """

    config_file_name: str = "config.json"
    config_keys: list[str] = []  # noqa: RUF012 - the compatible interface has plain class attributes here
    config_key_renames: dict[str, str] = {}  # noqa: RUF012
    save_in_root: bool = False
    forward_kwargs: set[str] = set()  # noqa: RUF012
    peer_type: ClassVar[str | None] = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)

    @abstractmethod
    def forward(self, features: dict[str, Tensor | Any], **kwargs: Any) -> dict[str, Tensor | Any]:
        """Add this module's result to the features.

        Args:
            features: What the modules before it made. Changed in place.
            **kwargs: Those of `forward_kwargs` that the caller gave.

        Returns:
            The features.
        """

    @abstractmethod
    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        """Write configuration and weights into a folder.

        Args:
            output_path: An existing folder.
            *args: For subclasses.
            safe_serialization: Whether weights are written as safetensors.
            **kwargs: For subclasses.
        """

    def get_config_dict(self) -> dict[str, Any]:
        """Return what the configuration file holds."""
        return {key: getattr(self, key) for key in self.config_keys}

    def on_model_ready(self, model: Any) -> None:
        """Called once with the whole model, when it is put together. Does nothing unless overridden."""

    @classmethod
    def load(
        cls,
        model_name_or_path: str,
        subfolder: str = "",
        token: bool | str | None = None,
        cache_folder: str | None = None,
        revision: str | None = None,
        local_files_only: bool = False,
        init_defaults: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Load the module from a checkpoint.

        Args:
            model_name_or_path: Folder, or name on the hub.
            subfolder: Where in the checkpoint the module lies.
            token: Hub token.
            cache_folder: Where the hub's files are kept.
            revision: Branch, tag or commit.
            local_files_only: Ask no hub.
            init_defaults: Constructor arguments where the checkpoint states none.
            **kwargs: Ignored here; subclasses may read more.

        Raises:
            CheckpointError: The checkpoint's files are malformed, or state too little to build the module.
            ModelError: The hub answered with an error.
        """
        hub_kwargs: dict[str, Any] = {
            "subfolder": subfolder,
            "token": token,
            "cache_folder": cache_folder,
            "revision": revision,
            "local_files_only": local_files_only,
        }
        config = cls.load_config(model_name_or_path, **hub_kwargs)
        return cls._from_config(config, f"{model_name_or_path}/{subfolder}", init_defaults)

    @classmethod
    def load_config(
        cls,
        model_name_or_path: str,
        subfolder: str = "",
        config_filename: str | None = None,
        token: bool | str | None = None,
        cache_folder: str | None = None,
        revision: str | None = None,
        local_files_only: bool = False,
    ) -> dict[str, Any]:
        """Read the configuration file, with older key names replaced; `{}` if there is none.

        Raises:
            CheckpointError: The file is not JSON, or holds something else than an object.
        """
        checkpoint = Checkpoint(str(model_name_or_path), revision, token, cache_folder, local_files_only)
        config = checkpoint.read_json(subfolder, config_filename or cls.config_file_name)
        for old, new in cls.config_key_renames.items():
            if old in config:
                value = config.pop(old)
                config.setdefault(new, value)
        return config

    @staticmethod
    def load_file_path(
        model_name_or_path: str,
        filename: str,
        subfolder: str = "",
        token: bool | str | None = None,
        cache_folder: str | None = None,
        revision: str | None = None,
        local_files_only: bool = False,
    ) -> str | None:
        """Find a file of the checkpoint, fetching it if need be; None if there is none."""
        checkpoint = Checkpoint(str(model_name_or_path), revision, token, cache_folder, local_files_only)
        path = checkpoint.find_file(subfolder, filename)
        return None if path is None else str(path)

    @staticmethod
    def load_dir_path(
        model_name_or_path: str,
        subfolder: str = "",
        token: bool | str | None = None,
        cache_folder: str | None = None,
        revision: str | None = None,
        local_files_only: bool = False,
    ) -> str | None:
        """Find a folder of the checkpoint with all its files, fetching them if need be; None if there is none."""
        checkpoint = Checkpoint(str(model_name_or_path), revision, token, cache_folder, local_files_only)
        path = checkpoint.find_folder(subfolder)
        return None if path is None else str(path)

    @classmethod
    def load_torch_weights(
        cls,
        model_name_or_path: str,
        subfolder: str = "",
        token: bool | str | None = None,
        cache_folder: str | None = None,
        revision: str | None = None,
        local_files_only: bool = False,
        model: _Loaded | None = None,
    ) -> _Loaded | dict[str, Tensor]:
        """Read the weights, from `model.safetensors` or else from `pytorch_model.bin`.

        Args:
            model_name_or_path: As in `load`.
            subfolder: As in `load`.
            token: As in `load`.
            cache_folder: As in `load`.
            revision: As in `load`.
            local_files_only: As in `load`.
            model: A module to fill; every name and shape must fit.

        Returns:
            `model` filled, or without one the weights by name, on the CPU.

        Raises:
            WeightsError: The weights do not fit, or cannot be read. A `CheckpointError` and a `RuntimeError`.
            CheckpointError: There is no weight file.
        """
        checkpoint = Checkpoint(str(model_name_or_path), revision, token, cache_folder, local_files_only)
        path = checkpoint.find_file(subfolder, SAFETENSORS_NAME) or checkpoint.find_file(subfolder, PICKLE_NAME)
        if path is None:
            raise CheckpointError(
                f"Could not find {SAFETENSORS_NAME!r} or {PICKLE_NAME!r} in the folder {subfolder!r} of the checkpoint "
                f"{str(model_name_or_path)!r}. Download the checkpoint again, or save it with its weights.",
                model=str(model_name_or_path),
            )
        state = read_state_dict(path)
        if model is None:
            return state
        fill_module(model, state, str(path))
        return model

    def save_config(self, output_path: str, filename: str | None = None) -> None:
        """Write the configuration file into a folder."""
        path = os.path.join(output_path, filename or self.config_file_name)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(self.get_config_dict(), file, indent=4)

    def save_torch_weights(self, output_path: str, safe_serialization: bool = True) -> None:
        """Write the weights into a folder, as `model.safetensors` or `pytorch_model.bin`."""
        write_weights(self, output_path, safe_serialization)

    @classmethod
    def _from_config(cls, config: dict[str, Any], source: str, defaults: dict[str, Any] | None = None) -> Self:
        """Construct from a configuration; keys that the constructor does not take are warned about and left out."""
        parameters = inspect.signature(cls).parameters
        takes_any = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values())
        unknown = [] if takes_any else sorted(set(config) - set(parameters))
        if unknown:
            logger.warning(
                "Ignoring the key(s) %s in %s of %s: this version of %s does not know them.",
                unknown,
                cls.config_file_name,
                source,
                cls.__name__,
            )
        arguments = {**(defaults or {}), **{key: value for key, value in config.items() if key not in unknown}}
        required = [
            name
            for name, parameter in parameters.items()
            if parameter.default is parameter.empty
            and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
        ]
        missing = [name for name in required if name not in arguments]
        if missing:
            raise CheckpointError(
                f"The checkpoint {source!r} does not state {missing} for {cls.__name__}: {cls.config_file_name} is "
                "absent or incomplete. Download or save the checkpoint again.",
                model=source,
            )
        try:
            return cls(**arguments)
        except (TypeError, ValueError, KeyError, AttributeError) as exc:
            if isinstance(exc, SensoriumError):
                raise
            raise CheckpointError(
                f"{cls.config_file_name} of {source!r} holds something that {cls.__name__} cannot be built from: "
                f"{exc}. Correct the file, or download or save the checkpoint again.",
                model=source,
            ) from exc

    def __getattr__(self, name: str) -> Any:
        current = _RENAMED_METHODS.get(name)
        if current is not None and hasattr(type(self), current):
            warnings.warn(f"The method `{name}` has been renamed to `{current}`.", FutureWarning, stacklevel=2)
            return getattr(self, current)
        return super().__getattr__(name)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.get_config_dict()})"
