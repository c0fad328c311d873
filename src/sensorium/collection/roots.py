"""The folders that a collection was made from, and the keys of the files in them.

A key is a file's path below its folder. The first folder's keys stand as they are, which makes ids equal on every
machine; those of further folders have the folder's name in front, so that two files of one name do not meet. A file
that lies in a folder that is known belongs to it, whichever way it is given. Must not know what files hold.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sensorium.ingest.listing import is_inside, normalise, to_key


@dataclass(frozen=True, slots=True)
class Root:
    """A folder to which keys are relative.

    Attributes:
        path: Absolute.
        prefix: What stands before the keys of its files: empty, or a name and `/`.
    """

    path: str
    prefix: str

    def key_of(self, path: str) -> str:
        """Give the key of a file or folder inside."""
        return self.prefix + to_key(path, self.path)


@dataclass(frozen=True, slots=True)
class Added:
    """What somebody added.

    Attributes:
        path: An absolute path, or a pattern.
        metadata: Put on all its records, as plain values.
    """

    path: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Roots:
    """The folders of a collection, and what was added of them.

    Attributes:
        folders: To which keys are relative, in the order in which they came.
        added: What an update looks at again.
    """

    folders: tuple[Root, ...] = ()
    added: tuple[Added, ...] = ()

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Roots:
        """Build it from `as_dict`; nothing there is nothing added."""
        folders = tuple(Root(str(one["path"]), str(one["prefix"])) for one in values.get("roots", ()))
        return cls(folders, tuple(Added(str(one["path"]), dict(one["metadata"])) for one in values.get("added", ())))

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {
            "roots": [{"path": root.path, "prefix": root.prefix} for root in self.folders],
            "added": [{"path": one.path, "metadata": dict(one.metadata)} for one in self.added],
        }

    def find(self, path: str) -> Root | None:
        """Give the innermost folder that holds an absolute path, or is it."""
        around = [root for root in self.folders if is_inside(path, root.path)]
        return max(around, key=lambda root: len(root.path), default=None)

    def with_folder(self, path: str, is_taken: Callable[[str], bool] = lambda prefix: False) -> Roots:
        """Add a folder, with a prefix of its own.

        Args:
            path: Absolute.
            is_taken: Tells whether keys that are there already begin with a prefix.
        """
        if any(root.path == path for root in self.folders):
            return self
        prefix = "" if not self.folders else self._choose_prefix(path, is_taken)
        return Roots((*self.folders, Root(path, prefix)), self.added)

    def with_added(self, path: str, metadata: Mapping[str, Any] | None = None) -> Roots:
        """Remember what was added. It takes the place of what was added inside it; what lies in something that was
        added with the same metadata is remembered by that."""
        new = Added(path, dict(metadata or {}))
        if any(is_inside(path, one.path) and one.metadata == new.metadata for one in self.added):
            return self
        kept = tuple(one for one in self.added if not is_inside(one.path, path))
        return Roots(self.folders, (*kept, new))

    def without_added(self, path: str) -> Roots:
        """Forget one path that was added."""
        return Roots(self.folders, tuple(one for one in self.added if one.path != path))

    def moved(self, old: str, new: str) -> Roots:
        """Give the same with everything in the folder `old` looked for in `new`."""

        def move(path: str) -> str:
            return os.path.normpath(os.path.join(new, os.path.relpath(path, old))) if is_inside(path, old) else path

        folders = tuple(Root(move(root.path), root.prefix) for root in self.folders)
        return Roots(folders, tuple(Added(move(one.path), one.metadata) for one in self.added))

    def _choose_prefix(self, path: str, is_taken: Callable[[str], bool]) -> str:
        used = {root.prefix for root in self.folders}
        name = normalise(os.path.basename(path)) or "root"
        count, prefix = 1, f"{name}/"
        while prefix in used or is_taken(prefix):
            count += 1
            prefix = f"{name}-{count}/"
        return prefix
