"""`LayerNorm`: layer normalisation of the sentence embedding. Must not know which module made it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from sensorium.modules.module import Module

if TYPE_CHECKING:
    from typing_extensions import Self


class LayerNorm(Module):
    """Give each vector mean 0 and variance 1, then scale and shift its components.

    Args:
        dimension: Width of the vectors.
    """

    config_keys: list[str] = ["dimension"]  # noqa: RUF012
    peer_type = "sentence_transformers.sentence_transformer.modules.layer_norm.LayerNorm"

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.dimension = dimension
        self.norm = nn.LayerNorm(dimension)

    def forward(self, features: dict[str, Tensor | Any], **kwargs: Any) -> dict[str, Tensor | Any]:
        """Change `sentence_embedding` `[batch, dim]`."""
        features["sentence_embedding"] = self.norm(features["sentence_embedding"])
        return features

    def get_embedding_dimension(self) -> int:
        """Return the width of the vectors."""
        return self.dimension

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
        **kwargs: Any,
    ) -> Self:
        """Load configuration and weights; arguments and errors as in `Module.load`."""
        places = (subfolder, token, cache_folder, revision, local_files_only)
        module = super().load(model_name_or_path, *places, **kwargs)
        return cls.load_torch_weights(model_name_or_path, *places, model=module)
