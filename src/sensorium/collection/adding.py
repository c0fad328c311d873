"""Which files and items an `add` or an `update` is about, under the keys that they have in the collection.

Must not know vectors or rows.
"""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sensorium.collection.intake import FoundFile
from sensorium.collection.removing import folder_of
from sensorium.collection.roots import list_around
from sensorium.errors import InputError, SensoriumError
from sensorium.ingest import IngestSettings, SkippedFile, SourceFile, UnreadableFile, walk
from sensorium.ingest.listing import is_inside, show_path

if TYPE_CHECKING:
    from sensorium.collection.registry import Registry
    from sensorium.ingest.walking import Found
    from sensorium.store.rows import Metadata

#: How often what was walked is remembered, in seconds: many single files are one note, a large folder has its own.
_REMEMBER_SECONDS = 1.0


def split_items(items: Any) -> Iterator[tuple[bool, Iterator[tuple[int, Any]]]]:
    """Tell paths from loose items, in order, as they come.

    Args:
        items: One path or item, or an iterable of them.

    Yields:
        Whether these are paths, and a run of them with their positions, to be gone through before the next.

    Raises:
        InputError: There is nothing.
        Exception: Whatever the iterable raises, after all that came before.
    """
    if _is_single(items):
        items = [items]
    is_any = False
    errors: list[Exception] = []
    for is_path, run in groupby(enumerate(_until_error(items, errors)), key=lambda pair: is_path_value(pair[1])):
        is_any = True
        yield is_path, run
    if errors:
        raise errors[0]
    if not is_any:
        raise InputError("nothing to add. Give a path, several, or items such as {'text': ...} or an image.")


def _until_error(items: Iterable[Any], errors: list[Exception]) -> Iterator[Any]:
    try:
        yield from items
    except Exception as error:  # noqa: BLE001 - the caller's own iterator; raised again after what came before
        errors.append(error)


def is_path_value(value: Any) -> bool:
    """Tell whether something given to `add` is a path, rather than a loose item."""
    return isinstance(value, (str, os.PathLike))


def list_paths(items: Any) -> list[str] | None:
    """Give all paths of what was given to `add`, if there is nothing else and nothing has to be waited for."""
    if is_path_value(items):
        return [expand_path(items)]
    is_known = isinstance(items, (list, tuple, set, frozenset)) and all(map(is_path_value, items))
    return [expand_path(one) for one in items] if is_known else None


def expand_path(path: str | os.PathLike[str]) -> str:
    """Give a path as text, with `~` at its beginning as the user's folder, unless there is a file of that very name.

    Raises:
        InputError: It has a character that no path has.
    """
    text = os.fsdecode(path)
    if "\0" in text:
        raise InputError(f"{text!r} is no path: it holds the character of code 0. Check what made it.")
    return os.path.expanduser(text) if text.startswith("~") and not os.path.lexists(text) else text


def _is_single(items: Any) -> bool:
    is_value = isinstance(items, (str, bytes, bytearray, os.PathLike, Mapping)) or hasattr(items, "shape")
    return is_value or not isinstance(items, Iterable) or hasattr(items, "read")


def find_files(
    paths: Iterable[str | os.PathLike[str]], metadata: Metadata, root: str | None, walks: Walks, registry: Registry
) -> Iterator[FoundFile | SkippedFile | UnreadableFile]:
    """Find the files of some paths, and remember those paths that hold any, also if the caller stops in the middle.

    Args:
        paths: Of files and folders, and patterns, as the caller gave them.
        metadata: Put on all their records.
        root: The folder to which their keys are relative, absolute; None for the folders themselves.
        walks: Finds them.
        registry: Remembers.
    """
    if root is not None:
        registry.claim(root, root)
    walked: list[str] = []
    begun = time.monotonic()
    try:
        for path in map(expand_path, paths):
            whole = os.path.abspath(path) if path else path
            yield from walks.find(whole, metadata, root)
            if walks.is_walked[whole]:
                walked.append(whole)
            if walked and time.monotonic() - begun > _REMEMBER_SECONDS:
                registry.remember(walked, metadata, walks.reached)
                walked, begun = [], time.monotonic()
    finally:
        if walked:
            registry.remember(walked, metadata, walks.reached)


class Walks:
    """Walks over what was added, and gives files their keys.

    Args:
        settings: What is left out.
        folder: Of the collection itself, which is never read.
        registry: Of the collection.

    Attributes:
        is_walked: Path that was added -> whether it could be walked, and held any file.
        unlisted: Folders that could not be listed, as text.
        reached: What was remembered, and lies where a folder that was walked has files.
    """

    def __init__(self, settings: IngestSettings, folder: str | os.PathLike[str], registry: Registry) -> None:
        self._settings = settings
        self._folder = os.path.realpath(folder)
        self._registry = registry
        self._given: set[str] = set()
        self._remembered: dict[str, list[str]] = {}
        for one in registry.roots.added:
            self._remembered.setdefault(folder_of(one.path), []).append(one.path)
        self.is_walked: dict[str, bool] = {}
        self.unlisted: list[str] = []
        self.reached: set[str] = set()

    def find(
        self, path: str, metadata: Metadata, root: str | None = None
    ) -> Iterator[FoundFile | SkippedFile | UnreadableFile]:
        """Find the files of one path or pattern, none that was found before.

        Yields:
            `FoundFile`s; what the walk says of others, under their keys.
        """
        for found in self.walk(path, root):
            yield FoundFile(self._with_key(found), metadata) if isinstance(found, SourceFile) else found

    def walk(self, path: str, root: str | None = None) -> Iterator[Found]:
        """Find the files of one path or pattern, none that was found before, under the keys that the walk gives."""
        self.is_walked[path] = False
        if path and is_inside(os.path.realpath(path), self._folder):
            yield _refuse_own(path)
            return
        reached: set[str] = set()
        for found in walk(path, self._settings, root=root):
            if self._is_own(found):
                continue
            if isinstance(found, SourceFile):
                self.is_walked[path] = True
                if found.path in self._given:
                    continue
                self._given.add(found.path)
                reached.update(self._find_remembered(found.path, path))
            elif isinstance(found, UnreadableFile) and found.path is not None:
                self.unlisted.append(found.path)
            yield found
        self.reached |= reached

    def _is_own(self, found: Found) -> bool:
        """Tell whether a file belongs to the collection itself, whichever way it was come to."""
        real = found.real_path if isinstance(found, SourceFile) else None
        return found.path is not None and is_inside(real or os.path.realpath(found.path), self._folder)

    def _find_remembered(self, file: str, path: str) -> Iterator[str]:
        """Give what was remembered of the places between a file and the path whose walk has led to it."""
        if not self._remembered:
            return
        is_folder = folder_of(path) == path
        for around in list_around(file):
            yield from (one for one in self._remembered.get(around, ()) if one != path and (is_folder or one == file))
            if around == path or not is_folder:
                return

    def _with_key(self, found: SourceFile) -> SourceFile:
        # Of the folder around: where a file has taken a folder's place, the folder may be known as one by itself.
        around = os.path.dirname(found.path)
        root = self._registry.claim(around, found.root).find(around)
        assert root is not None  # it was claimed
        return dataclasses.replace(found, root=root.path, key=root.key_of(found.path))


def _refuse_own(path: str) -> UnreadableFile:
    error = InputError("it lies in the folder of the collection itself, which is never read.", source=show_path(path))
    return UnreadableFile(key=show_path(path), path=show_path(path), reason=error.reason, error=error)


class FileCount:
    """Counts what some paths lead to, beside the reading of it, so that a progress bar knows its end.

    Args:
        walks: Finds it; nobody else's.
    """

    def __init__(self, walks: Walks) -> None:
        self._walks = walks
        self._total: int | None = None
        self._is_stopped = False
        self._thread: threading.Thread | None = None

    def begin(self, paths: list[str]) -> None:
        """Count these paths in a thread; what is wrong with one of them is met by who reads it."""
        self._thread = threading.Thread(
            target=self._count, args=(paths,), name="sensorium-collection-count", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End the thread, if there is one, and wait for it."""
        self._is_stopped = True
        if self._thread is not None:
            self._thread.join()

    def __call__(self) -> int | None:
        """Give the number, or None while it is not known."""
        return self._total

    def _count(self, paths: list[str]) -> None:
        total = 0
        try:
            for path in paths:
                for _ in self._walks.walk(os.path.abspath(path) if path else path):
                    total += 1
                    if self._is_stopped:
                        return
        except SensoriumError:
            return
        self._total = total
