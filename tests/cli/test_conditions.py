"""What is typed after --metadata and --where."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from typing import Any

import pytest

from sensorium.cli.conditions import read_metadata, read_where
from sensorium.errors import InputError
from tests.cli.fake_collection import COLUMNS


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        ("a=1", 1),
        ("a=-2.5", -2.5),
        ("a=true", True),
        ("a=false", False),
        ("a=True", "True"),
        ("a=", ""),
        ("a=x=y", "x=y"),
        ('a="12"', "12"),
        ("a=0012", "0012"),
        ("a=null", "null"),
        ("a=NaN", "NaN"),
        ("a=1e999", "1e999"),
        ("a=[1]", "[1]"),
        ("a=Ada Lovelace", "Ada Lovelace"),
    ],
)
def test_metadata(pair: str, value: Any) -> None:
    assert read_metadata([pair]) == {"a": value}
    assert type(read_metadata([pair])["a"]) is type(value)


@pytest.mark.parametrize("pairs", [["a"], ["=1"], [" =1"], ["a=1", "a=2"]])
def test_metadata_that_is_none(pairs: list[str]) -> None:
    with pytest.raises(InputError, match="--metadata"):
        read_metadata(pairs)


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (None, None),
        (["year=2020"], {"year": 2020}),
        (["year=2020", "year=2021"], {"year": [2020, 2021]}),
        (["year=20.5"], {"year": 20.5}),
        (["camera=12"], {"camera": "12"}),
        (['camera="12"'], {"camera": "12"}),
        (["camera=Canon EOS"], {"camera": "Canon EOS"}),
        (["camera=Tom and Jerry"], {"camera": "Tom and Jerry"}),
        (["camera=O'Brien"], {"camera": "O'Brien"}),
        (["is_old=TRUE"], {"is_old": True}),
        (["when=2026-05-04T10:00:00Z"], {"when": datetime(2026, 5, 4, 10, tzinfo=timezone.utc)}),
        (["when=2026-05-04"], {"when": datetime(2026, 5, 4, tzinfo=timezone.utc)}),
        (["year >= 2020"], "year >= 2020"),
        (["camera='Canon'"], "camera='Canon'"),
        (["year=2020 and month=3"], "year=2020 and month=3"),
        (["year==2020"], "year==2020"),
        (["year >= 2020", "camera LIKE 'C%'"], "(year >= 2020) AND (camera LIKE 'C%')"),
        (["unknown=3"], {"unknown": 3}),
    ],
)
def test_where(conditions: Any, expected: Any) -> None:
    assert read_where(conditions, COLUMNS) == expected


def test_sql_and_pairs_are_joined() -> None:
    found = read_where(["year >= 2020", "camera=O'Brien"], COLUMNS)
    assert found.startswith("(year >= 2020) AND (")
    assert "'O''Brien'" in found


def test_a_path_is_made_whole() -> None:
    assert read_where(["path=a.png"], COLUMNS) == {"path": os.path.abspath("a.png")}


@pytest.mark.parametrize(
    "conditions",
    [
        [""],
        [" "],
        ["year=soon"],
        ["year=nan"],
        ["is_old=maybe"],
        ["when=yesterday"],
        ["year > 1) OR (1 = 1", "year=2"],
        ["year > 1; DROP", "year=2"],
    ],
)
def test_where_that_cannot_be_used(conditions: list[str]) -> None:
    with pytest.raises(InputError):
        read_where(conditions, COLUMNS)
