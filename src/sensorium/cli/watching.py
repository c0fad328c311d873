"""`sensorium index --watch`: wait for files to change, and bring the collection up to date. Must not know files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sensorium._optional import require
from sensorium.cli import exit_codes
from sensorium.errors import InputError

if TYPE_CHECKING:
    from sensorium.collection import Collection, IndexReport

#: Milliseconds of calm after which a change counts as done, and in which the watch looks up.
_DEBOUNCE_MS, _LOOK_UP_MS = 1600, 500
_MAGIC = "*?["


def watch_and_update(collection: Collection, paths: Sequence[str], index: Callable[[], IndexReport]) -> int:
    """Index, and again whenever something changes, until Ctrl-C.

    The watch begins before the first indexing, so that no change falls between the two.

    Args:
        collection: What to bring up to date.
        paths: What was named: folders, files and patterns; none for the collection's own folders.
        index: Does the first indexing.

    Returns:
        The exit code.

    Raises:
        InputError: There is nothing to watch.
        MissingExtraError: watchfiles is not installed.
    """
    from sensorium.cli.output import count_of, print_note

    changes = _watch(list_folders(paths or collection.stats().roots), os.fspath(collection.path))
    next(changes)
    index()
    print_note("Watching for changes. Ctrl-C ends it.")
    try:
        for changed in changes:
            if changed:
                print_note(f"{count_of(len(changed), 'change')} seen.")
                _update(collection)
    except KeyboardInterrupt:
        print_note("Stopped watching. The collection is up to date with what was reported above.")
    return exit_codes.DONE


def list_folders(paths: Sequence[str]) -> list[str]:
    """Give the folders to watch: those named, those around files, and those in which patterns begin.

    A file is watched through its folder, since many programs replace a file instead of writing into it.

    Raises:
        InputError: None of them is there.
    """
    folders: dict[str, None] = {}
    for path in paths:
        whole = os.path.abspath(path)
        while not os.path.isdir(whole) and (os.path.lexists(whole) or any(sign in whole for sign in _MAGIC)):
            whole = os.path.dirname(whole)
        if os.path.isdir(whole):
            folders[whole] = None
    if not folders:
        raise InputError("there is no folder to watch. Name folders or files that are there.")
    return list(folders)


def _watch(folders: Sequence[str], own_folder: str) -> Iterator[set[Any]]:
    watchfiles = require("watchfiles", "--watch")
    own = own_folder + os.sep

    def is_of_others(change: Any, path: str) -> bool:
        return path != own_folder and not path.startswith(own)

    changes: Iterator[set[Any]] = watchfiles.watch(
        *folders,
        watch_filter=is_of_others,
        debounce=_DEBOUNCE_MS,
        rust_timeout=_LOOK_UP_MS,
        yield_on_timeout=True,
        raise_interrupt=True,
    )
    return changes


def _update(collection: Collection) -> None:
    from sensorium.cli.index import print_report
    from sensorium.cli.progress import IndexingProgress

    with IndexingProgress() as progress:
        report = collection.update(on_progress=progress.update)
    print_report(report, collection.path)
