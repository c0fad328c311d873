"""The built-in model on pictures, spoken words and clips it never saw: what it finds, a contact sheet, and recall.

The questions are drawn by lot, so that the sheet shows failures as often as they are. Must not know the other steps.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from tools.mini.sample import FIRST, Sample

from demo.contact_sheet import Cell, SheetRow, draw_wave, write_sheet
from demo.table import Column, Table
from sensorium.media import MediaSettings, load_part
from sensorium.media.decode import DecodeSpec
from sensorium.media.samples import Part

if TYPE_CHECKING:
    from sensorium import SentenceTransformer

#: Answers on the sheet, and questions of each kind on it.
_ANSWERS, _QUESTIONS, _SEED = 8, 4, 5
#: Below this part of what the model card states, something is wrong.
LEAST_PART = 0.5

_TABLE = Table(
    Column("question", 24),
    Column("among", 6, is_number=True),
    Column(f"recall@{FIRST}", 10, is_number=True),
    Column("by lot", 7, is_number=True),
    Column("model card", 11, is_number=True),
)


@dataclass(frozen=True)
class _Kind:
    """A kind of question: what is asked with, and what is looked for; both are kinds of files, or "words"."""

    title: str
    asked: str
    answered: str


_KINDS = {
    "words_to_picture": _Kind("words to picture", "words", "pictures"),
    "picture_to_words": _Kind("picture to words", "pictures", "words"),
    "sound_to_picture": _Kind("spoken word to picture", "sounds", "pictures"),
    "words_to_clip": _Kind("words to clip", "words", "clips"),
}


class Pictograms:
    """The step, with the sample encoded once.

    Args:
        model: The built-in model.
        card: Its file of figures.
    """

    def __init__(self, model: SentenceTransformer, card: Path) -> None:
        self.sample = Sample(model)
        self.measured = self.sample.measure()
        self.stated = {figure["name"]: figure["values"][0] for figure in json.loads(card.read_text(encoding="utf-8"))}

    def lines(self) -> list[str]:
        """Return recall, what chance gives, and what the model card states, a kind of question a line."""
        lines = [_TABLE.heading()]
        for key, found in self.measured.items():
            stated = self.stated.get(f"sample_{key}", float("nan"))
            numbers = (f"{found.among}", f"{found.values[0]:.1f} %", f"{found.chance:.1f} %", f"{stated:.1f} %")
            lines.append(_TABLE.line(found.title, *numbers))
        return lines

    def find_problems(self) -> list[str]:
        """Say which recall is below half of what the model card states, or stated nowhere."""
        problems = []
        for key, found in self.measured.items():
            stated = self.stated.get(f"sample_{key}")
            if stated is None:
                problems.append(f"the model card states no recall for {found.title}.")
            elif found.values[0] < LEAST_PART * stated:
                reached = f"{found.values[0]:.1f} %"
                problems.append(f"{found.title}: recall is {reached}, the model card states {stated:.1f} %.")
        return problems

    def write_sheet(self, path: Path) -> None:
        """Write the contact sheet."""
        write_sheet([(_title(kind), list(self._rows(kind))) for kind in _KINDS.values()], path)

    def _rows(self, kind: _Kind) -> Iterator[SheetRow]:
        names, vectors = self._entries(kind.asked)
        answers, answer_vectors = self._entries(kind.answered)
        can_be_answered = [row for row, name in enumerate(names) if name in set(answers)]
        for row in np.random.default_rng(_SEED).choice(can_be_answered, _QUESTIONS, replace=False).tolist():
            order = (answer_vectors @ vectors[row]).argsort(descending=True)[:_ANSWERS].tolist()
            cells = [self._cell(kind.answered, place, answers[place] == names[row]) for place in order]
            yield SheetRow(self._cell(kind.asked, row, False), cells)

    def _entries(self, kind: str) -> tuple[Sequence[str], torch.Tensor]:
        if kind == "words":
            return self.sample.names, self.sample.texts
        return self.sample.names_of(kind), self.sample.vectors[kind]

    def _cell(self, kind: str, row: int, is_right: bool) -> Cell:
        if kind == "words":
            return Cell(self.sample.names[row], None, is_right)
        file = self.sample.files[kind][row]
        return Cell(file.name, _show(kind, file.path), is_right)


def _title(kind: _Kind) -> str:
    return (
        f"{kind.title[0].upper()}{kind.title[1:]}: the question, and the first {_ANSWERS} answers (right ones framed)"
    )


def _show(kind: str, path: Path) -> Image.Image:
    """Make a picture of a file: itself, a sound's outline, or a clip's middle frame."""
    if kind == "pictures":
        return Image.open(path)
    if kind == "sounds":
        return draw_wave(load_part(Part("audio", str(path)), DecodeSpec(), MediaSettings()).value.array)
    middle = DecodeSpec(choose_frames=lambda info: [info.total_num_frames // 2])
    return Image.fromarray(load_part(Part("video", str(path)), middle, MediaSettings()).value.array[0])
