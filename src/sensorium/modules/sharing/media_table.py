"""The distinct images, clips and sounds of one call, with what was made of each, for as long as somebody needs it.

A medium is decoded once, prepared by the processor once, and goes through its tower once, however many pairs name it.
Counted uses say when each of these may be forgotten, so that a call over thousands of different images holds only those
under way. Must not know how any of it is made.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from sensorium.media.samples import Part
    from sensorium.types import BaseModality


@dataclass(frozen=True, slots=True)
class TowerStates:
    """What a tower makes of one medium.

    Attributes:
        states: `[tokens, dim]`, to stand where its placeholders stand.
        deep: Further states of the same shape, added in the decoder's first layers (DeepStack), or nothing.
    """

    states: torch.Tensor
    deep: tuple[torch.Tensor, ...] = ()


@dataclass(slots=True, eq=False)
class Medium:
    """One distinct medium.

    Attributes:
        number: Its number in the call, from 0.
        kind: `"image"`, `"audio"` or `"video"`.
        loads: Pairs that name it and are not prepared yet.
        uses: Pairs that name it and are not computed yet.
        part: Decoded, until `loads` is 0.
        inputs: What its tower takes, by name, until the tower has run.
        states: What the tower made, until `uses` is 0.
        lock: Held while it is decoded.
    """

    number: int
    kind: BaseModality
    loads: int = 0
    uses: int = 0
    part: Part | None = None
    inputs: dict[str, torch.Tensor] | None = None
    states: TowerStates | None = None
    lock: Any = field(default_factory=threading.Lock)


class MediaTable:
    """The media of one call by number. Safe for several threads.

    Args:
        forget: Called with each decoded medium once nobody needs it any more.
    """

    def __init__(self, forget: Callable[[Part], None]) -> None:
        self._forget = forget
        self._media: list[Medium] = []
        self._known: dict[Hashable, int] = {}
        self._lock = threading.Lock()

    def add(self, kind: BaseModality, key: Hashable | None) -> int:
        """Note that one more pair names a medium.

        Args:
            kind: What it is.
            key: Its content; equal keys are one medium, None equals nothing.

        Returns:
            Its number.
        """
        with self._lock:
            number = self._known.get(key) if key is not None else None
            if number is None:
                number = len(self._media)
                self._media.append(Medium(number, kind))
                if key is not None:
                    self._known[key] = number
            medium = self._media[number]
            medium.loads += 1
            medium.uses += 1
            return number

    def __getitem__(self, number: int) -> Medium:
        return self._media[number]

    def decode(self, number: int, make: Callable[[], Part]) -> Part:
        """Return the decoded medium; `make` decodes it if nobody has. Others wait meanwhile."""
        medium = self._media[number]
        with medium.lock:
            if medium.part is None:
                medium.part = make()
            return medium.part

    def keep_inputs(self, number: int, inputs: dict[str, torch.Tensor]) -> None:
        """Keep what the tower takes, unless it has run or has it already."""
        with self._lock:
            medium = self._media[number]
            if medium.states is None and medium.inputs is None:
                medium.inputs = inputs

    def end_load(self, numbers: Sequence[int]) -> None:
        """Note that a pair with these media was prepared."""
        with self._lock:
            for number in numbers:
                medium = self._media[number]
                medium.loads -= 1
                if not medium.loads and medium.part is not None:
                    self._forget(medium.part)
                    medium.part = None

    def end_use(self, numbers: Sequence[int]) -> None:
        """Note that a pair with these media was computed, or never will be."""
        with self._lock:
            for number in numbers:
                medium = self._media[number]
                medium.uses -= 1
                if not medium.uses:
                    medium.states = medium.inputs = None
