"""The one place where the faults of LanceDB, Arrow and the system become errors of ours.

LanceDB reports most of them as a `RuntimeError` or `ValueError` whose text alone says what happened, so the text is
read here. Must not know who called.
"""

from __future__ import annotations

import difflib
import errno
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sensorium.errors import DiskFullError, InputError, SensoriumError, StoreError

#: What LanceDB and Arrow raise: Arrow's own errors inherit from these.
FOREIGN: tuple[type[Exception], ...] = (RuntimeError, ValueError, TypeError, KeyError, OSError)

_FULL = re.compile(r"no space left on device|os error 28\b|disk quota exceeded|os error 122\b", re.IGNORECASE)
_DENIED = re.compile(r"permission denied|read-only file system|os error (1|13|30)\b", re.IGNORECASE)
_CONFLICT = re.compile(r"commit conflict|preempted by concurrent|too many concurrent writers", re.IGNORECASE)
_UNREADABLE_MANIFEST = re.compile(
    r"failed to decode protobuf|file size is too small|invalid range 0\.\.0", re.IGNORECASE
)
_UNKNOWN_COLUMN = re.compile(r"no field named (?P<quote>[`\"]?)(?P<name>.+?)(?P=quote)\. ", re.IGNORECASE)
_BAD_EXPRESSION = re.compile(
    r"error parsing statement|sql parser error|error resolving filter|is not supported sql|invalid user input"
    r"|error during planning|cannot coerce|schema error",
    re.IGNORECASE,
)
_FULL_NUMBERS = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


def is_conflict(error: BaseException) -> bool:
    """Tell whether a commit failed only because another writer's came first."""
    return _CONFLICT.search(str(error)) is not None


def is_unreadable_manifest(error: BaseException) -> bool:
    """Tell whether a table failed to open because the newest list of its files makes no sense."""
    return not isinstance(error, OSError) and _UNREADABLE_MANIFEST.search(str(error)) is not None


def from_os_error(error: OSError, doing: str, path: str) -> StoreError:
    """Build the error for a fault of the system, met while `doing` something in the collection at `path`."""
    if error.errno in _FULL_NUMBERS:
        return _full(doing, path)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return _denied(str(error), doing, path)
    return StoreError(f"{doing} failed in the collection {path!r}: {error}.", path=path)


def _full(doing: str, path: str) -> DiskFullError:
    error = DiskFullError(
        f"No room left on the device of the collection {path!r} while {doing}. What was acknowledged before is kept: "
        "make room and go on from there.",
        path=path,
    )
    error.errno = errno.ENOSPC
    return error


def _denied(text: str, doing: str, path: str) -> StoreError:
    return StoreError(
        f"{doing} was not permitted in the collection {path!r}: {_shorten(text)}. Check who owns its files, and "
        "whether the device may be written.",
        path=path,
    )


def translate(error: Exception, doing: str, path: str, columns: Sequence[str] = ()) -> SensoriumError:
    """Build our error for a foreign one.

    Args:
        error: What LanceDB, Arrow or the system raised.
        doing: What was being done, as a noun: `"writing rows"`.
        path: The folder of the collection.
        columns: Names that a condition may use, to name the nearest.
    """
    text = str(error)
    if isinstance(error, OSError) and error.errno is not None:
        return from_os_error(error, doing, path)
    if _FULL.search(text):
        return _full(doing, path)
    if _DENIED.search(text):
        return _denied(text, doing, path)
    unknown = _UNKNOWN_COLUMN.search(text)
    if unknown is not None:
        return unknown_column(unknown["name"], columns)
    if _BAD_EXPRESSION.search(text):
        return InputError(f"The condition cannot be used: {_shorten(text)}.")
    return StoreError(f"{doing} failed in the collection {path!r}: {_shorten(text)}.", path=path)


def unknown_column(name: str, columns: Sequence[str]) -> InputError:
    """Build the error for a column that is not there, naming the nearest."""
    close = difflib.get_close_matches(name, columns, n=1) or difflib.get_close_matches(
        name.lower(), [column for column in columns if column.islower()], n=1
    )
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return InputError(f"No column {name!r}.{hint} There are: {', '.join(sorted(columns))}.")


def _shorten(text: str) -> str:
    """Leave out where in LanceDB's own source a fault arose."""
    text = re.sub(r",? ?/\S*\.rs:\d+:\d+", "", text)
    return text.removeprefix("lance error: ").strip().rstrip(".")


@contextmanager
def translated(doing: str, path: str, columns: Sequence[str] = ()) -> Iterator[None]:
    """Run a block in which foreign faults become ours; see `translate`.

    Raises:
        StoreError: Anything but a condition that cannot be used.
        InputError: A condition that cannot be used.
    """
    try:
        yield
    except SensoriumError:
        raise
    except FOREIGN as exc:
        raise translate(exc, doing, path, columns) from exc
