"""What a model offers to the engine: nine steps that take one input from the caller's value to its row.

The engine calls these and nothing else, so whatever can be put behind them (an encoder, a reranker, a fake in a test)
gets the order, the overlap, the retries and the error reports. Must not know what items, batches or rows are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

#: What `read` makes of a value.
Item = TypeVar("Item")
#: What `load` makes of an item: fetched and decoded.
Loaded = TypeVar("Loaded")
#: What `collate` makes of several: what the model takes.
Batch = TypeVar("Batch")
#: What `compute` hands back; a device may still be working on it.
Pending = TypeVar("Pending")
#: What the caller gets for one input.
Row = TypeVar("Row")


class Steps(Protocol[Item, Loaded, Batch, Pending, Row]):
    """The steps of one call.

    `load` and `collate` run in worker threads when the call has any, several at a time; the others run in the
    calling thread only. `InputError` from `read`, `key`, `cost`, `group`, `load` and `collate` blames one input (or,
    in `collate`, one among several: the engine finds out which); every other error ends the call.
    """

    def read(self, value: Any) -> Item:
        """Bring a caller's value to normal form. Cheap: nothing is fetched or decoded."""
        ...

    def key(self, item: Item) -> Hashable | None:
        """Name the content: items with equal keys are computed once. None is never shared."""
        ...

    def cost(self, item: Item) -> int:
        """Estimate the tokens, at least 1, from text and headers."""
        ...

    def group(self, item: Item) -> Hashable:
        """Say which items may share a batch: those whose groups are equal."""
        ...

    def load(self, item: Item) -> Loaded:
        """Fetch and decode one item."""
        ...

    def collate(self, loaded: list[Loaded]) -> Batch:
        """Resize, tokenise and pad. Leaves `loaded` as it is: after an out-of-memory error it is collated again."""
        ...

    def compute(self, batch: Batch) -> Pending:
        """Issue the model's work. May return before a device has done it."""
        ...

    def finish(self, pending: Pending) -> list[Row]:
        """Wait for the work and give one row per item of the batch, in its order."""
        ...

    def is_out_of_memory(self, error: BaseException) -> bool:
        """Tell whether an error of `compute` or `finish` means that a smaller batch might fit."""
        ...
