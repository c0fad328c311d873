"""What metadata may be called, what it may hold, and what type its column gets."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from sensorium.errors import InputError
from sensorium.store.columns import (
    BASE_COLUMNS,
    MAX_METADATA_COLUMNS,
    check_name,
    clean_text,
    clean_value,
    fit,
    new_columns,
)


@pytest.mark.parametrize("name", ["camera", "Größe", "iso_100", "x" * 64, "日付"])
def test_words_may_name_metadata(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("name", ["", "a b", "a.b", "_score", "_rowid", "1st", "x" * 65, "it's", "a`b", "a\x00", 3])
def test_what_sql_cannot_spell_may_not(name: str) -> None:
    with pytest.raises(InputError, match="begins with a letter"):
        check_name(name)


@pytest.mark.parametrize("name", sorted(BASE_COLUMNS))
def test_names_of_columns_are_taken(name: str) -> None:
    with pytest.raises(InputError, match="every row has that column"):
        check_name(name)


def test_values_are_brought_to_one_form() -> None:
    assert clean_value(math.nan, "x") is None
    assert math.copysign(1.0, clean_value(-0.0, "x")) == 1.0
    assert clean_value(np.float32(0.5), "x") == 0.5
    assert type(clean_value(np.int32(3), "x")) is int
    assert clean_value(np.bool_(True), "x") is True
    noon = datetime(2020, 1, 1, 12, tzinfo=timezone(timedelta(hours=1)))
    assert clean_value(noon, "x").isoformat() == "2020-01-01T11:00:00+00:00"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (2**63, "more than 64 bits"),
        (-(2**63) - 1, "more than 64 bits"),
        (datetime(2020, 1, 1), "without a zone"),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))), "years 1 to 9999"),
        ("\ud800", "UTF-8"),
        (b"bytes", "is a bytes"),
        ([1], "is a list"),
    ],
)
def test_values_that_cannot_be_stored_are_named(value: object, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        clean_value(value, "The thing")
    assert "The thing" in str(caught.value)


def test_names_of_files_that_are_not_utf8_are_refused() -> None:
    with pytest.raises(InputError, match="UTF-8"):
        clean_text(b"caf\xe9".decode("utf-8", "surrogateescape"), "The path")


def test_values_fit_their_columns() -> None:
    assert fit(3, "number", "x") == 3.0
    assert type(fit(3, "number", "x")) is float
    assert type(fit(3.0, "whole", "x")) is int
    assert fit(None, "time", "x") is None


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (2.5, "whole"),
        (math.inf, "whole"),
        (2.0**63, "whole"),
        ("3", "whole"),
        (True, "whole"),
        (1, "yes/no"),
        (1, "text"),
    ],
)
def test_values_of_another_type_are_refused(value: object, kind: str) -> None:
    with pytest.raises(InputError, match="as its first value did"):
        fit(value, kind, "The thing")


def test_new_names_get_the_type_of_their_first_value() -> None:
    rows = [("a", {"n": 1, "missing": None}), ("b", {"n": 2.5, "t": "x"}), ("c", {"n": 3})]
    assert new_columns(rows, BASE_COLUMNS) == {"n": "number", "t": "text"}
    assert new_columns(rows, {**BASE_COLUMNS, "n": "whole", "t": "text"}) == {}


def test_names_with_two_types_in_one_call_are_refused() -> None:
    with pytest.raises(InputError, match=r"b: the metadata 'n' is 'x' \(text\), and 'whole'"):
        new_columns([("a", {"n": 1}), ("b", {"n": "x"})], BASE_COLUMNS)


def test_names_do_not_grow_without_end() -> None:
    most = {f"n{number}": 1 for number in range(MAX_METADATA_COLUMNS)}
    assert len(new_columns([("a", most)], BASE_COLUMNS)) == MAX_METADATA_COLUMNS
    with pytest.raises(InputError, match="Put what varies into values"):
        new_columns([("a", {**most, "more": 1})], BASE_COLUMNS)
