"""What balance does to the built-in model's vectors: more right answers of other modalities, hardly fewer of the same.

The whole measurement, on three times as much, is `bench/balance.py`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from sensorium import SentenceTransformer, builtin_model, builtin_sample
from sensorium.collection.balance import Balance

SENTENCES = (
    "A note about the {}.",
    "Nobody remembers who left the {} behind.",
    "Lost: one {}, near the station. Reward for the finder.",
    "Please buy or bring the {} on Friday, if you can.",
)
TEXTS = Path(__file__).resolve().parents[2] / "samples" / "texts"
TOP = 10


@dataclass(frozen=True)
class Mixed:
    vectors: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]
    names: dict[str, np.ndarray]
    balance: Balance


@pytest.fixture(scope="module")
def mixed() -> Mixed:
    """40 concepts as picture and clip, some of them spoken, 20 in a sentence, and 40 other pictures and paragraphs."""
    sample = Path(builtin_sample())
    index = json.loads((sample / "index.json").read_text(encoding="utf-8"))
    model = SentenceTransformer(builtin_model())
    concepts = sorted(index["clips"].values())
    others = sorted(set(index["pictures"].values()) - set(concepts))[::6]
    labels, vectors = {}, {}
    for kind, modality in {"pictures": "image", "sounds": "audio", "clips": "video"}.items():
        files = {file: label for file, label in index[kind].items() if label in {*concepts, *others}}
        vectors[modality] = model.encode([{modality: str(sample / kind / file)} for file in files])
        labels[modality] = np.array(list(files.values()))
    paragraphs = [one for file in sorted(TEXTS.glob("*.txt")) for one in file.read_text("utf-8").split("\n\n")][:40]
    sentences = [SENTENCES[place % 4].format(label) for place, label in enumerate(concepts[::2])]
    vectors["text"] = model.encode(sentences + paragraphs)
    labels["text"] = np.array([*concepts[::2], *("-" for _ in paragraphs)])
    balance = Balance.estimate(vectors)
    assert balance is not None
    return Mixed(vectors, labels, dict(zip(concepts, model.encode(concepts), strict=True)), balance)


def ask(
    mixed: Mixed, query: np.ndarray, modality: str, label: str, own: int | None, is_balanced: bool
) -> tuple[float, set[str]]:
    """Give recall@10 of one question over all right answers, and the modalities of the first ten."""
    scored = []
    for name, vectors in mixed.vectors.items():
        scores = mixed.balance.scores(query, modality, name, vectors) if is_balanced else vectors @ query
        scored += [
            (-score, name, right == label)
            for row, (score, right) in enumerate(zip(scores, mixed.labels[name], strict=True))
            if not (name == modality and row == own)
        ]
    wanted = sum(is_right for _, _, is_right in scored)
    first = sorted(scored)[:TOP]
    return sum(is_right for _, _, is_right in first) / min(wanted, TOP), {name for _, name, _ in first}


def measure(mixed: Mixed, modality: str, is_balanced: bool) -> tuple[float, float]:
    """Give mean recall@10 and mean number of modalities in the first ten, for names or for records of a modality."""
    if modality == "text":
        found = [ask(mixed, query, "text", label, None, is_balanced) for label, query in mixed.names.items()]
    else:
        found = [
            ask(mixed, query, modality, label, row, is_balanced)
            for row, (query, label) in enumerate(zip(mixed.vectors[modality], mixed.labels[modality], strict=True))
            if label in mixed.names
        ]
    return float(np.mean([recall for recall, _ in found])), float(np.mean([len(names) for _, names in found]))


@pytest.mark.parametrize(
    ("modality", "least_gain"), [("image", 0.04), ("video", 0.06), ("audio", 0.05), ("text", -0.01)]
)
def test_more_right_answers_are_found(mixed: Mixed, modality: str, least_gain: float) -> None:
    before, after = (measure(mixed, modality, is_balanced)[0] for is_balanced in (False, True))
    assert after >= before + least_gain, (before, after)


@pytest.mark.parametrize(("modality", "least_gain"), [("image", 0.3), ("video", 0.3), ("audio", 0.0)])
def test_the_first_ten_are_of_more_modalities(mixed: Mixed, modality: str, least_gain: float) -> None:
    before, after = (measure(mixed, modality, is_balanced)[1] for is_balanced in (False, True))
    assert after >= before + least_gain, (before, after)
