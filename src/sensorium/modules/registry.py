"""From the type names that checkpoints carry to our classes, and back.

A type name is a dotted path in the library that wrote the checkpoint. Names of that library, old and new, are matched
by
their last part, so no moved module breaks a checkpoint; any other name is somebody's code, and is imported only with
`trust_remote_code`. Must not know how a whole checkpoint is loaded.
"""

from __future__ import annotations

import importlib
import inspect
import logging
from typing import TYPE_CHECKING, Any

from sensorium.errors import CheckpointError, NotBuiltError
from sensorium.hub.checkpoint import Checkpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

logger = logging.getLogger(__name__)

#: Class name -> file in this room that defines it. `Asym` is the older name of `Router`.
HOMES: dict[str, str] = {
    "Transformer": "transformer",
    "MLMTransformer": "mlm_transformer",
    "CLIPModel": "clip_model",
    "Pooling": "pooling",
    "Dense": "dense",
    "Normalize": "normalize",
    "Router": "router",
    "Asym": "router",
    "StaticEmbedding": "static_embedding",
    "LayerNorm": "layer_norm",
    "Dropout": "dropout",
    "WeightedLayerPooling": "weighted_layer_pooling",
    "WordEmbeddings": "word_embeddings",
    "WordWeights": "word_weights",
    "CNN": "cnn",
    "LSTM": "lstm",
    "BoW": "bow",
    "LogitScore": "logit_score",
}

#: Prefixes of type names that mean a class of the compatible library, not somebody's code.
_OUR_PREFIXES = ("sentence_transformers.", "sensorium.")

#: Package under which `transformers` imports the code of checkpoints (its `TRANSFORMERS_DYNAMIC_MODULE_NAME`).
_CARRIED_CODE = "transformers_modules."


def resolve_module_class(
    reference: str,
    model_name_or_path: str | None = None,
    trust_remote_code: bool = False,
    revision: str | None = None,
    code_revision: str | None = None,
    module_classes: Mapping[str, type[nn.Module]] | None = None,
) -> type[nn.Module]:
    """Find the class that a checkpoint's type name means.

    Args:
        reference: As in `modules.json`.
        model_name_or_path: The checkpoint, for code that it carries.
        trust_remote_code: Whether code that is not ours may be imported.
        revision: The checkpoint's revision.
        code_revision: Revision of the code, where it differs.
        module_classes: Classes to use for some names, whatever they say.

    Raises:
        CheckpointError: The class is not ours and not trusted, or cannot be imported.
        NotBuiltError: It is a class of the compatible interface that this release lacks.
    """
    if module_classes and reference in module_classes:
        return module_classes[reference]
    if reference.startswith(_OUR_PREFIXES):
        name = reference.rsplit(".", 1)[1]
        if name not in HOMES:
            raise NotBuiltError(f"The checkpoint contains a module of type {reference!r}, which is not built yet.")
        return getattr(importlib.import_module(f"sensorium.modules.{HOMES[name]}"), _current_name(name))
    if not trust_remote_code:
        raise CheckpointError(
            f"The checkpoint {model_name_or_path!r} contains a module of type {reference!r}, which is not part of "
            f"Sensorium. Loading it "
            "runs code from the checkpoint or your environment. Read that code, then pass trust_remote_code=True.",
            model=model_name_or_path,
        )
    return _import_foreign(reference, model_name_or_path, code_revision or revision)


def type_name(module: nn.Module) -> str:
    """Return the name to write into `modules.json`, one that the compatible library knows."""
    cls = type(module)
    stated = cls.__dict__.get("peer_type")
    if stated is not None:
        return stated
    place = cls.__module__.rpartition(".")[2] if is_carried_code(module) else cls.__module__
    return f"{place}.{cls.__qualname__}"


def is_carried_code(module: nn.Module) -> bool:
    """Tell whether a module's class came out of a checkpoint, so that its file belongs into the next one."""
    return type(module).__module__.startswith(_CARRIED_CODE)


def _current_name(name: str) -> str:
    return {"Asym": "Router"}.get(name, name)


def _import_foreign(reference: str, name_or_path: str | None, revision: str | None) -> type[nn.Module]:
    """Import a trusted class: from the checkpoint's own files first, then from the environment."""
    from transformers.dynamic_module_utils import get_class_from_dynamic_module

    if name_or_path is not None:
        try:
            return get_class_from_dynamic_module(reference, name_or_path, code_revision=revision)
        except (OSError, ValueError) as exc:
            logger.debug("No file of the checkpoint defines %s: %s", reference, exc)
    module, _, name = reference.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as exc:
        raise CheckpointError(
            f"The module type {reference!r} can be imported neither from the checkpoint nor from the environment: "
            f"{exc}.",
            model=name_or_path,
        ) from exc


def load_module(cls: Any, model_name_or_path: str, subfolder: str, **kwargs: Any) -> nn.Module:
    """Load one module, whatever form its `load` has.

    Args:
        cls: The module's class.
        model_name_or_path: Folder or hub name of the checkpoint.
        subfolder: Where in it the module lies.
        **kwargs: `token`, `cache_folder`, `revision`, `local_files_only`, `trust_remote_code`, `model_kwargs`,
            `processor_kwargs`, `config_kwargs`, `backend`. A class whose `load` is of the older form, with one
            parameter, is constructed with them if it is a transformer, else its `load` gets a local folder.

    Raises:
        CheckpointError: There is no such folder.
    """
    parameters = inspect.signature(cls.load).parameters
    if len(parameters) > 1:
        return cls.load(model_name_or_path, subfolder=subfolder, **kwargs)
    # Imported here: it imports `transformers`, which a checkpoint of word vectors need not wait for.
    from sensorium.modules import transformer_config

    if transformer_config.takes_loading_arguments(cls):
        return _construct_transformer(cls, model_name_or_path, subfolder, kwargs)
    places = {key: kwargs.get(key) for key in ("revision", "token", "cache_folder")}
    checkpoint = Checkpoint(model_name_or_path, local_files_only=bool(kwargs.get("local_files_only")), **places)
    folder = checkpoint.find_folder(subfolder) if subfolder else checkpoint.find_folder()
    if folder is None:
        raise CheckpointError(
            f"The checkpoint {model_name_or_path!r} has no folder {subfolder!r}.", model=model_name_or_path
        )
    return cls.load(str(folder))


def _construct_transformer(cls: Any, name_or_path: str, subfolder: str, kwargs: Mapping[str, Any]) -> nn.Module:
    """Construct a third party's transformer, whose `load` has no room for what it has to be told."""
    from sensorium.modules import transformer_config

    places = {key: kwargs.get(key) for key in ("token", "revision", "local_files_only", "trust_remote_code")}
    places = {**places, "cache_dir": kwargs.get("cache_folder"), "subfolder": subfolder}
    folder = transformer_config.find_folder(name_or_path, subfolder) if subfolder else None
    if folder is not None:
        name_or_path, places["subfolder"] = folder, ""
    overrides = {key: kwargs.get(key) for key in ("model_kwargs", "processor_kwargs", "config_kwargs")}
    arguments = transformer_config.read_foreign_arguments(cls, name_or_path, places, overrides)
    if "backend" in inspect.signature(cls).parameters:
        arguments["backend"] = kwargs.get("backend", "torch")
    return cls(name_or_path, **arguments)
