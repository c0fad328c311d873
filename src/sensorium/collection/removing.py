"""Finding records whose file is gone, after everything that was added has been walked again.

What cannot be looked at is no proof of anything: a folder that is missing, empty or closed may be a disk that is not
there today, so the records of its files stay. Must not know how files are walked.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from sensorium.collection.intake import DELETED
from sensorium.collection.results import Unreadable
from sensorium.collection.roots import list_around
from sensorium.ingest.listing import is_inside, show_path

if TYPE_CHECKING:
    from sensorium.collection.roots import Roots
    from sensorium.store import LanceStore, SourceNote, Where

_AT_ONCE = 500
_MAGIC = "*?["
#: How a path as text shows a byte of it that is none.
_SHOWN_BYTE = re.compile(rb"\\x([0-9a-f]{2})")


def remove_gone(
    store: LanceStore, seen: Collection[str], is_walked: Mapping[str, bool], unlisted: Sequence[str]
) -> tuple[int, list[Unreadable]]:
    """Remove the records of files that are gone, or are left out now.

    Args:
        store: The collection's rows.
        seen: Keys of the files that were found.
        is_walked: Path or pattern that was added -> whether any file was found there.
        unlisted: Folders that could not be listed.

    Returns:
        How many records were removed, and a word for each place whose records stay although nothing was found there.
    """
    kept: dict[str, int] = {}
    removed = 0
    gone = _find_gone(store, seen, is_walked, unlisted, kept)
    while block := list(islice(gone, _AT_ONCE)):
        keys = [note.key for note in block]
        removed += store.delete(where={"key": keys})
        store.sources.delete(keys)
    problems = [
        Unreadable(
            key=place,
            path=place,
            reason=f"nothing is found there now; the records of its {count} files stay. If the files are really gone, "
            f"delete the records by their paths.",
        )
        for place, count in sorted(kept.items())
    ]
    return removed, problems


def find_lost(store: LanceStore, roots: Roots) -> list[str]:
    """Give what was added by itself and is gone, while the folder around it is there.

    Args:
        store: The collection's rows.
        roots: What was added.

    Returns:
        Paths of single files; of folders, where one around them was added too, which says what is gone.
    """
    added = {one.path for one in roots.added}
    missing = [path for path in added if not os.path.lexists(path) and os.path.isdir(os.path.dirname(path))]
    keys = {path: root.key_of(path) for path in missing if (root := roots.find(path)) is not None}
    notes = store.sources.find(keys.values())
    return [path for path in missing if keys.get(path) in notes or _is_covered(path, added)]


def _is_covered(path: str, added: Collection[str]) -> bool:
    return folder_of(path) == path and any(around in added for around in list_around(os.path.dirname(path)))


def note_deletion(store: LanceStore, where: Where) -> None:
    """Remember that a user deletes records, so that an update does not bring them back before their file changes."""
    if not where:
        return  # refused by the store, for it would remove all
    keys = dict.fromkeys(entry.key for entry in store.entries(where))
    source = iter(keys)
    while block := list(islice(source, _AT_ONCE)):
        notes = store.sources.find(block).values()
        store.sources.write(
            type(note)(note.key, note.path, f"{DELETED}{note.stamp.removeprefix(DELETED)}", note.reason)
            for note in notes
        )


def _find_gone(
    store: LanceStore,
    seen: Collection[str],
    is_walked: Mapping[str, bool],
    unlisted: Sequence[str],
    kept: dict[str, int],
) -> Iterator[SourceNote]:
    # As text, as the paths of notes are.
    walked = {show_path(place): (show_path(folder_of(place)), is_any) for place, is_any in is_walked.items()}
    for note in [note for note in store.sources.read() if note.key not in seen]:
        if note.path is None:
            continue
        around = [place for place, (folder, _) in walked.items() if is_inside(note.path, folder)]
        blind = [place for place in around if not walked[place][1]]
        blind += [folder for folder in unlisted if is_inside(note.path, folder)]
        if blind:
            kept[blind[0]] = kept.get(blind[0], 0) + 1
        elif around or _is_gone(note.path):
            yield note


def _is_gone(path: str) -> bool:
    """Tell whether a file is gone while its folder is there, from its path as text."""
    real = os.fsdecode(_SHOWN_BYTE.sub(lambda match: bytes([int(match[1], 16)]), os.fsencode(path)))
    is_there = os.path.lexists(path) or os.path.lexists(real)
    return not is_there and (os.path.isdir(os.path.dirname(path)) or os.path.isdir(os.path.dirname(real)))


def folder_of(place: str) -> str:
    """Give the folder before the first sign of a pattern, or the path itself."""
    parts = place.split(os.sep)
    first = next((at for at, part in enumerate(parts) if any(sign in part for sign in _MAGIC)), len(parts))
    if first == len(parts) or os.path.lexists(place):
        return place
    return os.path.normpath(os.sep.join(parts[:first]) + os.sep)  # of a drive or the whole disk, with the sign behind
