"""A collection of texts, pictures, spoken words and clips with known answers, and the questions for it.

Pictures, sounds and clips of the built-in model's sample, each with the name of what it shows or says; a sentence
about every second of these concepts; and paragraphs of this project's own documentation, without their first sentences.
Asked with names, pictures, sounds and clips, right is everything of that name in any modality but the asking record.
Asked with a paragraph's first sentence, right is only the rest of it: no picture, sound or clip can be. Must not know
how answers are ranked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sensorium import Collection, builtin_sample

_ROOT = Path(__file__).resolve().parents[1]
_SENTENCES = (
    "A note about the {}.",
    "We saw the {} yesterday and talked about it for a long time.",
    "{}: see page nine.",
    "Please buy or bring the {} on Friday, if you can.",
    "The first thing that anyone notices in the hall is the {}, which has stood there for years.",
    "Nobody remembers who left the {} behind.",
    "How to draw a {}: begin with the outline, then fill in the colours.",
    "My daughter's favourite is the {}.",
    "Lost: one {}, near the station. Reward for the finder.",
    "Chapter 4. On the {} and its history in the towns of the coast.",
    "{} (noun). See the plate opposite.",
    "Three different kinds of {} are on display this week, and the entry is free.",
)
_KINDS = {"pictures": "image", "sounds": "audio", "clips": "video"}


@dataclass(frozen=True, slots=True, eq=False)
class Mixed:
    """A mixed collection as arrays.

    Attributes:
        vectors: Modality -> `[rows, dim]`, as the collection keeps them.
        labels: Modality -> what each row shows, says or is about, `[rows]`.
        ids: Modality -> each row's id in the collection.
        asked: Kind of question (`"words"`, `"pictures"`, `"sounds"`, `"clips"`, `"first sentences"`) -> questions.
    """

    vectors: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]
    ids: dict[str, list[str]]
    asked: dict[str, Asked]


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Questions of one kind.

    Attributes:
        modality: What is asked with.
        vectors: `[questions, dim]`.
        labels: What is right for each.
        is_record: The questions are the collection's rows of this modality themselves, in their order.
        texts: The words, or nothing.
    """

    modality: str
    vectors: np.ndarray
    labels: list[str]
    is_record: bool
    texts: list[str]


def fill(collection: Collection, is_small: bool) -> Mixed:
    """Put everything into a collection, and give it back with the questions.

    Args:
        collection: An empty one of the built-in model.
        is_small: 40 concepts and 40 paragraphs only, for a trial.
    """
    sample = Path(builtin_sample())
    index = json.loads((sample / "index.json").read_text(encoding="utf-8"))
    concepts = sorted(set(index["clips"].values())) if is_small else sorted(set(index["pictures"].values()))
    paragraphs = list(_read_paragraphs())[: 40 if is_small else 300]
    collection.add(_make_items(sample, index, concepts, [rest for _, rest in paragraphs]))
    rows: dict[str, list[Any]] = {"text": [], "image": [], "audio": [], "video": []}
    for row in collection.store.scan(with_vectors=True):
        rows[row.modality].append(row)
    vectors = {name: np.stack([row.vector for row in group]) for name, group in rows.items()}
    labels = {name: np.array([row.metadata["label"] for row in group]) for name, group in rows.items()}

    def ask_in_words(texts: list[str], right: list[str]) -> Asked:
        return Asked("text", collection.encoder.encode_query(texts), right, False, texts)

    asked = {"words": ask_in_words(concepts, concepts)}
    asked |= {kind: Asked(name, vectors[name], labels[name].tolist(), True, []) for kind, name in _KINDS.items()}
    places = range(len(paragraphs))
    asked["first sentences"] = ask_in_words([first for first, _ in paragraphs], [_name(place) for place in places])
    return Mixed(vectors, labels, {name: [row.id for row in group] for name, group in rows.items()}, asked)


def _make_items(
    sample: Path, index: dict[str, dict[str, str]], concepts: list[str], passages: list[str]
) -> Iterator[dict[str, Any]]:
    wanted = set(concepts)
    for kind, modality in _KINDS.items():
        for file, label in index[kind].items():
            if label in wanted:
                yield {"id": f"{kind}/{file}", modality: sample / kind / file, "metadata": {"label": label}}
    for place, label in enumerate(concepts[::2]):
        text = _SENTENCES[place % len(_SENTENCES)].format(label)
        yield {"id": f"sentences/{label}", "text": text, "metadata": {"label": label}}
    for place, text in enumerate(passages):
        yield {"id": _name(place), "text": text, "metadata": {"label": _name(place)}}


def _name(place: int) -> str:
    return f"paragraphs/{place}"


def _read_paragraphs() -> Iterator[tuple[str, str]]:
    """Give the first sentence and the rest of paragraphs that have both."""
    folders = (_ROOT / "samples" / "texts", _ROOT / "docs" / "how-to", _ROOT / "docs" / "design")
    for file in (path for folder in folders for path in sorted(folder.iterdir()) if path.suffix in {".txt", ".md"}):
        for paragraph in file.read_text(encoding="utf-8").split("\n\n"):
            first, *rest = re.split(r"(?<=[.!?])\s+", paragraph.strip(), maxsplit=1)
            if rest and len(first) > 25 and 60 < len(rest[0]) < 1200 and first[0] not in "`<|":
                yield first, rest[0]
