"""The demo's first step: recall beside chance and the card, a contact sheet, and failure where the model is worse."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from demo.contact_sheet import CELL, Cell, SheetRow, draw_sheet, draw_wave
from demo.pictograms import Pictograms
from PIL import Image

from sensorium import builtin_model
from tests.compat.peer import load_ours

FIGURES = Path(builtin_model()).parent / "figures.json"
GREEN = (0, 150, 60)


@pytest.fixture(scope="module")
def step():
    return Pictograms(load_ours(builtin_model()), FIGURES)


def test_each_kind_of_question_has_a_line(step):
    lines = "\n".join(step.lines()).splitlines()[2:]
    titles = ("words to picture", "picture to words", "spoken word to picture", "words to clip")
    assert len(lines) == 4
    for line, title in zip(lines, titles, strict=True):
        assert line.startswith(f"  {title} ")
        reached, chance, stated = (float(cell) for cell in line.split(title)[1].replace("%", "").split()[1:])
        assert reached > 2 * chance
        assert reached == pytest.approx(stated, abs=3)


def test_what_the_card_states_is_no_problem(step):
    assert step.find_problems() == []


@pytest.mark.parametrize("factor", [0.5, 2.1])
def test_less_than_half_of_the_card_is_a_problem(step, tmp_path, factor):
    figures = json.loads(FIGURES.read_text("utf-8"))
    scaled = [{**figure, "values": [value * factor for value in figure["values"]]} for figure in figures]
    card = tmp_path / "figures.json"
    card.write_text(json.dumps(scaled))
    other = Pictograms.__new__(Pictograms)
    other.sample, other.measured = step.sample, step.measured
    other.stated = {figure["name"]: figure["values"][0] for figure in json.loads(card.read_text())}
    assert len(other.find_problems()) == (4 if factor > 2 else 0)


def test_a_card_without_figures_is_a_problem(step):
    other = Pictograms.__new__(Pictograms)
    other.sample, other.measured, other.stated = step.sample, step.measured, {}
    assert all("states no recall" in problem for problem in other.find_problems())


def test_the_sheet_has_every_question_and_frames_right_answers(step, tmp_path):
    step.write_sheet(tmp_path / "new" / "sheet.png")
    sheet = Image.open(tmp_path / "new" / "sheet.png")
    assert sheet.width > 9 * CELL
    assert sheet.height > 16 * CELL
    assert (np.asarray(sheet.convert("RGB")) == GREEN).all(axis=-1).any()


def test_a_row_is_laid_out_from_left_to_right():
    red, blue = (Image.new("RGB", (50, 80), colour) for colour in ((255, 0, 0), (0, 0, 255)))
    row = SheetRow(Cell("a question that is too long for one line"), [Cell("red", red), Cell("blue", blue, True)])
    pixels = np.asarray(draw_sheet([("A title", [row])]))
    place = {
        name: (pixels == colour).all(axis=-1).nonzero()[1]
        for name, colour in (("red", (255, 0, 0)), ("blue", (0, 0, 255)), ("frame", GREEN))
    }
    assert place["red"].max() < place["frame"].min() < place["blue"].min() < place["blue"].max() < place["frame"].max()


def test_a_sound_is_drawn_by_its_loudness():
    quiet_then_loud = np.concatenate([np.zeros(800), np.ones(800)]).astype(np.float32)
    dark = (np.asarray(draw_wave(quiet_then_loud)) == (40, 90, 170)).all(axis=-1).sum(axis=0)
    assert dark[:40].max() <= 2
    assert dark[60:].min() > CELL * 0.8
    assert draw_wave(np.zeros(10, np.float32)).size == (CELL, CELL)


def test_questions_are_those_that_can_be_answered(step):
    assert set(step.sample.names_of("sounds")) <= set(step.sample.names)
    assert torch.allclose(step.sample.texts.norm(dim=1), torch.ones(len(step.sample.names)), atol=1e-5)
