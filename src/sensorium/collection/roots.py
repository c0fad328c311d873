"""The folders that a collection was made from, and the keys of the files in them.

A key is a file's path below its folder. The first folder's keys stand as they are, which makes ids equal on every
machine; those of further folders have the folder's name in front, so that two files of one name do not meet. A file
that lies in a folder that is known belongs to it, whichever way it is given. Must not know what files hold.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
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
    _by_path: Mapping[str, Root] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # The first of one path wins; two can only have it after a folder has moved onto another.
        object.__setattr__(self, "_by_path", {root.path: root for root in reversed(self.folders)})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Roots:
        """Build it from `as_dict`; nothing there is nothing added."""
        folders = tuple(Root(_read_path(one["path"]), str(one["prefix"])) for one in values.get("roots", ()))
        added = (Added(_read_path(one["path"]), dict(one["metadata"])) for one in values.get("added", ()))
        return cls(folders, tuple(added))

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {
            "roots": [{"path": _write_path(root.path), "prefix": root.prefix} for root in self.folders],
            "added": [{"path": _write_path(one.path), "metadata": dict(one.metadata)} for one in self.added],
        }

    def find(self, path: str) -> Root | None:
        """Give the innermost folder that holds an absolute path, or is it."""
        return next((self._by_path[one] for one in list_around(path) if one in self._by_path), None)

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

    def with_added(
        self, paths: Iterable[str], metadata: Mapping[str, Any] | None = None, reached: Collection[str] = ()
    ) -> Roots:
        """Remember what was added.

        What lies in a folder that is remembered is remembered by itself too: it may be hidden or left out there, and
        was asked for all the same.

        Args:
            paths: Of what was added.
            metadata: Put on all its records.
            reached: What was added before and has been walked again with these paths, which take its place.
        """
        plain = dict(metadata or {})
        new = {path: Added(path, plain) for path in paths}
        kept = {one.path: one for one in self.added if one.path in new or one.path not in reached}
        if len(kept) == len(self.added) and all(kept.get(path) == one for path, one in new.items()):
            return self
        kept = {path: one for path, one in kept.items() if path not in new}
        return Roots(self.folders, (*kept.values(), *new.values()))

    def without_added(self, *paths: str) -> Roots:
        """Forget paths that were added."""
        forgotten = set(paths)
        return Roots(self.folders, tuple(one for one in self.added if one.path not in forgotten))

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


def list_around(path: str) -> Iterator[str]:
    """Give an absolute path, the folder that it lies in, the one around that, and so on."""
    while True:
        yield path
        above = os.path.dirname(path)
        if above == path:
            return
        path = above


def _write_path(path: str) -> Any:
    """Give a path as JSON in UTF-8 can hold it: names of files may have bytes that are no text."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return {"bytes": os.fsencode(path).hex()}
    return path


def _read_path(value: Any) -> str:
    return os.fsdecode(bytes.fromhex(value["bytes"])) if isinstance(value, Mapping) else str(value)
