"""Every error Sensorium raises on purpose, in one tree.

    SensoriumError
    ├── InputError (ValueError)             an input cannot be used; skippable with on_error="skip"
    │   ├── UnsupportedModalityError        the model has no way to take this modality
    │   ├── MediaError                      a file, address or array is not usable media
    │   │   ├── MissingMediaError (FileNotFoundError)
    │   │   ├── MediaLimitError             larger than `MediaLimits` allows
    │   │   └── FetchError                  an address was refused or did not answer
    │   └── UnknownArgumentError (TypeError)  a keyword nobody reads; never skippable
    ├── ModelError
    │   ├── ModelNotFoundError (FileNotFoundError)
    │   └── CheckpointError (ValueError)    files are there, and wrong or not trusted
    ├── MissingExtraError (ImportError)     names the pip command
    ├── EngineError (RuntimeError)
    │   └── WorkerError                     a worker process raised or died
    ├── StoreError                          a collection on disk cannot be opened, read or written
    │   ├── StoreNotFoundError (FileNotFoundError)
    │   └── DiskFullError (OSError)         what was acknowledged is kept; make room and go on
    ├── EndpointError                       a language model's endpoint refused, failed or did not answer
    └── NotBuiltError (NotImplementedError) part of the interface, not part of this release

Each also inherits the built-in that existing code catches. The fields say which input, which file and which
argument, so that a program can act on them without reading the sentence.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class SensoriumError(Exception):
    """Anything Sensorium raises on purpose. Copies and pickles with its fields, for errors cross process borders."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild_error, (type(self), self.args, self.__dict__.copy())


def _rebuild_error(cls: type[SensoriumError], args: tuple[Any, ...], fields: dict[str, Any]) -> SensoriumError:
    error = cls(*args)
    error.__dict__.update(fields)
    return error


class InputError(SensoriumError, ValueError):
    """An input that cannot be used.

    Attributes:
        index: Position of the input in the call, counted from 0, or None while it is not known.
        source: The path, address or kind of the input (`"photo.jpg"`, `"bytes"`), or None.
        reason: What is wrong and what to do, without the position.
    """

    def __init__(self, reason: str, *, index: int | None = None, source: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.index = index
        self.source = source

    def __str__(self) -> str:
        where = "" if self.index is None else f"input {self.index}"
        if self.source is not None:
            where = f"{where} ({self.source})" if where else self.source
        return f"{where}: {self.reason}" if where else self.reason


class UnsupportedModalityError(InputError):
    """The model cannot take this modality, or this mixture of modalities."""


class MediaError(InputError):
    """A file, address or array that is not usable media: truncated, wrong format, empty, encrypted."""


class MissingMediaError(MediaError, FileNotFoundError):
    """A path to a file that does not exist, or is not a regular file."""


class MediaLimitError(MediaError):
    """Media larger than `MediaLimits` allows."""


class FetchError(MediaError):
    """An address that `FetchPolicy` refuses, or that did not answer in time, size or redirects."""


class UnknownArgumentError(InputError, TypeError):
    """A keyword that nothing reads. Names the nearest known one."""

    def __init__(self, reason: str, *, argument: str | None = None) -> None:
        super().__init__(reason)
        self.argument = argument

    @classmethod
    def from_names(
        cls, owner: str, unknown: Iterable[str], known: Iterable[str], declared: Iterable[str] = ()
    ) -> UnknownArgumentError:
        """Build the error for `unknown` names.

        Args:
            owner: Who was called, such as `"SentenceTransformer.encode()"`.
            unknown: Names that nothing reads; the first is what the error is about.
            known: Names that are read although no signature shows them.
            declared: Names that the signature shows; the nearest name may be one of them.
        """
        unknown, known = sorted(unknown), sorted(known)
        close = difflib.get_close_matches(unknown[0], [*known, *declared], n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        return cls(
            f"{owner} got unused keyword arguments {unknown}.{hint} Valid additional keyword arguments are: {known}.",
            argument=unknown[0],
        )


class ModelError(SensoriumError):
    """A model cannot be loaded or used.

    Attributes:
        model: The name or folder asked for, or None.
    """

    def __init__(self, reason: str, *, model: str | None = None) -> None:
        super().__init__(reason)
        self.model = model


class ModelNotFoundError(ModelError, FileNotFoundError):
    """No checkpoint under that name: no such folder, not in the local cache, not on the hub."""

    def __str__(self) -> str:
        return str(self.args[0])


class CheckpointError(ModelError, ValueError):
    """The checkpoint's files are there, and malformed, unsafe, or in need of `trust_remote_code`."""


class MissingExtraError(SensoriumError, ImportError):
    """A package that an optional extra installs is absent.

    Attributes:
        extra: The extra to install, such as `"audio"`.
        package: The package that was looked for.
    """

    def __init__(self, reason: str, *, extra: str = "", package: str = "") -> None:
        super().__init__(reason)
        self.extra = extra
        self.package = package


class EngineError(SensoriumError, RuntimeError):
    """The machinery that runs a call failed, through no fault of an input."""


class WorkerError(EngineError):
    """A worker process raised, or died without a word.

    Attributes:
        device: The device the worker served, or None.
    """

    def __init__(self, reason: str, *, device: str | None = None) -> None:
        super().__init__(reason)
        self.device = device


class StoreError(SensoriumError):
    """A collection on disk cannot be opened, read or written.

    Attributes:
        path: The folder of the collection, or None.
    """

    def __init__(self, reason: str, *, path: str | None = None) -> None:
        super().__init__(reason)
        self.path = path

    def __str__(self) -> str:
        return str(self.args[0])


class StoreNotFoundError(StoreError, FileNotFoundError):
    """No collection in that folder."""


class DiskFullError(StoreError, OSError):
    """No room left on the device that holds the collection. What was acknowledged before is there, and opens."""


class EndpointError(SensoriumError):
    """The endpoint of a language model refused a request, failed, or did not answer.

    Attributes:
        endpoint: Its address, without credentials, or None.
    """

    def __init__(self, reason: str, *, endpoint: str | None = None) -> None:
        super().__init__(reason)
        self.endpoint = endpoint


class NotBuiltError(SensoriumError, NotImplementedError):
    """A name of the compatible interface that this release does not implement."""
