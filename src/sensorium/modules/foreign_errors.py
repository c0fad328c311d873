"""What `transformers` and `tokenizers` raise over a checkpoint's files, as this library's errors; the one place for it.

Those libraries raise a dozen types for a damaged file, most of which say neither which checkpoint nor what to do. Must
not know what is loaded.
"""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Iterator

import torch
from safetensors import SafetensorError

from sensorium.errors import CheckpointError, SensoriumError
from sensorium.modules.weights import WeightsError


class CheckpointFileError(CheckpointError, OSError):
    """A file of a checkpoint that is absent or cannot be read. Also an `OSError`, which `transformers` raises."""

    def __str__(self) -> str:
        return str(self.args[0])


@contextlib.contextmanager
def explain_loading(name_or_path: str, part: str) -> Iterator[None]:
    """Translate errors of the block.

    Wrong keyword arguments (`TypeError`), absent packages (`ImportError`) and a lack of memory pass as they are.

    Args:
        name_or_path: The checkpoint.
        part: What is loaded from it, such as `"network"`.

    Raises:
        CheckpointError: The files are damaged, absent, untrusted, or do not fit each other. Of the type that the
            foreign error had, too, where that is `ValueError`, `OSError` or `RuntimeError`.
    """
    try:
        yield
    except (SensoriumError, torch.OutOfMemoryError):
        raise
    except OSError as exc:
        raise CheckpointFileError(_explain(name_or_path, part, exc), model=name_or_path) from exc
    except RecursionError as exc:  # JSON nested too deep
        raise CheckpointError(_explain(name_or_path, part, exc), model=name_or_path) from exc
    except (RuntimeError, SafetensorError, pickle.UnpicklingError, EOFError) as exc:
        raise WeightsError(_explain(name_or_path, part, exc), model=name_or_path) from exc
    except (ValueError, LookupError, AttributeError) as exc:
        raise CheckpointError(_explain(name_or_path, part, exc), model=name_or_path) from exc
    except Exception as exc:
        if type(exc) is not Exception:
            raise
        # The tokenizers library has no error type of its own.
        raise CheckpointError(_explain(name_or_path, part, exc), model=name_or_path) from exc


def _explain(name_or_path: str, part: str, error: BaseException) -> str:
    text = " ".join(str(error).split())
    return (
        f"The {part} of the checkpoint {name_or_path!r} cannot be loaded: {type(error).__name__}: {text} If a file is "
        "damaged or absent, download or save the checkpoint again."
    )
