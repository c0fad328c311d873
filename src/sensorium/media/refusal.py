"""Say what a file is that is not what it was given as. Must not know why it was opened, nor how it would be decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensorium.media.formats import HEAD_BYTES, sniff_format

if TYPE_CHECKING:
    from sensorium.media.formats import MediaKind
    from sensorium.media.source import Source

_NOUNS: dict[MediaKind, str] = {"image": "an image", "audio": "a sound", "video": "a clip"}


def describe_content(source: Source, wanted: tuple[MediaKind, ...]) -> str:
    """Give one sentence on what a file's first bytes are.

    Args:
        source: The file.
        wanted: What it was taken for; nothing is said of a file that begins as one of these.
    """
    found = sniff_format(source.head(HEAD_BYTES))
    if found is None:
        return "Its content is of no known format."
    if found.modality is None:
        return f"Its content is of the kind {found.name}."
    if found.modality in wanted:
        return f"It begins as a {found.name} file and is damaged, or of a variant that is not read."
    return f'Its content is {_NOUNS[found.modality]} ({found.name}): give it as {{"{found.modality}": ...}}.'
