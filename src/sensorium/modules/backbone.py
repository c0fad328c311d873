"""Load the neural network of a checkpoint with `transformers`: configuration, model class, adapters.

Trade-off: `transformers` defines and loads every network, so its import time (seconds) and its memory habits are ours
too. Must not know about inputs, processors or pooling.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
from typing import TYPE_CHECKING, Any

import transformers
from transformers import AutoConfig
from transformers.utils import find_adapter_config_file

from sensorium._optional import require
from sensorium.errors import CheckpointError, NotBuiltError
from sensorium.modules.foreign_errors import explain_loading
from sensorium.modules.tasks import ENCODER_CLASSES, TASKS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from transformers import PretrainedConfig, PreTrainedModel

logger = logging.getLogger(__name__)

#: Arguments that locate an adapter, and would be wrong for the model that it adapts.
_ADAPTER_ONLY = frozenset({"revision", "subfolder"})


def check_backend(backend: str) -> None:
    """Raise unless `backend` is `"torch"`: the compiled back ends are part of the interface, not of this release."""
    if backend in ("onnx", "openvino"):
        raise NotBuiltError(f'backend="{backend}" is not built yet. Use backend="torch", the default.')
    if backend != "torch":
        raise CheckpointError(f"Unsupported backend {backend!r}. Supported here: 'torch'.")


def load_config(name_or_path: str, config_kwargs: Mapping[str, Any]) -> tuple[PretrainedConfig, bool]:
    """Load a checkpoint's configuration.

    Args:
        name_or_path: Folder or hub name.
        config_kwargs: Passed to `AutoConfig.from_pretrained`.

    Returns:
        The configuration (of the base model where the checkpoint is an adapter), and whether it is an adapter.

    Raises:
        MissingExtraError: The checkpoint is an adapter and `peft` is absent.
        CheckpointError: The file is damaged, or needs code that is not trusted.
    """
    with explain_loading(name_or_path, "configuration"):
        return _load_config(name_or_path, config_kwargs)


def _load_config(name_or_path: str, config_kwargs: Mapping[str, Any]) -> tuple[PretrainedConfig, bool]:
    places = ("cache_dir", "token", "revision", "subfolder", "local_files_only")
    adapter = find_adapter_config_file(
        name_or_path, **{key: config_kwargs[key] for key in places if config_kwargs.get(key) is not None}
    )
    if adapter is None:
        return AutoConfig.from_pretrained(name_or_path, **config_kwargs), False
    peft = require("peft", "loading a PEFT adapter")
    base = peft.PeftConfig.from_pretrained(name_or_path, **config_kwargs).base_model_name_or_path
    base_kwargs = {key: value for key, value in config_kwargs.items() if key not in _ADAPTER_ONLY}
    return AutoConfig.from_pretrained(base, **base_kwargs), True


def load_backbone(
    name_or_path: str, task: str, config: PretrainedConfig, is_adapter: bool, model_kwargs: Mapping[str, Any]
) -> PreTrainedModel:
    """Load the network itself.

    Args:
        name_or_path: Folder or hub name.
        task: A key of `TASKS`.
        config: From `load_config`.
        is_adapter: From `load_config`.
        model_kwargs: Passed to `from_pretrained` (`dtype`, `attn_implementation`, `device_map`, ...).

    Returns:
        The model in evaluation mode.

    Raises:
        CheckpointError: The files are damaged, absent, or need code that is not trusted.
    """
    kwargs = dict(model_kwargs)
    if is_adapter:
        kwargs.pop("revision", None)  # it names the adapter
    with explain_loading(name_or_path, "network"):
        return _load_network(name_or_path, task, config, kwargs)


def _load_network(name_or_path: str, task: str, config: PretrainedConfig, kwargs: dict[str, Any]) -> PreTrainedModel:
    if task == "feature-extraction" and config.model_type in ENCODER_CLASSES:
        return _load_encoder(name_or_path, config, kwargs)
    auto_class = TASKS[task].auto_class
    model_class = _retrieval_class(config) if auto_class is None else getattr(transformers, auto_class)
    return model_class.from_pretrained(name_or_path, config=config, **kwargs)


def sub_configs(config: PretrainedConfig) -> list[PretrainedConfig]:
    """List a configuration and those nested in it."""
    found = [config]
    for name in getattr(config, "sub_configs", {}):
        nested = getattr(config, name, None)
        if nested is not None and hasattr(nested, "to_dict"):
            found.extend(sub_configs(nested))
    return found


def switch_off_cache(config: PretrainedConfig, config_kwargs: Mapping[str, Any]) -> dict[int, bool]:
    """Keep decoders from building a key-value cache that an embedding never reads.

    Args:
        config: Changed in place, with its sub-configurations.
        config_kwargs: What the caller asked for; a `use_cache` there is left alone.

    Returns:
        The former settings by position in `sub_configs(config)`, for `restore_cache`.
    """
    former: dict[int, bool] = {}
    if "use_cache" in config_kwargs:
        return former
    for position, nested in enumerate(sub_configs(config)):
        if getattr(nested, "use_cache", None):
            former[position] = nested.use_cache
            nested.use_cache = False
    return former


@contextlib.contextmanager
def restore_cache(config: PretrainedConfig, former: Mapping[int, bool]) -> Iterator[None]:
    """Put the former cache settings back while a checkpoint is written, so that saving changes nothing."""
    nested = sub_configs(config)
    for position, value in former.items():
        nested[position].use_cache = value
    try:
        yield
    finally:
        for position in former:
            nested[position].use_cache = False


def _load_encoder(name_or_path: str, config: PretrainedConfig, kwargs: dict[str, Any]) -> PreTrainedModel:
    """Load the encoder half of an encoder-decoder; the decoder's weights are left in the file."""
    name = ENCODER_CLASSES[config.model_type]
    model_class = getattr(transformers, name, None)
    overrides: dict[str, Any] = {"_keys_to_ignore_on_load_unexpected": [r"decoder.*"]}
    if model_class is None:
        family = config.model_type.removesuffix("_text").replace("-", "_")
        module = importlib.import_module(f"transformers.models.{family}.modeling_{family}")
        model_class = getattr(module, name)
    if config.model_type == "t5gemma":
        config.is_encoder_decoder = False
    if config.model_type == "t5gemma2":
        config = config.encoder
        overrides["base_model_prefix"] = "model.encoder"
    # A subclass carries the loading rules, so that the library's own class is left as it is.
    loader: Any = type(model_class.__name__, (model_class,), {**overrides, "__module__": model_class.__module__})
    model, report = loader.from_pretrained(name_or_path, config=config, output_loading_info=True, **kwargs)
    if report["missing_keys"]:
        # The file names the encoder's weights as part of a larger model, in a way that this class does not expect.
        whole = transformers.AutoModel.from_pretrained(name_or_path, config=config, **kwargs)
        return whole.get_encoder()
    model.__class__ = model_class
    return model


def _retrieval_class(config: PretrainedConfig) -> type[PreTrainedModel]:
    from transformers.models.auto.modeling_auto import MODEL_FOR_RETRIEVAL_MAPPING

    if type(config) in MODEL_FOR_RETRIEVAL_MAPPING:
        return MODEL_FOR_RETRIEVAL_MAPPING[type(config)]
    for architecture in config.architectures or []:
        if hasattr(transformers, architecture):
            return getattr(transformers, architecture)
    if "AutoModel" in (getattr(config, "auto_map", None) or {}):
        return transformers.AutoModel
    raise CheckpointError(
        f"No retrieval model class is known for model type {config.model_type!r}. The task 'retrieval' expects a "
        "*ForRetrieval architecture, such as ColPali or ColQwen2."
    )
