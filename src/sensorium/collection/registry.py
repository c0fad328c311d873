"""What a collection remembers in its manifest of how it was made: settings, folders, what was added.

Must not know files or rows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sensorium.collection.metadata import to_plain
from sensorium.collection.roots import Roots
from sensorium.ingest import IngestSettings

if TYPE_CHECKING:
    from sensorium.media.limits import MediaLimits
    from sensorium.store import LanceStore, Manifest
    from sensorium.store.rows import Metadata

_SETTINGS = "settings"


def first_ingestion(settings: IngestSettings) -> dict[str, Any]:
    """Give what a new collection remembers."""
    return {_SETTINGS: settings.as_dict(), **Roots().as_dict()}


class Registry:
    """The memory of one collection, which other processes may change at the same time.

    Args:
        store: Whose manifest holds it.
        limits: What one file may cost; a matter of the call, not of the collection.
    """

    def __init__(self, store: LanceStore, limits: MediaLimits | None = None) -> None:
        self._store = store
        self._known: tuple[Mapping[str, Any], Roots] | None = None
        self.settings = IngestSettings.from_dict(store.manifest.ingestion.get(_SETTINGS, {}), limits)

    @property
    def roots(self) -> Roots:
        """The folders, as last read or written."""
        ingestion = self._store.manifest.ingestion
        known = self._known
        if known is None or known[0] is not ingestion:
            self._known = known = (ingestion, Roots.from_dict(ingestion))
        return known[1]

    def refresh(self) -> Roots:
        """Give the folders as other processes have left them."""
        self._store.refresh_manifest()
        return self.roots

    def claim(self, path: str, folder: str) -> Roots:
        """Give the folders, with one that holds `path` among them.

        Args:
            path: Of a file or folder, absolute.
            folder: The folder that holds it, to which its key shall be relative if none that is known holds it.
        """
        roots = self.roots
        if roots.find(path) is not None:
            return roots
        return self._change(
            lambda current: current if current.find(path) is not None else current.with_folder(folder, self._is_taken)
        )

    def remember(self, paths: Iterable[str], metadata: Metadata, reached: Collection[str] = ()) -> None:
        """Remember what was added, for updates; see `Roots.with_added`."""
        listed = list(paths)
        self._change(lambda current: current.with_added(listed, to_plain(metadata), reached))

    def forget(self, paths: Iterable[str]) -> None:
        """Forget paths that were added."""
        listed = list(paths)
        if listed:
            self._change(lambda current: current.without_added(*listed))

    def move(self, old: str, new: str) -> None:
        """Look for what was in the folder `old` in `new` from now on."""
        old, new = os.path.abspath(old), os.path.abspath(new)
        self._change(lambda current: current.moved(old, new))

    def _change(self, change: Callable[[Roots], Roots]) -> Roots:
        def edit(manifest: Manifest) -> dict[str, Any]:
            before = Roots.from_dict(manifest.ingestion)
            after = change(before)
            return {} if after == before else {"ingestion": {**manifest.ingestion, **after.as_dict()}}

        return Roots.from_dict(self._store.edit_manifest(edit).ingestion)

    def _is_taken(self, prefix: str) -> bool:
        return self._store.count({"key": {"starts_with": prefix}}) > 0
