"""Words or a file: what an argument of the command line stands for, and how a file becomes one input of a model.

Must not know models or collections.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from sensorium.errors import InputError, MissingMediaError

if TYPE_CHECKING:
    from sensorium.media.samples import Sample

#: Most characters of a text file that is taken as one input. No model reads as many; the rest would only cost memory.
MAX_TEXT_CHARACTERS = 10_000_000


def read_argument(argument: str, *, is_text: bool = False, is_file: bool = False) -> str | Path:
    """Tell whether an argument is words or a file.

    Args:
        argument: What was typed.
        is_text: It is words, whatever files there are (`--text`).
        is_file: It must be a file (`--file`).

    Returns:
        A `str` for words; a `Path` for a file, which an argument that is the path of an existing one is.

    Raises:
        InputError: Both are asked for, the argument is empty, or it is a folder.
        MissingMediaError: There is no such file.
    """
    if is_text and is_file:
        raise InputError("--text and --file exclude each other.")
    if not argument.strip():
        raise InputError("the query is empty. Give words, or the path of a file.")
    if is_text:
        return argument
    path = os.path.expanduser(argument)
    if _is_file(path):
        return Path(path)
    if is_file:
        raise MissingMediaError("there is no such file. Check the path, or leave out --file to use words.", source=path)
    return argument


def reads_like_file(words: str) -> bool:
    """Whether words may be a path that was mistyped: one word, with a slash or an ending such as `.png`."""
    return re.fullmatch(r"\S*/\S*|\S+\.[A-Za-z0-9]{2,5}", words) is not None


def _is_file(path: str) -> bool:
    try:
        return os.path.isfile(path)
    except ValueError:  # a NUL among the letters
        return False


def as_text(text: str) -> Sample:
    """Make words an input that is text even if it reads like a path or an address."""
    from sensorium.media.samples import Part, Sample

    return Sample("text", (Part("text", text, True),))


def as_file(path: str | os.PathLike[str]) -> Sample:
    """Make a file one input, by what it holds: all its text, or the picture, sound or clip that it is.

    Raises:
        MissingMediaError: There is no such file.
        InputError: It cannot be read as one input.
    """
    from sensorium.ingest.sniff import HEAD_BYTES, sniff_content
    from sensorium.media.samples import Part, Sample

    shown = os.fspath(path)
    if not _is_file(shown):
        raise MissingMediaError("there is no such file.", source=shown)
    try:
        with open(shown, "rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as exc:
        raise InputError(f"it cannot be read: {exc.strerror}.", source=shown) from exc
    found = sniff_content(head, os.path.basename(shown))
    if found.kind == "image" or found.kind == "audio" or found.kind == "video":
        return Sample(found.kind, (Part(found.kind, Path(path)),))
    if found.kind == "pdf":
        raise InputError("a PDF file is many pages and no single input. Index it into a collection.", source=shown)
    if found.kind is None:
        raise InputError(found.reason, source=shown)
    return as_text(_read_text(shown))


def _read_text(path: str) -> str:
    from sensorium.ingest import IngestSettings, Record, UnreadableFile, read_items

    # One passage as long as the file, so that encodings and pages are read as they are when indexing.
    settings = IngestSettings(passage_characters=MAX_TEXT_CHARACTERS, passage_overlap=0)
    found = next(iter(read_items([Path(path)], settings)), None)
    if isinstance(found, UnreadableFile):
        raise found.error
    if not isinstance(found, Record):
        raise InputError("it holds no text.", source=path)
    return found.text or ""
