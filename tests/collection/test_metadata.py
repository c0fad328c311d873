"""The caller's metadata is checked at once, and survives the manifest."""

from __future__ import annotations

import json
import math
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorium.collection.metadata import check_metadata, digest_metadata, from_plain, to_plain
from sensorium.errors import InputError
from sensorium.store.columns import BASE_COLUMNS, MAX_METADATA_COLUMNS

NOON = datetime(2026, 11, 22, 12, tzinfo=timezone(timedelta(hours=2)))


def test_none_is_nothing() -> None:
    assert check_metadata(None, {}) == {}


def test_values_become_what_is_stored() -> None:
    given = {"a": np.int64(3), "b": float("nan"), "c": NOON, "d": -0.0, "e": np.float32(0.5), "f": True, "g": None}
    checked = check_metadata(given, {})
    assert checked == {"a": 3, "b": None, "c": NOON, "d": 0.0, "e": 0.5, "f": True, "g": None}
    assert type(checked["a"]) is int
    assert math.copysign(1, checked["d"]) == 1
    assert checked["c"].tzinfo is timezone.utc


def test_values_take_the_type_of_their_column() -> None:
    assert type(check_metadata({"x": 3}, {"x": "number"})["x"]) is float
    assert type(check_metadata({"x": 3.0}, {"x": "whole"})["x"]) is int


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ([("a", 1)], "a dict of names and values, got a list"),
        ("a=1", "got a str"),
        ({"a b": 1}, "letters, digits"),
        ({3: 1}, "letters, digits"),
        ({"path": "x"}, "every row has that column"),
        ({"a": [1]}, "'a' is a list"),
        ({"a": np.zeros(2)}, "'a' is a ndarray"),
        ({"a": datetime(2026, 1, 1)}, "without a zone"),
        ({"a": 2**63}, "64 bits"),
        ({"a": "\ud800"}, "no UTF-8 form"),
        ({"width": "wide"}, "'width' is 'wide' .* 'whole'"),
        ({"width": 2.5}, "'width' is 2.5"),
        ({f"n{number}": 1 for number in range(MAX_METADATA_COLUMNS)}, "more than 256 names"),
    ],
)
def test_what_cannot_be_stored_is_refused(metadata: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        check_metadata(metadata, {**BASE_COLUMNS, "width": "whole"})  # type: ignore[arg-type]


_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=True),
    st.text(),
    st.datetimes(timezones=st.just(timezone.utc)),
)
_METADATA = st.dictionaries(st.from_regex(r"u[a-z]{0,5}", fullmatch=True), _VALUES, max_size=4)


@given(_METADATA)
def test_it_survives_a_manifest(metadata: dict[str, object]) -> None:
    checked = check_metadata(metadata, {})
    text = json.dumps(to_plain(checked), allow_nan=False)
    again = from_plain(json.loads(text))
    assert again == checked
    assert {name: type(value) for name, value in again.items()} == {
        name: type(value) for name, value in checked.items()
    }
    assert digest_metadata(again) == digest_metadata(checked)


def test_times_and_infinite_numbers_stand_in_words_of_their_own() -> None:
    plain = to_plain({"a": datetime(2026, 11, 22, 10, tzinfo=timezone.utc), "b": math.inf, "c": -math.inf})
    assert plain == {"a": {"time": "2026-11-22T10:00:00+00:00"}, "b": {"number": "inf"}, "c": {"number": "-inf"}}


def test_a_digest_tells_changes_and_nothing_else() -> None:
    assert digest_metadata({}) == ""
    assert digest_metadata({"a": 1, "b": 2}) == digest_metadata({"b": 2, "a": 1})
    texts = [{"a": 1}, {"a": 2}, {"b": 1}, {"a": "1"}, {"a": True}, {"a": None}, {"a": NOON}, {"a": math.inf}]
    assert len({digest_metadata(one) for one in texts}) == len(texts)
