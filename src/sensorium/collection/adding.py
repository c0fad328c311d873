"""Which files and items an `add` or an `update` is about, under the keys that they have in the collection.

Must not know vectors or rows.
"""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sensorium.collection.intake import FoundFile
from sensorium.collection.roots import Roots
from sensorium.errors import InputError, SensoriumError
from sensorium.ingest import IngestSettings, SkippedFile, SourceFile, UnreadableFile, walk
from sensorium.ingest.listing import is_inside

if TYPE_CHECKING:
    from collections.abc import Callable

    from sensorium.store.rows import Metadata


def split_items(items: Any) -> Iterator[tuple[bool, list[Any]]]:
    """Tell paths from loose items, in order.

    Args:
        items: One path or item, or an iterable of them.

    Yields:
        Whether these are paths, and a run of them; a run of loose items has one item.

    Raises:
        InputError: There is nothing.
    """
    if _is_single(items):
        items = [items]
    is_any = False
    for is_path, run in groupby(items, key=lambda one: isinstance(one, (str, os.PathLike))):
        is_any = True
        if is_path:
            yield True, [expand_path(one) for one in run]
        else:
            yield from ((False, [one]) for one in run)
    if not is_any:
        raise InputError("nothing to add. Give a path, several, or items such as {'text': ...} or an image.")


def expand_path(path: str | os.PathLike[str]) -> str:
    """Give a path as text, with `~` at its beginning as the user's folder, unless there is a file of that very name."""
    text = os.fspath(path)
    return os.path.expanduser(text) if text.startswith("~") and not os.path.lexists(text) else text


def _is_single(items: Any) -> bool:
    is_value = isinstance(items, (str, bytes, bytearray, os.PathLike, Mapping)) or hasattr(items, "shape")
    return is_value or not isinstance(items, Iterable) or hasattr(items, "read")


class Walks:
    """Walks over what was added, and gives files their keys.

    Args:
        settings: What is left out.
        folder: Of the collection itself, which is never read.
        claim: Given a path and the folder around it, gives the folders of the collection, that one among them.

    Attributes:
        is_walked: Path that was added -> whether it could be walked, and held any file.
        unlisted: Folders that could not be listed.
    """

    def __init__(self, settings: IngestSettings, folder: str, claim: Callable[[str, str], Roots]) -> None:
        self._settings = settings
        self._folder = folder
        self._claim = claim
        self._given: set[str] = set()
        self.is_walked: dict[str, bool] = {}
        self.unlisted: list[str] = []

    def find(self, path: str, metadata: Metadata, root: str | None = None) -> Iterator[Any]:
        """Find the files of one path or pattern, none that was found before.

        Yields:
            `FoundFile`s; what the walk says of others, under their keys.
        """
        self.is_walked[path] = False
        for found in walk(path, self._settings, root=root):
            if isinstance(found, SourceFile):
                if found.path in self._given or is_inside(found.path, self._folder):
                    continue
                self._given.add(found.path)
                self.is_walked[path] = True
                yield FoundFile(self._with_key(found), metadata)
            elif isinstance(found, (SkippedFile, UnreadableFile)):
                if isinstance(found, UnreadableFile) and found.path is not None:
                    self.unlisted.append(found.path)
                yield found

    def _with_key(self, found: SourceFile) -> SourceFile:
        root = self._claim(found.path, found.root).find(found.path)
        assert root is not None  # it was claimed
        return dataclasses.replace(found, root=root.path, key=root.key_of(found.path))


class FileCount:
    """Counts the files that some paths lead to, beside the reading of them, so that a progress bar knows its end.

    Args:
        settings: What is left out.
    """

    def __init__(self, settings: IngestSettings) -> None:
        self._settings = settings
        self._total: int | None = None

    def begin(self, paths: list[str]) -> None:
        """Count these paths in a thread; what is wrong with one of them is met by who reads it."""
        threading.Thread(target=self._count, args=(paths,), name="sensorium-collection-count", daemon=True).start()

    def __call__(self) -> int | None:
        """Give the number, or None while it is not known."""
        return self._total

    def _count(self, paths: list[str]) -> None:
        try:
            self._total = sum(isinstance(found, SourceFile) for path in paths for found in walk(path, self._settings))
        except SensoriumError:
            self._total = None
