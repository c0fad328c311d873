"""How far an indexing has come, on standard error: a bar on a terminal, a plain line now and then elsewhere.

Must not know collections beyond the numbers they report.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from sensorium.cli.escaping import show
from sensorium.cli.output import count_of, error_console, show_seconds

if TYPE_CHECKING:
    from sensorium.collection import IndexProgress

#: Seconds over which the rate is taken.
_WINDOW_S = 20.0
#: Seconds before the first plain line, and between two.
_FIRST_LINE_S, _LINES_S = 5.0, 30.0
#: Seconds between two drawings of the bar's words.
_REDRAW_S = 0.1


class Rate:
    """How quickly something goes, over the last seconds.

    Args:
        clock: Gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, int, int]] = deque()

    def note(self, files: int, records: int) -> None:
        """Take down how many there are by now."""
        now = self._clock()
        self._seen.append((now, files, records))
        while len(self._seen) > 2 and now - self._seen[1][0] > _WINDOW_S:
            self._seen.popleft()

    def per_second(self) -> tuple[float, float]:
        """Give files and records a second; zeros as long as nothing can be said."""
        if len(self._seen) < 2:
            return 0.0, 0.0
        first, last = self._seen[0], self._seen[-1]
        seconds = last[0] - first[0]
        return ((last[1] - first[1]) / seconds, (last[2] - first[2]) / seconds) if seconds > 0 else (0.0, 0.0)


class IndexingProgress:
    """Shows progress while it is entered; its `update` is what `Collection.add` takes as `on_progress`.

    Args:
        verb: What is being done.
        is_quiet: Show nothing.
        clock: Gives seconds.
    """

    def __init__(
        self, verb: str = "Indexing", *, is_quiet: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._verb = verb
        self._is_quiet = is_quiet
        self._clock = clock
        self._rate = Rate(clock)
        self._bar: Any = None
        self._task: Any = None
        self._begun = clock()
        self._drawn = -_LINES_S
        self._next_line = self._begun + _FIRST_LINE_S

    def __enter__(self) -> IndexingProgress:
        if not self._is_quiet and sys.stderr.isatty():
            self._begin_bar()
        self._rate.note(0, 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def update(self, now: IndexProgress) -> None:
        """Show numbers."""
        self._rate.note(now.files, now.records)
        moment = self._clock()
        if self._bar is not None:
            if moment - self._drawn >= _REDRAW_S:
                self._drawn = moment
                self._bar.update(self._task, completed=now.files, total=now.total_files, words=self.describe(now))
        elif not self._is_quiet and moment >= self._next_line:
            self._next_line = moment + _LINES_S
            total = "" if now.total_files is None else f" of {now.total_files:,}"
            print(f"{now.files:,}{total} files, {self.describe(now)}", file=sys.stderr, flush=True)

    def describe(self, now: IndexProgress) -> str:
        """Give the numbers beside the bar: items per second, time left, errors so far, and the file at hand."""
        files_rate, records_rate = self._rate.per_second()
        words = [f"{count_of(now.records, 'record')}", f"{records_rate:.1f} items/s"]
        if now.total_files is not None and files_rate > 0 and now.total_files > now.files:
            words.append(f"{show_seconds((now.total_files - now.files) / files_rate)} left")
        words.append(count_of(now.unreadable, "error"))
        if self._bar is not None and now.current:
            words.append(show(now.current)[-40:])
        return ", ".join(words)

    def _begin_bar(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self._bar = Progress(
            TextColumn(self._verb),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("files, {task.fields[words]}", markup=False),
            console=error_console(),
            transient=True,
        )
        self._task = self._bar.add_task("", total=None, words="")
        self._bar.start()
