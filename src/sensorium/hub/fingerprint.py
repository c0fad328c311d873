"""A short name for what a checkpoint's folder holds, so that two folders can be told to be the same model or not.

Trade-off: of a large file only its size, its beginning and its end are read: the beginning of a safetensors file lists
every tensor, and weights that were trained on differ at the end. A file of gigabytes costs milliseconds, and two models
whose weights agree in both places and differ between them are taken for one. Must not know what the files mean.
"""

from __future__ import annotations

import os
from hashlib import blake2b
from pathlib import Path

from sensorium.errors import ModelError

_BEGINNING = 1 << 20
_END = 1 << 16
_DIGEST_BYTES = 16
#: What no vector depends on.
_IGNORED = {".gitattributes", ".gitignore", "README.md", "model_card.md"}


def fingerprint_folder(folder: str | os.PathLike[str]) -> str:
    """Name the content of a checkpoint's folder.

    Args:
        folder: In it, hidden files and folders, and the model card, do not count.

    Returns:
        `folder-` and 32 hexadecimal digits, equal wherever the folder lies.

    Raises:
        ModelError: It cannot be read.

    Source:
        BLAKE2b (RFC 7693).
    """
    root = Path(folder)
    digest = blake2b(digest_size=_DIGEST_BYTES)
    try:
        for name in sorted(_list_files(root)):
            digest.update(f"{name}\0".encode("utf-8", "surrogatepass"))
            digest.update(_read_ends(root / name))
    except OSError as exc:
        raise ModelError(f"The folder of the model {str(root)!r} cannot be read: {exc}.", model=str(root)) from exc
    return f"folder-{digest.hexdigest()}"


def _list_files(root: Path) -> list[str]:
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".") and name != "__pycache__"]
        inside = Path(folder).relative_to(root)
        found += [(inside / name).as_posix() for name in files if not name.startswith(".") and name not in _IGNORED]
    return found


def _read_ends(file: Path) -> bytes:
    size = file.stat().st_size
    with file.open("rb") as opened:
        content = opened.read(_BEGINNING)
        if size > _BEGINNING:
            opened.seek(max(_BEGINNING, size - _END))
            content += opened.read(_END)
    return f"{size}\0".encode() + content
