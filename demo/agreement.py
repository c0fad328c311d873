"""How far Sensorium's vectors are from those of sentence-transformers, the peer, on the same checkpoint and input.

The peer is given an image as the file, a sound or a clip as the array that Sensorium decoded; whether it could have
opened the file itself is found out too. Must not know how results are printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from demo.media_table import Encoded
from demo.peer import PeerError, Unread, ask, find_reading_fault, largest_difference
from sensorium.media import MediaLimits, MediaSettings, decode_video, open_source

if TYPE_CHECKING:
    from sensorium import SentenceTransformer

#: Largest difference allowed in any dimension.
TOLERANCE = 1e-5


@dataclass(slots=True)
class Agreement:
    """What came of comparing one checkpoint.

    Attributes:
        title: The checkpoint.
        differences: Modality -> the largest difference of each input compared.
        unread: Files that the peer cannot open itself.
        problems: What is wrong, in sentences.
        is_cropped: Whether sounds were cut to the model's window first, because the peer takes a random part of them.
    """

    title: str
    differences: dict[str, list[float]] = field(default_factory=dict)
    unread: list[Unread] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    is_cropped: bool = False

    @property
    def largest(self) -> float:
        """The largest difference of all; NaN if there is one that is not a number, or none."""
        values = [value for values in self.differences.values() for value in values]
        return float(np.max(values)) if values else float("nan")

    def cell(self, modality: str) -> str:
        """Return the largest difference of a modality and how many inputs it is of."""
        values = self.differences.get(modality, [])
        return f"{np.max(values):.1e} ({len(values)})" if values else "-"


def compare(title: str, ours: SentenceTransformer, theirs: Any, rows: Sequence[Encoded]) -> Agreement:
    """Give the peer what Sensorium encoded, input by input, and compare the vectors."""
    agreement = Agreement(title, is_cropped=_random_window(ours) is not None)
    for row in rows:
        name, modality = row.file.name, row.file.modality
        given, vector = _prepare_input(ours, row)
        try:
            difference = largest_difference(vector, ask(theirs.encode, given))
        except PeerError as exc:
            agreement.problems.append(f"{name}: the peer gave no vector: {exc}.")
            continue
        agreement.differences.setdefault(modality, []).append(difference)
        if not difference <= TOLERANCE:  # NaN is not, either
            agreement.problems.append(f"{name}: the vector is {difference:.1e} from the peer's.")
        if modality in ("audio", "video"):
            reason = find_reading_fault(theirs, row.file.value, row.file.value, row.features)
            agreement.unread += [] if reason is None else [Unread(name, modality, reason)]
    return agreement


def _prepare_input(model: SentenceTransformer, row: Encoded) -> tuple[Any, Any]:
    """Return an input in a form that the peer takes, and Sensorium's vector of it.

    A sound or clip is the very samples or frames that Sensorium's model was given. Only a processor that chooses frames
    by itself gets the whole clip, and must choose the same ones; a sound that would be cropped at random is cut first.
    """
    if row.file.modality in ("text", "image"):
        return row.file.value, row.vector
    value = row.sample.parts[0].value
    if row.file.modality == "audio":
        window = _random_window(model)
        given = {"audio": {"array": value.array[:window], "sampling_rate": value.sampling_rate}}
        return given, row.vector if window is None else model.encode(given)
    if getattr(model.processor.video_processor, "do_sample_frames", False):
        value = decode_video(open_source(row.file.value, MediaSettings()), None, MediaLimits())
    return {"video": {"array": value.array, "video_metadata": dict(value.metadata)}}, row.vector


def _random_window(model: SentenceTransformer) -> int | None:
    """Return the samples that fit into the window of a feature extractor which crops at random, or None."""
    extractor: Any = getattr(model.processor, "feature_extractor", None)
    return extractor.nb_max_samples if getattr(extractor, "truncation", None) == "rand_trunc" else None
