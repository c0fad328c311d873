"""Train the image route against the text vectors: second step of the recipe.

    python -m tools.mini.train_image WORK [--steps N] [--batch N] [--threads N] [--device cuda]

Can be stopped at any moment and run again: it goes on from `WORK/image/state.pt`, 200 steps at most behind. On a GPU
pictures and augmentation live there.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from tools.mini.augment import augment, colour_glyphs, show_plain
from tools.mini.contrast import contrast
from tools.mini.image_network import ImageNetwork
from tools.mini.recall import rank_of_right, recall_at
from tools.mini.table import read_pictures
from tools.mini.training_state import TrainingState
from tools.mini.words import Words

SEED = 1
STEPS, BATCH, RATE = 11_500, 256, 1.5e-3
#: How often pictures of a kind are drawn.
SHARES = {"emoji": 0.46, "emoji glyph": 0.06, "colour": 0.14, "glyph": 0.24, "clip art": 0.10}
#: How often a picture is met by its name rather than by a tag.
BY_NAME = 0.6
#: Words outside of the batch that each step pushes from, beside every emoji's name.
MORE_WORDS = 1500


class Pictures:
    """The training pictures by kind, and how batches are drawn from them."""

    def __init__(self, work: Path, words: Words, device: torch.device) -> None:
        self.stores = {
            store: torch.from_numpy(np.load(work / "data" / f"{store}.npy")).to(device) for store in ("colour", "glyph")
        }
        self.lines = [line for line in read_pictures(work) if line["split"] == "train"]
        self.kinds: dict[str, list[int]] = defaultdict(list)
        for number, line in enumerate(self.lines):
            self.kinds[find_kind(line)].append(number)
        self.words = words
        names = sorted({line["names"][0] for line in self.lines if line["concept"]})
        self.concepts = words.find_rows(names)

    def draw(self, size: int, generator: random.Random) -> tuple[list[dict], torch.Tensor]:
        """Draw a batch's pictures and the row of one word of each."""
        kinds = generator.choices(list(SHARES), list(SHARES.values()), k=size)
        lines = [self.lines[generator.choice(self.kinds[kind])] for kind in kinds]
        texts = [
            generator.choice(line["names"] if not line["tags"] or generator.random() < BY_NAME else line["tags"])
            for line in lines
        ]
        return lines, self.words.find_rows(texts)

    def load(self, lines: list[dict], generator: torch.Generator) -> torch.Tensor:
        """Load pictures `[n, side, side, 4]`, giving those of alpha alone a colour."""
        is_glyph = torch.tensor([line["store"] == "glyph" for line in lines])
        rows = torch.tensor([line["row"] for line in lines])
        first = self.stores["colour"]
        out = torch.empty(len(lines), *first.shape[1:], dtype=torch.uint8, device=first.device)
        out[~is_glyph] = first[rows[~is_glyph]]
        if is_glyph.any():
            out[is_glyph] = colour_glyphs(self.stores["glyph"][rows[is_glyph]], generator)
        return out


def find_kind(line: dict) -> str:
    """Name the kind of a picture, by which it is drawn."""
    if line["set"] == "openclipart":
        return "clip art"
    if line["concept"]:
        return "emoji" if line["store"] == "colour" else "emoji glyph"
    return line["store"]


@torch.no_grad()
def measure(network: ImageNetwork, work: Path, words: Words, split: str, device: torch.device) -> dict[str, float]:
    """Measure recall on one split: its names to its pictures, and back."""
    lines = [line for line in read_pictures(work) if line["split"] == split]
    stores = {store: np.load(work / "data" / f"{store}.npy", mmap_mode="r") for store in ("colour", "glyph")}
    vectors = []
    for start in range(0, len(lines), 256):
        pictures = [stores[line["store"]][line["row"]] for line in lines[start : start + 256]]
        full = [
            picture if picture.ndim == 3 else np.dstack([np.zeros((*picture.shape, 3), np.uint8), picture])
            for picture in pictures
        ]
        vectors.append(network(show_plain(torch.from_numpy(np.stack(full)).to(device))).cpu())
    pictures = torch.cat(vectors)
    names = sorted({line["names"][0] for line in lines})
    shown = torch.tensor([names.index(line["names"][0]) for line in lines])
    scores = words.vectors[words.find_rows(names)] @ pictures.T
    is_right = shown[None, :] == torch.arange(len(names))[:, None]
    to_picture, to_word = rank_of_right(scores, is_right), rank_of_right(scores.T, is_right.T)
    return {
        "to_picture@1": recall_at(to_picture, 1),
        "to_picture@10": recall_at(to_picture, 10),
        "to_word@10": recall_at(to_word, 10),
    }


def train(work: Path, steps: int, batch: int, device: torch.device) -> None:
    """Train until `steps` are done, from wherever the folder's state is."""
    torch.manual_seed(SEED)
    words = Words(work / "data")
    pictures = Pictures(work, words, device)
    vectors, concepts = words.vectors.to(device), pictures.concepts.to(device)
    network = ImageNetwork().to(device)
    state = TrainingState(network, work / "image", steps, RATE)
    state.log_scale.data = state.log_scale.data.to(device)
    log = (work / "image" / "log.txt").open("a", encoding="utf-8")
    started, first, losses = time.perf_counter(), state.step, []
    while state.step < steps:
        # Drawn by the step's number, so that a run that was stopped draws what it would have drawn.
        choice = random.Random(SEED * 1_000_003 + state.step)
        generator = torch.Generator(device).manual_seed(SEED * 1_000_003 + state.step)
        lines, targets = pictures.draw(batch, choice)
        views = augment(pictures.load(lines, generator), generator)
        more = torch.randint(len(vectors), (MORE_WORDS,), generator=generator, device=device)
        network.train()
        with torch.autocast(device.type, dtype=torch.bfloat16):
            found = network(views)
        loss = contrast(found, targets.to(device), vectors, torch.cat([concepts, more]), state.scale)
        state.learn(loss)
        losses.append(loss.item())
        if state.step % 100 == 0 or state.step == steps:
            speed = (state.step - first) * batch / (time.perf_counter() - started)
            line = f"step {state.step} loss {np.mean(losses):.3f} scale {state.scale.item():.1f} pictures/s {speed:.0f}"
            if state.step % 500 == 0 or state.step == steps:
                line += f" {measure(state.averaged, work, words, 'sample', device)}"
            print(line, file=log, flush=True)
            losses = []
        if state.step % 200 == 0 or state.step == steps:
            state.save()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--batch", type=int, default=BATCH)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    train(asked.work, asked.steps, asked.batch, torch.device(asked.device))
