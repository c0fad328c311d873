"""Train the audio route against the text vectors: third step of the recipe.

    python -m tools.mini.train_audio WORK [--steps N] [--batch N] [--threads N]

Can be stopped at any moment and run again: it goes on from `WORK/audio/state.pt`, 200 steps at most behind.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from tools.mini.audio_network import LETTERS, AudioNetwork
from tools.mini.contrast import contrast
from tools.mini.hearing import hear, hear_plain, pad
from tools.mini.recall import rank_of_right, recall_at
from tools.mini.speech import TEST_VOICE
from tools.mini.training_state import TrainingState
from tools.mini.words import Words
from torch.nn import functional

SEED = 2
STEPS, BATCH, RATE = 7000, 128, 1.2e-3
#: How often a spoken word is an emoji's name, a common noun or another, and how often it is said by espeak-ng.
SHARES = {"name": 0.55, "noun": 0.22, "other": 0.23}
BY_ESPEAK = 0.55
#: Weight of spelling in the loss, beside meaning.
SPELLING = 0.3


class Speech:
    """The spoken words by text and voice, and how batches are drawn from them."""

    def __init__(self, work: Path, words: Words) -> None:
        table = (work / "data" / "speech.jsonl").read_text(encoding="utf-8").splitlines()
        self.lines = [json.loads(line) for line in table]
        self.spectra = torch.from_numpy(np.load(work / "data" / "speech.npy"))
        ends = np.cumsum([line["frames"] for line in self.lines])
        self.starts = [0, *ends[:-1].tolist()]
        self.by_text: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        kinds: dict[str, set[str]] = defaultdict(set)
        for number, line in enumerate(self.lines):
            if line["voice"] != TEST_VOICE:
                self.by_text[line["text"]][line["voice"] != "espeak"].append(number)
                kinds[line["kind"]].add(line["text"])
        self.kinds = {kind: sorted(texts) for kind, texts in kinds.items()}
        self.vocabulary = words.find_rows(sorted(self.by_text))
        self.words = words

    def draw(self, size: int, generator: random.Random) -> list[int]:
        """Draw a batch's sounds."""
        chosen = []
        for kind in generator.choices(list(SHARES), list(SHARES.values()), k=size):
            text = generator.choice(self.kinds[kind])
            espeak, voices = self.by_text[text]
            wanted = espeak if (generator.random() < BY_ESPEAK and espeak) or not voices else voices
            chosen.append(generator.choice(wanted))
        return chosen

    def load(self, numbers: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """Load padded spectra and their lengths in frames."""
        frames = [self.lines[number]["frames"] for number in numbers]
        starts = [self.starts[number] for number in numbers]
        found = [self.spectra[:, start : start + length].float() for start, length in zip(starts, frames, strict=True)]
        return pad(found), torch.tensor(frames)

    def find_texts(self, numbers: list[int]) -> list[str]:
        """Return what is said."""
        return [self.lines[number]["text"] for number in numbers]


def spelling_loss(logs: torch.Tensor, texts: list[str]) -> torch.Tensor:
    """Compute how ill the letters read off the places spell the texts (Graves et al. 2006)."""
    spelt = [[LETTERS.index(letter) + 1 for letter in text.lower()] for text in texts]
    lengths = torch.tensor([len(letters) for letters in spelt])
    places = torch.full((len(texts),), len(logs))
    targets = torch.tensor([letter for letters in spelt for letter in letters])
    return functional.ctc_loss(logs, targets, places, lengths, zero_infinity=True)


@torch.no_grad()
def measure(network: AudioNetwork, speech: Speech, words: Words) -> float:
    """Measure recall at 10 of a voice's sounds to their words among all that this voice says."""
    numbers = [number for number, line in enumerate(speech.lines) if line["voice"] == TEST_VOICE]
    vectors = torch.cat(
        [network(hear_plain(speech.load(numbers[i : i + 128])[0])) for i in range(0, len(numbers), 128)]
    )
    rows = words.find_rows(speech.find_texts(numbers))
    scores = vectors @ words.vectors[rows].T
    return recall_at(rank_of_right(scores, rows[:, None] == rows[None, :]), 10)


def train(work: Path, steps: int, batch: int) -> None:
    """Train until `steps` are done, from wherever the folder's state is."""
    torch.manual_seed(SEED)
    words = Words(work / "data")
    speech = Speech(work, words)
    network = AudioNetwork()
    state = TrainingState(network, work / "audio", steps, RATE)
    log = (work / "audio" / "log.txt").open("a", encoding="utf-8")
    started, first, losses = time.perf_counter(), state.step, []
    while state.step < steps:
        choice = random.Random(SEED * 1_000_003 + state.step)
        generator = torch.Generator().manual_seed(SEED * 1_000_003 + state.step)
        numbers = speech.draw(batch, choice)
        texts = speech.find_texts(numbers)
        sounds = hear(*speech.load(numbers), generator)
        network.train()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found, letters = network.spell(sounds)
        meaning = contrast(found, words.find_rows(texts), words.vectors, speech.vocabulary, state.scale)
        spelling = spelling_loss(letters, texts)
        state.learn(meaning + SPELLING * spelling)
        losses.append((meaning.item(), spelling.item()))
        if state.step % 100 == 0 or state.step == steps:
            speed = (state.step - first) * batch / (time.perf_counter() - started)
            means = np.mean(losses, axis=0)
            line = f"step {state.step} meaning {means[0]:.3f} spelling {means[1]:.3f} scale {state.scale.item():.1f}"
            line += f" sounds/s {speed:.0f}"
            if state.step % 500 == 0 or state.step == steps:
                line += f" R@10 of {TEST_VOICE} {measure(state.averaged, speech, words):.1f}"
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
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    train(asked.work, asked.steps, asked.batch)
