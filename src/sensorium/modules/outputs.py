"""Between features and a backbone's `forward`: which arguments it takes, which output is read, how wide that is.

Must not know how features were made or what is done with the result.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sensorium.errors import CheckpointError, ModelError

if TYPE_CHECKING:
    import torch
    from torch import nn
    from transformers import PretrainedConfig

#: Features that are the library's own notes, for no network to see unless it names them.
BOOKKEEPING = frozenset(
    [
        "modality",
        "num_images_per_sample",
        "num_videos_per_sample",
        "prompt_length",
        "query_expansion_positions",
        "task",
        "offset_mapping",
        "overflow_to_sample_mapping",
        "special_tokens_mask",
        "route",
    ]
)

#: Arguments that wrapped networks take even where their own signature does not show it.
_ALWAYS_TAKEN = frozenset({"input_ids", "attention_mask", "token_type_ids", "inputs_embeds", "return_dict"})


class MethodArguments:
    """Which features a method of a network takes. Signatures are read once a method."""

    def __init__(self) -> None:
        self._declared: dict[str, tuple[frozenset[str], bool]] = {}

    def select(self, model: nn.Module, method: str, features: Mapping[str, Any]) -> dict[str, Any]:
        """Return those of `features` that `model.<method>` takes."""
        if method not in self._declared:
            parameters = inspect.signature(getattr(unwrap_adapter(model), method)).parameters
            open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
            self._declared[method] = frozenset(parameters), open_ended
        declared, open_ended = self._declared[method]
        if method != "forward":
            return {key: value for key, value in features.items() if key in declared}
        if open_ended:
            return {key: value for key, value in features.items() if key in declared or key not in BOOKKEEPING}
        return {key: value for key, value in features.items() if key in declared or key in _ALWAYS_TAKEN}


def unwrap_adapter(model: nn.Module) -> nn.Module:
    """Return the network inside a PEFT wrapper, or the network itself."""
    inner = getattr(model, "get_base_model", None)
    return inner() if callable(inner) else model


def read_output(output: Any, path: str | Sequence[str | int] | None) -> torch.Tensor:
    """Read a field of a model's output.

    Args:
        output: What the method returned.
        path: A field, a path of fields and indices, or None for the output itself.

    Returns:
        The tensor; a feature map `[batch, channels, height, width]` comes back as `[batch, height * width, channels]`.
    """
    for step in [path] if isinstance(path, str) else path or []:
        output = _step_into(output, step)
    return output.flatten(2).transpose(1, 2) if output.ndim == 4 else output


def wants_hidden_states(path: str | Sequence[str | int] | None) -> bool:
    """Tell whether reading `path` needs every layer's output."""
    return path is not None and "hidden_states" in ([path] if isinstance(path, str) else path)


def _step_into(value: Any, step: str | int) -> Any:
    try:
        return value[step]
    except (KeyError, IndexError, TypeError):
        found = getattr(value, str(step), None)
    if found is None:
        fields = list(value) if isinstance(value, Mapping) else type(value).__name__
        raise ModelError(f"The model's output has no field {step!r}; it has {fields}. Check modality_config.")
    return found


def find_embedding_dimension(config: PretrainedConfig, feature_name: str) -> int:
    """Read the width of a backbone's output from its configuration.

    Raises:
        CheckpointError: No field of the configuration says it.
    """
    if hasattr(config, "num_features") and config.model_type == "timm_wrapper":
        return config.num_features
    nested = [getattr(config, name, None) for name in getattr(config, "sub_configs", {})]
    for candidate in [config, getattr(config, "text_config", None), *nested]:
        width = _width(candidate, feature_name)
        if width is not None:
            return width
    raise CheckpointError(f"Could not determine embedding dimension from the configuration of {config.model_type!r}.")


def _width(config: Any, feature_name: str) -> int | None:
    names = ["projection_dim"] if feature_name == "sentence_embedding" else []
    for name in [*names, "hidden_size", "neck_hidden_sizes", "hidden_sizes", "embed_dims", "hidden_dim"]:
        value = getattr(config, name, None)
        if value is not None:
            return value[-1] if isinstance(value, (list, tuple)) else value
    return None
