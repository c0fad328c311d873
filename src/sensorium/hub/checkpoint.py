"""One checkpoint: a folder, or a repository of the hub with its local cache. Finds files; reads its JSON.

Trade-off: what the local cache holds for a revision is used without asking the hub again, so that a model's files all
come from one commit and a warm load makes no request. `Checkpoint.pin` asks once, for the commit that a branch name
means now. Must not know what the files mean, nor which of them a model needs.
"""

from __future__ import annotations

import dataclasses
import glob
import json
import logging
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sensorium.errors import CheckpointError, ModelNotFoundError
from sensorium.hub import remote
from sensorium.hub.inside import check_inside, relative_parts

logger = logging.getLogger(__name__)

_Json = TypeVar("_Json", dict[str, Any], list[Any])

_COMMIT = re.compile(r"[0-9a-f]{40}")

#: Any of these shows that a folder or repository holds a model.
_MARKERS = (
    "modules.json",
    "config.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "adapter_config.json",
    "tokenizer.json",
)


@dataclass(frozen=True)
class Checkpoint:
    """Where a checkpoint is.

    Attributes:
        name_or_path: A folder, or a hub name `organisation/name`.
        revision: Branch, tag or commit on the hub; None means its main branch. Has no meaning for a folder.
        token: Hub token; True uses the stored one, False none at all.
        cache_folder: The hub's local cache; None uses the hub library's own (`HF_HOME`, `HF_HUB_CACHE`).
        local_files_only: Never ask the hub. `HF_HUB_OFFLINE` does the same for a whole process.
    """

    name_or_path: str
    revision: str | None = None
    token: bool | str | None = field(default=None, repr=False)
    cache_folder: str | None = None
    local_files_only: bool = False

    @property
    def is_local(self) -> bool:
        """Whether the checkpoint is a folder; then the hub is never asked."""
        return Path(self.name_or_path).is_dir()

    def find_file(self, *parts: str) -> Path | None:
        """Find one file.

        Args:
            parts: Folders and file name, relative to the checkpoint; empty parts are left out.

        Returns:
            Its path on this machine, or None if the checkpoint has no such file, or if it cannot be told without the
            hub and the hub may not or cannot be asked.

        Raises:
            CheckpointError: The path leaves the checkpoint.
            ModelNotFoundError: The hub has no such repository or revision, or does not show it to this user.
            ModelError: The hub answered with any other error.
        """
        names = relative_parts(parts, self.name_or_path)
        if not names:
            return None
        if self.is_local:
            return self._local_file(names)
        filename = "/".join(names)
        cached, is_known = remote.cached_file(self, filename)
        if cached is not None or is_known or self.is_offline:
            return cached
        return remote.download_file(self, filename)

    def find_folder(self, *parts: str) -> Path | None:
        """Find one folder with all that is in it, or, without `parts`, the whole checkpoint.

        Returns:
            Its path on this machine, or None as for `find_file`.

        Raises:
            CheckpointError: The path leaves the checkpoint.
            ModelNotFoundError: As for `find_file`.
            ModelError: As for `find_file`.
        """
        names = relative_parts(parts, self.name_or_path)
        if self.is_local:
            root = Path(self.name_or_path)
        else:
            pattern = "/".join([glob.escape("/".join(names)), "*"]) if names else None
            snapshot = remote.download_snapshot(self, pattern)
            if snapshot is None:
                return None
            root = snapshot
        folder = root.joinpath(*names)
        return check_inside(folder, root, self.name_or_path) if folder.is_dir() else None

    def read_json(self, *parts: str) -> dict[str, Any]:
        """Read a JSON file that holds an object; `{}` if the checkpoint has no such file.

        Raises:
            CheckpointError: The file is not JSON, or holds something else.
            ModelError: As for `find_file`.
        """
        return self._read_json(parts, dict)

    def read_json_list(self, *parts: str) -> list[Any]:
        """Read a JSON file that holds an array, such as `modules.json`; `[]` if the checkpoint has no such file.

        Raises:
            CheckpointError: The file is not JSON, or holds something else.
            ModelError: As for `find_file`.
        """
        return self._read_json(parts, list)

    def pin(self) -> Checkpoint:
        """Return the same checkpoint at the commit that its revision means now.

        Asks the hub once (for `modules.json`, which a load needs anyway); later look-ups of files that the cache holds
        need no request, and all files come from one commit. A folder, a commit, or a repository that cannot be asked
        about and is not in the cache comes back unchanged.

        Raises:
            ModelNotFoundError: As for `find_file`.
            ModelError: As for `find_file`.
        """
        if self.is_local or (self.revision is not None and _COMMIT.fullmatch(self.revision)):
            return self
        if not self.is_offline:
            remote.download_file(self, "modules.json")
        commit = remote.cached_commit(self)
        return self if commit is None else dataclasses.replace(self, revision=commit)

    def check_present(self) -> None:
        """Raise unless the checkpoint holds at least one of the files that every model has.

        Raises:
            ModelNotFoundError: It holds none; the text says where was looked, and what to do.
            ModelError: As for `find_file`.
        """
        if not any(self.find_file(name) for name in _MARKERS):
            raise ModelNotFoundError(self._not_found_text(), model=self.name_or_path)

    @property
    def is_offline(self) -> bool:
        """Whether the hub may not be asked: `local_files_only`, or `HF_HUB_OFFLINE`."""
        return self.local_files_only or remote.is_switched_off()

    def _local_file(self, names: tuple[str, ...]) -> Path | None:
        root = Path(self.name_or_path)
        path = root.joinpath(*names)
        return check_inside(path, root, self.name_or_path) if path.is_file() else None

    def _read_json(self, parts: tuple[str, ...], kind: type[_Json]) -> _Json:
        path = self.find_file(*parts)
        if path is None:
            return kind()
        try:
            content = json.loads(path.read_text(encoding="utf-8-sig"))
        except (ValueError, RecursionError) as exc:  # ValueError: not JSON, or not UTF-8
            raise CheckpointError(
                f"{'/'.join(filter(None, parts))!r} of the checkpoint {self.name_or_path!r} is not readable as JSON: "
                f"{exc}. Download or save the checkpoint again.",
                model=self.name_or_path,
            ) from exc
        if not isinstance(content, kind):
            wanted = "an object" if kind is dict else "an array"
            raise CheckpointError(
                f"{'/'.join(filter(None, parts))!r} of the checkpoint {self.name_or_path!r} must hold {wanted}, "
                f"and holds {type(content).__name__}.",
                model=self.name_or_path,
            )
        return content

    def _not_found_text(self) -> str:
        name = self.name_or_path
        files = ", ".join(_MARKERS[:2])
        if self.is_local:
            return f"The folder {name!r} holds no model: none of {files} is in it. Give the folder that save() wrote."
        at = f" at revision {self.revision!r}" if self.revision else ""
        cache = remote.cache_root(self.cache_folder)
        looked = f"There is no folder {name!r}, and the local cache {str(cache)!r} has no model {name!r}{at}."
        if self.is_offline:
            return (
                f"{looked} The hub was not asked, because local_files_only=True or HF_HUB_OFFLINE is set. Load the "
                "model once with the network, or give the folder that holds it."
            )
        return (
            f"{looked} The hub has no such model either, or could not be reached. Check the spelling and the "
            "connection, or give the folder that holds the model."
        )
