"""The numbers with which the command line ends, and which error stands for which.

Scripts rely on them, so one that is given out keeps its meaning. Must not know any command.
"""

from __future__ import annotations

from typing import Final

from sensorium.errors import (
    InputError,
    MissingExtraError,
    MissingMediaError,
    ModelNotFoundError,
    SensoriumError,
    StoreError,
    StoreNotFoundError,
)

#: All is done; a search that finds nothing is done, too.
DONE: Final = 0
#: Something failed that no other number stands for; or the user said no to a question.
FAILED: Final = 1
#: The command cannot be understood: an unknown option, a value that cannot be used.
WRONG_USE: Final = 2
#: All is done but for some files or inputs that could not be read; they are listed.
SOME_UNREADABLE: Final = 3
#: What was named is not there: a file, a collection, a model.
NOT_FOUND: Final = 4
#: A package must be installed first; the message has the command.
NOT_INSTALLED: Final = 5
#: The collection cannot be used: made with another model, damaged, no room left.
COLLECTION_UNUSABLE: Final = 6
#: A fault of Sensorium itself (`EX_SOFTWARE` of sysexits.h).
INTERNAL_ERROR: Final = 70
#: Stopped with Ctrl-C (128 + SIGINT, as shells have it).
INTERRUPTED: Final = 130
#: Whoever read the output went away (128 + SIGPIPE).
PIPE_CLOSED: Final = 141

# The first that fits; what is narrower stands first.
_CODES: tuple[tuple[type[SensoriumError], int], ...] = (
    (StoreNotFoundError, NOT_FOUND),
    (ModelNotFoundError, NOT_FOUND),
    (MissingMediaError, NOT_FOUND),
    (MissingExtraError, NOT_INSTALLED),
    (StoreError, COLLECTION_UNUSABLE),
    (InputError, WRONG_USE),
)


def code_of(error: SensoriumError) -> int:
    """Give the number with which the command line ends on an error."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), FAILED)
