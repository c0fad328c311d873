"""`Normalize`: vectors of length one. Must not know which module made the vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from sensorium.modules.module import Module
from sensorium.modules.precision import widen

if TYPE_CHECKING:
    from typing_extensions import Self


class Normalize(Module):
    """Divide each vector by its Euclidean length.

    Lengths are computed in float32 for half-precision vectors, which come back in their own type. A vector of zeros
    stays zero. Features without the input name pass unchanged.

    Args:
        module_input_name: Feature to read, `[..., dim]`.
        module_output_name: Feature to write; None means the same.
    """

    config_keys: list[str] = ["module_input_name", "module_output_name"]  # noqa: RUF012
    peer_type = "sentence_transformers.base.modules.normalize.Normalize"

    def __init__(self, module_input_name: str = "sentence_embedding", module_output_name: str | None = None) -> None:
        super().__init__()
        self.module_input_name = module_input_name
        self.module_output_name = module_output_name or module_input_name

    def forward(self, features: dict[str, Tensor | Any], **kwargs: Any) -> dict[str, Tensor | Any]:
        """Write the normalised vectors."""
        vectors = features.get(self.module_input_name)
        if vectors is not None:
            normalized = torch.nn.functional.normalize(widen(vectors), p=2, dim=-1)
            features[self.module_output_name] = normalized.to(vectors.dtype)
        return features

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        """Write the configuration."""
        self.save_config(output_path)

    @classmethod
    def load(
        cls,
        model_name_or_path: str = "",
        subfolder: str = "",
        token: bool | str | None = None,
        cache_folder: str | None = None,
        revision: str | None = None,
        local_files_only: bool = False,
        **kwargs: Any,
    ) -> Self:
        """Load the module; as in older checkpoints, there need be no file, nor even a folder."""
        if not model_name_or_path:
            return cls()
        return super().load(model_name_or_path, subfolder, token, cache_folder, revision, local_files_only, **kwargs)
