"""`WeightedModule`: a module that is wholly described by its configuration and its weights.

Saves as `Module.save_config` and `Module.save_torch_weights` do, and loads both. Must not know any particular module.
"""

from __future__ import annotations

from abc import ABC
from typing import TYPE_CHECKING, Any

from sensorium.modules.module import Module

if TYPE_CHECKING:
    from typing_extensions import Self


class WeightedModule(Module, ABC):
    """Base of modules with weights and without further files."""

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        """Write configuration and weights into a folder."""
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
        """Load configuration and weights; arguments and errors as in `Module.load` and `Module.load_torch_weights`."""
        places = (subfolder, token, cache_folder, revision, local_files_only)
        module = super().load(model_name_or_path, *places, **kwargs)
        cls.load_torch_weights(model_name_or_path, *places, model=module)
        return module
