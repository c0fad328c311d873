"""What balancing modalities does to a mixed collection: recall@10 over all right answers, with and without.

Pictures, spoken words and clips of `models/mini/sample`, a sentence about every second concept, and passages about other
things, all in one collection of the built-in model. Asked with words, pictures, sounds and clips; right is everything
that shows or names the same, in any modality.

    python bench/balance.py
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sensorium import Collection, SentenceTransformer, builtin_model, builtin_sample

ROOT = Path(__file__).parents[1]
SENTENCES = (
    "A note about the {}.",
    "We saw the {} yesterday and talked about it for a long time.",
    "{}: see page nine.",
    "Please buy or bring the {} on Friday, if you can.",
)
KINDS = {"pictures": "image", "sounds": "audio", "clips": "video"}
TOP = 10


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked with, its modality, and what it shows; `own` is the key of the record that it is, if any."""

    query: Any
    modality: str
    concept: str
    own: str | None = None


def make_items(sample: Path, index: dict[str, dict[str, str]]) -> Iterator[dict[str, Any]]:
    """Give what goes into the collection, each with its concept as metadata; `-` shows none of them."""
    for kind, modality in KINDS.items():
        for name, concept in index[kind].items():
            item = {"id": f"{kind}/{name}", modality: sample / kind / name}
            yield {**item, "metadata": {"concept": concept}}
    for place, concept in enumerate(sorted(set(index["pictures"].values()))[::2]):
        text = SENTENCES[place % len(SENTENCES)].format(concept)
        yield {"id": f"text/{concept}", "text": text, "metadata": {"concept": concept}}
    others = [file.read_text(encoding="utf-8") for file in sorted((ROOT / "samples" / "texts").glob("*.txt"))]
    for page in sorted((ROOT / "docs" / "how-to").glob("*.md")):
        others += [block for block in page.read_text(encoding="utf-8").split("\n\n") if 80 < len(block) < 600]
    for place, text in enumerate(others[:312]):
        yield {"id": f"other/{place}", "text": text, "metadata": {"concept": "-"}}


def make_questions(sample: Path, index: dict[str, dict[str, str]]) -> Iterator[Question]:
    """Ask for every concept in words, and with every picture, sound and clip."""
    for concept in sorted(set(index["pictures"].values())):
        yield Question(concept, "text", concept)
    for kind, modality in KINDS.items():
        for name, concept in index[kind].items():
            yield Question({"id": find_id[f"{kind}/{name}"]}, modality, concept, f"{kind}/{name}")


find_id: dict[str, str] = {}


def measure(collection: Collection, questions: list[Question], right: Counter[str], balance: str) -> dict[str, Any]:
    """Ask everything; give modality -> (mean recall@10 in percent, share of each modality in the first ten)."""
    recalls: dict[str, list[float]] = {}
    shares: dict[str, Counter[str]] = {}
    for question in questions:
        wanted = right[question.concept] - (question.own is not None)
        if not wanted:
            continue
        results = collection.search(question.query, TOP, hybrid=False, balance=balance)  # type: ignore[arg-type]
        hits = sum(result.metadata.get("concept") == question.concept for result in results)
        recalls.setdefault(question.modality, []).append(100 * hits / min(wanted, TOP))
        shares.setdefault(question.modality, Counter()).update(result.modality for result in results)
    return {name: (sum(values) / len(values), shares[name]) for name, values in recalls.items()}


def main() -> None:
    """Index, ask twice, print."""
    sample = Path(builtin_sample())
    index = json.loads((sample / "index.json").read_text(encoding="utf-8"))
    with (
        tempfile.TemporaryDirectory() as folder,
        Collection.create(f"{folder}/mixed", SentenceTransformer(builtin_model())) as collection,
    ):
        report = collection.add(make_items(sample, index))
        rows = list(collection.store.scan())
        find_id.update({row.key: row.id for row in rows})
        right = Counter(str(row.metadata["concept"]) for row in rows)
        questions = list(make_questions(sample, index))
        found = {mode: measure(collection, questions, right, mode) for mode in ("off", "auto")}
    print(f"{report.records} records, {len(questions)} questions; recall@10 of all right answers, in percent")
    print(f"{'asked with':12}{'off':>8}{'auto':>8}   first ten: off -> auto")
    for name in ("text", "image", "audio", "video"):
        (off, before), (auto, after) = found["off"][name], found["auto"][name]
        print(f"{name:12}{off:8.1f}{auto:8.1f}   {show_shares(before)}  ->  {show_shares(after)}")


def show_shares(counts: Counter[str]) -> str:
    """Give the share of each modality in percent."""
    total = sum(counts.values())
    return ", ".join(f"{name} {100 * counts[name] / total:.0f}" for name in ("text", "image", "audio", "video"))


if __name__ == "__main__":
    main()
