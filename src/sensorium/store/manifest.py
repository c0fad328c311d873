"""What a collection was made with, kept beside its table so that vectors of two models never mix.

A small JSON file, replaced whole. Must not know the table, models, or what is in the dicts that other rooms put here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

from sensorium._version import __version__
from sensorium.errors import InputError, StoreError, StoreNotFoundError
from sensorium.store.durable import write_atomically

MANIFEST_FILE = "manifest.json"
VectorDtype = Literal["float32", "float16"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What the rows of a collection were made with.

    Attributes:
        model_id: Name or folder of the model.
        dim: Length of its vectors.
        revision: Which version of the model, or None if unknown.
        dtype: How vectors are kept: `"float32"`, or `"float16"` in half the room. Scores are computed in float32 by
            what reads them.
        prompts: Prompt name -> text, as used for documents and queries.
        modalities: What the model takes.
        ingestion: How files were cut into rows, and which folders they come from; another room's, not looked at here.
        encoding: What else the vectors were made with; another room's, not looked at here.
        balance: Statistics of the rows by modality; those of another room, not looked at here.
        library_version: The version of Sensorium that wrote this file.

    Raises:
        InputError: A field has a value that no collection can have.
    """

    #: Raised when an older library could misread what a newer one wrote.
    FORMAT: ClassVar[int] = 1

    model_id: str
    dim: int
    revision: str | None = None
    dtype: VectorDtype = "float32"
    prompts: Mapping[str, str] = field(default_factory=dict)
    modalities: tuple[str, ...] = ()
    ingestion: Mapping[str, Any] = field(default_factory=dict)
    encoding: Mapping[str, Any] = field(default_factory=dict)
    balance: Mapping[str, Any] = field(default_factory=dict)
    library_version: str = __version__

    def __post_init__(self) -> None:
        if not isinstance(self.model_id, str) or not self.model_id:
            raise InputError(f"A collection needs the name of its model, got {self.model_id!r}.")
        if isinstance(self.dim, bool) or not isinstance(self.dim, int) or self.dim < 1:
            raise InputError(f"The length of vectors must be a whole number from 1, got {self.dim!r}.")
        if self.dtype not in get_args(VectorDtype):
            raise InputError(f"Vectors are kept as {' or '.join(get_args(VectorDtype))}, not as {self.dtype!r}.")
        object.__setattr__(self, "modalities", tuple(self.modalities))

    def as_json(self) -> str:
        """Give the text of the file.

        Raises:
            InputError: A value that JSON has no form for, NaN and infinity included.
        """
        try:
            values = {"format": self.FORMAT, **asdict(self)}
            return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        except (TypeError, ValueError) as exc:
            raise InputError(
                f"The manifest must be made of plain values (text, finite numbers, lists, dicts): {exc}."
            ) from exc

    @classmethod
    def from_json(cls, text: str, path: str) -> Manifest:
        """Build a manifest from the text of its file.

        Args:
            text: What `as_json` gave. Fields that this version does not know are left alone.
            path: The file, for errors.

        Raises:
            StoreError: It is no manifest, or one that needs a newer Sensorium.
        """
        try:
            values = json.loads(text)
        except ValueError as exc:
            raise StoreError(f"{path} is not JSON: {exc}. Restore it from a copy.", path=path) from exc
        if not isinstance(values, dict) or not isinstance(values.get("format"), int):
            raise StoreError(f"{path} is not the manifest of a collection.", path=path)
        if values["format"] > cls.FORMAT:
            raise StoreError(
                f"{path} has format {values['format']}; this version of Sensorium ({__version__}) reads up to "
                f"{cls.FORMAT}. Update Sensorium: the collection was written by {values.get('library_version')}.",
                path=path,
            )
        try:
            return cls(**{one.name: values[one.name] for one in fields(cls) if one.name in values})
        except (TypeError, InputError) as exc:
            raise StoreError(f"{path} is not the manifest of a collection: {exc}", path=path) from exc

    @classmethod
    def stamp(cls, folder: Path) -> tuple[int, int] | None:
        """Give what changes when the manifest in `folder` is replaced; None if it cannot be looked at."""
        try:
            about = (folder / MANIFEST_FILE).stat()
        except OSError:
            return None
        return about.st_ino, about.st_mtime_ns

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read the manifest in the folder of a collection.

        Raises:
            StoreNotFoundError: There is none.
            StoreError: It cannot be read.
        """
        file = folder / MANIFEST_FILE
        try:
            text = file.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError) as exc:
            raise StoreNotFoundError(
                f"No collection in {str(folder)!r}: it has no {MANIFEST_FILE}. Check the folder, or create one there.",
                path=str(folder),
            ) from exc
        except (OSError, UnicodeDecodeError) as exc:
            raise StoreError(f"{file} cannot be read: {exc}.", path=str(folder)) from exc
        return cls.from_json(text, str(file))

    def write(self, folder: Path) -> None:
        """Replace the manifest in `folder`; readers see the old one or the new one, never a part.

        Raises:
            InputError: See `as_json`.
            StoreError: It cannot be written.
        """
        write_atomically(folder / MANIFEST_FILE, self.as_json().encode("utf-8"))

    def with_changes(self, changes: Mapping[str, Any]) -> Manifest:
        """Give this manifest with some fields replaced, and the library's present version.

        Raises:
            InputError: A field that does not exist, or one that would make the stored vectors wrong.
        """
        fixed = {"model_id", "dim", "dtype"}
        free = sorted({one.name for one in fields(self)} - fixed - {"library_version"})
        for name in changes:
            if name not in free:
                reason = "is fixed when the collection is created" if name in fixed else "is no field of it"
                raise InputError(f"The manifest's {name!r} cannot be set: it {reason}. Can be set: {free}.")
        return replace(self, library_version=__version__, **changes)


def check_model(manifest: Manifest, model_id: str, dim: int | None = None, revision: str | None = None) -> None:
    """Check that a model may add to a collection, or ask it.

    Args:
        manifest: Of the collection.
        model_id: Name or folder of the model.
        dim: Length of its vectors, or None not to compare it.
        revision: Its version; compared where both sides know theirs.

    Raises:
        StoreError: It is another model than the collection's. Names both.
    """
    is_same = manifest.model_id == model_id and dim in (None, manifest.dim)
    if is_same and (None in (revision, manifest.revision) or revision == manifest.revision):
        return
    ours = _describe(manifest.model_id, manifest.dim, manifest.revision)
    theirs = _describe(model_id, dim, revision)
    raise StoreError(
        f"The collection was made with {ours}, and cannot be used with {theirs}: vectors of two models cannot be "
        "compared. Open it with its own model, or index the files into a new collection."
    )


def _describe(model_id: str, dim: int | None, revision: str | None) -> str:
    details = [f"revision {revision}"] * (revision is not None) + [f"{dim} dimensions"] * (dim is not None)
    return f"the model {model_id!r}" + (f" ({', '.join(details)})" if details else "")
