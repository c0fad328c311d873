"""Which model a collection's vectors come from, and whether the one at hand is the same.

A model of the hub is known by its name and commit; one in a folder by what the folder holds, so that a folder may move;
the built-in one by a name of its own. Must not know rows, files or searching. Loads no model until it is asked for one.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from sensorium.errors import InputError, MissingExtraError, ModelError, StoreError
from sensorium.hub.builtin import BUILTIN_ID, builtin_model
from sensorium.hub.fingerprint import fingerprint_folder
from sensorium.store.manifest import Manifest, VectorDtype, check_model

if TYPE_CHECKING:
    from sensorium.encoders import SentenceTransformer

#: What a caller may give as the model: the model itself, its name or folder, or None.
Encoder: TypeAlias = "SentenceTransformer | str | os.PathLike[str]"


@dataclass(frozen=True, slots=True)
class ModelName:
    """What is known of a model without loading it.

    Attributes:
        model_id: Name on the hub, absolute folder, or `"sensorium-mini"`.
        revision: Commit on the hub, or what names the content of a folder; None if unknown.
    """

    model_id: str
    revision: str | None

    @classmethod
    def of_name(cls, name: str | os.PathLike[str]) -> ModelName:
        """Name a model that is not loaded.

        Raises:
            ModelError: Its folder cannot be read.
        """
        text = os.fspath(name)
        if text == BUILTIN_ID or not os.path.isdir(text):
            return cls(text, fingerprint_folder(builtin_model()) if text == BUILTIN_ID else None)
        return cls._of_folder(text)

    @classmethod
    def of_model(cls, encoder: SentenceTransformer) -> ModelName:
        """Name a model that is loaded.

        Raises:
            InputError: It was put together from modules and never saved, so that nobody could load it again.
        """
        checkpoint = encoder.checkpoint
        if checkpoint is None:
            raise InputError(
                "the model was put together from modules and has no name. Save it with save_pretrained(), and give the "
                "folder, so that the collection can be opened again with the same model."
            )
        if checkpoint.is_local:
            return cls._of_folder(checkpoint.name_or_path)
        return cls(checkpoint.name_or_path, checkpoint.revision)

    @classmethod
    def _of_folder(cls, folder: str) -> ModelName:
        revision = fingerprint_folder(folder)
        is_builtin = Path(folder).resolve() == _builtin_folder()
        return cls(BUILTIN_ID if is_builtin else os.path.abspath(folder), revision)


def _builtin_folder() -> Path | None:
    try:
        return Path(builtin_model()).resolve()
    except MissingExtraError:
        return None


def describe(encoder: SentenceTransformer, dtype: VectorDtype, ingestion: Mapping[str, Any]) -> Manifest:
    """Make the manifest of a new collection for a model.

    Raises:
        InputError: The model has no name, or no fixed width.
    """
    name = ModelName.of_model(encoder)
    dim = encoder.get_embedding_dimension()
    if dim is None:
        dim = len(encoder.encode_document("width"))
    return Manifest(
        model_id=name.model_id,
        revision=name.revision,
        dim=dim,
        dtype=dtype,
        prompts=dict(encoder.prompts),
        modalities=tuple(str(one) for one in encoder.modalities),
        ingestion=ingestion,
        encoding={"truncate_dim": encoder.truncate_dim, "video_as_frames": encoder.video_as_frames},
    )


class EncoderDoor:
    """The model of a collection, loaded when it is first needed and checked against the manifest.

    Args:
        manifest: Of the collection.
        given: The model, its name or folder; None for the one that the manifest names.
        device: Where to load it.

    Raises:
        StoreError: It is another model than the collection's. Names both.
    """

    def __init__(self, manifest: Manifest, given: Encoder | None, device: str | None = None) -> None:
        self._manifest = manifest
        self._device = device
        self._model: SentenceTransformer | None = None
        self._name: str | os.PathLike[str] | None = None
        self._loading = threading.Lock()
        if given is None:
            return
        if isinstance(given, (str, os.PathLike)):
            self._name = given
            check_same(manifest, ModelName.of_name(given))
        else:
            self._accept(given)

    @property
    def is_loaded(self) -> bool:
        """Whether the model is in memory already."""
        return self._model is not None

    def load(self) -> SentenceTransformer:
        """Give the model.

        Raises:
            StoreError: What was loaded is another model than the collection's.
            ModelError: It cannot be loaded.
        """
        with self._loading:
            if self._model is None:
                self._accept(load_encoder(self._name or self._manifest.model_id, self._manifest, self._device))
            assert self._model is not None
            return self._model

    def _accept(self, encoder: SentenceTransformer) -> None:
        check_same(self._manifest, ModelName.of_model(encoder), encoder.get_embedding_dimension())
        _check_options(self._manifest, encoder)
        self._model = encoder


def load_encoder(
    name: str | os.PathLike[str], manifest: Manifest | None = None, device: str | None = None
) -> SentenceTransformer:
    """Load a model by its name or folder, at the version and width and with the prompts that a manifest states if
    there is one.

    Raises:
        ModelError: It cannot be loaded.
        MissingExtraError: The built-in model is asked for, and not installed.
    """
    from sensorium.encoders import SentenceTransformer

    text = os.fspath(name)
    if text == BUILTIN_ID:
        text = builtin_model()
    if manifest is None:
        return SentenceTransformer(text, device=device)
    is_commit = manifest.revision is not None and not manifest.revision.startswith("folder-")
    try:
        return SentenceTransformer(
            text,
            device=device,
            revision=manifest.revision if is_commit else None,
            prompts=dict(manifest.prompts),
            truncate_dim=manifest.encoding.get("truncate_dim"),
            video_as_frames=manifest.encoding.get("video_as_frames"),
        )
    except ModelError as exc:
        raise ModelError(
            f"The collection's model {manifest.model_id!r} cannot be loaded: {exc} If it lies elsewhere now, open the "
            "collection with encoder= and its folder or name.",
            model=manifest.model_id,
        ) from exc


def check_same(manifest: Manifest, name: ModelName, dim: int | None = None) -> None:
    """Check that a model is the collection's.

    Raises:
        StoreError: It is not. Names both.
    """
    is_same_content = name.revision is not None and name.revision == manifest.revision
    check_model(manifest, manifest.model_id if is_same_content else name.model_id, dim, name.revision)


def _check_options(manifest: Manifest, encoder: SentenceTransformer) -> None:
    if dict(encoder.prompts) != dict(manifest.prompts):
        raise StoreError(
            f"The collection was made with the prompts {dict(manifest.prompts)}, and the model {manifest.model_id!r} "
            f"has {dict(encoder.prompts)}: their vectors do not compare. Load the model with the collection's prompts, "
            "or make a new collection."
        )
    frames = manifest.encoding.get("video_as_frames", encoder.video_as_frames)
    if frames != encoder.video_as_frames:
        raise StoreError(
            f"The collection was made with video_as_frames={frames!r}, and the model {manifest.model_id!r} has "
            f"{encoder.video_as_frames!r}: their vectors of clips do not compare. Load the model with the "
            "collection's, or make a new collection."
        )
