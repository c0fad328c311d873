"""`Dense`: one linear layer with an activation, from one feature to another. Must not know what the features mean."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from sensorium.errors import InputError
from sensorium.modules.activations import activation_path, load_activation
from sensorium.modules.module import Module

if TYPE_CHECKING:
    from typing_extensions import Self

logger = logging.getLogger(__name__)

_TANH = nn.Tanh()


class Dense(Module):
    """Compute `activation(linear(x))`, plus `x` itself with `use_residual`.

    Args:
        in_features: Width of the input.
        out_features: Width of the output.
        bias: Whether the layer adds a bias.
        activation_function: Applied to the layer's output; None means `Identity`.
        init_weight: First weights, `[out_features, in_features]`.
        init_bias: First bias, `[out_features]`.
        module_input_name: Feature to read, `[..., in_features]`.
        module_output_name: Feature to write, `[..., out_features]`; None means the same.
        use_residual: Add the input to the activation's output, through a linear layer of its own where widths differ.
    """

    config_keys: list[str] = [  # noqa: RUF012
        "in_features",
        "out_features",
        "bias",
        "activation_function",
        "module_input_name",
        "module_output_name",
        "use_residual",
    ]
    peer_type = "sentence_transformers.base.modules.dense.Dense"

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        activation_function: Callable[[Tensor], Tensor] | None = _TANH,
        init_weight: Tensor | None = None,
        init_bias: Tensor | None = None,
        module_input_name: str = "sentence_embedding",
        module_output_name: str | None = None,
        use_residual: bool = False,
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.bias = bias
        self.activation_function = nn.Identity() if activation_function is None else activation_function
        self.module_input_name = module_input_name
        self.module_output_name = module_output_name or module_input_name
        self.use_residual = use_residual
        self.linear = nn.Linear(in_features, out_features, bias=bias)
        if use_residual:
            has_own_layer = in_features != out_features
            self.residual = nn.Linear(in_features, out_features, bias=False) if has_own_layer else nn.Identity()
        if init_weight is not None:
            self.linear.weight = nn.Parameter(torch.as_tensor(init_weight))
        if init_bias is not None:
            self.linear.bias = nn.Parameter(torch.as_tensor(init_bias))

    def forward(self, features: dict[str, Tensor | Any], **kwargs: Any) -> dict[str, Tensor | Any]:
        """Write the layer's output."""
        if self.module_input_name not in features:
            raise InputError(
                f"Dense reads the feature {self.module_input_name!r}, and the modules before it made only "
                f"{sorted(features)}. Set module_input_name to one of those."
            )
        inputs = features[self.module_input_name]
        outputs = self.activation_function(self.linear(inputs))
        features[self.module_output_name] = outputs + self.residual(inputs) if self.use_residual else outputs
        return features

    def get_embedding_dimension(self) -> int:
        """Return the width of the output."""
        return self.out_features

    def get_config_dict(self) -> dict[str, Any]:
        """Return what `config.json` holds; `use_residual` only where it is on, for older readers."""
        config = super().get_config_dict()
        config["activation_function"] = activation_path(self.activation_function)
        if not self.use_residual:
            del config["use_residual"]
        return config

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        """Write configuration and weights."""
        self.save_config(output_path)
        self.save_torch_weights(output_path, safe_serialization=safe_serialization)

    @classmethod
    def load(
        cls,
        model_name_or_path: str,
        subfolder: str = "",
        token: bool | str | None = None,
        cache_folder: str | None = None,
        revision: str | None = None,
        local_files_only: bool = False,
        trust_remote_code: bool = False,
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
            trust_remote_code: Whether an activation other than those of `torch.nn` may be imported. Without it, the
                default (`Tanh`) takes its place, with a warning.
            init_defaults: Constructor arguments where the checkpoint states none.
            **kwargs: Ignored.

        Raises:
            CheckpointError: The files are malformed, incomplete or do not fit.
        """
        hub_kwargs: dict[str, Any] = {
            "subfolder": subfolder,
            "token": token,
            "cache_folder": cache_folder,
            "revision": revision,
            "local_files_only": local_files_only,
        }
        config = cls.load_config(model_name_or_path, **hub_kwargs)
        if "activation_function" in config:
            path = config.pop("activation_function")
            activation = load_activation(path, trust_remote_code)
            if activation is not None:
                config["activation_function"] = activation
            else:
                logger.warning(
                    "Activation function path %r is not trusted, falling back to the default (Tanh). Load the model "
                    "with trust_remote_code=True to import it.",
                    path,
                )
        module = cls._from_config(config, f"{model_name_or_path}/{subfolder}", init_defaults)
        cls.load_torch_weights(model_name_or_path, model=module, **hub_kwargs)
        return module
