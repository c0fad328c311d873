"""Measure the assembled model on what it never saw: last step of the recipe, and what CI runs on the shipped sample.

    python -m tools.mini.evaluate WORK [--model FOLDER] [--card]    everything; --card writes the figures and the card
    python -m tools.mini.evaluate                                   the shipped model on models/mini/sample

Every figure is a recall in percent through `SentenceTransformer.encode`, on images, sounds and clips as a user gives
them. What is drawn by lot is drawn with three seeds, and the mean of the three is the figure. Must not train.
"""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from tools.mini.clips import make_clip
from tools.mini.melspectrum import RATE
from tools.mini.recall import chance_at, rank_of_right, recall_at
from tools.mini.sample import SAMPLE, measure_sample
from tools.mini.speech import TEST_VOICE, is_sayable, say_flite
from tools.mini.table import read_pictures

from sensorium import SentenceTransformer, builtin_model

if TYPE_CHECKING:
    from collections.abc import Sequence

SEEDS = (0, 1, 2)
FIGURES = Path(__file__).parents[2] / "models" / "mini" / "src" / "sensorium_mini" / "figures.json"
CLIPS, SPOKEN = 300, 343


@dataclass(frozen=True)
class Figure:
    """One measured recall.

    Attributes:
        name: Its key in the file of figures.
        title: What was looked for among what.
        among: How many answers there are.
        chance: Percent that an order by lot reaches.
        goal: Percent set beforehand, or None.
        values: Percent, for each seed, or one where nothing is drawn.
    """

    name: str
    title: str
    among: int
    chance: float
    goal: float | None
    values: tuple[float, ...]

    @property
    def reached(self) -> float:
        """The mean over seeds."""
        return sum(self.values) / len(self.values)


class Evaluation:
    """The test sets of a work folder, and one model's vectors of them.

    Args:
        model: The model.
        work: The recipe's folder.
    """

    def __init__(self, model: SentenceTransformer, work: Path) -> None:
        self.model, self.work = model, work
        self.lines = read_pictures(work)
        self.stores = {store: np.load(work / "data" / f"{store}.npy", mmap_mode="r") for store in ("colour", "glyph")}

    def measure_all(self) -> list[Figure]:
        """Measure every figure."""
        return [*self._measure_pictures(), *self._measure_held_out(), self._measure_clips(), *self._measure_speech()]

    def _measure_pictures(self) -> list[Figure]:
        lines = self._lines("test")
        pictures, names = self._embed_pictures(lines), [line["names"][0] for line in lines]
        title = f"openmoji, {len(set(names))} concepts that other sets show:"
        return [
            *self._compare("openmoji_to_picture", f"{title} text to picture", pictures, names, 50.0, "to_answer"),
            *self._compare("openmoji_to_text", f"{title} picture to text", pictures, names, 45.0, "to_name"),
        ]

    def _measure_held_out(self) -> list[Figure]:
        lines = self._lines("held_out")
        pictures, names = self._embed_pictures(lines), [line["names"][0] for line in lines]
        title = f"noto, {len(lines)} concepts that no set of training shows: text to picture"
        return self._compare("held_out_to_picture", title, pictures, names, 60.0, "to_answer")

    def _measure_clips(self) -> Figure:
        values, chance = [], 0.0
        for seed in SEEDS:
            generator = np.random.default_rng(seed)
            lines = self._lines("test")
            chosen = [lines[number] for number in generator.choice(len(lines), CLIPS, replace=False)]
            clips = [{"video": make_clip(self._pixels(line), generator)} for line in chosen]
            is_right, scores = self._score(self._embed(clips), [line["names"][0] for line in chosen])
            values.append(recall_at(rank_of_right(scores, is_right), 10))
            chance = chance_at(is_right, 10)
        title = f"clips of {CLIPS} openmoji pictures: text to clip, R@10"
        return Figure("clips_to_clip@10", title, CLIPS, chance, 45.0, tuple(values))

    def _measure_speech(self) -> list[Figure]:
        lines = self._lines("test")
        names = sorted({line["names"][0] for line in lines if is_sayable(line["names"][0])})
        sounds = self._embed([{"audio": sound} for sound in self._say(names)])
        texts = self._embed([{"text": name} for name in names])
        values, chance = [], 0.0
        for seed in SEEDS:
            chosen = np.random.default_rng(seed).choice(len(names), SPOKEN, replace=False)
            is_right = torch.eye(SPOKEN, dtype=torch.bool)
            values.append(recall_at(rank_of_right(sounds[chosen] @ texts[chosen].T, is_right), 10))
            chance = chance_at(is_right, 10)
        title = f"flite's voice {TEST_VOICE}, {SPOKEN} names of emoji: spoken word to text, R@10"
        spoken = Figure("slt_to_text@10", title, SPOKEN, chance, 55.0, tuple(values))
        shown = [line for line in lines if line["names"][0] in set(names)]
        pictures = self._embed_pictures(shown)
        is_right = torch.tensor([[line["names"][0] == name for line in shown] for name in names])
        ranks = rank_of_right(sounds @ pictures.T, is_right)
        title = f"flite's voice {TEST_VOICE}: spoken word to openmoji picture, R@10"
        value = (recall_at(ranks, 10),)
        crossed = Figure("slt_to_picture@10", title, len(shown), chance_at(is_right, 10), 20.0, value)
        return [spoken, self._measure_people(), crossed]

    def _measure_people(self) -> Figure:
        words, files = list_human_words(self.work / "sets" / "tuxpaint-stamps-default")
        sounds = self._embed([{"audio": str(path)} for path in files])
        is_right, scores = self._score(sounds, words)
        value = (recall_at(rank_of_right(scores.T, is_right.T), 10),)
        title = f"{len(words)} words said by people (tuxpaint): spoken word to text, R@10"
        return Figure("human_to_text@10", title, len(words), chance_at(is_right, 10), 60.0, value)

    # Parts

    def _compare(
        self, name: str, title: str, answers: torch.Tensor, names: Sequence[str], goal: float, way: str
    ) -> list[Figure]:
        """Measure recall at 1 and 10 between answers and their names, one way."""
        is_right, scores = self._score(answers, names)
        if way == "to_name":
            is_right, scores = is_right.T, scores.T
        ranks = rank_of_right(scores, is_right)
        among = is_right.shape[1]
        return [
            Figure(f"{name}@{k}", f"{title}, R@{k}", among, chance_at(is_right, k), wanted, (recall_at(ranks, k),))
            for k, wanted in ((1, None), (10, goal))
        ]

    def _score(self, answers: torch.Tensor, names: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """Score every different name against every answer: which are right, and the scores, `[names, answers]`."""
        unique = sorted(set(names))
        is_right = torch.tensor([[name == own for own in names] for name in unique])
        return is_right, self._embed([{"text": name} for name in unique]) @ answers.T

    def _embed(self, inputs: list[Any]) -> torch.Tensor:
        return self.model.encode(inputs, batch_size=64, convert_to_tensor=True).cpu()

    def _embed_pictures(self, lines: Sequence[dict[str, Any]]) -> torch.Tensor:
        return self._embed([{"image": _on_white(self._pixels(line))} for line in lines])

    def _lines(self, split: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["split"] == split]

    def _pixels(self, line: dict[str, Any]) -> np.ndarray:
        pixels = self.stores[line["store"]][line["row"]]
        return pixels if pixels.ndim == 3 else np.dstack([np.zeros((*pixels.shape, 3), np.uint8), pixels])

    def _say(self, names: Sequence[str]) -> list[dict[str, Any]]:
        return [{"array": say_flite(name, TEST_VOICE), "sampling_rate": RATE} for name in names]


def list_human_words(folder: Path) -> tuple[list[str], list[Path]]:
    """List the English words that people say in Tux Paint's stamps, without articles, and the files."""
    words, files = [], []
    for path in sorted(folder.rglob("*_desc.ogg")):
        said = path.with_name(path.name.removesuffix("_desc.ogg") + ".txt")
        if said.exists():
            line = said.read_text(encoding="utf-8", errors="replace").splitlines()[0].strip().rstrip(".!")
            words.append(re.sub(r"^(an?|the|some) ", "", line, flags=re.IGNORECASE).lower())
            files.append(path)
    return words, files


def _on_white(pixels: np.ndarray) -> Image.Image:
    image = Image.fromarray(pixels).convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, (255, 255, 255, 255)), image).convert("RGB")


def make_table(figures: Sequence[Figure]) -> str:
    """Make the table of figures, as the model card has it."""
    lines = ["| what | among | chance | goal | reached |", "|---|---|---|---|---|"]
    for figure in figures:
        goal = "" if figure.goal is None else f"{figure.goal:.0f}"
        spread = "" if len(figure.values) == 1 else f" ({', '.join(f'{value:.1f}' for value in figure.values)})"
        lines.append(
            f"| {figure.title} | {figure.among} | {figure.chance:.2f} | {goal} | {figure.reached:.1f}{spread} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure, and print or write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path, nargs="?")
    parser.add_argument("--model", default=None, help="a folder; the shipped model if left out")
    parser.add_argument("--card", action="store_true", help="write models/mini's figures and model card")
    asked = parser.parse_args()
    if asked.card and not asked.work:
        parser.error("--card states every figure, and so needs WORK")
    torch.manual_seed(0)
    model = SentenceTransformer(asked.model or builtin_model(), device="cpu")
    figures = Evaluation(model, asked.work).measure_all() if asked.work else []
    if SAMPLE.exists():
        figures += [Figure(f"sample_{key}", *found) for key, found in measure_sample(model).items()]
    print(make_table(figures))
    if asked.card:
        from tools.mini.card import write_card

        FIGURES.write_text(json.dumps([asdict(figure) for figure in figures], indent=1) + "\n", encoding="utf-8")
        write_card(figures, make_table(figures), asked.work)


if __name__ == "__main__":
    main()
