"""Names that stay: a record's id, and the digest of the content that is encoded.

An id says *which* record (of which source, from where in it, cut by which settings); a digest says *what* it holds. Two
files with one content give two ids and one digest, so that one vector serves both. Both come from bytes and plain
values alone: no clock, no object, no order, nothing of the machine. Must not know how files are read or cut.

Source: BLAKE2b (RFC 7693) with 16 bytes: a collision among 2**40 inputs has a chance below 2**-48.
"""

from __future__ import annotations

import json
import os
from hashlib import blake2b
from typing import TYPE_CHECKING

from sensorium.errors import MediaError
from sensorium.media.regular_file import translate_os_error

if TYPE_CHECKING:
    from sensorium.ingest.place import Place
    from sensorium.media.source import Source

_DIGEST_BYTES = 16
_BLOCK = 1 << 20


def make_id(key: str, place: Place, settings_digest: str) -> str:
    """Name a record.

    Args:
        key: Of its source: the path relative to the folder that is read, or the caller's id.
        place: Where in the source. Its beginning alone counts, so that the last passage of a text, or the last segment
            of a recording, keeps its id when more is written behind it.
        settings_digest: Of how such content is cut; see `IngestSettings.digest`.

    Returns:
        32 hexadecimal digits.
    """
    return _hash_json(["record", key, place.beginning, settings_digest])


def hash_text(text: str) -> str:
    """Give the digest of a text as it is encoded: 32 hexadecimal digits."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES, person=b"text").hexdigest()


def hash_file(source: Source) -> str:
    """Give the digest of a file's bytes, read block by block: 32 hexadecimal digits.

    Raises:
        MissingMediaError: It is gone, or no regular file.
        MediaError: It cannot be read, or was written to meanwhile.
    """
    digest = blake2b(digest_size=_DIGEST_BYTES)
    with source.open() as file:
        try:
            before = _stamp(file)
            while block := file.read(_BLOCK):
                digest.update(block)
            if _stamp(file) != before:
                raise MediaError(
                    "was written to while it was read. Read it again when it is complete.", source=source.name
                )
        except OSError as exc:
            raise translate_os_error(exc, source.name) from exc
    return digest.hexdigest()


def derive_digest(file_digest: str, kind: str, *details: object) -> str:
    """Give the digest of a part of a file without reading it: from the file's, and what picks the part.

    Args:
        file_digest: Of the whole file.
        kind: What the part is, such as `"page"`.
        details: Plain values that say which part, and how it is decoded.
    """
    return _hash_json([kind, file_digest, *details])


def _hash_json(values: list[object]) -> str:
    data = json.dumps(values, separators=(",", ":")).encode("ascii")
    return blake2b(data, digest_size=_DIGEST_BYTES).hexdigest()


def _stamp(file: object) -> tuple[int, int] | None:
    try:
        about = os.fstat(file.fileno())  # type: ignore[attr-defined]
    except (OSError, AttributeError):  # bytes in memory
        return None
    return about.st_size, about.st_mtime_ns
