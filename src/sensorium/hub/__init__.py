"""Where the files of a checkpoint are: a folder, the hub's local cache, or the hub.

Must not know what is in the files, and must never import torch or transformers; `huggingface_hub` is imported by the
functions that need it.
"""

from __future__ import annotations

from sensorium.hub.builtin import BUILTIN_NOTICE, builtin_model
from sensorium.hub.checkpoint import Checkpoint
from sensorium.hub.names import NotAFolderError, resolve_name
from sensorium.hub.requirements import check_requirements

__all__ = ["BUILTIN_NOTICE", "Checkpoint", "NotAFolderError", "builtin_model", "check_requirements", "resolve_name"]
