"""Where commands get their collection from: the one seam between the command line and the room `collection`.

Must not know what a command does with it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensorium.errors import StoreNotFoundError

if TYPE_CHECKING:
    from sensorium.collection import Collection
    from sensorium.ingest import IngestSettings

#: The collection's folder where none is named: in the current folder, and hidden, so that it is never indexed itself.
DEFAULT_FOLDER = ".sensorium"
#: Hides the bars of the hub's library, and with them those that transformers shows while it reads weights.
BARS_VARIABLE = "HF_HUB_DISABLE_PROGRESS_BARS"


def collection_class() -> type[Collection]:
    """Give the class of collections."""
    from sensorium.collection import Collection

    return Collection


def find_folder(named: str | None) -> Path:
    """Give the absolute folder of the collection: the one named, or the default."""
    return Path(os.path.abspath(os.path.expanduser(named or DEFAULT_FOLDER)))


def is_there(folder: Path) -> bool:
    """Whether the folder holds a collection."""
    from sensorium.store.manifest import MANIFEST_FILE

    return (folder / MANIFEST_FILE).is_file()


def open_collection(named: str | None, *, model: str | None = None, device: str | None = None) -> Collection:
    """Open the collection that `--collection` names. Its model is not loaded before it is needed.

    Raises:
        StoreNotFoundError: There is none.
        StoreError: It cannot be used, or was made with another model than `model`.
    """
    folder = find_folder(named)
    try:
        collection = collection_class().open(folder, model, **_device(device))
    except StoreNotFoundError as exc:
        raise StoreNotFoundError(
            f"there is no collection in {str(folder)!r}. `sensorium index PATH` makes one; --collection names another.",
            path=str(folder),
        ) from exc
    hide_bars(collection.manifest.model_id)
    return collection


def create_collection(
    named: str | None, *, model: str | None, settings: IngestSettings, device: str | None = None
) -> Collection:
    """Make the collection that `--collection` names, with the built-in model if none is named."""
    hide_bars(model)
    return collection_class().create(find_folder(named), model, settings=settings, **_device(device))


def _device(device: str | None) -> dict[str, Any]:
    return {} if device is None else {"device": device}


def hide_bars(model: str | None) -> None:
    """Hide the bars of the hub's library for a model that lies on this machine; those of a download stay.

    The library reads the variable once, when it is first imported: call this before a model is loaded.

    Args:
        model: Name or folder; None for the built-in one.
    """
    from sensorium.hub.builtin import BUILTIN_ID

    if model is None or model == BUILTIN_ID or os.path.isdir(model):
        os.environ.setdefault(BARS_VARIABLE, "1")
