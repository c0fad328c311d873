"""Which device a model runs on when nobody says. Must not know models."""

from __future__ import annotations

import os

import torch


def get_device_name() -> str:
    """Return the best device there is: `"cuda:<rank>"`, `"mps"`, `"npu"`, `"xpu"`, `"hpu"` or `"cpu"`.

    The rank is that of the process among those of its machine (`LOCAL_RANK`, or of torch's process group), else 0.
    """
    if torch.cuda.is_available():
        rank = os.environ.get("LOCAL_RANK")
        if rank is None and torch.distributed.is_available() and torch.distributed.is_initialized():
            rank = str(torch.distributed.get_rank() % torch.cuda.device_count())
        return f"cuda:{rank or 0}"
    if torch.backends.mps.is_available():
        return "mps"
    for name in ("npu", "xpu", "hpu"):
        backend = getattr(torch, name, None)
        if backend is not None and backend.is_available():
            return name
    return "cpu"
