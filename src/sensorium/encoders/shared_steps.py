"""A reranker's modules as the engine's steps, with what pairs have in common computed once.

All pairs are read and, unless the call's time is limited, their texts tokenised before the engine starts: then it is
known which pairs share a query, how many name an image, and with which tokens prompts begin. The results equal those of
`ScoreSteps` but for rounding. Must not know threads or order, nor how prompts are laid out for the network.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from functools import reduce
from typing import Any

import numpy as np
import torch

from sensorium.encoders.pair_items import PairItem, PreparedSteps, list_distinct, take_row, tokenise_texts
from sensorium.encoders.score_steps import ScoreSteps, take_scores
from sensorium.encoders.steps import explain_broken_texts
from sensorium.errors import InputError
from sensorium.media.cost import probe_sample
from sensorium.media.samples import Frames, Part, Sample
from sensorium.modules.preparation import stack_frames
from sensorium.modules.sharing.media_table import MediaTable
from sensorium.modules.sharing.network import SharedNetwork
from sensorium.modules.sharing.prepare_once import PrepareOnce
from sensorium.modules.sharing.rows import count_common
from sensorium.modules.sharing.scorer import Group, SharedScorer

#: Tokens that must be saved for a pass of its own, and for smaller batches, to be worth it.
_LEAST_SAVING = {"cpu": 64}
_LEAST_SAVING_ON_DEVICE = 2048


class SharedSteps(PreparedSteps):
    """The steps of one call.

    Args:
        plain: The plain steps of the call, on a model in whose way `find_obstacle` found nothing.
        values: All pairs of the call.
        token_budget: Most tokens in one pass.
    """

    def __init__(self, plain: ScoreSteps, values: Sequence[Any], token_budget: int) -> None:
        super().__init__(plain, values)
        self._score = plain
        self._first = plain.first
        self.network = SharedNetwork(list(plain.model))
        self._preparing = PrepareOnce(self._first.processor)
        self.media = MediaTable(self._preparing.forget)
        self._least_saving = _LEAST_SAVING.get(plain.device.type, _LEAST_SAVING_ON_DEVICE)
        self._scorer = SharedScorer(self.network, self.media, token_budget, self._least_saving)
        if plain.call.stop_at_s is None:  # otherwise each in its turn: there may be no time for all
            tokenise_texts(self.items, self._make_features, self.network.axes)
        self._note_all_media()
        self._form_groups(list_distinct(self.items))

    @property
    def has_media(self) -> bool:
        """Whether some pair is still to be fetched, decoded or tokenised."""
        return any(isinstance(item, PairItem) and item.row is None for item in self.items)

    def _make_features(self, samples: Sequence[Sample]) -> dict[str, Any]:
        return self._score.make_prompts(samples, self._preparing.processor)

    def _note_all_media(self) -> None:
        """Note the media of every pair; one whose header is damaged is replaced by what is wrong with it."""
        faults: dict[PairItem | InputError, InputError] = {}
        for item in list_distinct(self.items):
            try:
                if item.row is None:
                    self._note_media(item)
            except InputError as error:
                faults[item] = error
        self.items = [faults.get(item, item) for item in self.items]

    def _note_media(self, item: PairItem) -> None:
        item.tokens = self._estimate(item.sample)
        media = [part for part in item.sample.all_parts() if part.modality != "text"]
        item.media = tuple(
            (part.modality, self.media.add(part.modality, self._score.key(_alone(part)))) for part in media
        )
        item.tokens = self._estimate(item.sample)

    def _estimate(self, sample: Sample) -> int:
        tokens: int = self._first.count_tokens(sample, probe_sample(sample, self._score.model.media))
        return tokens

    # Groups

    def _form_groups(self, items: Sequence[PairItem]) -> None:
        """Give each pair its group: those with its query, where these save enough, else all that are left."""
        queries = {item: _take_query(item.sample) for item in items}
        keys = {item: None if query is None else self._score.key(query) for item, query in queries.items()}
        counts = Counter(key for key in keys.values() if key is not None)
        members: dict[Hashable, list[PairItem]] = {}
        shared: dict[Hashable, int] = {}
        for item in items:
            key, query = keys[item], queries[item]
            if key is not None and query is not None and key not in shared and counts[key] > 1:
                shared[key] = self._estimate(query)
            is_apart = key in shared and (counts[key] - 1) * shared[key] >= self._least_saving
            members.setdefault(key if is_apart else None, []).append(item)
        for key, group_items in members.items():
            self._form_group(key, group_items, shared.get(key, 0) if key is not None else 0)

    def _form_group(self, key: Hashable, items: Sequence[PairItem], estimated: int) -> None:
        known = [item.row.identity for item in items if item.row is not None]
        beginning = None
        if len(known) > 1:
            beginning = reduce(_keep_common, known)
        group = Group(key, len(items), beginning)
        common = estimated if beginning is None else len(beginning)
        for item in items:
            item.group = group
            item.tokens = max(1, item.tokens - common)

    # The engine's steps

    def group(self, item: PairItem) -> Hashable:
        """Keep together what begins alike."""
        return item.group

    def load(self, item: PairItem) -> PairItem:
        """Fetch and decode, each medium once."""
        if item.row is not None:
            return item
        numbers = iter(item.media)

        def load(part: Part) -> Part:
            if part.modality == "text":
                return part
            _, number = next(numbers)
            return self.media.decode(number, lambda: self._decode(part))

        try:
            item.loaded = item.sample.map_parts(load)
        except InputError:
            self._give_up(item)
            raise
        return item

    def _decode(self, part: Part) -> Part:
        loaded: Part = self._score.load(_alone(part)).parts[0]
        if isinstance(loaded.value, Frames):  # as an array, by which the processor tells it apart
            frames = loaded.value
            return Part("video", Frames(stack_frames(frames.array), frames.metadata, frames.is_sampled), True)
        return loaded

    def collate(self, items: list[PairItem]) -> list[PairItem]:
        """Tokenise what was not tokenised before, with its media. How prompts are laid out is not known yet."""
        waiting = [item for item in items if item.row is None]
        try:
            if waiting:
                self._make_rows(waiting)
        except InputError:
            if len(items) == 1:
                self._give_up(items[0])
            raise
        return items

    def _make_rows(self, items: Sequence[PairItem]) -> None:
        samples = [item.loaded or item.sample for item in items]
        with explain_broken_texts(samples):
            features = self._make_features(samples)
        for kind in dict.fromkeys(kind for item in items for kind, _ in item.media):
            own = [number for item in items for one, number in item.media if one == kind]
            for number, inputs in zip(own, self.network.split_inputs(kind, features), strict=True):
                self.media.keep_inputs(number, inputs)
        rows = self.network.make_rows(features, [item.media for item in items])
        for item, row in zip(items, rows, strict=True):
            item.row, item.loaded = row, None
            self.media.end_load([number for _, number in item.media])

    def _give_up(self, item: PairItem) -> None:
        numbers = [number for _, number in item.media]
        item.loaded = None
        self.media.end_load(numbers)
        self.media.end_use(numbers)

    def compute(self, items: list[PairItem]) -> tuple[torch.Tensor, list[PairItem]]:
        """Compute a batch's scores."""
        group = items[0].group
        assert group is not None, "groups are formed before the engine starts"
        with torch.inference_mode():
            return take_scores(self._scorer.score([take_row(item) for item in items], group)), items

    def finish(self, pending: tuple[torch.Tensor, list[PairItem]]) -> list[Any]:
        """Cut the batch's scores into rows, and let go of its media."""
        scores, items = pending
        rows = self._score.finish(scores)
        for item in items:
            self.media.end_use([number for _, number in item.media])
        return rows


def _take_query(sample: Sample) -> Sample | None:
    """Return the query of a pair as a sample, or None if the sample is no pair."""
    if not sample.is_pair:
        return None
    parts = sample.turns[0].parts if sample.turns else sample.parts[:1]
    if len(parts) == 1:  # alike, whether its document is a text or not
        return Sample(parts[0].modality, parts)
    return Sample("message", (), sample.turns[:1])


def _alone(part: Part) -> Sample:
    return Sample(part.modality, (part,))


def _keep_common(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return first[: count_common(first, second)]
