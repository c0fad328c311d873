"""Find the files to read: folders, single files and globs, in an order that is the same everywhere.

Hidden and excluded files are passed over in silence; everything else that is not given as a file is named with a
reason. Links are followed only to files inside the folder that is walked. Must not know what files hold.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from sensorium.errors import InputError, MissingMediaError
from sensorium.ingest.excludes import Excludes, Glob
from sensorium.ingest.listing import Folder, SourceFile, is_inside, show_path, to_key
from sensorium.ingest.records import Origin, SkippedFile, UnreadableFile
from sensorium.ingest.settings import IngestSettings

#: What a walk gives.
Found: TypeAlias = "SourceFile | SkippedFile | UnreadableFile"
Paths: TypeAlias = "str | os.PathLike[str] | Iterable[str | os.PathLike[str]]"

_MAGIC = "*?["


def walk(
    paths: Paths, settings: IngestSettings | None = None, *, root: str | os.PathLike[str] | None = None
) -> Iterator[Found]:
    """Find files.

    Args:
        paths: One or several: a folder, of which everything inside is read; a file, which is read even if it is hidden
            or excluded; or a pattern with `*`, `**`, `?` or `[...]`, where nothing of that very name exists.
        settings: What is left out.
        root: The folder to which keys are relative; every path must lie inside it. If None, that is the folder given,
            the folder around a file that is given, or the part of a pattern before its first sign.

    Yields:
        For each file its `SourceFile`; a `SkippedFile` for a link that is not followed, a pipe or a device; an
        `UnreadableFile` for what is missing, a folder that may not be listed, or a second file of the same key.
        Folders are read one by one, in the order of their names; a file that several paths lead to comes once.

    Raises:
        InputError: No path, one that is not a string or path, or one outside `root`; a pattern that cannot be used.
        MissingExtraError: Patterns are used, and pathspec is not installed.

    Example:
        >>> [found.key for found in walk("samples/texts") if isinstance(found, SourceFile)][:2]  # doctest: +SKIP
        ['astronaut.txt', 'bell.txt']
    """
    settings = settings or IngestSettings()
    starts = [_plan(path, root) for path in _list_paths(paths)]
    excludes = Excludes(settings.excludes)
    if len(starts) == 1:
        return _walk_start(starts[0], settings, excludes)
    return _walk_several(starts, settings, excludes)


@dataclass(frozen=True, slots=True)
class _Start:
    """Where a walk begins: a path, the folder to which keys are relative, and what is taken of what lies there."""

    path: str
    root: str
    glob: Glob | None = None
    shown: str = ""


def _list_paths(paths: Paths) -> list[str]:
    given = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    if not given:
        raise InputError("no path is given. Give the path of a folder or a file, or several.")
    for path in given:
        if not isinstance(path, (str, os.PathLike)) or not isinstance(os.fspath(path), str) or not os.fspath(path):
            raise InputError(f"{path!r} is no path: give a str or a PathLike of one, not empty.")
    return [os.fspath(path) for path in given]


def _plan(path: str, root: str | os.PathLike[str] | None) -> _Start:
    whole = os.path.abspath(path)
    base, glob = whole, None
    if not os.path.lexists(whole) and any(sign in path for sign in _MAGIC):
        base, pattern = _split_glob(path)
        glob = Glob(pattern)
    if root is not None:
        top = os.path.abspath(root)
        if not is_inside(base, top):
            raise InputError(f"{path!r} is outside root={os.fspath(root)!r}. Give a path inside it, or another root.")
    else:
        top = base if glob is not None or os.path.isdir(base) else os.path.dirname(base)
    return _Start(base, top, glob, path)


def _split_glob(path: str) -> tuple[str, str]:
    """Split a pattern into the folder before its first sign, and the rest."""
    path = path.replace(os.sep, "/")
    parts = path.split("/")
    first = next(at for at, part in enumerate(parts) if any(sign in part for sign in _MAGIC))
    before = "/".join(parts[:first])
    return os.path.abspath(before or ("/" if path.startswith("/") else ".")), "/".join(parts[first:])


def _walk_several(starts: list[_Start], settings: IngestSettings, excludes: Excludes) -> Iterator[Found]:
    """Walk one after the other, and give no file twice."""
    places: set[str] = set()
    keys: dict[str, str] = {}
    for start in starts:
        for found in _walk_start(start, settings, excludes):
            if not isinstance(found, SourceFile):
                yield found
            elif found.path not in places:
                places.add(found.path)
                other = keys.setdefault(found.key, found.path)
                yield found if other == found.path else _clash(found, other, settings)


def _clash(found: SourceFile, other: str, settings: IngestSettings) -> UnreadableFile:
    origin = Origin(
        key=found.key, path=show_path(found.path), settings=settings, size=found.size, mtime_ns=found.mtime_ns
    )
    return origin.fail(
        InputError(
            f"it would have the key {found.key!r}, which {show_path(other)} has already: keys are relative to each "
            "folder given. Give a folder around both, or name one with root=.",
            source=origin.path,
        )
    )


def _walk_start(start: _Start, settings: IngestSettings, excludes: Excludes) -> Iterator[Found]:
    if not os.path.lexists(start.path):
        yield _missing(start, settings, "no such file or folder. Check the path.")
    elif not os.path.isdir(start.path):
        yield _take_file(start, settings)
    elif start.glob is None:
        yield from _walk_folder(start, settings, excludes)
    else:
        is_any = False
        for found in _walk_folder(start, settings, excludes):
            is_any = True
            yield found
        if not is_any:
            yield _missing(start, settings, "no file matches this pattern. Check it, and quote it in a shell.")


def _walk_folder(start: _Start, settings: IngestSettings, excludes: Excludes) -> Iterator[Found]:
    key = to_key(start.path, start.root)
    boundary = os.path.realpath(start.path)
    waiting = [iter([Folder(start.path, boundary, key, start.root, boundary, excludes, key)])]
    while waiting:
        folder = next(waiting[-1], None)
        if folder is None:
            waiting.pop()
            continue
        below: list[Folder] = []
        for found in folder.list(settings):
            inner = found.key[len(key) + 1 :] if key else found.key
            if isinstance(found, Folder):
                if start.glob is None or start.glob.is_worth_entering(inner):
                    below.append(found)
            elif start.glob is None or start.glob.is_matched(inner):
                yield found
        waiting.append(iter(below))


def _take_file(start: _Start, settings: IngestSettings) -> Found:
    """Give a file that was named: hidden or not, and wherever a link leads."""
    key = to_key(start.path, start.root)
    return SourceFile.look_at(start.path, os.path.realpath(start.path), key, start.root, settings)


def _missing(start: _Start, settings: IngestSettings, reason: str) -> UnreadableFile:
    origin = Origin(key=show_path(start.shown), path=show_path(start.shown), settings=settings)
    return origin.fail(MissingMediaError(reason, source=origin.path))
