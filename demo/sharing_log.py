"""What a call says of sharing in its debug log: that a common beginning was computed once, or why nothing was shared.

Must not know what the call computes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

_BEGINNINGS = "sensorium.modules.sharing.scorer"
_OBSTACLES = "sensorium.encoders.score_running"


class SharingLog(logging.Handler):
    """Keeps what was logged.

    Attributes:
        beginnings: Sentences on beginnings of prompts that were computed once.
        obstacles: Sentences that say why a call shared nothing.
    """

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.beginnings: list[str] = []
        self.obstacles: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        kept = self.obstacles if record.name == _OBSTACLES else self.beginnings
        kept.append(record.getMessage())


@contextmanager
def listen_to_sharing() -> Iterator[SharingLog]:
    """Listen while the block runs; the loggers are left as they were."""
    handler = SharingLog()
    loggers = [logging.getLogger(name) for name in (_BEGINNINGS, _OBSTACLES)]
    before = [(logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
    try:
        yield handler
    finally:
        for logger, (level, propagates) in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)
            logger.propagate = propagates
