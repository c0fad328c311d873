"""The shipped sample of pictures, spoken words and clips that the built-in model never saw, and its recall on them.

`models/mini/sample/index.json` names the files and says what each shows. Must not know how the sample was made.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from tools.mini.recall import chance_at, rank_of_right, recall_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sensorium import SentenceTransformer

SAMPLE = Path(__file__).parents[2] / "models" / "mini" / "sample"
#: Answers looked at.
FIRST = 10


@dataclass(frozen=True)
class SampleFile:
    """A file of the sample, and the name of what it shows or says."""

    path: Path
    name: str


@dataclass(frozen=True)
class Found:
    """Recall of one kind of question on the sample, in percent.

    Attributes:
        title: What was looked for among what.
        among: How many answers there are.
        chance: What an order by lot reaches.
        goal: None; the sample has no goal of its own.
        values: The recall, once.
    """

    title: str
    among: int
    chance: float
    goal: None
    values: tuple[float, ...]


class Sample:
    """The sample's files, with one model's vectors of them.

    Args:
        model: Any model of text, images, sounds and clips.
    """

    def __init__(self, model: SentenceTransformer) -> None:
        index: dict[str, dict[str, str]] = json.loads((SAMPLE / "index.json").read_text(encoding="utf-8"))
        self.files = {
            kind: [SampleFile(SAMPLE / kind / file, name) for file, name in entries.items()]
            for kind, entries in index.items()
        }
        keys = {"pictures": "image", "sounds": "audio", "clips": "video"}
        self.vectors = {
            kind: _embed(model, [{keys[kind]: str(file.path)} for file in files]) for kind, files in self.files.items()
        }
        self.names = sorted({file.name for file in self.files["pictures"]})
        self.texts = _embed(model, [{"text": name} for name in self.names])

    def names_of(self, kind: str) -> list[str]:
        """Return what each file of a kind shows, in order."""
        return [file.name for file in self.files[kind]]

    def measure(self) -> dict[str, Found]:
        """Measure recall of four kinds of question: words to picture, picture to words, sound to picture, words to
        clip."""
        pictures, sounds, clips = (self.vectors[kind] for kind in ("pictures", "sounds", "clips"))
        shown, said, moving = (self.names_of(kind) for kind in ("pictures", "sounds", "clips"))
        asked = [row for row, name in enumerate(self.names) if name in set(moving)]
        names = self.names
        return {
            "words_to_picture": _find("words to picture", self.texts, names, pictures, shown),
            "picture_to_words": _find("picture to words", pictures, shown, self.texts, names),
            "sound_to_picture": _find("spoken word to picture", sounds, said, pictures, shown),
            "words_to_clip": _find("words to clip", self.texts[asked], [names[row] for row in asked], clips, moving),
        }


def measure_sample(model: SentenceTransformer) -> dict[str, tuple[Any, ...]]:
    """Measure a model on the sample, as rows for a table of figures."""
    found = Sample(model).measure()
    return {key: (f"shipped sample: {row.title}, R@{FIRST}", *_fields(row)[1:]) for key, row in found.items()}


def _fields(row: Found) -> tuple[Any, ...]:
    return row.title, row.among, row.chance, row.goal, row.values


def _embed(model: SentenceTransformer, inputs: list[Any]) -> torch.Tensor:
    vectors: torch.Tensor = model.encode(inputs, batch_size=64, convert_to_tensor=True)  # type: ignore[assignment]
    return vectors.cpu()


def _find(
    title: str, queries: torch.Tensor, asked: Sequence[str], answers: torch.Tensor, names: Sequence[str]
) -> Found:
    is_right = torch.tensor([[wanted == name for name in names] for wanted in asked])
    value = recall_at(rank_of_right(queries @ answers.T, is_right), FIRST)
    return Found(title, len(names), chance_at(is_right, FIRST), None, (value,))
