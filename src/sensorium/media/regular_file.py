"""Open a path, if what stands there is a regular file; never a folder, pipe, socket or device, and never wait for one.

Must not know what the bytes mean, nor how a caller named the path.
"""

from __future__ import annotations

import os
import re
import stat
from typing import BinaryIO

from sensorium.errors import MediaError, MissingMediaError

# O_NONBLOCK: should a pipe take the file's place after the check, opening it must not wait for a writer.
# A flag that a system lacks (O_BINARY is of Windows, most others are not) counts as none.
_FLAGS = sum(
    {getattr(os, name, 0) for name in ("O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY", "O_BINARY", "O_NOINHERIT")},
    start=os.O_RDONLY,
)
_MAYBE_BASE64 = re.compile(r"[A-Za-z0-9+/\s]{64,}={0,2}\s*")
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def open_regular(path: str, name: str) -> BinaryIO:
    """Open a file that is a regular one when looked at, and still is when opened.

    Args:
        path: Where it is; links are followed.
        name: What to call it in messages.

    Returns:
        The file, open for reading bytes. The caller closes it.

    Raises:
        MissingMediaError: There is none, or what is there is no regular file.
        MediaError: It may not be opened, or the text cannot be a path.
    """
    try:
        # Looked at first, because opening a pipe or device can have effects of its own, such as waking its writer.
        _check_regular(os.stat(path).st_mode, name)
        descriptor = os.open(path, _FLAGS)
        try:
            _check_regular(os.fstat(descriptor).st_mode, name)
            return os.fdopen(descriptor, "rb")
        except BaseException:
            os.close(descriptor)
            raise
    except MediaError:  # MissingMediaError is an OSError too
        raise
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise MissingMediaError(f"no such file. {_advise_missing(path)}", source=name) from exc
    except OSError as exc:
        raise translate_os_error(exc, name) from exc
    except ValueError as exc:  # a NUL character, or one that the file system's encoding lacks
        raise MediaError(f"this cannot be a path ({exc}).", source=name) from exc


def translate_os_error(exc: OSError, name: str) -> MediaError:
    """Build the error for a file that cannot be opened or read for a reason of the system's."""
    return MediaError(f"cannot be opened or read ({exc.strerror or exc}).", source=name)


def _check_regular(mode: int, name: str) -> None:
    if not stat.S_ISREG(mode):
        kind = next((noun for is_kind, noun in _KINDS if is_kind(mode)), "no regular file")
        raise MissingMediaError(f"this is {kind}; only regular files are opened. Give the path of a file.", source=name)


def _advise_missing(path: str) -> str:
    if _MAYBE_BASE64.fullmatch(path):
        return 'If this is base64 data, write it as an address: "data:image/png;base64,<data>".'
    return "Check the path." if os.path.isabs(path) else "Check the path; it is taken from the current folder."
