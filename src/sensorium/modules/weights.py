"""Weight files of a module, read and written safely: safetensors first, pickles only with `weights_only`.

Must not know which modules there are, nor where the files come from.
"""

from __future__ import annotations

import os
import pickle
import struct
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_model

from sensorium.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn

SAFETENSORS_NAME = "model.safetensors"
PICKLE_NAME = "pytorch_model.bin"

#: What the two readers raise on damaged files, found by feeding them thousands.
_UNREADABLE = (
    SafetensorError,
    pickle.UnpicklingError,
    struct.error,
    EOFError,
    RuntimeError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
)


class WeightsError(CheckpointError, RuntimeError):
    """The weights of a checkpoint do not fit the module, or cannot be read.

    Also a `RuntimeError`, which `load_state_dict` raises and existing code catches.
    """

    def __str__(self) -> str:
        return str(self.args[0])


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Read a weight file onto the CPU.

    Args:
        path: A `.safetensors` file, or a pickle that holds only tensors.

    Raises:
        WeightsError: The file is damaged, or holds more than tensors.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except _UNREADABLE as exc:
        raise WeightsError(
            f"The weights in {str(path)!r} cannot be read: {exc!r}. The file is damaged, or holds objects other than "
            "tensors, which are never loaded. Download it again, or save the model with safe_serialization=True.",
            model=str(path.parent),
        ) from exc
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise WeightsError(
            f"The weights in {str(path)!r} are not a dictionary of tensors. Save the model's state_dict().",
            model=str(path.parent),
        )
    return dict(state)


def fill_module(module: nn.Module, state: Mapping[str, Tensor], source: str) -> None:
    """Copy weights into a module; every name and shape must fit.

    A name that another name shares its tensor with (tied weights) may be absent from `state`, as safetensors files keep
    one of them.

    Raises:
        WeightsError: Names are missing or unexpected, or shapes differ. The module may be partly filled.
    """
    try:
        missing, unexpected = module.load_state_dict(state, strict=False)
    except RuntimeError as exc:  # shapes differ
        raise WeightsError(
            f"The weights in {source!r} do not fit {type(module).__name__}: {exc}", model=source
        ) from exc
    missing = [name for name in missing if not _is_tied(module, name, state)]
    if missing or unexpected:
        raise WeightsError(
            f"The weights in {source!r} do not fit {type(module).__name__}: missing {sorted(missing)}, unexpected "
            f"{sorted(unexpected)}. Configuration and weights are of different models, or a file is incomplete.",
            model=source,
        )


def write_weights(module: nn.Module, folder: str, safe_serialization: bool) -> None:
    """Write a module's weights into a folder.

    The weight file of the other format is removed, for a reader would take the old weights from it.

    Args:
        module: Whose `state_dict` is written.
        folder: Must exist.
        safe_serialization: `model.safetensors` if true, else `pytorch_model.bin`.
    """
    names = (SAFETENSORS_NAME, PICKLE_NAME) if safe_serialization else (PICKLE_NAME, SAFETENSORS_NAME)
    path, stale = (os.path.join(folder, name) for name in names)
    if safe_serialization:
        save_model(module, path)
    else:
        torch.save(module.state_dict(), path)
    if os.path.exists(stale):
        os.remove(stale)


def _is_tied(module: nn.Module, name: str, state: Mapping[str, Tensor]) -> bool:
    own = module.state_dict(keep_vars=True)
    return any(own[name] is own[other] for other in state if other in own)
