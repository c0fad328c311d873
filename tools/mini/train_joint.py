"""Bring the two towers to each other: fourth step of the recipe, between training and assembly.

    python -m tools.mini.train_joint WORK

Each tower has learned where words are, and leaves open how a picture and a spoken word of one thing lie to each other.
Here the networks are left alone and only their projections learn on, from features that are computed once: against the
words as before, and spoken words against pictures. Writes `WORK/joint.pt`. Must not train a network.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from tools.mini.audio_network import AudioNetwork
from tools.mini.augment import augment
from tools.mini.contrast import contrast
from tools.mini.hearing import hear
from tools.mini.image_network import ImageNetwork
from tools.mini.towers import load_towers
from tools.mini.train_audio import Speech
from tools.mini.train_image import Pictures
from tools.mini.words import Words
from torch import nn
from torch.nn import functional

SEED = 4
#: Pictures and sounds whose features are computed; steps of a batch each way; the optimiser's rate.
SEEN_PICTURES, HEARD_SOUNDS = 32_768, 32_768
STEPS, BATCH, RATE = 1200, 256, 2e-3
#: Words that each step pushes from.
OTHERS = 2000
#: What similarities of sounds and pictures are multiplied by, and how much that part of the loss weighs.
SCALE, WEIGHT = 30.0, 1.0


class Features:
    """One tower's features `[n, width]`, and the row of the word of each.

    Attributes:
        values: The features.
        rows: `[n]`, rows of words.
    """

    def __init__(self, values: torch.Tensor, rows: torch.Tensor) -> None:
        self.values, self.rows = values, rows
        self.by_word: dict[int, list[int]] = defaultdict(list)
        for place, row in enumerate(rows.tolist()):
            self.by_word[row].append(place)

    def draw_of(self, words: list[int], generator: random.Random) -> torch.Tensor:
        """Draw the features of one example of each word."""
        return self.values[[generator.choice(self.by_word[word]) for word in words]]


@torch.no_grad()
def see(network: ImageNetwork, pictures: Pictures) -> Features:
    """Compute the features of augmented pictures, by their names."""
    values, rows = [], []
    for step in range(SEEN_PICTURES // BATCH):
        generator = torch.Generator().manual_seed(SEED * 7919 + step)
        lines, _ = pictures.draw(BATCH, random.Random(SEED * 7919 + step))
        views = augment(pictures.load(lines, generator), generator)
        values.append(network.backbone(pixel_values=views).last_hidden_state.mean(dim=1))
        rows.append(pictures.words.find_rows([line["names"][0] for line in lines]))
    return Features(torch.cat(values), torch.cat(rows))


@torch.no_grad()
def listen(network: AudioNetwork, speech: Speech) -> Features:
    """Compute the features of spoken words as they may be heard."""
    values, rows = [], []
    for step in range(HEARD_SOUNDS // BATCH):
        generator = torch.Generator().manual_seed(SEED * 7907 + step)
        numbers = speech.draw(BATCH, random.Random(SEED * 7907 + step))
        heard = hear(*speech.load(numbers), generator)
        values.append(network.backbone(input_features=heard).last_hidden_state.mean(dim=1))
        rows.append(speech.words.find_rows(speech.find_texts(numbers)))
    return Features(torch.cat(values), torch.cat(rows))


def join(seen: Features, heard: Features, image: nn.Linear, audio: nn.Linear, words: Words, scale: float) -> None:
    """Let both projections learn on, in place."""
    both = sorted(set(seen.by_word) & set(heard.by_word))
    others = torch.unique(torch.cat([seen.rows, heard.rows]))
    optimiser = torch.optim.AdamW([*image.parameters(), *audio.parameters()], lr=RATE, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    for step in range(STEPS):
        generator = random.Random(SEED * 1_000_003 + step)
        pushed = others[torch.tensor(generator.sample(range(len(others)), OTHERS))]
        losses = []
        for features, projection in ((seen, image), (heard, audio)):
            places = torch.tensor(generator.sample(range(len(features.rows)), BATCH))
            vectors = functional.normalize(projection(features.values[places]), dim=-1)
            losses.append(contrast(vectors, features.rows[places], words.vectors, pushed, torch.tensor(scale)))
        chosen = generator.sample(both, min(BATCH, len(both)))
        pictures = functional.normalize(image(seen.draw_of(chosen, generator)), dim=-1)
        sounds = functional.normalize(audio(heard.draw_of(chosen, generator)), dim=-1)
        logits = SCALE * sounds @ pictures.T
        target = torch.arange(len(chosen))
        crossed = functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)
        optimiser.zero_grad()
        (losses[0] + losses[1] + WEIGHT * crossed).backward()
        optimiser.step()
        schedule.step()
        if step % 100 == 0 or step == STEPS - 1:
            print(f"step {step} words {losses[0]:.3f} {losses[1]:.3f} crossed {crossed / 2:.3f}", flush=True)


def main(work: Path) -> None:
    """Compute the features, join the projections, and write them."""
    torch.manual_seed(SEED)
    words = Words(work / "data")
    towers = load_towers(work)
    seen = see(towers.image, Pictures(work, words, torch.device("cpu")))
    heard = listen(towers.audio, Speech(work, words))
    scale = float(np.exp(towers.image_scale))
    join(seen, heard, towers.image.projection, towers.audio.projection, words, scale)
    kept = {"image": towers.image.projection.state_dict(), "audio": towers.audio.projection.state_dict()}
    torch.save(kept, work / "joint.pt")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    main(parser.parse_args().work)
