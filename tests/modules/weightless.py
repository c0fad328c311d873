"""Load either library's Transformer over a configuration alone: real model classes, no weights, any processor.

`from_pretrained` of the networks and of the processors is replaced for a while; everything else is the libraries' own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoProcessor, PreTrainedModel

from tests.compat.peer import quiet


@contextlib.contextmanager
def weightless(processor: Any) -> Iterator[None]:
    """Make every network without memory, on the meta device, and every processor this one."""

    def make(cls: Any, *_: Any, config: Any = None, output_loading_info: bool = False, **__: Any) -> Any:
        with torch.device("meta"):
            model = cls(config).eval()
        report: dict[str, list[str]] = {"missing_keys": [], "unexpected_keys": []}
        return (model, report) if output_loading_info else model

    with pytest.MonkeyPatch.context() as patch, quiet():
        patch.setattr(PreTrainedModel, "from_pretrained", classmethod(make))
        patch.setattr(AutoProcessor, "from_pretrained", classmethod(lambda cls, *_, **__: processor))
        yield


def write_config(folder: Path, model_type: str, **settings: Any) -> str:
    """Write the configuration of a model type into a folder, and return the folder's path."""
    folder.mkdir(exist_ok=True)
    with quiet():
        AutoConfig.for_model(model_type, **settings).save_pretrained(folder)
    return str(folder)
