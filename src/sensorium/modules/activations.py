"""Activation functions that a checkpoint names by dotted path.

A checkpoint is data: it may choose among the activations of `torch.nn`, and nothing else. Any other path is code that
somebody must trust first. Must not know which module uses the activation.
"""

from __future__ import annotations

import importlib
import inspect
import logging
import re
from collections.abc import Callable
from typing import Any

from torch import nn

from sensorium.errors import CheckpointError

logger = logging.getLogger(__name__)

#: `torch.nn.ReLU` and, as older releases wrote it, `torch.nn.modules.activation.ReLU`.
_TORCH_PATH = re.compile(r"torch\.nn\.(?:modules\.(?:activation|linear)\.)?(\w+)")


def load_activation(path: str | None, trust_remote_code: bool = False) -> Callable[..., Any] | None:
    """Build the activation that a checkpoint names.

    Args:
        path: Dotted path; None means none (`Identity`).
        trust_remote_code: Whether a path outside of the activations of `torch.nn` may be imported.

    Returns:
        The activation, or None if the path is not trusted, which is for the caller to warn about.

    Raises:
        CheckpointError: A trusted path cannot be imported, or its class cannot be built without arguments.
    """
    if path is None:
        return nn.Identity()
    activation = _find_in_torch(str(path))
    if activation is not None:
        return activation()
    return _import(str(path)) if trust_remote_code else None


def activation_path(activation: Any) -> str:
    """Return the dotted path to write for an activation: of its class, or of itself if it is a function."""
    named = activation if inspect.isfunction(activation) or inspect.isbuiltin(activation) else type(activation)
    module = named.__module__
    return named.__qualname__ if module in (None, "builtins") else f"{module}.{named.__qualname__}"


def class_path(activation: Any) -> str:
    """Return the dotted path of an activation's class. That of a function leads nowhere, and no reader follows it."""
    cls = type(activation)
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


def _find_in_torch(path: str) -> type[nn.Module] | None:
    match = _TORCH_PATH.fullmatch(path)
    found = getattr(nn, match.group(1), None) if match else None
    if not inspect.isclass(found) or not issubclass(found, nn.Module):
        return None
    if found is not nn.Identity and found.__module__ != "torch.nn.modules.activation":
        return None
    needed = [
        parameter
        for parameter in inspect.signature(found).parameters.values()
        if parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    return None if needed else found


def _import(path: str) -> Callable[..., Any]:
    module, _, name = path.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
        activation: Any = found() if inspect.isclass(found) else found
    except (ImportError, AttributeError, ValueError, TypeError) as exc:
        raise CheckpointError(
            f"The activation function {path!r} that the checkpoint names cannot be built: {exc}. Install the package "
            "that defines it, or correct the checkpoint's configuration."
        ) from exc
    if not callable(activation):
        raise CheckpointError(f"The activation function {path!r} that the checkpoint names is not callable.")
    built: Callable[..., Any] = activation
    return built
