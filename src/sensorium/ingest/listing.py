"""One folder's entries, judged one by one: files to read, folders to enter, and what is neither, with a reason.

Must not know what files hold, nor in which order folders are walked.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from sensorium.errors import InputError, MediaError
from sensorium.ingest.excludes import Excludes
from sensorium.ingest.records import Origin, SkippedFile, UnreadableFile
from sensorium.ingest.settings import IngestSettings
from sensorium.media.regular_file import open_regular, translate_os_error

# A file of patterns that is longer is none.
_MAX_PATTERN_BYTES = 1 << 20
_WINDOWS_HIDDEN = 0x2
_KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file to read.

    Attributes:
        root: The folder to which `key` is relative: an absolute path.
        path: Where the file is: an absolute path that can be opened, though perhaps not shown.
        key: Its path relative to `root`, with `/`, as text that can be stored: in the normal form NFC, and with `\\xff`
            for a byte that is no text.
        size: Bytes.
        mtime_ns: When it was last changed, in nanoseconds of the file system's clock.
        real_path: Where it really is, links resolved. If given, the file is read only while `path` still leads there.
    """

    root: str
    path: str
    key: str
    size: int
    mtime_ns: int
    real_path: str | None = None

    @classmethod
    def look_at(
        cls, path: str, real_path: str, key: str, root: str, settings: IngestSettings
    ) -> SourceFile | SkippedFile | UnreadableFile:
        """Give the file at `path`, or say why there is none to read."""
        origin = Origin(key=key, path=show_path(path), settings=settings)
        try:
            about = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return origin.skip("It is a link that leads nowhere." if os.path.islink(path) else "It is gone.")
        except OSError as exc:
            return origin.fail(translate_os_error(exc, show_path(path)))
        if not stat.S_ISREG(about.st_mode):
            noun = next((noun for is_kind, noun in _KINDS if is_kind(about.st_mode)), "no regular file")
            return origin.skip(f"It is {noun}; only regular files are read.")
        return cls(root=root, path=path, key=key, size=about.st_size, mtime_ns=about.st_mtime_ns, real_path=real_path)


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder to list.

    Attributes:
        path: Where it is.
        real_path: Where it really is, links resolved.
        key: Its path relative to `root`; empty for the root itself.
        root: The folder to which keys are relative.
        boundary: The real path of the folder that no link may lead out of.
        excludes: What is left out in it.
        base: The key of the folder that the walk began in, to which patterns are relative.
    """

    path: str
    real_path: str
    key: str
    root: str
    boundary: str
    excludes: Excludes
    base: str = ""

    def list(self, settings: IngestSettings) -> Iterator[SourceFile | SkippedFile | UnreadableFile | Folder]:
        """Give its entries in the order of their names, without those that are hidden or excluded."""
        origin = Origin(key=self.key or ".", path=show_path(self.path), settings=settings)
        try:
            with os.scandir(self.path) as listing:
                entries = sorted(listing, key=lambda entry: (normalise(entry.name), entry.name))
            excludes = self._read_patterns({entry.name for entry in entries}, settings)
        except OSError as exc:  # MissingMediaError is one too
            error = exc if isinstance(exc, MediaError) else translate_os_error(exc, show_path(self.path))
            yield origin.fail(error)
            return
        except MediaError as exc:
            yield origin.fail(exc)
            return
        last = None
        for entry in entries:
            name = normalise(entry.name)
            key = f"{self.key}/{name}" if self.key else name
            inner = key[len(self.base) + 1 :] if self.base else key
            found = self._judge(entry, key, inner, excludes, settings)
            if found is not None and name == last:
                found = _name_clash(key, entry.path, settings)
            if found is not None:
                last = name
                yield found

    def _read_patterns(self, names: set[str], settings: IngestSettings) -> Excludes:
        """Read the files of patterns. One that cannot be read leaves the folder out: nobody knows what it forbids."""
        lines: list[str] = []
        for name in settings.ignore_files:
            if name not in names:
                continue
            path = os.path.join(self.path, name)
            if not is_inside(os.path.realpath(path), self.boundary):
                raise MediaError(f"its {name} is a link out of the folder, so what is left out is not known.")
            with open_regular(path, show_path(path)) as file:
                data = file.read(_MAX_PATTERN_BYTES + 1)
            if len(data) > _MAX_PATTERN_BYTES:
                raise MediaError(f"its {name} is longer than {_MAX_PATTERN_BYTES} bytes, which no list of patterns is.")
            lines += data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").splitlines()
        inner = self.key[len(self.base) + 1 :] if self.base else self.key
        return self.excludes.inside(inner, lines)

    def _judge(
        self, entry: os.DirEntry[str], key: str, inner: str, excludes: Excludes, settings: IngestSettings
    ) -> SourceFile | SkippedFile | UnreadableFile | Folder | None:
        if not settings.is_hidden_included and _is_hidden(entry):
            return None
        is_link = entry.is_symlink() or (hasattr(entry, "is_junction") and entry.is_junction())
        is_folder = not is_link and entry.is_dir(follow_symlinks=False)
        if excludes.is_excluded(inner, is_folder):
            return None
        if is_folder:
            real = os.path.join(self.real_path, entry.name)
            return Folder(entry.path, real, key, self.root, self.boundary, excludes, self.base)
        real = os.path.realpath(entry.path) if is_link else os.path.join(self.real_path, entry.name)
        if is_link:
            origin = Origin(key=key, path=show_path(entry.path), settings=settings)
            if not is_inside(real, self.boundary):
                return origin.skip("It is a link that leads out of the folder; give its target itself to read it.")
            if os.path.isdir(real):
                return origin.skip("It is a link to a folder, which is read at its own place.")
        return SourceFile.look_at(entry.path, real, key, self.root, settings)


def normalise(name: str) -> str:
    """Bring a file name to text that can be stored, the same on systems that compose letters and those that do not."""
    return unicodedata.normalize("NFC", show_path(name))


def show_path(path: str) -> str:
    """Give a path as text that can be shown and stored: bytes that are none in UTF-8 stand as `\\xff`."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return os.fsencode(path).decode("utf-8", "backslashreplace")
    return path


def to_key(path: str, root: str) -> str:
    """Give a path's key: relative to the root, with `/`; empty for the root itself."""
    relative = os.path.relpath(path, root)
    return "" if relative == os.curdir else normalise(relative.replace(os.sep, "/"))


def is_inside(path: str, folder: str) -> bool:
    """Tell whether an absolute path is a folder or lies in it, by their names alone."""
    try:
        return os.path.commonpath([path, folder]) == os.path.commonpath([folder])
    except ValueError:  # on different drives
        return False


def _is_hidden(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith("."):
        return True
    if os.name != "nt":
        return False
    return bool(getattr(entry.stat(follow_symlinks=False), "st_file_attributes", 0) & _WINDOWS_HIDDEN)


def _name_clash(key: str, path: str, settings: IngestSettings) -> UnreadableFile:
    origin = Origin(key=key, path=show_path(path), settings=settings)
    return origin.fail(
        InputError(
            "its name differs from that of another file here only in how its letters are composed. Rename one.",
            source=origin.path,
        )
    )
