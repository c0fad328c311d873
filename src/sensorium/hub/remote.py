"""The only place that calls `huggingface_hub`, and that translates its errors.

Must not know which files a model needs; `huggingface_hub` is imported by the functions, because its import takes a
quarter of a second that loading from a folder should not pay.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sensorium.errors import ModelError, ModelNotFoundError

if TYPE_CHECKING:
    from sensorium.hub.checkpoint import Checkpoint

logger = logging.getLogger(__name__)

_DEFAULT_REVISION = "main"


def is_switched_off() -> bool:
    """Whether `HF_HUB_OFFLINE` forbids requests in this process."""
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def cache_root(cache_folder: str | None) -> Path:
    """Return the folder of the local cache: the given one, or the hub library's own."""
    if cache_folder is not None:
        return Path(cache_folder)
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def cached_file(checkpoint: Checkpoint, filename: str) -> tuple[Path | None, bool]:
    """Look into the local cache.

    Returns:
        The file's path or None, and whether the cache knows the answer (the file, or that there is none).
    """
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(
            checkpoint.name_or_path,
            filename,
            cache_dir=checkpoint.cache_folder,
            revision=checkpoint.revision,
        )
    except HFValidationError:
        return None, True  # not a hub name: no hub has it
    if isinstance(found, str):
        return Path(found), True
    return None, found is not None


def cached_commit(checkpoint: Checkpoint) -> str | None:
    """Return the commit that the local cache last saw under the checkpoint's revision, or None."""
    folder = "--".join(["models", *checkpoint.name_or_path.split("/")])
    revision = checkpoint.revision or _DEFAULT_REVISION
    reference = cache_root(checkpoint.cache_folder) / folder / "refs" / revision
    if ".." in revision.split("/") or not reference.is_file():
        return None
    return reference.read_text(encoding="utf-8").strip() or None


def download_file(checkpoint: Checkpoint, filename: str) -> Path | None:
    """Fetch one file into the local cache, or find it there; None if the repository has no such file."""
    from huggingface_hub import hf_hub_download

    with _translated(checkpoint) as outcome:
        outcome.path = Path(
            hf_hub_download(
                checkpoint.name_or_path,
                filename,
                revision=checkpoint.revision,
                token=checkpoint.token,
                cache_dir=checkpoint.cache_folder,
                local_files_only=checkpoint.local_files_only,
            )
        )
    return outcome.path


def download_snapshot(checkpoint: Checkpoint, pattern: str | None) -> Path | None:
    """Fetch the files that match `pattern` (all for None); None if there is no such repository within reach."""
    from huggingface_hub import snapshot_download

    with _translated(checkpoint) as outcome:
        outcome.path = Path(
            snapshot_download(
                checkpoint.name_or_path,
                revision=checkpoint.revision,
                token=checkpoint.token,
                cache_dir=checkpoint.cache_folder,
                local_files_only=checkpoint.local_files_only,
                allow_patterns=pattern,
            )
        )
    return outcome.path


class _Outcome:
    """What a request gave; stays None where the hub's error means "there is none"."""

    path: Path | None = None


@contextlib.contextmanager
def _translated(checkpoint: Checkpoint) -> Iterator[_Outcome]:
    from huggingface_hub import errors

    # The base of every error of its HTTP client, which is httpx, or another package in newer releases.
    http_error: type[Exception] = errors.HfHubHTTPError.__bases__[0]
    name = checkpoint.name_or_path
    at = f" (revision {checkpoint.revision!r})" if checkpoint.revision else ""
    try:
        yield _Outcome()
    except errors.LocalEntryNotFoundError as exc:
        # Nothing in the cache, and no answer from the hub: absent as far as can be told.
        if not checkpoint.is_offline:
            logger.warning("The hub could not be reached for %s; only the local cache is used: %s", name, exc)
    except (errors.EntryNotFoundError, errors.HFValidationError, errors.OfflineModeIsEnabled):
        pass
    except errors.GatedRepoError as exc:
        raise ModelError(
            f"The model {name!r}{at} is gated. Accept its terms on its page on the hub, then log in with "
            "`hf auth login` or pass token=...",
            model=name,
        ) from exc
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as exc:
        raise ModelNotFoundError(
            f"There is no folder {name!r}, and the hub has no model {name!r}{at} that this user may see. Check the "
            "spelling; for a private model, log in with `hf auth login` or pass token=...",
            model=name,
        ) from exc
    except (http_error, errors.FileMetadataError, errors.LocalTokenNotFoundError) as exc:
        raise ModelError(
            f"The hub gave an error for {name!r}{at}: {exc}. Try again later, or set local_files_only=True "
            "to use what the local cache holds.",
            model=name,
        ) from exc
