"""Methods that hand PEFT adapters through to the network inside a model. Must not know anything else of models."""

from __future__ import annotations

from typing import Any

from sensorium.errors import ModelError


class AdapterMethods:
    """Adapter methods of `transformers`, forwarded to `self.transformers_model`."""

    transformers_model: Any

    def _adapted(self) -> Any:
        model = self.transformers_model
        if model is None:
            raise ModelError("PEFT methods are only supported on a model with a Transformer module.")
        return model

    def has_peft_compatible_model(self) -> bool:
        """Tell whether the model can carry adapters."""
        return self.transformers_model is not None

    def check_peft_compatible_model(self) -> None:
        """Raise ModelError unless the model can carry adapters."""
        self._adapted()

    def add_adapter(self, *args: Any, **kwargs: Any) -> None:
        """Add a new adapter; see `transformers.integrations.PeftAdapterMixin.add_adapter`."""
        self._adapted().add_adapter(*args, **kwargs)

    def load_adapter(self, *args: Any, **kwargs: Any) -> None:
        """Load an adapter from a folder or the hub."""
        self._adapted().load_adapter(*args, **kwargs)

    def set_adapter(self, *args: Any, **kwargs: Any) -> None:
        """Choose the active adapter."""
        self._adapted().set_adapter(*args, **kwargs)

    def disable_adapters(self) -> None:
        """Compute without adapters."""
        self._adapted().disable_adapters()

    def enable_adapters(self) -> None:
        """Compute with adapters again."""
        self._adapted().enable_adapters()

    def active_adapters(self) -> list[str]:
        """List the active adapters."""
        return self._adapted().active_adapters()

    def active_adapter(self) -> str:
        """Return the first active adapter."""
        return self._adapted().active_adapters()[0]

    def get_adapter_state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return an adapter's weights."""
        return self._adapted().get_adapter_state_dict(*args, **kwargs)

    def delete_adapter(self, *args: Any, **kwargs: Any) -> None:
        """Remove an adapter."""
        self._adapted().delete_adapter(*args, **kwargs)

    def gradient_checkpointing_enable(
        self, gradient_checkpointing_kwargs: dict[str, Any] | None = None, **kwargs: Any
    ) -> None:
        """Trade compute for memory in the backward pass."""
        self._adapted().gradient_checkpointing_enable(gradient_checkpointing_kwargs)
