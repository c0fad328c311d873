"""How a call shall run: the sizes and the policy, checked once. Frozen, no behaviour. Must not know the steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sensorium.errors import InputError

#: A stream looks this many batches ahead, so that there is something to sort and to share ...
_WINDOW_BATCHES = 16
#: ... and at least this many inputs.
_SMALLEST_WINDOW = 512


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of one `run` or `stream`.

    Attributes:
        batch_size: Most inputs in one batch, at least 1.
        token_budget: Most tokens in one batch, padding counted (its largest cost times its length); None for no limit.
            An input above the budget is a batch by itself.
        workers: Threads that load and collate ahead of the model; 0 does everything on the calling thread.
        on_error: `"raise"` ends the call at the first input that cannot be used; `"skip"` records it and goes on.
        show_progress: Whether to draw a progress bar that counts inputs.
        window: Most inputs a stream holds, from pulled to yielded; None for 16 batches, and 512 at least.
        prefetch: Most collated batches that wait for the model, at least 1.
        shares_cores: Whether the model computes on the cores that prepare. Then the calling thread loads and collates
            too
            while no batch is ready, and the workers rest while it computes. Right for a model on the CPU; wrong for a
            device, which a slow item would keep waiting.
        torch_threads: Most threads that torch uses in the calling thread while the engine works; None leaves torch
            alone.
        keeps_order: Whether batches are cut in the order given and not by cost, for calls that may end early and whose
            first inputs matter most.
        stop_at_s: Time on `time.monotonic`'s clock after which no batch is begun; inputs not computed by then have
            neither row nor error. None for no limit.

    Raises:
        InputError: A value is out of its range.
    """

    batch_size: int = 32
    token_budget: int | None = None
    workers: int = 0
    on_error: Literal["raise", "skip"] = "raise"
    show_progress: bool = False
    window: int | None = None
    prefetch: int = 2
    shares_cores: bool = False
    torch_threads: int | None = None
    keeps_order: bool = False
    stop_at_s: float | None = None

    def __post_init__(self) -> None:
        _check_at_least(1, "batch_size", self.batch_size)
        _check_at_least(0, "workers", self.workers)
        _check_at_least(1, "prefetch", self.prefetch)
        for name in ("token_budget", "window", "torch_threads"):
            value = getattr(self, name)
            if value is not None:
                _check_at_least(1, name, value)
        if self.on_error not in ("raise", "skip"):
            raise InputError(f'on_error={self.on_error!r} is not known. Allowed: "raise" and "skip".')

    @property
    def stream_window(self) -> int:
        """The window of a stream, in inputs."""
        return self.window if self.window is not None else max(_WINDOW_BATCHES * self.batch_size, _SMALLEST_WINDOW)


def _check_at_least(least: int, name: str, value: int) -> None:
    if value < least:
        raise InputError(f"{name}={value!r} is out of range. Give a whole number of at least {least}.")
