"""The progress bar of a call. tqdm is imported only where a bar is drawn. Must not know what is counted."""

from __future__ import annotations

from types import TracebackType
from typing import Any


class Progress:
    """A bar that counts inputs, or nothing at all."""

    def __init__(self, is_shown: bool, total: int | None) -> None:
        self._bar: Any = None
        if is_shown:
            from tqdm.auto import tqdm

            self._bar = tqdm(total=total, desc="Batches", unit="input")

    def advance(self, count: int) -> None:
        """Count `count` inputs as done."""
        if self._bar is not None:
            self._bar.update(count)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
