"""Older spellings of constructor arguments. Must not know which module takes them."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

logger = logging.getLogger(__name__)

_P = ParamSpec("_P")
_R = TypeVar("_R")


def renamed_arguments(**renames: str) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Decorate a function so that it takes old keyword names, with a logged warning.

    Args:
        **renames: Old name -> name now. If both are given, the new one wins.
    """

    def decorate(function: Callable[_P, _R]) -> Callable[_P, _R]:
        @functools.wraps(function)
        def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            for old, new in renames.items():
                if old in kwargs:
                    logger.warning("The argument `%s` was renamed and is now deprecated. Use `%s` instead.", old, new)
                    value = kwargs.pop(old)
                    kwargs.setdefault(new, value)
            return function(*args, **kwargs)

        return call

    return decorate
