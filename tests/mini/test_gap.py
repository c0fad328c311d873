"""The guide on the gap between modalities states what the shipped model does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tools.mini.gap import collect, make_table
from tools.mini.sample import Sample

from sensorium import builtin_model
from tests.compat.peer import load_ours

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "modality-gap.md"
ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \| (-?[\d.]+) \| (-?[\d.]+) to (-?[\d.]+) \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def groups():
    return collect(Sample(load_ours(builtin_model())))


def test_the_table_is_the_measured_one(groups):
    stated, measured = (ROW.findall(text) for text in (GUIDE.read_text("utf-8"), make_table(groups)))
    assert len(stated) == 4 + 6 + 6
    assert [row[:2] for row in stated] == [row[:2] for row in measured]
    for (*_, a, b, c), (*_, x, y, z) in zip(stated, measured, strict=True):
        assert [float(a), float(b), float(c)] == pytest.approx([float(x), float(y), float(z)], abs=0.02)


def test_right_pairs_are_nearer_than_wrong_ones(groups):
    for title, cosines in groups["across, right"].items():
        assert cosines.median() > groups["across"][title].median() + 0.03


def test_pairs_are_counted_once(groups):
    assert len(groups["within"]["text"]) == 300 * 299 // 2
    assert len(groups["across, right"]["text and image"]) == 300
    assert len(groups["across"]["text and sound"]) == 300 * 80 - 80
