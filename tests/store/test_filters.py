"""Conditions find what Python's own comparisons find, whatever the values are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sensorium.errors import InputError
from sensorium.store import LanceStore
from sensorium.store.columns import BASE_COLUMNS
from sensorium.store.filters import VALUES_AT_ONCE, compile_where, join_all, write_any_of
from tests.store.rows import ids_of, make_row, make_store

UTC = timezone.utc
NASTY = (
    "O'Brien.jpg",
    "''",
    "' OR 1=1 --",
    '"quoted"',
    "`tick`",
    "back\\slash\\",
    "a\x00b",
    "line\nbreak\r\t\x1b[31m",
    "); DROP TABLE rows; --",
    "/* no comment */",
    "$$dollar$$",
    "100%_",
    "naïve 今天 🦊",
    "",
    " ",
    "é",
    "e\u0301",
    "\u202edrawkcab",
)
WHOLE = (-(2**63), -(2**53) - 1, -1, 0, 1, 3, 2**53 + 1, 2**63 - 1)
NUMBERS = (-math.inf, -1.5, 0.0, 5e-324, 0.1, 1.0, 3.0, 1e16, 1.7976931348623157e308, math.inf)
TIMES = (
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(2020, 2, 29, 12, 0, 0, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
)
VALUES: dict[str, tuple[Any, ...]] = {
    "word": NASTY,
    "whole": WHOLE,
    "number": NUMBERS,
    "time": TIMES,
    "yes": (True, False),
}
COLUMNS = {**BASE_COLUMNS, "word": "text", "whole": "whole", "number": "number", "time": "time", "yes": "yes/no"}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LanceStore, dict[str, Mapping[str, Any]]]]:
    """Give a store whose rows hold every value of `VALUES`, and id -> metadata."""
    metadata: dict[str, Mapping[str, Any]] = {"none": {}}
    for name, values in VALUES.items():
        metadata |= {f"{name}-{number}": {name: value} for number, value in enumerate(values)}
    with make_store(tmp_path_factory.mktemp("filters")) as store:
        store.write([make_row(number, id=one, metadata=metadata[one]) for number, one in enumerate(metadata)])
        yield store, metadata


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _compare(value: Any, operator: str, wanted: Any) -> bool:
    """Say naively whether a stored value meets a comparison."""
    if _is_missing(wanted):
        return (value is None) == (operator == "=")
    if operator == "!=":
        return value is None or value != wanted
    if value is None:
        return False
    return {
        "=": lambda: value == wanted,
        "<": lambda: value < wanted,
        "<=": lambda: value <= wanted,
        ">": lambda: value > wanted,
        ">=": lambda: value >= wanted,
        "starts_with": lambda: value.startswith(wanted),
        "contains": lambda: wanted in value,
    }[operator]()


def _holds(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return all(_compare(value, operator, one) for operator, one in wanted.items())
    if isinstance(wanted, tuple):
        low, high = wanted
        if value is None:
            return False
        return (low is None or _compare(value, ">=", low)) and (high is None or _compare(value, "<=", high))
    if isinstance(wanted, list):
        return any(_compare(value, "=", one) for one in wanted)
    return _compare(value, "=", wanted)


_whole_numbers = st.one_of(st.sampled_from(WHOLE), st.integers(-(2**70), 2**70), st.just(10**400), st.just(-(10**400)))
_floats = st.one_of(st.sampled_from(NUMBERS), st.floats(allow_nan=False))
_values: dict[str, st.SearchStrategy[Any]] = {
    "word": st.one_of(st.sampled_from(NASTY), st.text(st.characters(exclude_categories=("Cs",)), max_size=6)),
    "whole": st.one_of(_whole_numbers, _floats),
    "number": st.one_of(_floats, st.integers(-(2**53), 2**53), st.just(10**400), st.just(-(10**400))),
    "time": st.one_of(st.sampled_from(TIMES), st.datetimes(timezones=st.just(UTC))),
    "yes": st.booleans(),
}
_operators = {name: ["=", "!=", "<", "<=", ">", ">="] for name in ("word", "whole", "number", "time")}
_operators["word"] += ["starts_with", "contains"]
_operators["yes"] = ["=", "!="]


def _wanted(name: str) -> st.SearchStrategy[Any]:
    value = _values[name]
    forms = [
        value,
        st.none(),
        st.dictionaries(st.sampled_from(_operators[name]), value, min_size=1, max_size=3),
        st.lists(st.one_of(value, st.none()), max_size=4),
    ]
    if name != "yes":
        forms.append(st.tuples(st.one_of(value, st.none()), st.one_of(value, st.none())))
    return st.one_of(forms)


_conditions = st.lists(st.sampled_from(sorted(VALUES)), max_size=2, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: _wanted(name) for name in names})
)


@given(where=_conditions)
@settings(max_examples=250)
@example(where={"whole": {"<=": -(2**63)}})
@example(where={"whole": {"<": -(2**63)}})
@example(where={"whole": {">=": 2**63 - 1, "!=": 2.5}})
@example(where={"whole": (-math.inf, math.inf)})
@example(where={"whole": [2.5, None, 3.0, 2**63]})
@example(where={"number": {">": 10**400}})
@example(where={"number": {"<=": -(10**400)}})
@example(where={"number": -0.0})
@example(where={"number": math.nan})
@example(where={"word": []})
@example(where={"yes": [True, None]})
@example(where={"time": list(TIMES)})
def test_conditions_find_what_python_finds(
    filled: tuple[LanceStore, dict[str, Mapping[str, Any]]], where: dict[str, Any]
) -> None:
    store, metadata = filled
    expected = sorted(
        one
        for one, values in metadata.items()
        if all(_holds(values.get(name), wanted) for name, wanted in where.items())
    )
    assert ids_of(store, where) == expected
    assert store.count(where) == len(expected)


@pytest.mark.parametrize("text", NASTY)
def test_text_of_any_kind_is_data(filled: tuple[LanceStore, dict[str, Mapping[str, Any]]], text: str) -> None:
    store, metadata = filled
    (expected,) = (one for one, values in metadata.items() if values.get("word") == text)
    assert ids_of(store, {"word": text}) == [expected]
    assert text in {row.metadata.get("word") for row in store.scan({"word": text})}


@given(
    texts=st.lists(
        st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12), min_size=1, max_size=5, unique=True
    )
)
@settings(max_examples=15)
def test_ids_and_paths_of_any_kind_come_back_and_can_be_removed(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    with make_store(tmp_path_factory.mktemp("ids")) as store:
        store.write([make_row(number, id=text, path=text) for number, text in enumerate(texts)])
        assert list(store.get(texts)) == texts
        first = store.get(texts[:1])[texts[0]]
        assert first.path == texts[0]
        assert store.delete(path=texts[0]) == 1
        assert ids_of(store) == sorted(texts[1:])
        assert store.delete(ids=texts) == len(texts) - 1


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"wrod": "x"}, "Did you mean 'word'"),
        ({"Word": "x"}, "Did you mean 'word'"),
        ({"word": 3}, "'text'"),
        ({"whole": "3"}, "'whole'"),
        ({"whole": True}, "'whole'"),
        ({"number": False}, "'number'"),
        ({"yes": 1}, "'yes/no'"),
        ({"yes": {"<": True}}, "no order"),
        ({"time": datetime(2020, 1, 1)}, "without a zone"),
        ({"time": date(2020, 1, 1)}, "datetime with a zone"),
        ({"word": {"like": "x"}}, "'starts_with'"),
        ({"whole": {"contains": "x"}}, "compares text with text"),
        ({"whole": {"<": None}}, "Only = and !="),
        ({"whole": {"<": math.nan}}, "Only = and !="),
        ({"whole": {}}, "is empty"),
        ({"whole": (1, 2, 3)}, "needs 2 ends"),
        ({"vector": 1.0}, "only be compared with None"),
        ({"thumbnail": b"x"}, "only be compared with None"),
        ({"word": "\ud800"}, "UTF-8"),
        (5, "mapping of columns"),
        ({3: 4}, "No column '3'"),
    ],
)
def test_what_makes_no_sense_is_refused(where: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        compile_where(where, COLUMNS)


def test_times_of_any_zone_are_the_same_moment() -> None:
    moment = datetime(2020, 1, 1, 12, tzinfo=UTC)
    elsewhere = moment.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert compile_where({"time": elsewhere}, COLUMNS) == compile_where({"time": moment}, COLUMNS)


def test_numpy_scalars_are_values() -> None:
    assert compile_where({"whole": np.int64(3)}, COLUMNS) == compile_where({"whole": 3}, COLUMNS)
    assert compile_where({"number": np.float32(0.5)}, COLUMNS) == compile_where({"number": 0.5}, COLUMNS)


def test_thumbnails_can_be_asked_for_presence(store: LanceStore) -> None:
    store.write([make_row(0, thumbnail=b"\xff")])
    assert ids_of(store, {"thumbnail": {"!=": None}}) == ["row-0"]


def test_no_condition_is_every_row() -> None:
    assert compile_where(None, COLUMNS) is None
    assert compile_where({}, COLUMNS) is None
    assert join_all([None, None]) is None
    assert join_all(["a OR b", None, "c"]) == "(a OR b) AND (c)"


def test_many_values_are_written_in_parts() -> None:
    parts = list(write_any_of("id", [f"{number}'" for number in range(VALUES_AT_ONCE + 1)]))
    assert len(parts) == 2
    assert parts[1] == f"`id` IN ('{VALUES_AT_ONCE}''')"


@pytest.mark.parametrize("values", ["text", [3], ["\udc80"]])
def test_values_that_are_no_texts_are_refused(values: Any) -> None:
    with pytest.raises(InputError):
        list(write_any_of("id", values))
