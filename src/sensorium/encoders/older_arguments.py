"""What calls of earlier releases still pass: positional arguments that are keywords now, and names that changed.

Must not know what any argument does.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

logger = logging.getLogger(__name__)

_Function = TypeVar("_Function", bound=Callable[..., Any])


def take_older_arguments(
    owner: str,
    *,
    renamed: dict[str, str] | None = None,
    ignored: Sequence[str] = (),
    positional: Sequence[str] = (),
    keeps: int = 0,
    moved: dict[str, str] | None = None,
) -> Callable[[_Function], _Function]:
    """Decorate a method so that it takes what earlier releases took, with a logged warning each.

    Args:
        owner: The class or method, for the warning.
        renamed: Older name -> name now; what is given under the name now wins.
        ignored: Names that are taken and have no effect.
        positional: Names of keywords that used to be positional, in their order.
        keeps: How many arguments beyond `self` may be positional today.
        moved: Name -> the dict argument of which it is a key now.
    """

    def decorate(function: _Function) -> _Function:
        @functools.wraps(function)
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            if positional and len(args) > keeps:
                for name, value in zip(positional, args[keeps:], strict=False):
                    logger.warning("%s takes `%s` by name now; passing it by position is deprecated.", owner, name)
                    kwargs.setdefault(name, value)
                args = args[:keeps] + args[keeps + len(positional) :]
            for old, new in (renamed or {}).items():
                if old in kwargs:
                    logger.warning("The %s argument `%s` is deprecated; its name is now `%s`.", owner, old, new)
                    value = kwargs.pop(old)
                    kwargs.setdefault(new, value)
            for name, home in (moved or {}).items():
                if name in kwargs:
                    logger.warning("The %s argument `%s` is deprecated; give %s={%r: ...}.", owner, name, home, name)
                    kwargs[home] = {name: kwargs.pop(name), **(kwargs.get(home) or {})}
            for name in ignored:
                if name in kwargs:
                    logger.warning("The %s argument `%s` is deprecated and has no effect.", owner, name)
                    kwargs.pop(name)
            return function(self, *args, **kwargs)

        return call  # type: ignore[return-value]

    return decorate
