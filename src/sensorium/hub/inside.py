"""The rule that a path inside a checkpoint stays inside it.

A checkpoint is data that somebody else wrote: `modules.json` names folders, and a name such as `../../.ssh` must not
be followed. Must not know what the files are for, nor where the checkpoint came from.
"""

from __future__ import annotations

import re
from pathlib import Path

from sensorium.errors import CheckpointError

_DRIVE = re.compile(r"^[A-Za-z]:")


def relative_parts(parts: tuple[str, ...], model: str) -> tuple[str, ...]:
    """Split path parts into plain names.

    Args:
        parts: Folder and file names, which may hold `/` or `\\`; empty ones and `.` are left out.
        model: The checkpoint's name, for the error.

    Returns:
        The names, none of which is empty, `.` or `..`.

    Raises:
        CheckpointError: A part is absolute, goes up with `..`, or holds a NUL character.
    """
    names: list[str] = []
    for part in parts:
        text = str(part).replace("\\", "/")
        pieces = [piece for piece in text.split("/") if piece not in ("", ".")]
        if text.startswith("/") or _DRIVE.match(text) or ".." in pieces or "\0" in text:
            raise CheckpointError(
                f"The path {str(part)!r} leaves the checkpoint {model!r}. Paths in modules.json and other "
                "configuration files must be relative and must not contain '..'. Do not use this checkpoint unless "
                "you know who wrote it; if it is yours, correct the path.",
                model=model,
            )
        names.extend(pieces)
    return tuple(names)


def check_inside(path: Path, root: Path, model: str) -> Path:
    """Return `path` unless it is, or goes through, a symbolic link out of the checkpoint.

    The links of the hub's own cache (`snapshots/<commit>/file -> ../../blobs/<digest>`) stay within the repository's
    cache folder and are allowed.

    Args:
        path: An existing file or folder under `root`.
        root: The checkpoint's folder.
        model: The checkpoint's name, for the error.

    Raises:
        CheckpointError: The path's target lies elsewhere.
    """
    target = path.resolve()
    if any(target.is_relative_to(place) for place in _allowed_places(root.resolve())):
        return path
    raise CheckpointError(
        f"{path.relative_to(root).as_posix()!r} in the checkpoint {model!r} is a symbolic link to {str(target)!r}, "
        "outside of the checkpoint. Copy the file into the folder if you trust it.",
        model=model,
    )


def _allowed_places(root: Path) -> tuple[Path, ...]:
    if root.parent.name == "snapshots":
        return root, root.parent.parent / "blobs"
    return (root,)
