"""What `rerank.py` ranks: queries and documents, the same in every process. Must not know who ranks them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

_WORDS = """\
stone river a mountain of green light under the old bridge near station where small boats wait for evening and people
carry bread across to the market while rain falls over roofs towers fields horses children letters"""


@dataclass(frozen=True, slots=True)
class Case:
    """One call of `rank`.

    Attributes:
        query: A text or an image.
        documents: Texts or images.
        prompt: An instruction, or None.
    """

    query: Any
    documents: list[Any]
    prompt: str | None = None

    def rank(self, model: Any, **options: Any) -> np.ndarray:
        """Rank with either library, and return the scores in the documents' order, float64 `[documents]`."""
        instruction = {} if self.prompt is None else {"prompt": self.prompt}
        scores = np.full(len(self.documents), np.nan)
        for entry in model.rank(self.query, self.documents, **instruction, **options):
            scores[entry["corpus_id"]] = entry["score"]
        return scores


def _say(random: np.random.Generator, words: int) -> str:
    return " ".join(random.choice(_WORDS.split(), words))


def _draw(random: np.random.Generator, side: int) -> Image.Image:
    """Draw blocks of colour, so that images differ and no processor finds them flat."""
    blocks = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(blocks).resize((side, side), Image.Resampling.BICUBIC)


def short_texts_for_an_image(count: int, side: int) -> Case:
    """An image as query, and texts of 5 to 15 words."""
    random = np.random.default_rng(1)
    return Case(_draw(random, side), [_say(random, int(random.integers(5, 16))) for _ in range(count)])


def texts_for_a_long_instruction(tokenizer: Any, count: int, tokens: int, shortest: int, longest: int) -> Case:
    """An instruction and a query of `tokens` tokens together, and texts of `shortest` to `longest` tokens."""
    random = np.random.default_rng(2)

    def say_tokens(wanted: int) -> str:
        words: list[str] = []
        while len(tokenizer(" ".join(words))["input_ids"]) < wanted:
            words.append(str(random.choice(_WORDS.split())))
        return " ".join(words)

    documents = [say_tokens(int(random.integers(shortest, longest + 1))) for _ in range(count)]
    query_tokens = tokens // 6
    return Case(say_tokens(query_tokens), documents, say_tokens(tokens - query_tokens))


def images_for_a_text(count: int, distinct: int, side: int) -> Case:
    """A text as query, and images of which each comes `count / distinct` times."""
    random = np.random.default_rng(3)
    images = [_draw(random, side) for _ in range(distinct)]
    return Case("a red roof by the river", [images[number % distinct] for number in range(count)])


def mixed_pairs(count: int) -> list[tuple[str, str]]:
    """Pairs of texts whose documents are of log-normal length, 33 words in the median."""
    random = np.random.default_rng(4)
    return [
        (_say(random, int(random.integers(3, 15))), _say(random, int(np.clip(random.lognormal(3.5, 0.8), 3, 220))))
        for _ in range(count)
    ]
