"""What a walk leaves out: the caller's patterns, and those of `.gitignore` files found on the way.

As git has it: patterns of a deeper folder win over those above it, later lines over earlier ones, and inside a folder
that is left out nothing is taken in again. The caller's patterns win over all. Must not know how folders are listed.

Source: the rules are those of gitignore(5); the package pathspec carries them out for one list of lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from sensorium._optional import require
from sensorium.errors import InputError

_PURPOSE = "Leaving out files by patterns such as those of .gitignore"


class Excludes:
    """Patterns that hold in one folder, those of the folders above it included.

    Args:
        excludes: The caller's lines, for paths relative to the root.

    Raises:
        InputError: One of them is no pattern.
        MissingExtraError: There are some, and pathspec is not installed.
    """

    def __init__(self, excludes: Iterable[str] = ()) -> None:
        lines = [line for line in excludes if _is_pattern(line)]
        self._first = _compile(lines) if lines else None
        self._found: tuple[tuple[str, Any], ...] = ()

    def inside(self, folder: str, lines: Iterable[str]) -> Excludes:
        """Give the patterns that hold in a folder.

        Args:
            folder: Its key: relative to the root, empty for the root itself.
            lines: Of the files found there. What is no pattern is passed over, as git does.
        """
        wanted = [line for line in lines if _is_pattern(line)]
        if not wanted:
            return self
        more = Excludes()
        more._first = self._first
        more._found = ((folder, _compile_lenient(wanted)), *self._found)
        return more

    def is_excluded(self, key: str, is_folder: bool) -> bool:
        """Tell whether something is left out.

        Args:
            key: Its path relative to the root.
            is_folder: Whether it is a folder, for patterns that end in `/`.
        """
        tail = "/" if is_folder else ""
        if self._first is not None and (said := self._first.check_file(key + tail).include) is not None:
            return bool(said)
        for folder, spec in self._found:
            inner = key[len(folder) + 1 :] if folder else key
            said = spec.check_file(inner + tail).include
            if said is not None:
                return bool(said)
        return False


class Glob:
    """A pattern of paths below a folder: `*.jpg`, `2020-*/**/*.png`. It takes what it matches and all that is inside.

    Args:
        pattern: Relative to the folder, with `/`.

    Raises:
        InputError: It is no pattern.
        MissingExtraError: pathspec is not installed.
    """

    def __init__(self, pattern: str) -> None:
        self._spec = _compile(["/" + pattern])
        self._depth = None if "**" in pattern else pattern.count("/") + 1

    def is_matched(self, key: str) -> bool:
        """Tell whether a file, by its path relative to the folder, is matched."""
        return bool(self._spec.match_file(key))

    def is_worth_entering(self, key: str) -> bool:
        """Tell whether something inside a folder may be matched."""
        return self._depth is None or key.count("/") + 1 < self._depth or bool(self._spec.match_file(key + "/"))


def _is_pattern(line: str) -> bool:
    return bool(line.strip()) and not line.startswith("#")


def _compile(lines: list[str]) -> Any:
    pathspec = require("pathspec", _PURPOSE)
    try:
        return pathspec.GitIgnoreSpec.from_lines(lines)
    except (ValueError, re.error, Warning) as exc:  # a warning is raised where the caller has turned them into errors
        raise InputError(f"one of the patterns {lines[:8]} cannot be used: {exc}. Write it as in .gitignore.") from exc


def _compile_lenient(lines: list[str]) -> Any:
    try:
        return _compile(lines)
    except InputError:
        return _compile([line for line in lines if _is_usable(line)])


def _is_usable(line: str) -> bool:
    try:
        _compile([line])
    except InputError:
        return False
    return True
