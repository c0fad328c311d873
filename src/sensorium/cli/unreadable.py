"""The list of what could not be read: the first few with their reasons, then how many more. Must not know why."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sensorium.cli.output import count_of, print_line

if TYPE_CHECKING:
    from sensorium.collection import Unreadable

#: How many are listed.
MOST_LISTED = 20


def print_unreadable(problems: Iterable[Unreadable], count: int) -> None:
    """Print files, pages and items that could not be read.

    Args:
        problems: The first of them at least.
        count: How many there are; nothing is printed for 0.
    """
    if not count:
        return
    print_line(f"{count_of(count, 'file or part of one')} could not be read:".replace("ones could", "one could"))
    shown = 0
    for problem in itertools.islice(problems, MOST_LISTED):
        print_line(f"  {problem.path or problem.key}: {_without_name(problem)}")
        shown += 1
    if count > shown:
        print_line(f"  ... and {count - shown:,} more; `sensorium info --json` lists them all.")


def _without_name(problem: Unreadable) -> str:
    """Give the reason without the path in front, which stands there already."""
    for name in (problem.path, problem.key):
        if name and problem.reason.startswith(f"{name}: "):
            return problem.reason[len(name) + 2 :]
    return problem.reason
