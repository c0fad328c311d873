"""Errors on their way to the caller: which may be skipped, whose position they carry, and what memory they hold.

An exception keeps every frame it passed through alive, and with them decoded media and tensors. So errors that are
kept for a report, or that lead to a retry, are cut loose from their frames here. Must not know threads or batches.
"""

from __future__ import annotations

from sensorium.engine.report import ItemError
from sensorium.errors import InputError, UnknownArgumentError


def is_skippable(error: BaseException) -> bool:
    """Tell whether an error blames an input, rather than an argument, the model or the program."""
    return isinstance(error, InputError) and not isinstance(error, UnknownArgumentError)


def locate(error: InputError, index: int) -> InputError:
    """Return the error with the caller's position: itself, or a copy where it already speaks for another input."""
    if error.index is not None and error.index != index:
        original, error = error, type(error)(*error.args)
        error.__dict__.update(original.__dict__)
        error.__cause__ = original.__cause__
    error.index = index
    return error


def report(error: InputError, index: int) -> ItemError:
    """Return the record of one failed input."""
    located = locate(error, index)
    return ItemError(index=index, source=located.source, error=located)


def release_frames(error: BaseException) -> None:
    """Cut an error, and those it came from, loose from the frames they passed through."""
    seen: set[int] = set()
    queue: list[BaseException | None] = [error]
    while queue:
        current = queue.pop()
        if current is not None and id(current) not in seen:
            seen.add(id(current))
            current.__traceback__ = None
            queue += [current.__cause__, current.__context__]
