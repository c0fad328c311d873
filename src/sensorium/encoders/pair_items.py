"""The pairs of one call, read and tokenised before any is computed.

What pairs have in common shows only when all are there: equal ones, those that share a query, the tokens with which
prompts begin. Texts are tokenised here, many at a time and once; media wait until their turn comes. Must not know how
pairs are computed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sensorium.encoders.steps import explain_broken_texts
from sensorium.errors import InputError, UnknownArgumentError
from sensorium.modules.sharing.rows import split_text_rows

if TYPE_CHECKING:
    from sensorium.encoders.steps import ModelSteps
    from sensorium.media.samples import Sample
    from sensorium.modules.sharing.rows import PromptRow
    from sensorium.modules.sharing.scorer import Group
    from sensorium.types import BaseModality

#: Prompts given to a tokenizer at once: enough for its threads, few enough that padding one long text costs little.
_CHUNK = 128


@dataclass(slots=True, eq=False)
class PairItem:
    """One distinct pair.

    Attributes:
        sample: What was read.
        key: Its content, or None.
        row: Its prompt as numbers, once tokenised.
        tokens: Length of its prompt: counted for texts, estimated before media are decoded.
        media: Kind and number of each medium in it, in order.
        loaded: The sample with its media decoded, until its prompt is made.
        group: Prompts that are expected to begin as its does.
    """

    sample: Sample
    key: Hashable | None
    row: PromptRow | None = None
    tokens: int = 1
    media: tuple[tuple[BaseModality, int], ...] = ()
    loaded: Sample | None = None
    group: Group | None = None

    @property
    def is_text(self) -> bool:
        """Whether it holds no media."""
        return all(part.modality == "text" for part in self.sample.all_parts())


def read_pairs(
    values: Sequence[Any], read: Callable[[Any], Sample], find_key: Callable[[Sample], Hashable | None]
) -> list[PairItem | InputError]:
    """Read the pairs of a call.

    Args:
        values: The caller's.
        read: Brings one to normal form, or raises InputError.
        find_key: Names its content.

    Returns:
        For each value its item, or what is wrong with it; equal pairs are one item.
    """
    known: dict[Hashable, PairItem] = {}
    items: list[PairItem | InputError] = []
    for value in values:
        try:
            sample = read(value)
            key = find_key(sample)
        except UnknownArgumentError:
            raise
        except InputError as error:
            items.append(error)
            continue
        item = known.get(key) if key is not None else None
        if item is None:
            item = PairItem(sample, key)
            if key is not None:
                known[key] = item
        items.append(item)
    return items


def take_row(item: PairItem) -> PromptRow:
    """Return the prompt of a pair that was loaded."""
    assert item.row is not None, "the pair was not loaded"
    return item.row


class PreparedSteps:
    """The engine's first steps over pairs that were read before it started.

    Args:
        plain: The plain steps of the call.
        values: All pairs of the call.
    """

    def __init__(self, plain: ModelSteps, values: Sequence[Any]) -> None:
        self.plain = plain
        self.items = read_pairs(values, plain.read, plain.key)

    def read(self, value: PairItem | InputError) -> PairItem:
        """Hand over what was read before, or its error."""
        if isinstance(value, InputError):
            raise value
        return value

    def key(self, item: PairItem) -> Hashable:
        """Name the content. A pair without a name is told apart by itself."""
        return item.key if item.key is not None else id(item)

    def cost(self, item: PairItem) -> int:
        """Count tokens."""
        return item.tokens

    def is_out_of_memory(self, error: BaseException) -> bool:
        """Tell whether a device ran out of memory."""
        return self.plain.is_out_of_memory(error)


def list_distinct(items: Sequence[PairItem | InputError]) -> list[PairItem]:
    """Return each readable pair once, in order."""
    return list(dict.fromkeys(item for item in items if isinstance(item, PairItem)))


def tokenise_texts(
    items: Sequence[PairItem | InputError],
    make_features: Callable[[Sequence[Sample]], dict[str, Any]],
    axes: int,
    is_strict: bool = False,
) -> None:
    """Tokenise the prompts of pairs that are text alone, and set their rows and lengths.

    Args:
        items: From `read_pairs`; those with media are left alone.
        make_features: Makes the features of a padded batch.
        axes: Of positions.
        is_strict: Raise what is wrong with a text. Otherwise the pairs of its chunk are tokenised one by one, and the
            guilty has no row.
    """
    texts = [item for item in list_distinct(items) if item.is_text and item.row is None]
    for start in range(0, len(texts), _CHUNK):
        chunk = texts[start : start + _CHUNK]
        try:
            _tokenise(chunk, make_features, axes)
        except InputError as error:
            if is_strict or isinstance(error, UnknownArgumentError):
                raise
            for item in chunk:
                _tokenise_alone(item, make_features, axes)


def _tokenise(
    items: Sequence[PairItem], make_features: Callable[[Sequence[Sample]], dict[str, Any]], axes: int
) -> None:
    samples = [item.sample for item in items]
    with explain_broken_texts(samples):
        features = make_features(samples)
    for item, row in zip(items, split_text_rows(features, axes), strict=True):
        item.row, item.tokens = row, max(1, len(row))


def _tokenise_alone(item: PairItem, make_features: Callable[[Sequence[Sample]], dict[str, Any]], axes: int) -> None:
    try:
        _tokenise([item], make_features, axes)
    except InputError as error:
        if isinstance(error, UnknownArgumentError):
            raise  # whoever computes the pair meets the error again, and reports it with its position
